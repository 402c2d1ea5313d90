//! Pod identity associations: which role the pods of a service account get.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

use super::{Ask, clusters::Cluster, not_found, tags_of};
use crate::backend::emulator::{
    error::ServiceError,
    iam::{secret, tagging},
};

const COLUMNS: &str = "id, namespace, service_account, role_arn, created";

struct Association {
    id: String,
    namespace: String,
    service_account: String,
    role_arn: String,
    created: i64,
}

impl Association {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { id: row.get(0)?, namespace: row.get(1)?, service_account: row.get(2)?, role_arn: row.get(3)?, created: row.get(4)? })
    }

    /// The association that the path names.
    fn asked(connection: &Connection, ask: &Ask, cluster: &Cluster) -> Result<Self, ServiceError> {
        let id = ask.path.get(3).map(String::as_str).unwrap_or_default();
        let sql = format!("SELECT {COLUMNS} FROM eks_association WHERE cluster = ?1 AND id = ?2");
        let found = connection.prepare_cached(&sql)?.query_row(params![cluster.arn, id], Self::read).optional()?;
        found.ok_or_else(|| not_found(format!("The association for cluster {} is not found: {id}", cluster_name(ask))))
    }

    fn arn(&self, ask: &Ask) -> String {
        let cluster = ask.place.cluster_arn(cluster_name(ask));
        format!("{}/{}", cluster.replacen(":cluster/", ":podidentityassociation/", 1), self.id)
    }

    fn summary(&self, ask: &Ask) -> Value {
        json!({
            "clusterName": cluster_name(ask),
            "namespace": self.namespace,
            "serviceAccount": self.service_account,
            "associationArn": self.arn(ask),
            "associationId": self.id,
        })
    }

    fn to_value(&self, connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
        let mut value = self.summary(ask);
        value["roleArn"] = self.role_arn.as_str().into();
        value["createdAt"] = self.created.into();
        value["modifiedAt"] = self.created.into();
        value["tags"] = tags_of(connection, &self.arn(ask))?;
        Ok(json!({ "association": value }))
    }
}

fn cluster_name(ask: &Ask) -> &str {
    ask.path.get(1).map(String::as_str).unwrap_or_default()
}

pub(super) fn create(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let cluster = Cluster::asked(connection, ask)?;
    let association = Association {
        id: format!("a-{}", secret(17)?.to_ascii_lowercase().replace(['+', '/'], "0")),
        namespace: ask.text("namespace")?.to_owned(),
        service_account: ask.text("serviceAccount")?.to_owned(),
        role_arn: ask.text("roleArn")?.to_owned(),
        created: ask.now,
    };
    let sql = "INSERT OR IGNORE INTO eks_association (id, cluster, namespace, service_account, role_arn, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    let Association { id, namespace, service_account, role_arn, created } = &association;
    if connection.execute(sql, params![id, cluster.arn, namespace, service_account, role_arn, created])? == 0 {
        let message = format!("Association already exists: {namespace}/{service_account}");
        return Err(ServiceError::new("ResourceInUseException", message).status(409));
    }
    tagging::set(connection, &association.arn(ask), &ask.tags())?;
    association.to_value(connection, ask)
}

/// Removes all associations of `cluster`.
pub(super) fn clear(connection: &Connection, ask: &Ask, cluster: &Cluster) -> Result<(), ServiceError> {
    for association in of(connection, cluster)? {
        tagging::clear(connection, &association.arn(ask))?;
    }
    connection.execute("DELETE FROM eks_association WHERE cluster = ?1", [&cluster.arn])?;
    Ok(())
}

fn of(connection: &Connection, cluster: &Cluster) -> Result<Vec<Association>, ServiceError> {
    let sql = format!("SELECT {COLUMNS} FROM eks_association WHERE cluster = ?1 ORDER BY namespace, service_account");
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map([&cluster.arn], Association::read)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn list(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let cluster = Cluster::asked(connection, ask)?;
    let mut all = of(connection, &cluster)?;
    let wanted = |field: &str, value: &str| ask.call.field(field).is_none_or(|wanted| wanted == value);
    all.retain(|one| wanted("namespace", &one.namespace) && wanted("serviceAccount", &one.service_account));
    ask.page("associations", all.iter().map(|one| one.summary(ask)).collect())
}

pub(super) fn describe(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    Association::asked(connection, ask, &Cluster::asked(connection, ask)?)?.to_value(connection, ask)
}

pub(super) fn update(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let cluster = Cluster::asked(connection, ask)?;
    let association = Association::asked(connection, ask, &cluster)?;
    connection.execute("UPDATE eks_association SET role_arn = ?2 WHERE id = ?1", params![association.id, ask.text("roleArn")?])?;
    Association::asked(connection, ask, &cluster)?.to_value(connection, ask)
}

pub(super) fn delete(connection: &Connection, ask: &Ask) -> Result<Value, ServiceError> {
    let association = Association::asked(connection, ask, &Cluster::asked(connection, ask)?)?;
    let answer = association.to_value(connection, ask)?;
    tagging::clear(connection, &association.arn(ask))?;
    connection.execute("DELETE FROM eks_association WHERE id = ?1", [&association.id])?;
    Ok(answer)
}
