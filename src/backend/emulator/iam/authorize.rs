//! May a caller do this? The policies of its role are asked, and a refusal is worded as AWS words it.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    inline, malformed,
    policies::Policy as Managed,
    session::{Identity, Session, authenticate},
};
use crate::{
    backend::emulator::{
        ACCOUNT,
        error::ServiceError,
        request::{Call, Service},
    },
    core::{
        iam::{Context, Document, Policy, Verdict, is_allowed},
        stack::Place,
    },
};

/// May the caller of `call` do `action` (`sqs:SendMessage`) on `resource` (an ARN), `now` (seconds since 1970)?
///
/// Unsigned and unknown long-term keys count as the account's root; session credentials are checked
/// against the policies attached to their role. Runs inside the caller's own transaction or snapshot.
///
/// # Errors
/// `AccessDenied`, `ExpiredToken` and `InvalidClientTokenId`, all 403.
pub(crate) fn authorize_at(connection: &Connection, call: &Call, now: i64, action: &str, resource: &str) -> Result<(), ServiceError> {
    match authenticate(connection, call, now)? {
        Identity::Root => Ok(()),
        Identity::Session(session) => session.may(connection, call, now, action, resource),
    }
}

/// One kind of policies, all of which must allow; and what AWS calls it.
struct Layer {
    called: &'static str,
    policies: Vec<(String, Document)>,
}

impl Layer {
    fn one(called: &'static str, text: &str) -> Result<Self, ServiceError> {
        Ok(Self { called, policies: vec![(called.to_owned(), Document::parse(text).map_err(malformed)?)] })
    }

    fn ask(&self, action: &str, resource: &str, context: &Context) -> Verdict {
        let policies: Vec<Policy<'_>> = self.policies.iter().map(|(name, document)| Policy { name, document }).collect();
        is_allowed(&policies, action, resource, context)
    }
}

impl Session {
    /// Whether every layer of policies lets this session do `action`.
    pub(crate) fn may(&self, connection: &Connection, call: &Call, now: i64, action: &str, resource: &str) -> Result<(), ServiceError> {
        let place = Place::new(&call.region, ACCOUNT);
        let context = self.context(call, now, &place);
        for layer in self.layers(connection)? {
            let why = match layer.ask(action, resource, &context) {
                Verdict::Allowed { .. } => continue,
                Verdict::Denied { .. } => format!("with an explicit deny in {}", article(layer.called)),
                Verdict::NotAllowed { .. } => format!("because no {} allows the {} action", layer.called, spelt(action)),
            };
            let code = if call.service == Service::Eks { "AccessDeniedException" } else { "AccessDenied" };
            let who = self.arn(&place);
            let message = format!("User: {who} is not authorized to perform: {} on resource: {resource} {why}", spelt(action));
            return Err(ServiceError::new(code, message).status(403));
        }
        Ok(())
    }

    /// Whether an identity policy explicitly forbids `action`, whatever a resource's own policy says.
    pub(crate) fn is_denied(
        &self,
        connection: &Connection,
        call: &Call,
        now: i64,
        action: &str,
        resource: &str,
    ) -> Result<bool, ServiceError> {
        let context = self.context(call, now, &Place::new(&call.region, ACCOUNT));
        Ok(self.layers(connection)?.iter().any(|layer| matches!(layer.ask(action, resource, &context), Verdict::Denied { .. })))
    }

    fn layers(&self, connection: &Connection) -> Result<Vec<Layer>, ServiceError> {
        let Some(role) = self.role(connection)? else {
            return Ok(vec![Layer { called: "identity-based policy", policies: Vec::new() }]);
        };
        let mut texts = inline::of(connection, &role.id)?;
        for policy in Managed::attached(connection, &role.id)? {
            texts.push((policy.name.clone(), policy.document(connection)?));
        }
        let parsed = texts.into_iter().map(|(name, text)| Ok((name, Document::parse(&text).map_err(malformed)?)));
        let mut layers = vec![Layer { called: "identity-based policy", policies: parsed.collect::<Result<_, ServiceError>>()? }];
        if let Some(boundary) = role.boundary(connection)? {
            layers.push(Layer::one("permissions boundary", &boundary)?);
        }
        if let Some(policy) = &self.policy {
            layers.push(Layer::one("session policy", policy)?);
        }
        Ok(layers)
    }

    /// What conditions may ask about a request of this session.
    pub(crate) fn context(&self, call: &Call, now: i64, place: &Place) -> Context {
        let time = Timestamp::from_second(now).unwrap_or_default();
        let context = Context::new()
            .with("aws:CurrentTime", time.to_string())
            .with("aws:EpochTime", now.to_string())
            .with("aws:PrincipalAccount", &place.account)
            .with("aws:PrincipalArn", place.iam_arn(&format!("role/{}", self.role_name)))
            .with("aws:PrincipalType", "AssumedRole")
            .with("aws:RequestedRegion", &call.region)
            .with("aws:SecureTransport", call.origin.starts_with("https://").to_string())
            .with("aws:SourceIp", "127.0.0.1")
            .with("aws:userid", self.user_id());
        self.tags.iter().fold(context, |context, (key, value)| context.with(&format!("aws:PrincipalTag/{key}"), value))
    }
}

/// SQS writes its actions in lower case when it refuses.
fn spelt(action: &str) -> String {
    if action.starts_with("sqs:") { action.to_ascii_lowercase() } else { action.to_owned() }
}

fn article(noun: &str) -> String {
    format!("{} {noun}", if noun.starts_with('i') { "an" } else { "a" })
}
