//! The rules that IAM adds to the syntax: what an identity policy and a trust policy must and must not say.

use std::collections::HashSet;

use super::{
    document::{Document, Patterns, Principal, Statement, Version},
    malformed::Malformed,
    pattern::Pattern,
};

/// What a trust policy may speak of.
const TRUST_ACTIONS: [&str; 6] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];
/// What the resource part of an IAM ARN may start with.
const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

impl Document {
    /// Reads an identity policy as `CreatePolicy` and `PutRolePolicy` accept it, with IAM's sentences when they do not.
    ///
    /// # Errors
    /// [`Malformed`] with the first fault in the order in which IAM looks for them.
    pub fn identity(text: &str) -> Result<Self, Malformed> {
        let (document, late) = Self::parse_with_late(text)?;
        if document.version != Version::V2012 {
            return Err(Malformed::new("Policy document must be version 2012-10-17 or greater.", ""));
        }
        check_identity(&document, late)?;
        Ok(document)
    }

    /// Reads a session policy as STS accepts it: an identity policy of any version.
    ///
    /// # Errors
    /// As [`Document::identity`].
    pub fn session(text: &str) -> Result<Self, Malformed> {
        let (document, late) = Self::parse_with_late(text)?;
        check_identity(&document, late)?;
        Ok(document)
    }

    /// Reads a trust policy as `CreateRole` and `UpdateAssumeRolePolicy` accept it. Whether its principals exist is not asked here.
    ///
    /// # Errors
    /// [`Malformed`] with IAM's sentence.
    pub fn trust(text: &str) -> Result<Self, Malformed> {
        let (document, late) = Self::parse_with_late(text)?;
        if let Some(late) = late {
            return Err(late);
        }
        unique_sids(&document)?;
        document.statements.iter().try_for_each(check_trust)?;
        Ok(document)
    }
}

fn check_identity(document: &Document, late: Option<Malformed>) -> Result<(), Malformed> {
    let resources = || document.statements.iter().filter_map(|statement| statement.resources.as_ref()).flat_map(Patterns::list);
    if let Some(late) = late {
        return Err(late);
    }
    // A foreign partition is reported before a later resource's shape, but after an earlier one's.
    for resource in resources() {
        check_shape(resource)?;
        if foreign_partition(resource).is_some() {
            break;
        }
    }
    unique_sids(document)?;
    if document.statements.iter().any(|statement| !statement.principals.is_empty()) {
        return Err(Malformed::new("Policy document should not specify a principal.", ""));
    }
    resources().try_for_each(|resource| check_resource(resource))?;
    if document.statements.iter().any(|statement| statement.actions.list().is_empty()) {
        return Err(Malformed::new("Policy statement must contain actions.", ""));
    }
    document.statements.iter().flat_map(|statement| statement.actions.list()).try_for_each(|action| check_action(action))?;
    if document.statements.iter().any(|statement| statement.resources.as_ref().is_none_or(|list| list.list().is_empty())) {
        return Err(Malformed::new("Policy statement must contain resources.", ""));
    }
    Ok(())
}

fn check_trust(statement: &Statement) -> Result<(), Malformed> {
    if statement.resources.is_some() {
        return Err(Malformed::new("Has prohibited field Resource", ""));
    }
    if statement.principals.is_empty() {
        return Err(Malformed::new("Missing required field Principal", ""));
    }
    if statement.actions.list().is_empty() {
        return Err(Malformed::new("Missing required field Action", ""));
    }
    statement.actions.list().iter().try_for_each(|action| check_action(action))?;
    if !statement.actions.list().iter().all(|action| names_trust_action(action)) {
        return Err(Malformed::new("AssumeRole policy may only specify STS AssumeRole actions.", ""));
    }
    let only = |wanted: &str| statement.actions.list().iter().any(|action| action.eq_ignore_ascii_case(wanted));
    let federated = statement.principals.iter().all(|principal| matches!(principal, Principal::Federated(_)));
    if federated && matches!(statement.actions, Patterns::Any(_)) && only("sts:AssumeRole") {
        return Err(Malformed::new(
            "AssumeRole policy may only specify STS AssumeRole actions.",
            "a federated principal needs sts:AssumeRoleWithWebIdentity",
        ));
    }
    Ok(())
}

/// Whether a pattern covers one of the actions by which one becomes a role.
fn names_trust_action(action: &str) -> bool {
    let pattern = Pattern::wild(&action.to_ascii_lowercase());
    TRUST_ACTIONS.iter().any(|known| pattern.matches(&known.to_ascii_lowercase()))
}

fn unique_sids(document: &Document) -> Result<(), Malformed> {
    let mut seen = HashSet::new();
    let repeated = document.statements.iter().filter_map(|s| s.sid.as_deref()).filter(|sid| !sid.is_empty()).find(|sid| !seen.insert(*sid));
    match repeated {
        Some(sid) => Err(Malformed::new("Statement IDs (SID) in a single policy must be unique.", format!("`{sid}` occurs twice"))),
        None => Ok(()),
    }
}

fn check_action(action: &str) -> Result<(), Malformed> {
    if action == "*" {
        return Ok(());
    }
    let Some((vendor, name)) = action.split_once(':') else {
        let message = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.";
        return Err(Malformed::new(message, format!("`{action}` is not")));
    };
    if name.contains(':') {
        return Err(Malformed::new("Actions/Condition can contain only one colon.", format!("`{action}` has more")));
    }
    let valid = !vendor.is_empty() && vendor.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if valid { Ok(()) } else { Err(Malformed::new(format!("Vendor {vendor} is not valid"), "")) }
}

fn foreign_partition(resource: &str) -> Option<&str> {
    let partition = resource.split(':').nth(1)?;
    if matches!(partition, "aws" | "aws-cn" | "aws-us-gov" | "aws-iso" | "aws-iso-b" | "*") { None } else { Some(partition) }
}

/// What IAM calls legacy parsing: an ARN has six parts, and names a service. One of three parts only passes, as at IAM.
fn check_shape(resource: &str) -> Result<(), Malformed> {
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let legacy = parts.len() > 3 && foreign_partition(resource).is_none() && (parts.len() < 6 || parts[2].is_empty());
    if legacy && parts.get(5) != Some(&"*") { Err(Malformed::legacy("Resource", format!("`{resource}` is no ARN"))) } else { Ok(()) }
}

fn check_resource(resource: &str) -> Result<(), Malformed> {
    if resource == "*" {
        return Ok(());
    }
    let mut parts: Vec<&str> = resource.splitn(6, ':').collect();
    if parts.len() < 2 {
        return Err(Malformed::new(format!("Resource {resource} must be in ARN format or \"*\"."), ""));
    }
    if let Some(partition) = foreign_partition(resource) {
        parts[0] = "arn";
        parts.resize(6, "*");
        return Err(Malformed::new(format!("Partition \"{partition}\" is not valid for resource \"{}\".", parts.join(":")), ""));
    }
    if parts.len() == 2 {
        return Err(Malformed::new("Resource vendor must be fully qualified and cannot contain regexes.", format!("`{resource}`")));
    }
    if parts.len() < 6 {
        return Ok(());
    }
    match (parts[2], parts[3], parts[5]) {
        ("iam", region, _) if !region.is_empty() && region != "*" => {
            Err(Malformed::new(format!("IAM resource {resource} cannot contain region information."), ""))
        }
        ("iam", _, path) if path != "*" && !IAM_PATHS.iter().any(|start| path.starts_with(start) || path.starts_with('*')) => {
            let known = IAM_PATHS.join(", ");
            Err(Malformed::new(format!("IAM resource path must either be \"*\" or start with {known}."), format!("`{resource}`")))
        }
        ("s3", region, path) if !region.is_empty() && region != "*" && !path.starts_with("accesspoint") => {
            Err(Malformed::new(format!("Resource {resource} can not contain region information."), ""))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> String {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":{{{body}}}}}"#);
        Document::identity(&text).expect_err(body).message
    }

    #[test]
    fn identity_policies_are_refused_in_iams_words() {
        for (body, message) in [
            (r#""Effect":"Allow","Action":"SendMessage","Resource":"*""#, "Actions/Conditions must be prefaced by a vendor"),
            (r#""Effect":"Allow","Action":"sqs:SendMessage""#, "Policy statement must contain resources."),
            (r#""Effect":"Allow","Resource":"*""#, "Policy statement must contain actions."),
            (
                r#""Effect":"Allow","Action":"sqs:*","Resource":"arn:aws:sqs:us-east-1:123456789012queue""#,
                "The policy failed legacy parsing",
            ),
            (r#""Effect":"Allow","Action":"sqs:*","Resource":"queue""#, "Resource queue must be in ARN format"),
            (r#""Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*""#, "should not specify a principal"),
        ] {
            assert!(refusal(body).starts_with(message) || refusal(body).contains(message), "{}", refusal(body));
        }
        let old = r#"{"Statement":{"Effect":"Allow","Action":"sqs:*","Resource":"*"}}"#;
        assert!(Document::identity(old).expect_err("old").message.contains("2012-10-17"));
    }

    #[test]
    fn trust_policies_name_principals_and_sts_actions_only() {
        for (body, message) in [
            (r#""Effect":"Allow","Action":"sts:AssumeRole""#, "Missing required field Principal"),
            (r#""Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*""#, "Has prohibited field Resource"),
            (
                r#""Effect":"Allow","Principal":"*","Action":"sqs:SendMessage""#,
                "AssumeRole policy may only specify STS AssumeRole actions.",
            ),
        ] {
            let text = format!(r#"{{"Statement":{{{body}}}}}"#);
            assert_eq!(Document::trust(&text).expect_err(body).message, message);
        }
    }
}
