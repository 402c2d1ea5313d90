//! IAM: roles, users, managed policies, OIDC providers; and what a caller may do.

mod ask;
mod attachments;
mod authorize;
mod entity;
mod ids;
mod inline;
mod keys;
mod page;
mod policies;
mod providers;
mod roles;
mod session;
mod tags;
#[cfg(test)]
mod tests;
mod trust;
#[cfg(test)]
mod user_tests;
mod users;
mod versions;
mod xml;

use bytes::Bytes;
use http::Response;
use rusqlite::Connection;

use super::{Emulator, error::ServiceError, request::Call};

pub(crate) use ask::{Ask, SESSION_NAME, invalid, violated, violations};
pub(crate) use authorize::{Act, authorize_at};
pub(crate) use ids::{secret, unique_id};
pub(crate) use providers::{clients_of, without_scheme};
pub(crate) use roles::{Role, mark_used};
pub(crate) use session::{Identity, Session, authenticate};
pub(crate) use trust::parse_stored;
pub(crate) use xml::{Xml, date};
pub(crate) mod tagging {
    //! What other services use of tags.
    pub(crate) use super::tags::{checked, clear, of, set, unset};
}

/// The tables. Names compare without case, as IAM's do. Times are seconds since 1970.
pub(crate) const SCHEMA: &str = "
CREATE TABLE iam_role (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, path TEXT NOT NULL, trust TEXT NOT NULL, description TEXT,
    max_session INTEGER NOT NULL, boundary TEXT, created INTEGER NOT NULL, used INTEGER, used_region TEXT) STRICT;
CREATE TABLE iam_policy (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, path TEXT NOT NULL, description TEXT,
    default_version INTEGER NOT NULL, last_version INTEGER NOT NULL, created INTEGER NOT NULL, updated INTEGER NOT NULL) STRICT;
CREATE TABLE iam_policy_version (
    policy TEXT NOT NULL REFERENCES iam_policy (id) ON DELETE CASCADE, version INTEGER NOT NULL, document TEXT NOT NULL,
    created INTEGER NOT NULL, PRIMARY KEY (policy, version)) STRICT;
CREATE TABLE iam_inline (
    role TEXT NOT NULL REFERENCES iam_role (id), name TEXT NOT NULL COLLATE NOCASE, document TEXT NOT NULL, PRIMARY KEY (role, name)) STRICT;
CREATE TABLE iam_attachment (
    role TEXT NOT NULL REFERENCES iam_role (id), policy TEXT NOT NULL REFERENCES iam_policy (id), PRIMARY KEY (role, policy)) STRICT;
CREATE TABLE iam_provider (url TEXT PRIMARY KEY, created INTEGER NOT NULL) STRICT;
CREATE TABLE iam_provider_item (
    provider TEXT NOT NULL REFERENCES iam_provider (url) ON DELETE CASCADE, kind TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (provider, kind, value)) STRICT;
CREATE TABLE iam_tag (owner TEXT NOT NULL, key TEXT NOT NULL COLLATE NOCASE, value TEXT NOT NULL, PRIMARY KEY (owner, key)) STRICT;
CREATE TABLE sts_session (
    access_key TEXT PRIMARY KEY, token_digest BLOB NOT NULL, role TEXT NOT NULL, role_name TEXT NOT NULL, name TEXT NOT NULL,
    policy TEXT, tags TEXT NOT NULL, issued INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
";

/// What came with users: policies may be on either kind of entity, and keys outlive what they were issued for.
pub(crate) const USERS: &str = "
CREATE TABLE iam_user (
    id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE COLLATE NOCASE, path TEXT NOT NULL, boundary TEXT, created INTEGER NOT NULL) STRICT;
CREATE TABLE iam_access_key (
    id TEXT PRIMARY KEY, user TEXT NOT NULL, status TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE INDEX iam_access_key_user ON iam_access_key (user);
ALTER TABLE iam_inline RENAME TO iam_inline_1;
CREATE TABLE iam_inline (entity TEXT NOT NULL, name TEXT NOT NULL COLLATE NOCASE, document TEXT NOT NULL, PRIMARY KEY (entity, name)) STRICT;
INSERT INTO iam_inline SELECT role, name, document FROM iam_inline_1;
DROP TABLE iam_inline_1;
ALTER TABLE iam_attachment RENAME TO iam_attachment_1;
CREATE TABLE iam_attachment (
    entity TEXT NOT NULL, policy TEXT NOT NULL REFERENCES iam_policy (id), PRIMARY KEY (entity, policy)) STRICT;
INSERT INTO iam_attachment SELECT role, policy FROM iam_attachment_1;
DROP TABLE iam_attachment_1;
";

/// How an action is carried out: on a snapshot, or in a transaction.
type Work = fn(&Connection, &Ask) -> Result<Xml, ServiceError>;
enum Action {
    Look(Work),
    Change(Work),
}

/// Answers one call.
pub(crate) async fn handle(emulator: &Emulator, call: &Call) -> Result<Response<Bytes>, ServiceError> {
    let Some(action) = find(&call.action) else {
        let message = format!("Could not find operation {} for version 2010-05-08", call.action);
        return Err(ServiceError::new("InvalidAction", message));
    };
    let ask = Ask::new(call, emulator.clock.now().as_second());
    let run = |work: Work| {
        move |connection: &Connection| {
            authorize_at(connection, &ask.call, ask.now, &format!("iam:{}", ask.call.action), &resource(connection, &ask))?;
            work(connection, &ask)
        }
    };
    let xml = match action {
        Action::Look(work) => emulator.store.read(run(work)).await?,
        Action::Change(work) => {
            let run = run(work);
            emulator.store.write(move |transaction| run(transaction)).await?
        }
    };
    Ok(xml.respond(call))
}

fn find(action: &str) -> Option<Action> {
    use Action::{Change, Look};
    Some(match action {
        "CreateRole" => Change(roles::create),
        "GetRole" => Look(roles::get),
        "ListRoles" => Look(roles::list),
        "UpdateAssumeRolePolicy" => Change(roles::update_trust),
        "UpdateRole" => Change(roles::update),
        "UpdateRoleDescription" => Change(roles::update_description),
        "DeleteRole" => Change(roles::delete),
        "TagRole" => Change(roles::tag),
        "UntagRole" => Change(roles::untag),
        "ListRoleTags" => Look(roles::list_tags),
        "PutRolePermissionsBoundary" => Change(roles::put_boundary),
        "DeleteRolePermissionsBoundary" => Change(roles::delete_boundary),
        "ListInstanceProfilesForRole" => Look(roles::list_instance_profiles),
        "CreateUser" => Change(users::create),
        "GetUser" => Look(users::get),
        "ListUsers" => Look(users::list),
        "UpdateUser" => Change(users::update),
        "DeleteUser" => Change(users::delete),
        "TagUser" => Change(users::tag),
        "UntagUser" => Change(users::untag),
        "ListUserTags" => Look(users::list_tags),
        "PutUserPermissionsBoundary" => Change(users::put_boundary),
        "DeleteUserPermissionsBoundary" => Change(users::delete_boundary),
        "ListGroupsForUser" => Look(users::list_groups),
        "CreateAccessKey" => Change(keys::create),
        "ListAccessKeys" => Look(keys::list),
        "UpdateAccessKey" => Change(keys::update),
        "DeleteAccessKey" => Change(keys::delete),
        "AttachRolePolicy" | "AttachUserPolicy" => Change(attachments::attach),
        "DetachRolePolicy" | "DetachUserPolicy" => Change(attachments::detach),
        "ListAttachedRolePolicies" | "ListAttachedUserPolicies" => Look(attachments::list),
        "ListEntitiesForPolicy" => Look(attachments::list_entities),
        "ListRolePolicies" | "ListUserPolicies" => Look(inline::list),
        "PutRolePolicy" | "PutUserPolicy" => Change(inline::put),
        "GetRolePolicy" | "GetUserPolicy" => Look(inline::get),
        "DeleteRolePolicy" | "DeleteUserPolicy" => Change(inline::delete),
        "CreatePolicy" => Change(policies::create),
        "GetPolicy" => Look(policies::get),
        "ListPolicies" => Look(policies::list),
        "DeletePolicy" => Change(policies::delete),
        "TagPolicy" => Change(policies::tag),
        "UntagPolicy" => Change(policies::untag),
        "ListPolicyTags" => Look(policies::list_tags),
        "CreatePolicyVersion" => Change(versions::create),
        "GetPolicyVersion" => Look(versions::get),
        "ListPolicyVersions" => Look(versions::list),
        "SetDefaultPolicyVersion" => Change(versions::set_default),
        "DeletePolicyVersion" => Change(versions::delete),
        "CreateOpenIDConnectProvider" => Change(providers::create),
        "GetOpenIDConnectProvider" => Look(providers::get),
        "ListOpenIDConnectProviders" => Look(providers::list),
        "DeleteOpenIDConnectProvider" => Change(providers::delete),
        "AddClientIDToOpenIDConnectProvider" => Change(providers::add_client),
        "RemoveClientIDFromOpenIDConnectProvider" => Change(providers::remove_client),
        "UpdateOpenIDConnectProviderThumbprint" => Change(providers::update_thumbprints),
        "TagOpenIDConnectProvider" => Change(providers::tag),
        "UntagOpenIDConnectProvider" => Change(providers::untag),
        "ListOpenIDConnectProviderTags" => Look(providers::list_tags),
        _ => return None,
    })
}

/// The ARN that a policy must cover for this call.
fn resource(connection: &Connection, ask: &Ask) -> String {
    let path = || ask.optional("Path").unwrap_or("/");
    if let Some(name) = ask.optional("RoleName") {
        return match Role::find(connection, name) {
            Ok(Some(role)) => role.arn(&ask.place),
            _ => ask.place.iam_arn(&format!("role{}{name}", path())),
        };
    }
    if ask.call.action.contains("User") || ask.call.action.contains("AccessKey") {
        return users::resource(connection, ask);
    }
    if let Some(arn) = ask.optional("PolicyArn").or_else(|| ask.optional("OpenIDConnectProviderArn")) {
        return arn.to_owned();
    }
    match (ask.optional("PolicyName"), ask.optional("Url")) {
        (Some(name), _) => ask.place.iam_arn(&format!("policy{}{name}", path())),
        (None, Some(url)) => ask.place.iam_arn(&format!("oidc-provider/{}", without_scheme(url))),
        (None, None) => "*".to_owned(),
    }
}

/// The object of `kind` that `message` speaks of does not exist.
fn no_such_entity(message: impl Into<String>) -> ServiceError {
    ServiceError::new("NoSuchEntity", message).status(404)
}

fn conflict(message: impl Into<String>) -> ServiceError {
    ServiceError::new("DeleteConflict", message).status(409)
}

fn exists_already(message: impl Into<String>) -> ServiceError {
    ServiceError::new("EntityAlreadyExists", message).status(409)
}

fn limit_exceeded(quota: &str, limit: usize) -> ServiceError {
    ServiceError::new("LimitExceeded", format!("Cannot exceed quota for {quota}: {limit}")).status(409)
}

fn malformed(fault: crate::core::iam::Malformed) -> ServiceError {
    ServiceError::new("MalformedPolicyDocument", fault.message)
}

/// A document as IAM writes it into XML: percent-encoded.
fn encoded(document: &str) -> String {
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0').to_ascii_uppercase();
    let mut text = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            text.push(byte.into());
        } else {
            text.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    text
}
