//! The fields of a TriggerAuthentication and a `ClusterTriggerAuthentication`, which have the same spec.

use super::{Document, field::Field};
use crate::core::error::Result;

const TOP: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];
const SPEC: [&str; 10] = [
    "podIdentity",
    "secretTargetRef",
    "configMapTargetRef",
    "env",
    "filePath",
    "hashiCorpVault",
    "azureKeyVault",
    "gcpSecretManager",
    "awsSecretManager",
    "boundServiceAccountToken",
];
const POD_IDENTITY: [&str; 7] =
    ["provider", "identityId", "identityTenantId", "identityAuthorityHost", "roleArn", "externalID", "identityOwner"];
/// The lists whose items name a parameter, each with the items' fields.
const LISTS: [(&str, [&str; 3]); 3] = [
    ("secretTargetRef", ["parameter", "name", "key"]),
    ("configMapTargetRef", ["parameter", "name", "key"]),
    ("env", ["parameter", "name", "containerName"]),
];

/// Notes what the API server would drop of the document.
///
/// # Errors
/// `Input` when a part is not of the type that it must be.
pub fn note(document: &mut Document) -> Result<()> {
    let mut found = Vec::new();
    let root = Field::root(&document.node, &document.source);
    root.note_unknown(&TOP, &mut found)?;
    if let Some(spec) = root.get("spec").filter(|spec| !spec.is_null()) {
        spec.note_unknown(&SPEC, &mut found)?;
        if let Some(identity) = spec.get("podIdentity").filter(|identity| !identity.is_null()) {
            identity.note_unknown(&POD_IDENTITY, &mut found)?;
        }
        for (name, fields) in LISTS {
            let Some(list) = spec.get(name).filter(|list| !list.is_null()) else { continue };
            for item in list.items()? {
                item.note_unknown(&fields, &mut found)?;
            }
        }
    }
    document.warnings.extend(found);
    Ok(())
}
