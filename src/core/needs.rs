//! What the triggers of manifests need in AWS: the sources that they name, and who must be allowed to read them.

mod documents;
mod order;
mod roles;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    error::Result,
    iam::Right,
    keda::{
        authorization::AwsAuthorization,
        trigger::{Named, TriggerMetadata},
    },
    queue_url,
    source::Source,
    stack::Place,
};

pub use documents::Keda;
pub use order::{Order, RoleOrder};
pub use roles::RoleNeed;
use tables::Tables;

/// Shards of a stream that nobody described further.
const SHARDS: i32 = 1;

/// One trigger, as it is resolved.
#[derive(Debug, Clone)]
pub struct Reader {
    /// Whose it is, for messages: `namespace/name triggers[0]`.
    pub about: String,
    /// What it reads.
    pub metadata: TriggerMetadata,
    /// In whose name.
    pub authorization: AwsAuthorization,
}

/// Everything that triggers need.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// What they read, each once.
    pub sources: Vec<Located>,
    /// What KEDA's operator reads in its own name.
    pub operator: BTreeSet<Right>,
    /// The roles in whose name the others are read, by name.
    pub roles: Vec<RoleNeed>,
    /// What cannot be made, and why.
    pub notes: Vec<String>,
}

/// A source and its region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The region.
    pub region: String,
    /// The source.
    #[serde(flatten)]
    pub source: Source,
}

impl Needs {
    /// What `readers` need in `account`.
    ///
    /// # Errors
    /// `Input`, when a query tells no keys, no table can have all the keys that are asked of it, or a role's ARN is none.
    pub fn of(readers: &[Reader], account: &str) -> Result<Self> {
        let mut gathered =
            Gathered { account, needs: Self::default(), named: BTreeMap::new(), tables: Tables::default(), roles: BTreeMap::new() };
        for reader in readers {
            gathered.take(reader)?;
        }
        gathered.finish()
    }

    /// Whether nothing is needed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sources.is_empty() && self.operator.is_empty() && self.roles.is_empty()
    }
}

/// Needs while they are gathered.
struct Gathered<'a> {
    account: &'a str,
    needs: Needs,
    /// Queues and streams by region, kind and name.
    named: BTreeMap<(String, String), Located>,
    tables: Tables,
    roles: BTreeMap<String, RoleNeed>,
}

impl Gathered<'_> {
    fn take(&mut self, reader: &Reader) -> Result<()> {
        let Some(source) = reader.metadata.source() else { return Ok(()) };
        let mut note = |why: String| self.needs.notes.push(format!("{}: {why}", reader.about));
        if !source.place.endpoint.is_empty() {
            note(format!("nothing is made at its own awsEndpoint `{}`", source.place.endpoint));
            return Ok(());
        }
        let place = Place::new(&source.place.region, self.account);
        if let TriggerMetadata::Sqs(metadata) = &reader.metadata
            && let Some(owner) = queue_url::account(&metadata.queue_url).filter(|owner| *owner != self.account)
        {
            note(format!("the queue is of the account {owner}, and nothing is made outside of {}", self.account));
            return Ok(());
        }
        self.locate(reader, &source.named, &place)?;
        let rights = rights(&reader.metadata, &source.named, &place);
        match &reader.authorization {
            AwsAuthorization::Keys { .. } => {}
            AwsAuthorization::Operator | AwsAuthorization::PodIdentity { role_arn: None, .. } => self.needs.operator.extend(rights),
            AwsAuthorization::PodIdentity { role_arn: Some(role), external_id } => {
                self.role(reader, role)?.extend(|role| role.by_pod_identity(external_id.as_deref()), rights);
            }
            AwsAuthorization::Role(role) => self.role(reader, role)?.extend(RoleNeed::by_assumption, rights),
        }
        Ok(())
    }

    fn locate(&mut self, reader: &Reader, named: &Named, place: &Place) -> Result<()> {
        let region = place.region.clone();
        let source = match (named, &reader.metadata) {
            (Named::Queue(name), _) => Source::Queue { name: name.clone() },
            (Named::Stream(name), _) => Source::Stream { name: name.clone(), shards: SHARDS },
            (Named::Table(name), TriggerMetadata::DynamoDb(metadata)) => {
                let index = Some(metadata.index_name.as_str()).filter(|index| !index.is_empty());
                return self.tables.queried(&reader.about, (&region, name), index, metadata.key_schema()?);
            }
            (Named::Table(name) | Named::TableStream(name), _) => {
                self.tables.followed((&region, name));
                return Ok(());
            }
            // A metric is there from its first value on; that it has none yet is something that one may want to see.
            (Named::Metric(_), _) => return Ok(()),
        };
        self.named.entry((region.clone(), source.to_string())).or_insert(Located { region, source });
        Ok(())
    }

    fn role(&mut self, reader: &Reader, arn: &str) -> Result<RoleEntry<'_>> {
        let role = RoleNeed::parse(arn, self.account, &reader.about)?;
        Ok(match role {
            Ok(role) => RoleEntry(Some(self.roles.entry(role.name.clone()).or_insert(role))),
            Err(note) => {
                self.needs.notes.push(note);
                RoleEntry(None)
            }
        })
    }

    fn finish(self) -> Result<Needs> {
        let mut sources: Vec<Located> = self.named.into_values().collect();
        sources.extend(self.tables.finish()?);
        sources.sort_by(|one, other| (&one.region, one.source.name()).cmp(&(&other.region, other.source.name())));
        Ok(Needs { sources, roles: self.roles.into_values().collect(), ..self.needs })
    }
}

/// A role that is needed, unless it cannot be made.
struct RoleEntry<'a>(Option<&'a mut RoleNeed>);

impl RoleEntry<'_> {
    fn extend(self, how: impl FnOnce(&mut RoleNeed), rights: Vec<Right>) {
        if let Some(role) = self.0 {
            how(role);
            role.rights.extend(rights);
        }
    }
}

/// What the trigger's scaler asks of AWS, and nothing else.
fn rights(metadata: &TriggerMetadata, named: &Named, place: &Place) -> Vec<Right> {
    let index = match metadata {
        TriggerMetadata::DynamoDb(metadata) => metadata.index_name.as_str(),
        _ => "",
    };
    named.rights(place, index)
}

#[cfg(test)]
mod tests;
