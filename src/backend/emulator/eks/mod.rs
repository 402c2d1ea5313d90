//! EKS: the cluster record with its OIDC issuer, and pod identity associations.

mod associations;
mod clusters;
mod issuer;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use http::{HeaderValue, Method, Response};
use rusqlite::Connection;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    ACCOUNT, Emulator,
    error::ServiceError,
    iam::{authorize_at, tagging},
    request::Call,
};
use crate::core::stack::Place;

pub(crate) use issuer::{Issuer, key_id};

/// The tables. Times are seconds since 1970.
pub(crate) const SCHEMA: &str = "
CREATE TABLE eks_cluster (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, region TEXT NOT NULL, issuer TEXT NOT NULL UNIQUE, private_key BLOB NOT NULL,
    public_key BLOB NOT NULL, version TEXT NOT NULL, role_arn TEXT NOT NULL, vpc TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
CREATE TABLE eks_association (
    id TEXT PRIMARY KEY, cluster TEXT NOT NULL REFERENCES eks_cluster (arn) ON DELETE CASCADE, namespace TEXT NOT NULL,
    service_account TEXT NOT NULL, role_arn TEXT NOT NULL, created INTEGER NOT NULL,
    UNIQUE (cluster, namespace, service_account)) STRICT;
";

/// A call with its path taken apart and its body read.
struct Ask {
    call: Call,
    now: i64,
    place: Place,
    path: Vec<String>,
    body: Map<String, Value>,
}

impl Ask {
    fn new(call: &Call, now: i64) -> Result<Self, ServiceError> {
        let decode = |part: &str| {
            form_urlencoded::parse(format!("={}", part.replace('+', "%2B")).as_bytes()).next().map(|(_, text)| text.into_owned())
        };
        let path = call.path.split('/').filter(|part| !part.is_empty()).filter_map(decode).collect();
        let body = if call.body.is_empty() {
            Map::new()
        } else {
            serde_json::from_slice(&call.body)
                .map_err(|error| ServiceError::new("InvalidParameterException", format!("the body is not JSON: {error}")))?
        };
        Ok(Self { place: Place::new(&call.region, ACCOUNT), call: call.clone(), now, path, body })
    }

    fn text(&self, field: &str) -> Result<&str, ServiceError> {
        let message = || ServiceError::new("InvalidParameterException", format!("The parameter {field} is required."));
        self.body.get(field).and_then(Value::as_str).filter(|text| !text.is_empty()).ok_or_else(message)
    }

    /// The pairs of `tags`.
    fn tags(&self) -> Vec<(&str, &str)> {
        let pairs = self.body.get("tags").and_then(Value::as_object).into_iter().flatten();
        pairs.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?))).collect()
    }

    /// The page of `all` that `maxResults` and `nextToken` ask for, as JSON under `name`.
    fn page(&self, name: &str, mut all: Vec<Value>) -> Result<Value, ServiceError> {
        let invalid = |field: &str| ServiceError::new("InvalidParameterException", format!("{field} is not valid"));
        let size = self.call.field("maxResults").map_or(Ok(100), |text| match text.parse::<usize>() {
            Ok(size @ 1..=100) => Ok(size),
            _ => Err(invalid("maxResults")),
        })?;
        let start = match self.call.field("nextToken") {
            None | Some("") => 0,
            Some(token) => token.parse::<usize>().ok().filter(|start| *start <= all.len()).ok_or_else(|| invalid("nextToken"))?,
        };
        let mut page = all.split_off(start);
        let next = (page.len() > size).then(|| (start + size).to_string());
        page.truncate(size);
        Ok(serde_json::json!({ name: page, "nextToken": next }))
    }
}

type Work = fn(&Connection, &Ask) -> Result<Value, ServiceError>;

/// Answers one call.
pub(crate) async fn handle(emulator: &Emulator, call: &Call) -> Result<Response<Bytes>, ServiceError> {
    let ask = Ask::new(call, emulator.clock.now().as_second())?;
    let (action, work) = route(&ask)?;
    let looks = call.method == Method::GET;
    let run = move |connection: &Connection| {
        authorize_at(connection, &ask.call, ask.now, &format!("eks:{action}"), &resource(&ask))?;
        work(connection, &ask)
    };
    let value = if looks { emulator.store.read(run).await? } else { emulator.store.write(move |transaction| run(transaction)).await? };
    let mut response = Response::new(Bytes::from(value.to_string()));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    if let Ok(id) = Uuid::new_v4().to_string().parse() {
        response.headers_mut().insert("x-amzn-requestid", id);
    }
    Ok(response)
}

fn route(ask: &Ask) -> Result<(&'static str, Work), ServiceError> {
    let path: Vec<&str> = ask.path.iter().map(String::as_str).collect();
    let route: (&'static str, Work) = match (&ask.call.method, &path[..]) {
        (&Method::POST, ["clusters"]) => ("CreateCluster", clusters::create),
        (&Method::GET, ["clusters"]) => ("ListClusters", clusters::list),
        (&Method::GET, ["clusters", _]) => ("DescribeCluster", clusters::describe),
        (&Method::DELETE, ["clusters", _]) => ("DeleteCluster", clusters::delete),
        (&Method::POST, ["clusters", _, "pod-identity-associations"]) => ("CreatePodIdentityAssociation", associations::create),
        (&Method::GET, ["clusters", _, "pod-identity-associations"]) => ("ListPodIdentityAssociations", associations::list),
        (&Method::GET, ["clusters", _, "pod-identity-associations", _]) => ("DescribePodIdentityAssociation", associations::describe),
        (&Method::POST, ["clusters", _, "pod-identity-associations", _]) => ("UpdatePodIdentityAssociation", associations::update),
        (&Method::GET, ["clusters", _, "addons", _]) => ("DescribeAddon", clusters::describe_addon),
        (&Method::DELETE, ["clusters", _, "pod-identity-associations", _]) => ("DeletePodIdentityAssociation", associations::delete),
        (&Method::POST, ["tags", ..]) => ("TagResource", tag),
        (&Method::DELETE, ["tags", ..]) => ("UntagResource", untag),
        (&Method::GET, ["tags", ..]) => ("ListTagsForResource", list_tags),
        _ => {
            let message = format!("the embedded EKS has no operation {} {}", ask.call.method, ask.call.path);
            return Err(ServiceError::new("UnknownOperationException", message).status(404));
        }
    };
    Ok(route)
}

/// The ARN that a policy must cover for this call.
fn resource(ask: &Ask) -> String {
    match ask.path.first().map(String::as_str) {
        Some("tags") => tagged(ask),
        _ => match ask.path.get(1).map(String::as_str).or_else(|| ask.body.get("name").and_then(Value::as_str)) {
            Some(name) => ask.place.cluster_arn(name),
            None => "*".to_owned(),
        },
    }
}

/// The ARN in a path of `tags/ARN`, whose slashes may be encoded or not.
fn tagged(ask: &Ask) -> String {
    ask.path.iter().skip(1).map(String::as_str).collect::<Vec<_>>().join("/")
}

fn not_found(message: impl Into<String>) -> ServiceError {
    ServiceError::new("ResourceNotFoundException", message).status(404)
}

/// The tagged object's ARN, if it exists.
fn existing(connection: &Connection, ask: &Ask) -> Result<String, ServiceError> {
    let arn = tagged(ask);
    let sql = "SELECT EXISTS (SELECT 1 FROM eks_cluster WHERE arn = ?1)
               OR EXISTS (SELECT 1 FROM eks_association WHERE ?1 LIKE '%:podidentityassociation/%/' || id)";
    let exists: bool = connection.query_row(sql, [&arn], |row| row.get(0))?;
    if exists { Ok(arn) } else { Err(ServiceError::new("NotFoundException", format!("No resource found for {arn}.")).status(404)) }
}

fn tag(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    tagging::set(connection, &existing(connection, ask)?, &ask.tags())?;
    Ok(Value::Object(Map::new()))
}

fn untag(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let keys: Vec<&str> = ask.call.fields.iter().filter(|(name, _)| name == "tagKeys").map(|(_, key)| key.as_str()).collect();
    tagging::unset(connection, &existing(connection, ask)?, &keys)?;
    Ok(Value::Object(Map::new()))
}

fn list_tags(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    Ok(serde_json::json!({ "tags": tags_of(connection, &existing(connection, ask)?)? }))
}

fn tags_of(connection: &Connection, arn: &str) -> Result<Value, ServiceError> {
    Ok(tagging::of(connection, arn)?.into_iter().map(|(key, value)| (key, Value::from(value))).collect::<Map<_, _>>().into())
}
