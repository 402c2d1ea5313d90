//! Temporary credentials: their limits, their making, and how they are written.

use rusqlite::Connection;

use crate::{
    backend::emulator::{
        error::ServiceError,
        iam::{Ask, Role, SESSION_NAME, Session, Xml, date, invalid, mark_used, secret, unique_id, violated, violations},
    },
    core::iam::Document,
};

/// Every token begins so, and clients may rely on its length being below 4096.
const TOKEN_START: &str = "FQoGZXIvYXdzE";
const TOKEN_LENGTH: usize = 356;

/// What a caller asks for, checked.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) role_arn: &'a str,
    pub(super) session_name: &'a str,
    duration: Option<i64>,
    policy: Option<&'a str>,
}

impl<'a> Wanted<'a> {
    pub(super) fn read(ask: &'a Ask) -> Result<Self, ServiceError> {
        let role_arn = ask.required("RoleArn")?;
        let session_name = ask.required("RoleSessionName")?;
        let mut broken = Vec::new();
        if role_arn.len() < 20 {
            broken.push(violated(role_arn, "roleArn", "Member must have length greater than or equal to 20"));
        }
        if session_name.len() < 2 {
            broken.push(violated(session_name, "roleSessionName", "Member must have length greater than or equal to 2"));
        } else if let Some(constraint) = SESSION_NAME.broken_by(session_name) {
            broken.push(violated(session_name, "roleSessionName", &constraint));
        }
        if !broken.is_empty() {
            return Err(violations(&broken));
        }
        if !role_arn.starts_with("arn:") || !role_arn.contains(":role/") {
            return Err(invalid(format!("{role_arn} is invalid")));
        }
        if ask.optional("PolicyArns.member.1.arn").is_some() {
            return Err(invalid("PolicyArns is not supported by the embedded service; pass a session Policy"));
        }
        let policy = ask.optional("Policy");
        if let Some(policy) = policy {
            Document::session(policy).map_err(|fault| ServiceError::new("MalformedPolicyDocument", fault.message))?;
        }
        Ok(Self { role_arn, session_name, duration: ask.number("DurationSeconds", 900..=43200)?, policy })
    }

    /// Makes and keeps the session. `longest` further limits it, with what to say when it is exceeded.
    pub(super) fn issue(
        &self,
        connection: &Connection,
        ask: &Ask,
        role: &Role,
        longest: Option<(i64, &str)>,
        tags: &[(&str, &str)],
    ) -> Result<Issued, ServiceError> {
        let duration = self.duration.unwrap_or(3600);
        match longest {
            Some((limit, message)) if duration > limit => return Err(invalid(message)),
            _ if duration > role.max_session => {
                return Err(invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role."));
            }
            _ => {}
        }
        let session = Session {
            access_key: unique_id("ASIA")?,
            role: role.id.clone(),
            role_name: role.name.clone(),
            name: self.session_name.to_owned(),
            policy: self.policy.map(str::to_owned),
            tags: tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
            expires: ask.now + duration,
        };
        let token = TOKEN_START.to_owned() + &secret(TOKEN_LENGTH - TOKEN_START.len())?;
        session.store(connection, &token, ask.now)?;
        mark_used(connection, &role.id, ask.now, &ask.place.region)?;
        Ok(Issued { session, secret: secret(40)?, token })
    }
}

/// A session with what only its caller gets to see. Not `Debug`: it holds secrets.
pub(super) struct Issued {
    session: Session,
    secret: String,
    token: String,
}

impl Issued {
    /// `AssumedRoleUser` and `Credentials`.
    pub(super) fn write(&self, xml: &mut Xml, ask: &Ask) {
        xml.node("AssumedRoleUser", |xml| {
            xml.text("AssumedRoleId", self.session.user_id()).text("Arn", self.session.arn(&ask.place));
        });
        xml.node("Credentials", |xml| {
            xml.text("AccessKeyId", &self.session.access_key)
                .text("SecretAccessKey", &self.secret)
                .text("SessionToken", &self.token)
                .text("Expiration", date(self.session.expires));
        });
    }
}
