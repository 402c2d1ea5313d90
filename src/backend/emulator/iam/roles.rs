//! Roles.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    ask::{ARN, Ask, ROLE_NAME, Rule, invalid},
    encoded, entity, exists_already, no_such_entity, policies, tags, trust, unique_id,
    xml::{Xml, date},
};
use crate::{backend::emulator::error::ServiceError, core::stack::Place};

const DESCRIPTION: Rule = Rule { longest: 1000, allowed: |_| true, pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*" };
const COLUMNS: &str = "id, name, path, trust, description, max_session, boundary, created, used, used_region";

/// One role. Its trust policy names other roles by their unique ids.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    pub(crate) id: String,
    pub(crate) name: String,
    path: String,
    pub(crate) trust: String,
    description: Option<String>,
    /// Longest session, in seconds.
    pub(crate) max_session: i64,
    boundary: Option<String>,
    created: i64,
    used: Option<(i64, String)>,
}

impl Role {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let used: Option<i64> = row.get(8)?;
        let region: Option<String> = row.get(9)?;
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            path: row.get(2)?,
            trust: row.get(3)?,
            description: row.get(4)?,
            max_session: row.get(5)?,
            boundary: row.get(6)?,
            created: row.get(7)?,
            used: used.zip(region),
        })
    }

    /// The role called `name`.
    pub(crate) fn find(connection: &Connection, name: &str) -> Result<Option<Self>, ServiceError> {
        let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_role WHERE name = ?1"))?;
        Ok(query.query_row([name], Self::read).optional()?)
    }

    /// The role with this unique id.
    pub(crate) fn by_id(connection: &Connection, id: &str) -> Result<Option<Self>, ServiceError> {
        let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_role WHERE id = ?1"))?;
        Ok(query.query_row([id], Self::read).optional()?)
    }

    /// The role with this ARN, in any partition.
    pub(crate) fn by_arn(connection: &Connection, arn: &str, account: &str) -> Result<Option<Self>, ServiceError> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", _, "iam", "", owner, path] = &parts[..] else { return Ok(None) };
        let Some((_, name)) = path.rsplit_once('/') else { return Ok(None) };
        let found = if owner == account { Self::find(connection, name)? } else { None };
        Ok(found.filter(|role| format!("role{}{}", role.path, role.name) == path))
    }

    /// The call's `RoleName`.
    pub(super) fn asked(connection: &Connection, ask: &Ask) -> Result<Self, ServiceError> {
        let name = ask.ruled("RoleName", Rule { longest: 128, ..ROLE_NAME })?;
        Self::find(connection, name)?.ok_or_else(|| no_such_entity(format!("The role with name {name} cannot be found.")))
    }

    pub(crate) fn arn(&self, place: &Place) -> String {
        place.iam_arn(&format!("role{}{}", self.path, self.name))
    }

    /// The document that limits what the role's policies can grant.
    pub(super) fn boundary(&self, connection: &Connection) -> Result<Option<String>, ServiceError> {
        self.boundary.as_deref().map_or(Ok(None), |arn| policies::document(connection, arn))
    }

    fn write(&self, xml: &mut Xml, connection: &Connection, place: &Place) -> Result<(), ServiceError> {
        let trust = trust::shown(connection, &self.trust, place)?;
        xml.text("Path", &self.path)
            .text("RoleName", &self.name)
            .text("RoleId", &self.id)
            .text("Arn", self.arn(place))
            .text("CreateDate", date(self.created))
            .text("AssumeRolePolicyDocument", encoded(&trust))
            .maybe("Description", self.description.as_ref())
            .text("MaxSessionDuration", self.max_session.to_string());
        Ok(())
    }

    /// With what `ListRoles` leaves out.
    fn write_whole(&self, xml: &mut Xml, connection: &Connection, place: &Place) -> Result<(), ServiceError> {
        self.write(xml, connection, place)?;
        if let Some(boundary) = &self.boundary {
            xml.node("PermissionsBoundary", |xml| {
                xml.text("PermissionsBoundaryType", "PermissionsBoundaryPolicy").text("PermissionsBoundaryArn", boundary);
            });
        }
        let tags = tags::of(connection, &self.id)?;
        if !tags.is_empty() {
            tags::write(xml, tags);
        }
        xml.node("RoleLastUsed", |xml| {
            if let Some((when, region)) = &self.used {
                xml.text("LastUsedDate", date(*when)).text("Region", region);
            }
        });
        Ok(())
    }

    fn answer(&self, connection: &Connection, place: &Place) -> Result<Xml, ServiceError> {
        let (mut xml, mut written) = (Xml::default(), Ok(()));
        xml.node("Role", |xml| written = self.write_whole(xml, connection, place));
        written.map(|()| xml)
    }
}

/// Notes that a session of the role was used.
pub(crate) fn mark_used(connection: &Connection, id: &str, now: i64, region: &str) -> Result<(), ServiceError> {
    connection.execute("UPDATE iam_role SET used = ?2, used_region = ?3 WHERE id = ?1", params![id, now, region])?;
    Ok(())
}

fn described(ask: &Ask) -> Result<Option<&str>, ServiceError> {
    match ask.optional("Description") {
        None | Some("") => Ok(ask.optional("Description")),
        Some(_) => ask.ruled("Description", DESCRIPTION).map(Some),
    }
}

fn max_session(ask: &Ask) -> Result<Option<i64>, ServiceError> {
    ask.number("MaxSessionDuration", 3600..=43200)
}

pub(super) fn boundary(connection: &Connection, ask: &Ask) -> Result<Option<String>, ServiceError> {
    let Some(arn) = ask.optional("PermissionsBoundary") else { return Ok(None) };
    if !arn.contains(":policy/") {
        return Err(invalid(format!("Value ({arn}) for parameter PermissionsBoundary is invalid.")));
    }
    match policies::document(connection, arn)? {
        Some(_) => Ok(Some(arn.to_owned())),
        None => Err(no_such_entity(format!("Scope ARN: {arn} does not exist or is not attachable."))),
    }
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let name = ask.ruled("RoleName", ROLE_NAME)?;
    let path = ask.path()?;
    let description = described(ask)?;
    let max_session = max_session(ask)?.unwrap_or(3600);
    let tags = tags::checked(ask)?;
    if Role::find(connection, name)?.is_some() {
        return Err(exists_already(format!("Role with name {name} already exists.")));
    }
    let boundary = boundary(connection, ask)?;
    let trust = trust::stored(connection, ask.required("AssumeRolePolicyDocument")?, &ask.place)?;
    let id = unique_id("AROA")?;
    connection.execute(
        "INSERT INTO iam_role (id, name, path, trust, description, max_session, boundary, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![id, name, path, trust, description, max_session, boundary, ask.now],
    )?;
    tags::set(connection, &id, &tags)?;
    get(connection, ask)
}

pub(super) fn get(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    Role::asked(connection, ask)?.answer(connection, &ask.place)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let prefix = ask.optional("PathPrefix").unwrap_or("/");
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_role ORDER BY path, name"))?;
    let all = query.query_map([], Role::read)?.filter(|role| role.as_ref().map_or(true, |role| role.path.starts_with(prefix)));
    let page = ask.page(all.collect::<Result<Vec<_>, _>>()?)?;
    let (mut xml, mut written) = (Xml::default(), Ok(()));
    page.write(&mut xml, "Roles", |xml, role| {
        if let Err(error) = role.write(xml, connection, &ask.place) {
            written = Err(error);
        }
    });
    written.map(|()| xml)
}

pub(super) fn update_trust(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let role = Role::asked(connection, ask)?;
    let trust = trust::stored(connection, ask.required("PolicyDocument")?, &ask.place)?;
    connection.execute("UPDATE iam_role SET trust = ?2 WHERE id = ?1", params![role.id, trust])?;
    Ok(Xml::default())
}

/// A description that is not given stays; a longest session that is not given becomes an hour, as the API reference says.
pub(super) fn update(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let role = Role::asked(connection, ask)?;
    let (description, max_session) = (described(ask)?, max_session(ask)?.unwrap_or(3600));
    connection.execute(
        "UPDATE iam_role SET description = coalesce(?2, description), max_session = ?3 WHERE id = ?1",
        params![role.id, description, max_session],
    )?;
    Ok(Xml::empty_result())
}

pub(super) fn update_description(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let role = Role::asked(connection, ask)?;
    ask.required("Description")?;
    connection.execute("UPDATE iam_role SET description = ?2 WHERE id = ?1", params![role.id, described(ask)?])?;
    get(connection, ask)
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let role = Role::asked(connection, ask)?;
    entity::has_no_policies(connection, &role.id)?;
    tags::clear(connection, &role.id)?;
    connection.execute("DELETE FROM iam_role WHERE id = ?1", [&role.id])?;
    Ok(Xml::default())
}

pub(super) fn tag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::tag(connection, ask, &Role::asked(connection, ask)?.id).map(|()| Xml::default())
}

pub(super) fn untag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::untag(connection, ask, &Role::asked(connection, ask)?.id).map(|()| Xml::default())
}

pub(super) fn list_tags(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::list(connection, ask, &Role::asked(connection, ask)?.id)
}

pub(super) fn put_boundary(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let role = Role::asked(connection, ask)?;
    ask.ruled("PermissionsBoundary", ARN)?;
    let boundary = boundary(connection, ask)?;
    connection.execute("UPDATE iam_role SET boundary = ?2 WHERE id = ?1", params![role.id, boundary])?;
    Ok(Xml::default())
}

pub(super) fn delete_boundary(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let role = Role::asked(connection, ask)?;
    connection.execute("UPDATE iam_role SET boundary = NULL WHERE id = ?1", [role.id])?;
    Ok(Xml::default())
}

/// There are no instance profiles here; tools that delete a role ask for them first.
pub(super) fn list_instance_profiles(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    Role::asked(connection, ask)?;
    let mut xml = Xml::default();
    ask.page(Vec::<()>::new())?.write(&mut xml, "InstanceProfiles", |_, ()| {});
    Ok(xml)
}
