//! Which managed policies are attached to which roles and users.

use rusqlite::{Connection, params};

use super::{ask::Ask, entity::Entity, limit_exceeded, no_such_entity, policies::Policy, xml::Xml};
use crate::backend::emulator::error::ServiceError;

/// Most managed policies of one role or user.
const LIMIT: usize = 10;

/// The policy to attach or detach; `AttachRolePolicy` has words of its own for one that does not exist.
fn attachable(connection: &Connection, ask: &Ask) -> Result<Policy, ServiceError> {
    let arn = ask.required("PolicyArn")?;
    Policy::find(connection, arn)?.ok_or_else(|| no_such_entity(format!("Policy {arn} does not exist or is not attachable.")))
}

pub(super) fn attach(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let policy = attachable(connection, ask)?;
    connection.execute("INSERT OR IGNORE INTO iam_attachment (entity, policy) VALUES (?1, ?2)", params![entity.id, policy.id])?;
    if Policy::attached(connection, &entity.id)?.len() > LIMIT {
        return Err(limit_exceeded(entity.kind.quota(), LIMIT));
    }
    Ok(Xml::default())
}

pub(super) fn detach(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let policy = Policy::asked(connection, ask)?;
    match connection.execute("DELETE FROM iam_attachment WHERE entity = ?1 AND policy = ?2", params![entity.id, policy.id])? {
        0 => Err(no_such_entity(format!("Policy {} was not found.", ask.required("PolicyArn")?))),
        _ => Ok(Xml::default()),
    }
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let entity = Entity::asked(connection, ask)?;
    let prefix = ask.optional("PathPrefix").unwrap_or("/");
    let mut all = Policy::attached(connection, &entity.id)?;
    all.retain(|policy| policy.is_under(prefix));
    let mut xml = Xml::default();
    ask.page(all)?.write(&mut xml, "AttachedPolicies", |xml, policy| {
        xml.text("PolicyName", &policy.name).text("PolicyArn", policy.arn(&ask.place));
    });
    Ok(xml)
}

pub(super) fn list_entities(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    let prefix = ask.optional("PathPrefix").unwrap_or("/");
    let wanted = |kind: &str| ask.optional("EntityFilter").is_none_or(|filter| filter == kind);
    let on = |kind: &'static str| -> Result<Vec<(&'static str, String, String)>, ServiceError> {
        let table = format!("iam_{}", kind.to_ascii_lowercase());
        let sql =
            format!("SELECT name, id, path FROM {table} WHERE id IN (SELECT entity FROM iam_attachment WHERE policy = ?1) ORDER BY name");
        let mut query = connection.prepare_cached(&sql)?;
        let rows = query.query_map([&policy.id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let mut all = rows.collect::<Result<Vec<(String, String, String)>, _>>()?;
        all.retain(|(_, _, path)| wanted(kind) && path.starts_with(prefix));
        Ok(all.into_iter().map(|(name, id, _)| (kind, name, id)).collect())
    };
    let page = ask.page([on("Role")?, on("User")?].concat())?;
    let mut xml = Xml::default();
    xml.node("PolicyGroups", |_| {});
    for (list, kind) in [("PolicyRoles", "Role"), ("PolicyUsers", "User")] {
        let items = page.items.iter().filter(|(is, _, _)| *is == kind);
        xml.list(list, items, |xml, (_, name, id)| {
            xml.text(&format!("{kind}Name"), name).text(&format!("{kind}Id"), id);
        });
    }
    page.end(&mut xml);
    Ok(xml)
}
