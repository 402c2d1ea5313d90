//! Versions of managed policies: at most five, numbered for ever.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    ask::{Ask, violated, violations},
    conflict, encoded, no_such_entity,
    policies::{Policy, checked_document},
    xml::{Xml, date},
};
use crate::backend::emulator::error::ServiceError;

/// Most versions of one policy.
const LIMIT: i64 = 5;

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    let document = checked_document(ask)?;
    let count = "SELECT count(*) FROM iam_policy_version WHERE policy = ?1";
    if connection.query_row(count, [&policy.id], |row| row.get::<_, i64>(0))? >= LIMIT {
        let message = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.";
        return Err(ServiceError::new("LimitExceeded", message).status(409));
    }
    let version = policy.last_version + 1;
    let default = if ask.optional("SetAsDefault") == Some("true") { version } else { policy.default_version };
    connection.execute(
        "INSERT INTO iam_policy_version (policy, version, document, created) VALUES (?1, ?2, ?3, ?4)",
        params![policy.id, version, document, ask.now],
    )?;
    connection.execute(
        "UPDATE iam_policy SET last_version = ?2, default_version = ?3, updated = ?4 WHERE id = ?1",
        params![policy.id, version, default, ask.now],
    )?;
    let mut xml = Xml::default();
    xml.node("PolicyVersion", |xml| write(xml, version, default, ask.now));
    Ok(xml)
}

pub(super) fn get(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    let version = asked_version(ask)?;
    let sql = "SELECT document, created FROM iam_policy_version WHERE policy = ?1 AND version = ?2";
    let found: Option<(String, i64)> =
        connection.query_row(sql, params![policy.id, version], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let (document, created) = found.ok_or_else(|| missing(ask))?;
    let mut xml = Xml::default();
    xml.node("PolicyVersion", |xml| {
        xml.text("Document", encoded(&document));
        write(xml, version, policy.default_version, created);
    });
    Ok(xml)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    let mut query = connection.prepare_cached("SELECT version, created FROM iam_policy_version WHERE policy = ?1 ORDER BY version DESC")?;
    let all = query.query_map([&policy.id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<Result<Vec<(i64, i64)>, _>>()?;
    let mut xml = Xml::default();
    ask.page(all)?.write(&mut xml, "Versions", |xml, (version, created)| write(xml, version, policy.default_version, created));
    Ok(xml)
}

pub(super) fn set_default(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = existing(connection, ask)?;
    let version = asked_version(ask)?;
    if !exists(connection, &policy, version)? {
        return Err(missing(ask));
    }
    connection.execute("UPDATE iam_policy SET default_version = ?2, updated = ?3 WHERE id = ?1", params![policy.id, version, ask.now])?;
    Ok(Xml::default())
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    let version = asked_version(ask)?;
    if !exists(connection, &policy, version)? {
        return Err(missing(ask));
    }
    if version == policy.default_version {
        return Err(conflict("Cannot delete the default version of a policy."));
    }
    connection.execute("DELETE FROM iam_policy_version WHERE policy = ?1 AND version = ?2", params![policy.id, version])?;
    Ok(Xml::default())
}

/// This one action words a missing policy in its own way.
fn existing(connection: &Connection, ask: &Ask) -> Result<Policy, ServiceError> {
    let arn = ask.required("PolicyArn")?;
    Policy::find(connection, arn)?.ok_or_else(|| no_such_entity(format!("Policy {arn} not found")))
}

fn exists(connection: &Connection, policy: &Policy, version: i64) -> Result<bool, ServiceError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM iam_policy_version WHERE policy = ?1 AND version = ?2)";
    Ok(connection.query_row(sql, params![policy.id, version], |row| row.get(0))?)
}

fn missing(ask: &Ask) -> ServiceError {
    let field = |name| ask.optional(name).unwrap_or_default();
    no_such_entity(format!("Policy {} version {} does not exist or is not attachable.", field("PolicyArn"), field("VersionId")))
}

/// `VersionId` as its number.
fn asked_version(ask: &Ask) -> Result<i64, ServiceError> {
    let text = ask.required("VersionId")?;
    let number = text.strip_prefix('v').and_then(|rest| rest.split('.').next()).filter(|digits| !digits.starts_with(['0', '+', '-']));
    number.and_then(|digits| digits.parse().ok()).ok_or_else(|| {
        let constraint = r"Member must satisfy regular expression pattern: v[1-9][0-9]*(\.[A-Za-z0-9-]*)?";
        violations(&[violated(text, "versionId", constraint)])
    })
}

fn write(xml: &mut Xml, version: i64, default: i64, created: i64) {
    xml.text("VersionId", format!("v{version}"))
        .text("IsDefaultVersion", (version == default).to_string())
        .text("CreateDate", date(created));
}
