//! What policies are put on: a role or a user. The actions for both differ in one word.

use rusqlite::Connection;

use super::{ask::Ask, conflict, roles::Role, users::User};
use crate::backend::emulator::error::ServiceError;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Role,
    User,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        if self == Self::Role { "role" } else { "user" }
    }

    pub(super) fn field(self) -> &'static str {
        if self == Self::Role { "RoleName" } else { "UserName" }
    }

    pub(super) fn quota(self) -> &'static str {
        if self == Self::Role { "PoliciesPerRole" } else { "PoliciesPerUser" }
    }

    /// Most characters of all inline policies, white space not counted.
    pub(super) fn inline_limit(self) -> usize {
        if self == Self::Role { 10_240 } else { 2_048 }
    }
}

/// One of them.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) name: String,
}

impl Entity {
    /// The one that the call's action is about.
    pub(super) fn asked(connection: &Connection, ask: &Ask) -> Result<Self, ServiceError> {
        if ask.call.action.contains("User") {
            let user = User::asked(connection, ask)?;
            return Ok(Self { kind: Kind::User, id: user.id, name: user.name });
        }
        let role = Role::asked(connection, ask)?;
        Ok(Self { kind: Kind::Role, id: role.id, name: role.name })
    }
}

/// What still has policies cannot be deleted.
pub(super) fn has_no_policies(connection: &Connection, id: &str) -> Result<(), ServiceError> {
    let any = |table: &str| -> Result<bool, ServiceError> {
        Ok(connection.query_row(&format!("SELECT EXISTS (SELECT 1 FROM {table} WHERE entity = ?1)"), [id], |row| row.get(0))?)
    };
    if any("iam_attachment")? {
        return Err(conflict("Cannot delete entity, must detach all policies first."));
    }
    if any("iam_inline")? {
        return Err(conflict("Cannot delete entity, must delete policies first."));
    }
    Ok(())
}
