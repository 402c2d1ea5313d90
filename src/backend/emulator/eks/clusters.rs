//! Clusters: a record that is active at once.

use base64::{Engine, engine::general_purpose::STANDARD};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

use super::{Ask, Issuer, associations, not_found, tags_of};
use crate::{
    backend::emulator::{error::ServiceError, iam::tagging},
    core::stack::Place,
};

/// The Kubernetes version of a cluster whose maker names none.
const VERSION: &str = "1.33";

/// One cluster's record.
pub(super) struct Cluster {
    pub(super) arn: String,
    name: String,
    version: String,
    role_arn: String,
    vpc: Value,
    created: i64,
    issuer: String,
    public_key: Vec<u8>,
}

impl Cluster {
    /// The cluster that the path names.
    pub(super) fn asked(connection: &Connection, ask: &Ask) -> Result<Self, ServiceError> {
        let name = ask.path.get(1).map(String::as_str).unwrap_or_default();
        Self::find(connection, &ask.place, name)?.ok_or_else(|| not_found(format!("No cluster found for name: {name}.")))
    }

    fn find(connection: &Connection, place: &Place, name: &str) -> Result<Option<Self>, ServiceError> {
        let sql = "SELECT arn, name, version, role_arn, vpc, created, issuer, public_key FROM eks_cluster WHERE arn = ?1";
        let read = |row: &rusqlite::Row<'_>| {
            let vpc: String = row.get(4)?;
            Ok(Self {
                arn: row.get(0)?,
                name: row.get(1)?,
                version: row.get(2)?,
                role_arn: row.get(3)?,
                vpc: serde_json::from_str(&vpc).unwrap_or_default(),
                created: row.get(5)?,
                issuer: row.get(6)?,
                public_key: row.get(7)?,
            })
        };
        Ok(connection.prepare_cached(sql)?.query_row([place.cluster_arn(name)], read).optional()?)
    }

    fn to_value(&self, connection: &Connection, place: &Place, status: &str) -> Result<Value, ServiceError> {
        let id = self.issuer.rsplit('/').next().unwrap_or_default();
        let field = |name: &str, default: Value| self.vpc.get(name).cloned().unwrap_or(default);
        Ok(json!({
            "name": self.name,
            "arn": self.arn,
            "createdAt": self.created,
            "version": self.version,
            "endpoint": format!("https://{id}.gr7.{}.eks.{}", place.region, place.dns_suffix()),
            "roleArn": self.role_arn,
            "resourcesVpcConfig": {
                "subnetIds": field("subnetIds", json!([])),
                "securityGroupIds": field("securityGroupIds", json!([])),
                "endpointPublicAccess": field("endpointPublicAccess", true.into()),
                "endpointPrivateAccess": field("endpointPrivateAccess", false.into()),
                "publicAccessCidrs": field("publicAccessCidrs", json!(["0.0.0.0/0"])),
            },
            "kubernetesNetworkConfig": { "serviceIpv4Cidr": "10.100.0.0/16", "ipFamily": "ipv4" },
            "identity": { "oidc": { "issuer": self.issuer } },
            "status": status,
            "certificateAuthority": { "data": STANDARD.encode(&self.public_key) },
            "platformVersion": "eks.1",
            "tags": tags_of(connection, &self.arn)?,
        }))
    }
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let name = ask.text("name")?;
    let invalid = |message: String| ServiceError::new("InvalidParameterException", message);
    let valid = name.len() <= 100
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !valid {
        return Err(invalid(format!(
            "The name {name} is not valid: it must match ^[0-9A-Za-z][A-Za-z0-9\\-_]* and have at most 100 characters."
        )));
    }
    let role_arn = ask.text("roleArn")?;
    if !role_arn.contains(":role/") {
        return Err(invalid(format!("Role ARN {role_arn} is not valid.")));
    }
    let vpc = ask.body.get("resourcesVpcConfig").filter(|vpc| vpc.is_object());
    let vpc = vpc.ok_or_else(|| invalid("The parameter resourcesVpcConfig is required.".to_owned()))?;
    let version = ask.body.get("version").and_then(Value::as_str).unwrap_or(VERSION);
    if Cluster::find(connection, &ask.place, name)?.is_some() {
        return Err(ServiceError::new("ResourceInUseException", format!("Cluster already exists with name: {name}")).status(409));
    }
    let arn = ask.place.cluster_arn(name);
    let issuer = Issuer::generate(ask.place.embedded_issuer(name))?;
    connection.execute(
        "INSERT INTO eks_cluster (arn, name, region, issuer, private_key, public_key, version, role_arn, vpc, created)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        params![
            arn,
            name,
            ask.place.region,
            issuer.url,
            issuer.private_key,
            issuer.public_key,
            version,
            role_arn,
            vpc.to_string(),
            ask.now
        ],
    )?;
    tagging::set(connection, &arn, &ask.tags())?;
    answer(connection, ask, name, "ACTIVE")
}

pub(super) fn describe(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let cluster = Cluster::asked(connection, ask)?;
    answer(connection, ask, &cluster.name, "ACTIVE")
}

fn answer(connection: &Connection, ask: &Ask, name: &str, status: &str) -> Result<Value, ServiceError> {
    let cluster = Cluster::find(connection, &ask.place, name)?.ok_or_else(|| not_found(format!("No cluster found for name: {name}.")))?;
    Ok(json!({ "cluster": cluster.to_value(connection, &ask.place, status)? }))
}

/// There are no add-ons here: nothing runs on the cluster.
pub(super) fn describe_addon(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    Cluster::asked(connection, ask)?;
    let addon = ask.path.get(3).map(String::as_str).unwrap_or_default();
    Err(not_found(format!("No addon: {addon} found in cluster: {}", ask.path.get(1).map(String::as_str).unwrap_or_default())))
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let mut query = connection.prepare_cached("SELECT name FROM eks_cluster WHERE region = ?1 ORDER BY name")?;
    let names = query.query_map([&ask.place.region], |row| row.get::<_, String>(0))?.map(|name| name.map(Value::from));
    ask.page("clusters", names.collect::<Result<_, _>>()?)
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let cluster = Cluster::asked(connection, ask)?;
    let answer = answer(connection, ask, &cluster.name, "DELETING")?;
    tagging::clear(connection, &cluster.arn)?;
    associations::clear(connection, ask, &cluster)?;
    connection.execute("DELETE FROM eks_cluster WHERE arn = ?1", [&cluster.arn])?;
    Ok(answer)
}
