//! Who calls: the account's root, or a session of a role.

use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

use super::{keys, roles::Role, users::User};
use crate::{
    backend::emulator::{error::ServiceError, request::Call},
    core::stack::Place,
};

/// How long an expired session is remembered, so that it is called expired and not unknown. In seconds.
const REMEMBERED: i64 = 86_400;

/// A caller.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// Unsigned, or signed with a long-term key that was not issued here: the account's root.
    Root,
    /// A long-term key of a user.
    User(User),
    /// Temporary credentials that STS issued.
    Session(Session),
}

/// Temporary credentials of a role. The secret key is not kept, the token only as its digest.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    pub(crate) access_key: String,
    /// The role's unique id and name at the time.
    pub(crate) role: String,
    pub(crate) role_name: String,
    /// The session's name.
    pub(crate) name: String,
    /// What the session may do at most, where its caller said so.
    pub(crate) policy: Option<String>,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) expires: i64,
}

impl Identity {
    /// As `GetCallerIdentity` names it.
    pub(crate) fn arn(&self, place: &Place) -> String {
        match self {
            Self::Root => place.iam_arn("root"),
            Self::User(user) => user.arn(place),
            Self::Session(session) => session.arn(place),
        }
    }

    /// The account's number, `AIDA..`, or `AROA..:SESSION`.
    pub(crate) fn user_id(&self, place: &Place) -> String {
        match self {
            Self::Root => place.account.clone(),
            Self::User(user) => user.id.clone(),
            Self::Session(session) => session.user_id(),
        }
    }
}

impl Session {
    /// `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    pub(crate) fn arn(&self, place: &Place) -> String {
        format!("arn:{}:sts::{}:assumed-role/{}/{}", place.partition, place.account, self.role_name, self.name)
    }

    /// `AROA..:SESSION`.
    pub(crate) fn user_id(&self) -> String {
        format!("{}:{}", self.role, self.name)
    }

    /// Keeps the session and forgets those that ended long ago.
    pub(crate) fn store(&self, connection: &Connection, token: &str, now: i64) -> Result<(), ServiceError> {
        connection.execute("DELETE FROM sts_session WHERE expires < ?1", [now - REMEMBERED])?;
        let tags = serde_json::to_string(&self.tags).unwrap_or_default();
        connection.execute(
            "INSERT INTO sts_session (access_key, token_digest, role, role_name, name, policy, tags, issued, expires)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![self.access_key, digest(token), self.role, self.role_name, self.name, self.policy, tags, now, self.expires],
        )?;
        Ok(())
    }

    /// The role, if it still is the one that was assumed.
    pub(crate) fn role(&self, connection: &Connection) -> Result<Option<Role>, ServiceError> {
        Role::by_id(connection, &self.role)
    }
}

/// Who signed `call`?
///
/// # Errors
/// `InvalidClientTokenId` and `ExpiredToken`, both 403.
pub(crate) fn authenticate(connection: &Connection, call: &Call, now: i64) -> Result<Identity, ServiceError> {
    let Some(key) = call.access_key.as_deref() else { return Ok(Identity::Root) };
    if !key.starts_with("ASIA") {
        return Ok(keys::owner(connection, key)?.map_or(Identity::Root, Identity::User));
    }
    let invalid = || ServiceError::new("InvalidClientTokenId", "The security token included in the request is invalid.").status(403);
    let sql = "SELECT token_digest, role, role_name, name, policy, tags, expires FROM sts_session WHERE access_key = ?1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([key], |row| {
            let tags: String = row.get(5)?;
            let session = Session {
                access_key: key.to_owned(),
                role: row.get(1)?,
                role_name: row.get(2)?,
                name: row.get(3)?,
                policy: row.get(4)?,
                tags: serde_json::from_str(&tags).unwrap_or_default(),
                expires: row.get(6)?,
            };
            Ok((row.get::<_, Vec<u8>>(0)?, session))
        })
        .optional()?;
    let (kept, session) = found.ok_or_else(invalid)?;
    if call.session_token.as_deref().is_none_or(|token| digest(token) != kept) {
        return Err(invalid());
    }
    if session.expires <= now {
        return Err(ServiceError::new("ExpiredToken", "The security token included in the request is expired").status(403));
    }
    Ok(Identity::Session(session))
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
