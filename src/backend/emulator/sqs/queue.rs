//! Queues: making, finding, listing, emptying and deleting them.

use std::collections::BTreeMap;

use base64::{Engine, prelude::BASE64_URL_SAFE};
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    attributes, error, policy,
    session::Session,
    tag,
    wire::{Number, number_or_text},
};
use crate::{
    backend::emulator::{ACCOUNT, NameReuse, error::ServiceError},
    core::stack::Place,
};

/// Time between two purges, and before a deleted queue's name may be used again, in milliseconds.
const MINUTE: i64 = 60 * 1000;

/// How the names of FIFO queues end.
const FIFO: &str = ".fifo";

/// A queue as it is stored.
#[derive(Debug, Clone)]
pub(super) struct Queue {
    /// Its row.
    pub(super) id: i64,
    /// Its name.
    pub(super) name: String,
    /// Its ARN.
    pub(super) arn: String,
    /// The attributes that were set; the rest have AWS's defaults.
    pub(super) attributes: BTreeMap<String, String>,
    /// When it was made, in milliseconds since 1970.
    pub(super) created: i64,
    /// When its attributes were last set.
    pub(super) modified: i64,
    purged: i64,
}

impl Queue {
    /// The queue called `name` in `region`, if it exists.
    pub(super) fn find(connection: &Connection, region: &str, name: &str) -> Result<Option<Self>, ServiceError> {
        let row = connection
            .prepare_cached("SELECT id, attributes, created, modified, purged FROM queues WHERE region = ?1 AND name = ?2")?
            .query_row((region, name), |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?, row.get(3)?, row.get(4)?)))
            .optional()?;
        let Some((id, text, created, modified, purged)) = row else { return Ok(None) };
        let attributes = serde_json::from_str(&text).map_err(error::unreadable)?;
        let arn = Place::new(region, ACCOUNT).queue_arn(name);
        Ok(Some(Self { id, name: name.to_owned(), arn, attributes, created, modified, purged }))
    }

    /// The queue with this ARN, if it exists.
    pub(super) fn by_arn(connection: &Connection, arn: &str) -> Result<Option<Self>, ServiceError> {
        let [_, _, "sqs", region, ACCOUNT, name] = arn.split(':').collect::<Vec<_>>()[..] else { return Ok(None) };
        Self::find(connection, region, name)
    }

    /// All queues of `region` whose name begins with `prefix`, behind `after`, in order.
    pub(super) fn names(connection: &Connection, region: &str, prefix: &str, after: &str) -> Result<Vec<String>, ServiceError> {
        let mut names = connection.prepare_cached("SELECT name FROM queues WHERE region = ?1 AND name > ?2 ORDER BY name")?;
        let names = names.query_map((region, after), |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
        Ok(names.into_iter().filter(|name| name.starts_with(prefix)).collect())
    }

    /// Queues whose redrive policy names `arn`.
    pub(super) fn sources_of(session: &Session<'_>, arn: &str) -> Result<Vec<Self>, ServiceError> {
        let mut sources = Vec::new();
        for name in Self::names(session.connection, &session.call.region, "", "")? {
            let queue = Self::find(session.connection, &session.call.region, &name)?;
            sources.extend(queue.filter(|queue| policy::Redrive::of(queue).is_some_and(|redrive| redrive.target == arn)));
        }
        Ok(sources)
    }

    /// Whether it keeps the order of its groups.
    pub(super) fn is_fifo(&self) -> bool {
        self.name.strip_suffix(FIFO).is_some()
    }

    /// Whether equal bodies are taken for the same message.
    pub(super) fn deduplicates_by_content(&self) -> bool {
        self.text("ContentBasedDeduplication") == "true"
    }

    /// Whether each group has its own deduplication ids.
    pub(super) fn deduplicates_by_group(&self) -> bool {
        self.text("DeduplicationScope") == "messageGroup"
    }

    /// Delay of new messages, in seconds.
    pub(super) fn delay(&self) -> i64 {
        self.number("DelaySeconds")
    }

    /// How long a received message is hidden, in seconds.
    pub(super) fn visibility_timeout(&self) -> i64 {
        self.number("VisibilityTimeout")
    }

    /// How long a receive waits that does not say so itself, in seconds.
    pub(super) fn wait_time(&self) -> i64 {
        self.number("ReceiveMessageWaitTimeSeconds")
    }

    /// Largest message, in bytes.
    pub(super) fn maximum_message_size(&self) -> usize {
        self.number("MaximumMessageSize").unsigned_abs().try_into().unwrap_or(usize::MAX)
    }

    /// Messages sent at this time or before have expired.
    pub(super) fn oldest(&self, now: i64) -> i64 {
        now - self.number("MessageRetentionPeriod") * 1000
    }

    fn text(&self, name: &str) -> &str {
        self.attributes.get(name).map(String::as_str).or_else(|| attributes::default_of(name)).unwrap_or_default()
    }

    fn number(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// Writes its attributes.
    pub(super) fn save(&self, session: &Session<'_>) -> Result<(), ServiceError> {
        let text = serde_json::to_string(&self.attributes).map_err(error::unreadable)?;
        session.connection.prepare_cached("UPDATE queues SET attributes = ?1, modified = ?2 WHERE id = ?3")?.execute((
            text,
            session.now,
            self.id,
        ))?;
        Ok(())
    }
}

/// `CreateQueue`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Create {
    queue_name: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, String>,
    #[serde(default, alias = "tags")]
    tags: BTreeMap<String, String>,
}

/// Makes a queue; one that exists already is fine when it has the attributes asked for.
pub(super) fn create(session: &Session<'_>, input: Create) -> Result<Value, ServiceError> {
    let name = input.queue_name.ok_or_else(|| error::missing("QueueName"))?;
    session.authorize("sqs:CreateQueue", &name)?;
    check_name(&name, input.attributes.get("FifoQueue").is_some_and(|fifo| fifo == "true"))?;
    let answer = json!({ "QueueUrl": session.url(&name) });
    if let Some(queue) = Queue::find(session.connection, &session.call.region, &name)? {
        let differs = |(attribute, value): &(&String, &String)| !attributes::is_same(attribute, queue.text(attribute), value);
        return match input.attributes.iter().find(differs) {
            Some((attribute, _)) => Err(error::queue_exists(attribute)),
            None => Ok(answer),
        };
    }
    if session.reuse == NameReuse::AfterAMinute {
        let recently = session
            .connection
            .prepare_cached("SELECT 1 FROM deleted_queues WHERE region = ?1 AND name = ?2 AND at > ?3")?
            .exists((&session.call.region, &name, session.now - MINUTE))?;
        if recently {
            return Err(error::deleted_recently());
        }
    }
    session
        .connection
        .prepare_cached("INSERT INTO queues (region, name, attributes, created, modified) VALUES (?1, ?2, '{}', ?3, ?3)")?
        .execute((&session.call.region, &name, session.now))?;
    let mut queue = Queue::find(session.connection, &session.call.region, &name)?.ok_or_else(error::no_such_queue)?;
    attributes::merge(session, &mut queue, input.attributes)?;
    queue.save(session)?;
    if !input.tags.is_empty() {
        tag::put(session, &queue, &input.tags)?;
    }
    Ok(answer)
}

fn check_name(name: &str, fifo: bool) -> Result<(), ServiceError> {
    let stem = name.strip_suffix(FIFO).filter(|_| fifo).unwrap_or(name);
    let legal = name.len() <= 80 && !stem.is_empty() && stem.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    match (legal, fifo, name.strip_suffix(FIFO).is_some()) {
        (true, false, false) | (true, true, true) => Ok(()),
        (_, true, _) => Err(error::invalid(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with .fifo suffix and be 1 to 80 in length",
        )),
        (_, false, _) => Err(error::invalid("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")),
    }
}

/// An action that needs the queue's URL only.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Named {
    queue_url: Option<String>,
}

/// Deletes a queue and its messages.
pub(super) fn delete(session: &Session<'_>, input: Named) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:DeleteQueue")?;
    session.connection.prepare_cached("DELETE FROM queues WHERE id = ?1")?.execute([queue.id])?;
    session.connection.prepare_cached("INSERT OR REPLACE INTO deleted_queues (region, name, at) VALUES (?1, ?2, ?3)")?.execute((
        &session.call.region,
        &queue.name,
        session.now,
    ))?;
    session.connection.prepare_cached("DELETE FROM deleted_queues WHERE at <= ?1")?.execute([session.now - MINUTE])?;
    Ok(json!({}))
}

/// Deletes all messages, those in flight too; once a minute.
pub(super) fn purge(session: &Session<'_>, input: Named) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:PurgeQueue")?;
    if queue.purged > session.now - MINUTE {
        return Err(error::purge_in_progress(&queue.name));
    }
    session.connection.prepare_cached("DELETE FROM messages WHERE queue = ?1")?.execute([queue.id])?;
    session.connection.prepare_cached("UPDATE queues SET purged = ?1 WHERE id = ?2")?.execute((session.now, queue.id))?;
    Ok(json!({}))
}

/// `GetQueueUrl`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct GetUrl {
    queue_name: Option<String>,
    #[serde(rename = "QueueOwnerAWSAccountId")]
    owner: Option<String>,
}

/// The URL of a queue.
pub(super) fn url(session: &Session<'_>, input: GetUrl) -> Result<Value, ServiceError> {
    let name = input.queue_name.filter(|name| !name.is_empty()).ok_or_else(|| error::missing("QueueName"))?;
    session.authorize("sqs:GetQueueUrl", &name)?;
    let foreign = input.owner.is_some_and(|owner| owner != ACCOUNT);
    match Queue::find(session.connection, &session.call.region, &name)? {
        Some(queue) if !foreign => Ok(json!({ "QueueUrl": session.url(&queue.name) })),
        _ => Err(error::no_such_queue()),
    }
}

/// `ListQueues` and `ListDeadLetterSourceQueues`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct List {
    queue_url: Option<String>,
    queue_name_prefix: Option<String>,
    #[serde(default, deserialize_with = "number_or_text")]
    max_results: Option<Number>,
    next_token: Option<String>,
}

/// The URLs of the region's queues.
pub(super) fn list(session: &Session<'_>, input: List) -> Result<Value, ServiceError> {
    session.authorize("sqs:ListQueues", "*")?;
    let after = after(input.next_token.as_deref())?;
    let names = Queue::names(session.connection, &session.call.region, input.queue_name_prefix.as_deref().unwrap_or_default(), &after)?;
    page(session, names, input.max_results, "QueueUrls")
}

/// The URLs of the queues that a dead-letter queue serves.
pub(super) fn list_sources(session: &Session<'_>, input: List) -> Result<Value, ServiceError> {
    let queue = session.open(input.queue_url.as_deref(), "sqs:ListDeadLetterSourceQueues")?;
    let after = after(input.next_token.as_deref())?;
    let names = Queue::sources_of(session, &queue.arn)?.into_iter().map(|queue| queue.name).filter(|name| *name > after).collect();
    page(session, names, input.max_results, "queueUrls")
}

/// The name behind which a page begins.
fn after(token: Option<&str>) -> Result<String, ServiceError> {
    let Some(token) = token else { return Ok(String::new()) };
    let name = BASE64_URL_SAFE.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| error::invalid("Invalid or expired next token."))
}

/// One page; a token for the next only where a page size was asked for.
fn page(session: &Session<'_>, mut names: Vec<String>, most: Option<Number>, field: &str) -> Result<Value, ServiceError> {
    let most = match most {
        Some(Number(most)) if !(1..=1000).contains(&most) => {
            return Err(error::invalid_value(most, "MaxResults", "MaxResults must be an integer between 1 and 1000."));
        }
        Some(Number(most)) => Some(usize::try_from(most).unwrap_or(1000)),
        None => None,
    };
    let more = names.len() > most.unwrap_or(usize::MAX);
    names.truncate(most.unwrap_or(1000));
    let mut answer = json!({});
    if more && let Some(last) = names.last() {
        answer["NextToken"] = BASE64_URL_SAFE.encode(last).into();
    }
    if !names.is_empty() {
        answer[field] = names.iter().map(|name| session.url(name)).collect();
    }
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifo_queue_is_one_by_name_and_by_attribute() {
        assert!(check_name("a-b_1", false).is_ok() && check_name("a.fifo", true).is_ok());
        for (name, fifo) in [("a.fifo", false), ("a", true), ("", false), (".fifo", true), ("a b", false)] {
            assert!(check_name(name, fifo).is_err(), "{name} {fifo}");
        }
        assert!(check_name(&"a".repeat(80), false).is_ok() && check_name(&"a".repeat(81), false).is_err());
    }
}
