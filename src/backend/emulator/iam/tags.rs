//! Tags of roles, policies, providers and clusters.

use std::collections::HashSet;

use rusqlite::{Connection, params};

use super::{
    ask::{Ask, Rule, violated, violations},
    xml::Xml,
};
use crate::backend::emulator::error::ServiceError;

/// Most tags of one object.
const LIMIT: usize = 50;
const KEY: Rule = Rule {
    longest: 128,
    allowed: |c| c.is_alphanumeric() || c.is_whitespace() || "_.:/=+-@".contains(c),
    pattern: "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+",
};
const VALUE: Rule = Rule { longest: 256, pattern: "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", ..KEY };

/// The tags of the object with the id `owner`, in the order in which they were set.
pub(crate) fn of(connection: &Connection, owner: &str) -> Result<Vec<(String, String)>, ServiceError> {
    let mut query = connection.prepare_cached("SELECT key, value FROM iam_tag WHERE owner = ?1 ORDER BY rowid")?;
    let rows = query.query_map([owner], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Sets `tags`, which [`checked`] has passed.
pub(crate) fn set(connection: &Connection, owner: &str, tags: &[(&str, &str)]) -> Result<(), ServiceError> {
    let sql =
        "INSERT INTO iam_tag (owner, key, value) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET key = excluded.key, value = excluded.value";
    let mut insert = connection.prepare_cached(sql)?;
    for (key, value) in tags {
        insert.execute(params![owner, key, value])?;
    }
    Ok(())
}

/// Removes `keys`; those that are not there are no fault.
pub(crate) fn unset(connection: &Connection, owner: &str, keys: &[&str]) -> Result<(), ServiceError> {
    let mut delete = connection.prepare_cached("DELETE FROM iam_tag WHERE owner = ?1 AND key = ?2")?;
    for key in keys {
        delete.execute(params![owner, key])?;
    }
    Ok(())
}

/// Removes all tags of `owner`.
pub(crate) fn clear(connection: &Connection, owner: &str) -> Result<(), ServiceError> {
    connection.execute("DELETE FROM iam_tag WHERE owner = ?1", [owner])?;
    Ok(())
}

/// The call's `Tags`, refused as IAM refuses them; none when it has none.
pub(crate) fn checked(ask: &Ask) -> Result<Vec<(&str, &str)>, ServiceError> {
    let tags = ask.pairs("Tags").unwrap_or_default();
    if tags.len() > LIMIT {
        let constraint = format!("Member must have length less than or equal to {LIMIT}.");
        return Err(violations(&[violated("tags", "tags", &constraint)]));
    }
    let mut broken = Vec::new();
    for (index, (key, value)) in tags.iter().enumerate() {
        let at = |part: &str| format!("tags.{}.member.{part}", index + 1);
        broken.extend(KEY.broken_by(key).map(|constraint| violated(key, &at("key"), &format!("{constraint}."))));
        if !value.is_empty() {
            broken.extend(VALUE.broken_by(value).map(|constraint| violated(value, &at("value"), &format!("{constraint}."))));
        }
    }
    if !broken.is_empty() {
        return Err(violations(&broken));
    }
    let mut seen = HashSet::new();
    if tags.iter().all(|(key, _)| seen.insert(key.to_lowercase())) {
        return Ok(tags);
    }
    Err(ServiceError::new("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive."))
}

/// Sets the call's tags on `owner`.
pub(super) fn tag(connection: &Connection, ask: &Ask, owner: &str) -> Result<(), ServiceError> {
    let tags = checked(ask)?;
    set(connection, owner, &tags)?;
    if of(connection, owner)?.len() > LIMIT {
        let message = format!("The number of tags has reached the maximum limit: {LIMIT}");
        return Err(ServiceError::new("LimitExceeded", message).status(409));
    }
    Ok(())
}

/// Removes the call's `TagKeys` from `owner`.
pub(super) fn untag(connection: &Connection, ask: &Ask, owner: &str) -> Result<(), ServiceError> {
    let keys = ask.list("TagKeys").unwrap_or_default();
    if keys.len() > LIMIT {
        let constraint = format!("Member must have length less than or equal to {LIMIT}.");
        return Err(violations(&[violated("tagKeys", "tagKeys", &constraint)]));
    }
    let at = |index: usize| format!("tagKeys.{}.member", index + 1);
    let fault = |(index, key): (usize, &&str)| KEY.broken_by(key).map(|constraint| violated(key, &at(index), &format!("{constraint}.")));
    let broken: Vec<String> = keys.iter().enumerate().filter_map(fault).collect();
    if broken.is_empty() { unset(connection, owner, &keys) } else { Err(violations(&broken)) }
}

/// The page of `owner`'s tags that the call asks for.
pub(super) fn list(connection: &Connection, ask: &Ask, owner: &str) -> Result<Xml, ServiceError> {
    let mut xml = Xml::default();
    ask.page(of(connection, owner)?)?.write(&mut xml, "Tags", write_one);
    Ok(xml)
}

/// `<Tags>` with all of `tags`.
pub(super) fn write(xml: &mut Xml, tags: Vec<(String, String)>) {
    xml.list("Tags", tags, write_one);
}

fn write_one(xml: &mut Xml, (key, value): (String, String)) {
    xml.text("Key", key).text("Value", value);
}
