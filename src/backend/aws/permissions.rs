//! What the person may do in the account, as far as IAM says it.

use aws_config::SdkConfig;

use super::{
    error::{code_of, fault},
    surroundings::Caller,
};
use crate::core::{check::Check, ops::doctor::rights, settings::TriggerKind};

/// What setup and teardown ask of AWS.
const NEEDED: &[&str] = &[
    "sqs:CreateQueue",
    "sqs:DeleteQueue",
    "sqs:GetQueueAttributes",
    "sqs:SetQueueAttributes",
    "sqs:TagQueue",
    "sqs:ListQueueTags",
    "sqs:SendMessage",
    "iam:CreatePolicy",
    "iam:DeletePolicy",
    "iam:GetPolicy",
    "iam:CreatePolicyVersion",
    "iam:DeletePolicyVersion",
    "iam:TagPolicy",
    "iam:CreateRole",
    "iam:DeleteRole",
    "iam:GetRole",
    "iam:TagRole",
    "iam:UpdateAssumeRolePolicy",
    "iam:AttachRolePolicy",
    "iam:DetachRolePolicy",
];
/// What else it asks for where an EKS cluster is named.
const NEEDED_ON_EKS: &[&str] = &["eks:DescribeCluster", "iam:CreateOpenIDConnectProvider", "iam:GetOpenIDConnectProvider"];

/// What it asks for besides, for the source of a trigger.
fn needed_for(trigger: TriggerKind) -> &'static [&'static str] {
    match trigger {
        TriggerKind::Sqs => &[],
        TriggerKind::Kinesis => &[
            "kinesis:CreateStream",
            "kinesis:DeleteStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:AddTagsToStream",
            "kinesis:ListTagsForStream",
        ],
        TriggerKind::DynamoDb | TriggerKind::DynamoDbStreams => &[
            "dynamodb:CreateTable",
            "dynamodb:DeleteTable",
            "dynamodb:DescribeTable",
            "dynamodb:UpdateTable",
            "dynamodb:TagResource",
            "dynamodb:ListTagsOfResource",
        ],
        TriggerKind::CloudWatch => &["cloudwatch:GetMetricData"],
    }
}

/// Whether `caller` may do what setup of a stack with `trigger` needs; a check that was skipped where IAM does not say.
pub async fn check(config: &SdkConfig, caller: &Caller, trigger: TriggerKind, on_eks: bool) -> Check {
    let name = "AWS allows what setup needs";
    if caller.arn.ends_with(":root") {
        return Check::passed(name, "the account's root may do everything");
    }
    let needed: Vec<&str> = NEEDED.iter().chain(needed_for(trigger)).chain(NEEDED_ON_EKS.iter().filter(|_| on_eks)).copied().collect();
    let mut refused = Vec::new();
    let request = aws_sdk_iam::Client::new(config).simulate_principal_policy().policy_source_arn(principal(&caller.arn));
    let request = request.set_action_names(Some(needed.iter().map(|action| (*action).to_owned()).collect()));
    let mut pages = request.into_paginator().items().send();
    while let Some(result) = pages.next().await {
        match result {
            Ok(result) if result.eval_decision().as_str() == "allowed" => {}
            Ok(result) => refused.push(result.eval_action_name),
            Err(error) => {
                let why = code_of(&error).map_or_else(|| fault("", &error).why, str::to_owned);
                return Check::skipped(name, format!("not checked: iam:SimulatePrincipalPolicy answers {why}"));
            }
        }
    }
    rights(
        name,
        needed.len(),
        &refused,
        "use a --profile allowed to, or have these actions allowed (and not denied by an organisation policy)",
    )
}

/// The role behind a role's session; anyone else is their own principal.
fn principal(arn: &str) -> String {
    let session = arn.split_once(":sts::").and_then(|(partition, rest)| Some((partition, rest.split_once(":assumed-role/")?)));
    match session {
        Some((partition, (account, name))) => {
            let role = name.split('/').next().unwrap_or_default();
            format!("{partition}:iam::{account}:role/{role}")
        }
        None => arn.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::principal;

    #[test]
    fn a_session_is_asked_about_by_its_role_in_any_partition() {
        assert_eq!(principal("arn:aws-cn:sts::123456789012:assumed-role/admin/me"), "arn:aws-cn:iam::123456789012:role/admin");
        assert_eq!(principal("arn:aws:iam::123456789012:user/me"), "arn:aws:iam::123456789012:user/me");
    }
}
