//! `AssumeRole`: the role's trust policy and the caller's own policies both have a say.

use rusqlite::Connection;

use super::credentials::Wanted;
use crate::{
    backend::emulator::{
        ACCOUNT,
        error::ServiceError,
        iam::{Act, Ask, Identity, Role, Xml, authenticate, parse_stored, tagging},
    },
    core::iam::{Caller, Context, Document, Verdict, trust_allows},
};

const CHAINED: (i64, &str) = (3600, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining");

pub(super) fn assume_role(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let caller = authenticate(connection, &ask.call, ask.now)?;
    let wanted = Wanted::read(ask)?;
    let tags = tagging::checked(ask)?;
    let role = Role::by_arn(connection, wanted.role_arn, ACCOUNT)?.ok_or_else(|| refusal(&caller, ask, "sts:AssumeRole"))?;
    let trust = parse_stored(&role.trust)?;
    let request = Request { connection, ask, caller: &caller, trust: &trust, context: context(&caller, ask, wanted.session_name, &tags) };
    request.check("sts:AssumeRole")?;
    if !tags.is_empty() {
        request.check("sts:TagSession")?;
    }
    let longest = matches!(caller, Identity::Session(_)).then_some(CHAINED);
    let issued = wanted.issue(connection, ask, &role, longest, &tags)?;
    let mut xml = Xml::default();
    issued.write(&mut xml, ask);
    if let Some(policy) = ask.optional("Policy") {
        // A percentage of a packed size whose limit AWS does not publish; 2048 plain characters are its nearest.
        xml.text("PackedPolicySize", (policy.len() * 100 / 2048).to_string());
    }
    Ok(xml)
}

struct Request<'a> {
    connection: &'a Connection,
    ask: &'a Ask,
    caller: &'a Identity,
    trust: &'a Document,
    context: Context,
}

impl Request<'_> {
    /// A trust policy that names the caller itself suffices, unless the caller's policies deny;
    /// one that names the account leaves it to the caller's policies.
    fn check(&self, action: &str) -> Result<(), ServiceError> {
        let Self { connection, ask, .. } = self;
        let root = ask.place.iam_arn("root");
        let account = [root.as_str(), ACCOUNT];
        let resource = ask.required("RoleArn")?;
        let refused = || Err(refusal(self.caller, ask, action));
        let caller = self.caller;
        let id = match caller {
            Identity::Root => return if self.verdict(&account, action).is_allowed() { Ok(()) } else { refused() },
            Identity::User(user) => user.id.as_str(),
            Identity::Session(session) => session.role.as_str(),
        };
        let arn = caller.arn(&ask.place);
        let own = [id, arn.as_str()];
        if matches!(self.verdict(&[&own[..], &account[..]].concat(), action), Verdict::Denied { .. }) {
            return refused();
        }
        if self.verdict(&own, action).is_allowed() {
            return if caller.is_denied(connection, &ask.call, ask.now, action, resource)? { refused() } else { Ok(()) };
        }
        if self.verdict(&account, action).is_allowed() {
            caller.may(connection, &ask.call, ask.now, Act::new(action, resource))
        } else {
            refused()
        }
    }

    fn verdict(&self, names: &[&str], action: &str) -> Verdict {
        trust_allows(self.trust, Caller::Aws(names), action, &self.context)
    }
}

fn context(caller: &Identity, ask: &Ask, session_name: &str, tags: &[(&str, &str)]) -> Context {
    let base = match caller {
        Identity::Root => Context::new().with("aws:PrincipalAccount", ACCOUNT).with("aws:PrincipalArn", ask.place.iam_arn("root")),
        Identity::User(_) | Identity::Session(_) => caller.context(&ask.call, ask.now, &ask.place),
    };
    let context = base.with("sts:RoleSessionName", session_name);
    let context = match ask.optional("ExternalId") {
        Some(id) => context.with("sts:ExternalId", id),
        None => context,
    };
    tags.iter().fold(context, |context, (key, value)| context.with(&format!("aws:RequestTag/{key}"), *value).with("aws:TagKeys", *key))
}

fn refusal(caller: &Identity, ask: &Ask, action: &str) -> ServiceError {
    let who = caller.arn(&ask.place);
    let resource = ask.optional("RoleArn").unwrap_or_default();
    let message = format!("User: {who} is not authorized to perform: {action} on resource: {resource}");
    ServiceError::new("AccessDenied", message).status(403)
}
