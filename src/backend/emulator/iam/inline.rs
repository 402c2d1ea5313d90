//! Policies written into one role or user.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    ask::{Ask, NAME, Rule},
    encoded,
    entity::Entity,
    malformed, no_such_entity,
    xml::Xml,
};
use crate::{backend::emulator::error::ServiceError, core::iam::Document};

/// Inline policies may be called more than managed ones.
const INLINE_NAME: Rule = Rule { allowed: |c| (NAME.allowed)(c) || c == ' ', ..NAME };
/// Names and documents of the inline policies of a role or user.
pub(super) fn of(connection: &Connection, entity: &str) -> Result<Vec<(String, String)>, ServiceError> {
    let mut query = connection.prepare_cached("SELECT name, document FROM iam_inline WHERE entity = ?1 ORDER BY name")?;
    let rows = query.query_map([entity], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn put(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let name = ask.ruled("PolicyName", INLINE_NAME)?;
    let document = ask.required("PolicyDocument")?;
    Document::identity(document).map_err(malformed)?;
    let sql = "INSERT INTO iam_inline (entity, name, document) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET document = excluded.document";
    connection.execute(sql, params![entity.id, name, document])?;
    let size = |text: &String| text.chars().filter(|c| !c.is_whitespace()).count();
    if of(connection, &entity.id)?.iter().map(|(_, document)| size(document)).sum::<usize>() > entity.kind.inline_limit() {
        let message =
            format!("Maximum policy size of {} bytes exceeded for {} {}", entity.kind.inline_limit(), entity.kind.word(), entity.name);
        return Err(ServiceError::new("LimitExceeded", message).status(409));
    }
    Ok(Xml::default())
}

pub(super) fn get(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let name = ask.required("PolicyName")?;
    let sql = "SELECT document FROM iam_inline WHERE entity = ?1 AND name = ?2";
    let document: Option<String> = connection.query_row(sql, params![entity.id, name], |row| row.get(0)).optional()?;
    let document = document.ok_or_else(|| missing(&entity, name))?;
    let mut xml = Xml::default();
    xml.text(entity.kind.field(), &entity.name).text("PolicyName", name).text("PolicyDocument", encoded(&document));
    Ok(xml)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let mut xml = Xml::default();
    ask.page(of(connection, &entity.id)?)?.write_texts(&mut xml, "PolicyNames", |(name, _)| name);
    Ok(xml)
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let name = ask.required("PolicyName")?;
    match connection.execute("DELETE FROM iam_inline WHERE entity = ?1 AND name = ?2", params![entity.id, name])? {
        0 => Err(missing(&entity, name)),
        _ => Ok(Xml::default()),
    }
}

fn missing(entity: &Entity, name: &str) -> ServiceError {
    no_such_entity(format!("The {} policy with name {name} cannot be found.", entity.kind.word()))
}
