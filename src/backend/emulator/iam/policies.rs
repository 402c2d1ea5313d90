//! Managed policies.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    ask::{ARN, Ask, NAME, invalid},
    conflict, exists_already, malformed, no_such_entity, tags, unique_id,
    xml::{Xml, date},
};
use crate::{
    backend::emulator::error::ServiceError,
    core::{iam::Document, stack::Place},
};

const COLUMNS: &str = "id, name, path, description, default_version, last_version, created, updated,
    (SELECT count(*) FROM iam_attachment WHERE policy = id)";
/// Most characters of a managed policy, white space not counted.
const LIMIT: usize = 6144;

/// One customer managed policy.
#[derive(Debug, Clone)]
pub(super) struct Policy {
    pub(super) id: String,
    pub(super) name: String,
    path: String,
    description: Option<String>,
    pub(super) default_version: i64,
    pub(super) last_version: i64,
    created: i64,
    updated: i64,
    attachments: i64,
}

impl Policy {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            id: row.get(0)?,
            name: row.get(1)?,
            path: row.get(2)?,
            description: row.get(3)?,
            default_version: row.get(4)?,
            last_version: row.get(5)?,
            created: row.get(6)?,
            updated: row.get(7)?,
            attachments: row.get(8)?,
        })
    }

    /// The policy with this ARN, in any partition and account.
    pub(super) fn find(connection: &Connection, arn: &str) -> Result<Option<Self>, ServiceError> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let &["arn", _, "iam", "", account, path] = &parts[..] else { return Ok(None) };
        let Some((_, name)) = path.rsplit_once('/').filter(|_| account != "aws") else { return Ok(None) };
        let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_policy WHERE name = ?1"))?;
        let found = query.query_row([name], Self::read).optional()?;
        Ok(found.filter(|policy| format!("policy{}{}", policy.path, policy.name) == path))
    }

    /// The policies attached to a role or a user.
    pub(super) fn attached(connection: &Connection, entity: &str) -> Result<Vec<Self>, ServiceError> {
        let sql =
            format!("SELECT {COLUMNS} FROM iam_policy WHERE id IN (SELECT policy FROM iam_attachment WHERE entity = ?1) ORDER BY name");
        let mut query = connection.prepare_cached(&sql)?;
        let rows = query.query_map([entity], Self::read)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The call's `PolicyArn`.
    pub(super) fn asked(connection: &Connection, ask: &Ask) -> Result<Self, ServiceError> {
        let arn = ask.ruled("PolicyArn", ARN)?;
        if !arn.starts_with("arn:") {
            return Err(invalid(format!("Invalid ARN: {arn}")));
        }
        Self::find(connection, arn)?.ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))
    }

    pub(super) fn is_under(&self, prefix: &str) -> bool {
        self.path.starts_with(prefix)
    }

    pub(super) fn arn(&self, place: &Place) -> String {
        place.iam_arn(&format!("policy{}{}", self.path, self.name))
    }

    /// What the default version says.
    pub(super) fn document(&self, connection: &Connection) -> Result<String, ServiceError> {
        let sql = "SELECT document FROM iam_policy_version WHERE policy = ?1 AND version = ?2";
        Ok(connection.prepare_cached(sql)?.query_row(params![self.id, self.default_version], |row| row.get(0))?)
    }

    fn write(&self, xml: &mut Xml, place: &Place) {
        xml.text("PolicyName", &self.name)
            .text("PolicyId", &self.id)
            .text("Arn", self.arn(place))
            .text("Path", &self.path)
            .text("DefaultVersionId", format!("v{}", self.default_version))
            .text("AttachmentCount", self.attachments.to_string())
            .text("PermissionsBoundaryUsageCount", "0")
            .text("IsAttachable", "true")
            .text("CreateDate", date(self.created))
            .text("UpdateDate", date(self.updated));
    }
}

/// What the policy with this ARN says; `None` when there is none.
pub(super) fn document(connection: &Connection, arn: &str) -> Result<Option<String>, ServiceError> {
    match Policy::find(connection, arn)? {
        Some(policy) => policy.document(connection).map(Some),
        None => Ok(None),
    }
}

/// The call's `PolicyDocument`, refused when IAM would.
pub(super) fn checked_document(ask: &Ask) -> Result<&str, ServiceError> {
    let document = ask.required("PolicyDocument")?;
    Document::identity(document).map_err(malformed)?;
    if document.chars().filter(|c| !c.is_whitespace()).count() > LIMIT {
        let message = format!("Cannot exceed quota for PolicySize: {LIMIT}");
        return Err(ServiceError::new("LimitExceeded", message).status(409));
    }
    Ok(document)
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let name = ask.ruled("PolicyName", NAME)?;
    let path = ask.path()?;
    let tags = tags::checked(ask)?;
    let document = checked_document(ask)?;
    let taken = "SELECT EXISTS (SELECT 1 FROM iam_policy WHERE name = ?1)";
    if connection.query_row(taken, [name], |row| row.get(0))? {
        return Err(exists_already(format!("A policy called {name} already exists. Duplicate names are not allowed.")));
    }
    let id = unique_id("ANPA")?;
    connection.execute(
        "INSERT INTO iam_policy (id, name, path, description, default_version, last_version, created, updated) VALUES (?1, ?2, ?3, ?4, 1, 1, ?5, ?5)",
        params![id, name, path, ask.optional("Description"), ask.now],
    )?;
    connection.execute(
        "INSERT INTO iam_policy_version (policy, version, document, created) VALUES (?1, 1, ?2, ?3)",
        params![id, document, ask.now],
    )?;
    tags::set(connection, &id, &tags)?;
    let arn = ask.place.iam_arn(&format!("policy{path}{name}"));
    let policy = Policy::find(connection, &arn)?.ok_or_else(|| no_such_entity(format!("Policy {arn} was not found.")))?;
    let tags = tags::of(connection, &policy.id)?;
    let mut xml = Xml::default();
    xml.node("Policy", |xml| {
        policy.write(xml, &ask.place);
        if !tags.is_empty() {
            tags::write(xml, tags);
        }
    });
    Ok(xml)
}

pub(super) fn get(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    let tags = tags::of(connection, &policy.id)?;
    let mut xml = Xml::default();
    xml.node("Policy", |xml| {
        policy.write(xml, &ask.place);
        xml.maybe("Description", policy.description.as_ref());
        tags::write(xml, tags);
    });
    Ok(xml)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let prefix = ask.optional("PathPrefix").unwrap_or("/");
    let only_attached = ask.optional("OnlyAttached") == Some("true");
    let none = ask.optional("Scope") == Some("AWS");
    let mut query = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM iam_policy ORDER BY path, name"))?;
    let mut all = query.query_map([], Policy::read)?.collect::<Result<Vec<_>, _>>()?;
    all.retain(|policy| !none && policy.path.starts_with(prefix) && (policy.attachments > 0 || !only_attached));
    let mut xml = Xml::default();
    ask.page(all)?.write(&mut xml, "Policies", |xml, policy| policy.write(xml, &ask.place));
    Ok(xml)
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let policy = Policy::asked(connection, ask)?;
    if policy.attachments > 0 {
        return Err(conflict("Cannot delete a policy attached to entities."));
    }
    let versions = "SELECT count(*) FROM iam_policy_version WHERE policy = ?1";
    if connection.query_row(versions, [&policy.id], |row| row.get::<_, i64>(0))? > 1 {
        return Err(conflict(
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
        ));
    }
    tags::clear(connection, &policy.id)?;
    connection.execute("DELETE FROM iam_policy WHERE id = ?1", [&policy.id])?;
    Ok(Xml::default())
}

pub(super) fn tag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::tag(connection, ask, &Policy::asked(connection, ask)?.id).map(|()| Xml::default())
}

pub(super) fn untag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::untag(connection, ask, &Policy::asked(connection, ask)?.id).map(|()| Xml::default())
}

pub(super) fn list_tags(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::list(connection, ask, &Policy::asked(connection, ask)?.id)
}
