//! Trust policies: role and user principals are kept by unique id, so that a re-created one is someone else.

use rusqlite::Connection;
use serde_json::Value;

use super::{malformed, roles::Role, users::User};
use crate::{
    backend::emulator::error::ServiceError,
    core::{iam::Document, stack::Place},
};

/// Checks a trust policy and returns what is kept of it.
///
/// # Errors
/// `MalformedPolicyDocument`, also when it names a role that does not exist.
pub(super) fn stored(connection: &Connection, text: &str, place: &Place) -> Result<String, ServiceError> {
    Document::trust(text).map_err(malformed)?;
    let mut value = parse(text)?;
    for_each_principal(&mut value, &mut |kind, name| match kind {
        "AWS" => stored_aws(connection, name, place),
        "Federated" if !name.starts_with("arn:") && !name.contains('.') => {
            Err(malformed_text("Federated principals must be valid domain names or SAML metadata ARNs"))
        }
        "Service" if !name.contains('.') => Err(invalid_principal("SERVICE", name)),
        _ => Ok(name.to_owned()),
    })?;
    Ok(value.to_string())
}

/// The trust policy as `GetRole` shows it: ids as ARNs, where the role or user still exists.
pub(super) fn shown(connection: &Connection, stored: &str, place: &Place) -> Result<String, ServiceError> {
    let mut value = parse(stored)?;
    for_each_principal(&mut value, &mut |_, name| {
        let role = if name.starts_with("AROA") { Role::by_id(connection, name)? } else { None };
        let user = if name.starts_with("AIDA") { User::by_id(connection, name)? } else { None };
        let arn = role.map(|role| role.arn(place)).or_else(|| user.map(|user| user.arn(place)));
        Ok(arn.unwrap_or_else(|| name.to_owned()))
    })?;
    Ok(value.to_string())
}

/// The kept form as a document, to be evaluated.
pub(crate) fn parse_stored(stored: &str) -> Result<Document, ServiceError> {
    Document::parse(stored).map_err(malformed)
}

fn parse(text: &str) -> Result<Value, ServiceError> {
    serde_json::from_str(text).map_err(|_| malformed_text("Syntax errors in policy."))
}

fn malformed_text(message: impl Into<String>) -> ServiceError {
    ServiceError::new("MalformedPolicyDocument", message)
}

fn invalid_principal(kind: &str, name: &str) -> ServiceError {
    malformed_text(format!("Invalid principal in policy: \"{kind}\":\"{name}\""))
}

fn stored_aws(connection: &Connection, name: &str, place: &Place) -> Result<String, ServiceError> {
    let refused = || invalid_principal("AWS", name);
    if name == "*" {
        return Ok(name.to_owned());
    }
    if name.len() == 12 && name.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(format!("arn:{}:iam::{name}:root", place.partition));
    }
    if name.starts_with("AROA") {
        return Role::by_id(connection, name)?.map(|role| role.id).ok_or_else(refused);
    }
    if name.starts_with("AIDA") {
        return User::by_id(connection, name)?.map(|user| user.id).ok_or_else(refused);
    }
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    let &["arn", _, service @ ("iam" | "sts"), "", account, path] = &parts[..] else { return Err(refused()) };
    match (service, path) {
        ("iam", "root") => Ok(name.to_owned()),
        _ if account != place.account => Ok(name.to_owned()),
        ("iam", path) if path.starts_with("role/") => {
            Role::by_arn(connection, name, &place.account)?.map(|role| role.id).ok_or_else(refused)
        }
        ("iam", path) if path.starts_with("user/") => User::by_arn(connection, name)?.map(|user| user.id).ok_or_else(refused),
        ("sts", path) if path.starts_with("assumed-role/") => {
            let role = path.split('/').nth(1).unwrap_or_default();
            Role::find(connection, role)?.map(|_| name.to_owned()).ok_or_else(refused)
        }
        _ => Err(refused()),
    }
}

/// Replaces every principal's name by what `change` makes of its kind and name.
fn for_each_principal(
    document: &mut Value,
    change: &mut dyn FnMut(&str, &str) -> Result<String, ServiceError>,
) -> Result<(), ServiceError> {
    let statements = match document.get_mut("Statement") {
        Some(Value::Array(list)) => list.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    };
    for statement in statements {
        let Some(kinds) = statement.get_mut("Principal").and_then(Value::as_object_mut) else { continue };
        for (kind, names) in kinds {
            let names = match names {
                Value::Array(list) => list.iter_mut().collect(),
                one => vec![one],
            };
            for name in names {
                if let Some(text) = name.as_str() {
                    *name = change(kind, text)?.into();
                }
            }
        }
    }
    Ok(())
}
