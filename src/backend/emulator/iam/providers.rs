//! OIDC providers: whose tokens `AssumeRoleWithWebIdentity` believes.

use rusqlite::{Connection, OptionalExtension, params};

use super::{
    ask::{Ask, Rule, invalid, violated, violations},
    exists_already, limit_exceeded, no_such_entity, tags,
    xml::{Xml, date},
};
use crate::{backend::emulator::error::ServiceError, core::stack::Place};

const URL: Rule = Rule { longest: 255, allowed: |_| true, pattern: "" };
const CLIENT: Rule = URL;
/// Most audiences of one provider.
const CLIENTS: usize = 100;
const THUMBPRINTS: usize = 5;

/// `url` as IAM keeps it: without scheme, query and trailing slash.
pub(crate) fn without_scheme(url: &str) -> &str {
    let url = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or(url);
    url.split(['?', '#']).next().unwrap_or(url).trim_end_matches('/')
}

/// The audiences of the provider for `issuer`; `None` when IAM has no such provider.
pub(crate) fn clients_of(connection: &Connection, issuer: &str) -> Result<Option<Vec<String>>, ServiceError> {
    let url = without_scheme(issuer);
    match created(connection, url)? {
        Some(_) => items(connection, url, "client").map(Some),
        None => Ok(None),
    }
}

fn created(connection: &Connection, url: &str) -> Result<Option<i64>, ServiceError> {
    Ok(connection.query_row("SELECT created FROM iam_provider WHERE url = ?1", [url], |row| row.get(0)).optional()?)
}

fn items(connection: &Connection, url: &str, kind: &str) -> Result<Vec<String>, ServiceError> {
    let mut query = connection.prepare_cached("SELECT value FROM iam_provider_item WHERE provider = ?1 AND kind = ?2 ORDER BY rowid")?;
    let rows = query.query_map([url, kind], |row| row.get(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn add(connection: &Connection, url: &str, kind: &str, values: &[&str]) -> Result<(), ServiceError> {
    let mut insert = connection.prepare_cached("INSERT OR IGNORE INTO iam_provider_item (provider, kind, value) VALUES (?1, ?2, ?3)")?;
    values.iter().try_for_each(|value| insert.execute(params![url, kind, value]).map(drop))?;
    Ok(())
}

fn arn(place: &Place, url: &str) -> String {
    place.iam_arn(&format!("oidc-provider/{url}"))
}

/// Where the tags of a provider hang.
fn owner(url: &str) -> String {
    format!("oidc-provider/{url}")
}

/// The call's `OpenIDConnectProviderArn` as the URL by which the provider is kept.
fn asked(connection: &Connection, ask: &Ask) -> Result<(String, i64), ServiceError> {
    let arn = ask.required("OpenIDConnectProviderArn")?;
    let url = url_of(arn)?;
    let created = created(connection, url)?.ok_or_else(|| no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}")))?;
    Ok((url.to_owned(), created))
}

fn url_of(arn: &str) -> Result<&str, ServiceError> {
    let url = arn.split_once(":oidc-provider/").map(|(_, url)| url).filter(|_| arn.starts_with("arn:"));
    url.ok_or_else(|| invalid(format!("Invalid ARN: {arn}")))
}

fn check_thumbprints(list: &[&str]) -> Result<(), ServiceError> {
    let counted = list.len() <= THUMBPRINTS;
    if counted { Ok(()) } else { Err(ServiceError::new("InvalidInput", "Thumbprint list must contain fewer than 5 entries.")) }
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let given = ask.required("Url")?;
    let thumbprints = ask.list("ThumbprintList").unwrap_or_default();
    let clients = ask.list("ClientIDList").unwrap_or_default();
    let tags = tags::checked(ask)?;
    check_lengths(given, &thumbprints, &clients)?;
    let url = without_scheme(given);
    if given.len() == url.len() || url.is_empty() || !given.contains("://") {
        return Err(invalid("Invalid Open ID Connect Provider URL"));
    }
    check_thumbprints(&thumbprints)?;
    if clients.len() > CLIENTS {
        return Err(limit_exceeded("ClientIdsPerOpenIdConnectProvider", CLIENTS));
    }
    if created(connection, url)?.is_some() {
        return Err(exists_already(format!("Provider with url {given} already exists.")));
    }
    connection.execute("INSERT INTO iam_provider (url, created) VALUES (?1, ?2)", params![url, ask.now])?;
    add(connection, url, "client", &clients)?;
    add(connection, url, "thumbprint", &thumbprints)?;
    tags::set(connection, &owner(url), &tags)?;
    let mut xml = Xml::default();
    xml.text("OpenIDConnectProviderArn", arn(&ask.place, url));
    if !tags.is_empty() {
        tags::write(&mut xml, tags::of(connection, &owner(url))?);
    }
    Ok(xml)
}

fn check_lengths(url: &str, thumbprints: &[&str], clients: &[&str]) -> Result<(), ServiceError> {
    let at_most = |longest| format!("Member must have length less than or equal to {longest}");
    let list = |field: &str, constraints: String| {
        format!("Value at \"{field}\" failed to satisfy constraint: Member must satisfy constraint: [{constraints}]")
    };
    let mut broken = Vec::new();
    if clients.iter().any(|client| CLIENT.broken_by(client).is_some()) {
        broken.push(list("clientIDList", format!("{}, Member must have length greater than or equal to 1", at_most(255))));
    }
    if thumbprints.iter().any(|thumbprint| thumbprint.len() != 40) {
        broken.push(list("thumbprintList", format!("{}, Member must have length greater than or equal to 40", at_most(40))));
    }
    if URL.broken_by(url).is_some() {
        broken.push(format!("Value \"{url}\" at \"url\" failed to satisfy constraint: {}", at_most(255)));
    }
    if broken.is_empty() { Ok(()) } else { Err(violations(&broken)) }
}

pub(super) fn get(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let (url, created) = asked(connection, ask)?;
    let mut xml = Xml::default();
    xml.text("Url", &url)
        .texts("ClientIDList", items(connection, &url, "client")?)
        .texts("ThumbprintList", items(connection, &url, "thumbprint")?)
        .text("CreateDate", date(created));
    tags::write(&mut xml, tags::of(connection, &owner(&url))?);
    Ok(xml)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let mut query = connection.prepare_cached("SELECT url FROM iam_provider ORDER BY url")?;
    let urls = query.query_map([], |row| row.get(0))?.collect::<Result<Vec<String>, _>>()?;
    let mut xml = Xml::default();
    xml.list("OpenIDConnectProviderList", urls, |xml, url| {
        xml.text("Arn", arn(&ask.place, &url));
    });
    Ok(xml)
}

/// Deleting what is not there is no fault.
pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let url = url_of(ask.required("OpenIDConnectProviderArn")?)?;
    tags::clear(connection, &owner(url))?;
    connection.execute("DELETE FROM iam_provider WHERE url = ?1", [url])?;
    Ok(Xml::default())
}

pub(super) fn add_client(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let (url, _) = asked(connection, ask)?;
    let client = ask.required("ClientID")?;
    if let Some(constraint) = CLIENT.broken_by(client) {
        return Err(violations(&[violated(client, "clientID", &constraint)]));
    }
    add(connection, &url, "client", &[client])?;
    if items(connection, &url, "client")?.len() > CLIENTS {
        return Err(limit_exceeded("ClientIdsPerOpenIdConnectProvider", CLIENTS));
    }
    Ok(Xml::default())
}

pub(super) fn remove_client(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let (url, _) = asked(connection, ask)?;
    let client = ask.required("ClientID")?;
    let sql = "DELETE FROM iam_provider_item WHERE provider = ?1 AND kind = 'client' AND value = ?2";
    connection.execute(sql, params![url, client])?;
    Ok(Xml::default())
}

pub(super) fn update_thumbprints(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    let (url, _) = asked(connection, ask)?;
    let thumbprints = ask.list("ThumbprintList").unwrap_or_default();
    check_lengths("-", &thumbprints, &[])?;
    check_thumbprints(&thumbprints)?;
    connection.execute("DELETE FROM iam_provider_item WHERE provider = ?1 AND kind = 'thumbprint'", [&url])?;
    add(connection, &url, "thumbprint", &thumbprints)?;
    Ok(Xml::default())
}

pub(super) fn tag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::tag(connection, ask, &owner(&asked(connection, ask)?.0)).map(|()| Xml::default())
}

pub(super) fn untag(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::untag(connection, ask, &owner(&asked(connection, ask)?.0)).map(|()| Xml::default())
}

pub(super) fn list_tags(connection: &Connection, ask: &Ask) -> Result<Xml, ServiceError> {
    tags::list(connection, ask, &owner(&asked(connection, ask)?.0))
}
