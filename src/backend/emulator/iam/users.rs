//! Users: identities with long-term keys.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    ask::{ARN, Ask, ROLE_NAME},
    entity, exists_already, keys, no_such_entity, policies, roles,
    session::{Identity, authenticate},
    tags, unique_id,
    xml::{Xml, date},
};
use crate::{backend::emulator::error::ServiceError, core::stack::Place};

const COLUMNS: &str = "id, name, path, boundary, created";

/// One user.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) name: String,
    path: String,
    boundary: Option<String>,
    created: i64,
}

impl User {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, name: row.get(1)?, path: row.get(2)?, boundary: row.get(3)?, created: row.get(4)? })
    }

    fn one(connection: &Connection, column: &str, value: &str) -> Result<Option<Self>, ServiceError> {
        let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_user WHERE {column} = ?1"))?;
        Ok(query.query_row([value], Self::read).optional()?)
    }

    /// The user with this unique id.
    pub(crate) fn by_id(connection: &Connection, id: &str) -> Result<Option<Self>, ServiceError> {
        Self::one(connection, "id", id)
    }

    /// The user with this ARN in this account, in any partition.
    pub(super) fn by_arn(connection: &Connection, arn: &str) -> Result<Option<Self>, ServiceError> {
        let Some((_, path)) = arn.split_once(":user/") else { return Ok(None) };
        let found = Self::one(connection, "name", path.rsplit('/').next().unwrap_or_default())?;
        Ok(found.filter(|user| format!("{}{}", user.path, user.name) == format!("/{path}")))
    }

    /// The call's `UserName`.
    pub(super) fn asked(connection: &Connection, ask: &Ask) -> Result<Self, ServiceError> {
        let name = ask.ruled("UserName", super::ask::NAME)?;
        Self::one(connection, "name", name)?.ok_or_else(|| missing(name))
    }

    /// The call's `UserName`, or else the user who calls.
    pub(super) fn asked_or_caller(connection: &Connection, ask: &Ask) -> Result<Self, ServiceError> {
        if ask.optional("UserName").is_some() {
            return Self::asked(connection, ask);
        }
        match authenticate(connection, &ask.call, ask.now)? {
            Identity::User(user) => Ok(user),
            _ => Err(super::invalid("Must specify userName when calling with non-User credentials")),
        }
    }

    pub(crate) fn arn(&self, place: &Place) -> String {
        place.iam_arn(&format!("user{}{}", self.path, self.name))
    }

    /// The document that limits what the user's policies can grant.
    pub(super) fn boundary(&self, connection: &Connection) -> Result<Option<String>, ServiceError> {
        self.boundary.as_deref().map_or(Ok(None), |arn| policies::document(connection, arn))
    }

    fn write(&self, xml: &mut Xml, place: &Place) {
        xml.text("Path", &self.path)
            .text("UserName", &self.name)
            .text("UserId", &self.id)
            .text("Arn", self.arn(place))
            .text("CreateDate", date(self.created));
    }

    /// With what `ListUsers` leaves out.
    fn answer(&self, connection: &Connection, place: &Place) -> Result<Xml, ServiceError> {
        let tags = tags::of(connection, &self.id)?;
        let mut xml = Xml::default();
        xml.node("User", |xml| {
            self.write(xml, place);
            if let Some(boundary) = &self.boundary {
                xml.node("PermissionsBoundary", |xml| {
                    xml.text("PermissionsBoundaryType", "PermissionsBoundaryPolicy").text("PermissionsBoundaryArn", boundary);
                });
            }
            if !tags.is_empty() {
                tags::write(xml, tags);
            }
        });
        Ok(xml)
    }
}

fn missing(name: &str) -> ServiceError {
    no_such_entity(format!("The user with name {name} cannot be found."))
}

fn taken(name: &str) -> ServiceError {
    exists_already(format!("User with name {name} already exists."))
}

/// The ARN that a policy must cover for a call about a user.
pub(super) fn resource(connection: &Connection, ask: &Ask) -> String {
    match ask.optional("UserName") {
        Some(name) => match User::one(connection, "name", name) {
            Ok(Some(user)) => user.arn(&ask.place),
            _ => ask.place.iam_arn(&format!("user{}{name}", ask.optional("Path").unwrap_or("/"))),
        },
        None => User::asked_or_caller(connection, ask).map_or_else(|_| "*".to_owned(), |user| user.arn(&ask.place)),
    }
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let name = ask.ruled("UserName", ROLE_NAME)?;
    let path = ask.path()?;
    let tags = tags::checked(ask)?;
    if User::one(connection, "name", name)?.is_some() {
        return Err(taken(name));
    }
    let boundary = roles::boundary(connection, ask)?;
    let id = unique_id("AIDA")?;
    connection.execute(
        "INSERT INTO iam_user (id, name, path, boundary, created) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![id, name, path, boundary, ask.now],
    )?;
    tags::set(connection, &id, &tags)?;
    User::asked(connection, ask)?.answer(connection, &ask.place)
}

pub(super) fn get(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    User::asked_or_caller(connection, ask)?.answer(connection, &ask.place)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let prefix = ask.optional("PathPrefix").unwrap_or("/");
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_user ORDER BY path, name"))?;
    let mut all = query.query_map([], User::read)?.collect::<Result<Vec<_>, _>>()?;
    all.retain(|user| user.path.starts_with(prefix));
    let mut xml = Xml::default();
    ask.page(all)?.write(&mut xml, "Users", |xml, user| user.write(xml, &ask.place));
    Ok(xml)
}

pub(super) fn update(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let user = User::asked(connection, ask)?;
    let name = ask.optional("NewUserName").map_or(Ok(user.name.as_str()), |_| ask.ruled("NewUserName", ROLE_NAME))?;
    if User::one(connection, "name", name)?.is_some_and(|other| other.id != user.id) {
        return Err(taken(name));
    }
    let path = ask.optional("NewPath").unwrap_or(&user.path);
    connection.execute("UPDATE iam_user SET name = ?2, path = ?3 WHERE id = ?1", params![user.id, name, path])?;
    Ok(Xml::default())
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let user = User::asked(connection, ask)?;
    entity::has_no_policies(connection, &user.id)?;
    if !keys::of(connection, &user.id)?.is_empty() {
        return Err(super::conflict("Cannot delete entity, must delete access keys first."));
    }
    tags::clear(connection, &user.id)?;
    connection.execute("DELETE FROM iam_user WHERE id = ?1", [&user.id])?;
    Ok(Xml::default())
}

pub(super) fn tag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::tag(connection, ask, &User::asked(connection, ask)?.id).map(|()| Xml::default())
}

pub(super) fn untag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::untag(connection, ask, &User::asked(connection, ask)?.id).map(|()| Xml::default())
}

pub(super) fn list_tags(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::list(connection, ask, &User::asked(connection, ask)?.id)
}

pub(super) fn put_boundary(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let user = User::asked(connection, ask)?;
    ask.ruled("PermissionsBoundary", ARN)?;
    let boundary = roles::boundary(connection, ask)?;
    connection.execute("UPDATE iam_user SET boundary = ?2 WHERE id = ?1", params![user.id, boundary])?;
    Ok(Xml::default())
}

pub(super) fn delete_boundary(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let user = User::asked(connection, ask)?;
    connection.execute("UPDATE iam_user SET boundary = NULL WHERE id = ?1", [user.id])?;
    Ok(Xml::default())
}

/// There are no groups here; tools that delete a user ask for them first.
pub(super) fn list_groups(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    User::asked(connection, ask)?;
    let mut xml = Xml::default();
    ask.page(Vec::<()>::new())?.write(&mut xml, "Groups", |_, ()| {});
    Ok(xml)
}
