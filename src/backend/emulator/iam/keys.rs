//! Access keys of users. One that was issued here is remembered after its deletion, so that it never counts as root's.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    ask::{Ask, violated, violations},
    limit_exceeded, no_such_entity, secret, unique_id,
    users::User,
    xml::{Xml, date},
};
use crate::backend::emulator::error::ServiceError;

/// Most keys of one user.
const LIMIT: usize = 2;
const ACTIVE: &str = "Active";
const DELETED: &str = "Deleted";

/// One key, without its secret: that is shown once, and not kept.
#[derive(Debug, Clone)]
pub(super) struct Key {
    id: String,
    status: String,
    created: i64,
}

/// A user's keys, the oldest first.
pub(super) fn of(connection: &Connection, user: &str) -> Result<Vec<Key>, ServiceError> {
    let sql = "SELECT id, status, created FROM iam_access_key WHERE user = ?1 AND status != ?2 ORDER BY created, rowid";
    let mut query = connection.prepare_cached(sql)?;
    let rows = query.query_map([user, DELETED], |row| Ok(Key { id: row.get(0)?, status: row.get(1)?, created: row.get(2)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The user who signs with the key `id`: `None` when no such key was ever issued here.
///
/// # Errors
/// `InvalidClientTokenId` when it is inactive or deleted.
pub(super) fn owner(connection: &Connection, id: &str) -> Result<Option<User>, ServiceError> {
    let sql = "SELECT user, status FROM iam_access_key WHERE id = ?1";
    let found: Option<(String, String)> =
        connection.prepare_cached(sql)?.query_row([id], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((user, status)) = found else { return Ok(None) };
    let user = if status == ACTIVE { User::by_id(connection, &user)? } else { None };
    let invalid = || ServiceError::new("InvalidClientTokenId", "The security token included in the request is invalid.").status(403);
    user.ok_or_else(invalid).map(Some)
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let user = User::asked_or_caller(connection, ask)?;
    if of(connection, &user.id)?.len() >= LIMIT {
        return Err(limit_exceeded("AccessKeysPerUser", LIMIT));
    }
    let (id, secret) = (unique_id("AKIA")?, secret(40)?);
    let sql = "INSERT INTO iam_access_key (id, user, status, created) VALUES (?1, ?2, ?3, ?4)";
    connection.execute(sql, params![id, user.id, ACTIVE, ask.now])?;
    let mut xml = Xml::default();
    xml.node("AccessKey", |xml| {
        xml.text("UserName", &user.name)
            .text("AccessKeyId", &id)
            .text("Status", ACTIVE)
            .text("SecretAccessKey", &secret)
            .text("CreateDate", date(ask.now));
    });
    Ok(xml)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let user = User::asked_or_caller(connection, ask)?;
    let mut xml = Xml::default();
    ask.page(of(connection, &user.id)?)?.write(&mut xml, "AccessKeyMetadata", |xml, key| {
        xml.text("UserName", &user.name).text("AccessKeyId", &key.id).text("Status", &key.status).text("CreateDate", date(key.created));
    });
    Ok(xml)
}

pub(super) fn update(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let status = ask.required("Status")?;
    if !matches!(status, ACTIVE | "Inactive") {
        let constraint = "Member must satisfy enum value set: [Active, Inactive, Expired]";
        return Err(violations(&[violated(status, "status", constraint)]));
    }
    set(connection, ask, status)
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    set(connection, ask, DELETED)
}

fn set(connection: &Connection, ask: &Ask, status: &str) -> Result<Xml, ServiceError> {
    let user = User::asked_or_caller(connection, ask)?;
    let id = ask.required("AccessKeyId")?;
    let sql = "UPDATE iam_access_key SET status = ?3 WHERE id = ?1 AND user = ?2 AND status != ?4";
    match connection.execute(sql, params![id, user.id, status, DELETED])? {
        0 => Err(no_such_entity(format!("The Access Key with id {id} cannot be found."))),
        _ => Ok(Xml::default()),
    }
}
