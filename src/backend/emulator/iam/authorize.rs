//! May a caller do this? The policies of its role or user are asked, and a refusal is worded as AWS words it.

use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    inline, malformed,
    policies::Policy as Managed,
    session::{Identity, authenticate},
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
/// Unsigned and unknown long-term keys count as the account's root; users and sessions are checked
/// against the policies attached to the user or the role. Runs inside the caller's own transaction or snapshot.
///
/// # Errors
/// `AccessDenied`, `ExpiredToken` and `InvalidClientTokenId`, all 403.
pub(crate) fn authorize_at(connection: &Connection, call: &Call, now: i64, action: &str, resource: &str) -> Result<(), ServiceError> {
    authenticate(connection, call, now)?.may(connection, call, now, Act::new(action, resource))
}

/// What a caller wants to do, and what conditions may ask about it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act<'a> {
    /// The action (`sqs:SendMessage`).
    pub(crate) action: &'a str,
    /// An ARN, or `*` where the service has no resources.
    pub(crate) resource: &'a str,
    /// The service's own condition keys, with their values.
    pub(crate) keys: &'a [(&'a str, &'a str)],
}

impl<'a> Act<'a> {
    /// An action without condition keys of its own.
    pub(crate) fn new(action: &'a str, resource: &'a str) -> Self {
        Self { action, resource, keys: &[] }
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

impl Identity {
    /// Whether every layer of policies lets this caller do `act`.
    pub(crate) fn may(&self, connection: &Connection, call: &Call, now: i64, act: Act<'_>) -> Result<(), ServiceError> {
        let Act { action, resource, keys } = act;
        let place = Place::new(&call.region, ACCOUNT);
        let context = keys.iter().fold(self.context(call, now, &place), |context, (key, value)| context.with(key, *value));
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
        let (entity, boundary, session) = match self {
            Self::Root => return Ok(Vec::new()),
            Self::User(user) => (user.id.as_str(), user.boundary(connection)?, None),
            Self::Session(session) => {
                let Some(role) = session.role(connection)? else {
                    return Ok(vec![Layer { called: "identity-based policy", policies: Vec::new() }]);
                };
                (session.role.as_str(), role.boundary(connection)?, session.policy.as_ref())
            }
        };
        let mut texts = inline::of(connection, entity)?;
        for policy in Managed::attached(connection, entity)? {
            texts.push((policy.name.clone(), policy.document(connection)?));
        }
        let parsed = texts.into_iter().map(|(name, text)| Ok((name, Document::parse(&text).map_err(malformed)?)));
        let mut layers = vec![Layer { called: "identity-based policy", policies: parsed.collect::<Result<_, ServiceError>>()? }];
        if let Some(boundary) = boundary {
            layers.push(Layer::one("permissions boundary", &boundary)?);
        }
        if let Some(policy) = session {
            layers.push(Layer::one("session policy", policy)?);
        }
        Ok(layers)
    }

    /// What conditions may ask about a request of this caller.
    pub(crate) fn context(&self, call: &Call, now: i64, place: &Place) -> Context {
        let time = Timestamp::from_second(now).unwrap_or_default();
        let context = Context::new()
            .with("aws:CurrentTime", time.to_string())
            .with("aws:EpochTime", now.to_string())
            .with("aws:PrincipalAccount", &place.account)
            .with("aws:RequestedRegion", &call.region)
            .with("aws:SecureTransport", call.origin.starts_with("https://").to_string())
            .with("aws:SourceIp", "127.0.0.1")
            .with("aws:userid", self.user_id(place));
        match self {
            Self::Root => context.with("aws:PrincipalArn", self.arn(place)).with("aws:PrincipalType", "Account"),
            Self::User(user) => {
                let context = context.with("aws:PrincipalArn", self.arn(place)).with("aws:PrincipalType", "User");
                context.with("aws:username", &user.name)
            }
            Self::Session(session) => {
                let role = place.iam_arn(&format!("role/{}", session.role_name));
                let context = context.with("aws:PrincipalArn", role).with("aws:PrincipalType", "AssumedRole");
                session.tags.iter().fold(context, |context, (key, value)| context.with(&format!("aws:PrincipalTag/{key}"), value))
            }
        }
    }
}

/// SQS writes its actions in lower case when it refuses.
fn spelt(action: &str) -> String {
    if action.starts_with("sqs:") { action.to_ascii_lowercase() } else { action.to_owned() }
}

fn article(noun: &str) -> String {
    format!("{} {noun}", if noun.starts_with('i') { "an" } else { "a" })
}
