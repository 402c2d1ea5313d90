//! The chain over what setup makes, and over each defect of the published demo.

use super::*;
use crate::core::{
    check::CheckState,
    iam::Entity,
    settings::{Choices, Key, Origin, Settings, TriggerKind},
    stack::StackName,
    template::{Facts, Template},
};

const ISSUER: &str = "https://oidc.eks.us-east-1.amazonaws.com/id/ABC";

fn settings(region: &str, auth: &str, trigger: TriggerKind) -> Settings {
    let flags = Choices::from([
        (Key::Target, "eks".into()),
        (Key::Cluster, "demo".into()),
        (Key::Region, region.into()),
        (Key::Auth, auth.into()),
        (Key::Trigger, trigger.word().into()),
    ]);
    Settings::resolve(StackName::default(), "/s".into(), "123456789012", &[(Origin::Flag, flags)]).expect("valid")
}

/// What one finds after setup made everything as its templates say.
fn evidence(who: Who, region: &str, auth: &str) -> Evidence {
    evidence_of(who, region, auth, TriggerKind::Sqs)
}

/// The same of a stack with `trigger`.
fn evidence_of(who: Who, region: &str, auth: &str, trigger: TriggerKind) -> Evidence {
    let settings = settings(region, auth, trigger);
    let facts = Facts::new(&settings, ISSUER);
    let text = |template: Template| template.render(&facts).expect("rendered");
    let names = &settings.names;
    let (namespace, service_account, name, trust, policy) = match who {
        Who::Scaler => ("keda", "keda-operator", &names.operator_role, Template::OperatorTrust, Template::ScalerPolicy),
        Who::Producer => ("default", "aws-sqs", &names.workload_role, Template::WorkloadTrust, Template::ProducerPolicy),
        Who::Consumer => ("default", "aws-sqs", &names.workload_role, Template::WorkloadTrust, Template::ConsumerPolicy),
    };
    let trust = if auth == "secret" { String::new() } else { text(trust) };
    let found = Some(Entity { trust, policies: vec![("policy".into(), text(policy))] });
    let entity = Named { name: name.clone(), found };
    let arn = Some(settings.place.iam_arn(&format!("role/{name}")));
    let way = match auth {
        "irsa" => Way::WebIdentity { annotation: arn, issuer: ISSUER.into(), audiences: Some(vec![AUDIENCE.into()]), role: entity },
        "pod-identity" => Way::PodIdentity { cluster: "demo".into(), has_agent: true, association: arn, role: entity },
        _ => Way::Keys { secret: "s".into(), key: Some("AKIA1".into()), active: vec!["AKIA1".into()], user: entity },
    };
    Evidence {
        who,
        uses: settings.uses(who),
        rights: settings.rights(who),
        place: settings.place.clone(),
        namespace: namespace.into(),
        service_account: service_account.into(),
        way,
        then: None,
    }
}

/// The first broken link: its name, why, and what repairs it.
fn broken(evidence: &Evidence) -> (String, String, String) {
    let links = chain(evidence);
    let at = links.iter().position(Check::is_failed).unwrap_or_else(|| panic!("nothing is broken: {links:#?}"));
    assert!(links[at + 1..].iter().all(|link| link.state == CheckState::Skipped), "{links:#?}");
    let link = &links[at];
    (link.name.clone(), link.detail.clone(), link.repair.clone().expect("a repair"))
}

fn entity(evidence: &mut Evidence) -> &mut Entity {
    let named = match &mut evidence.way {
        Way::WebIdentity { role, .. } | Way::PodIdentity { role, .. } => role,
        Way::Keys { user, .. } => user,
    };
    named.found.as_mut().expect("it exists")
}

#[test]
fn what_setup_makes_holds_in_every_mode_and_partition() {
    for who in [Who::Scaler, Who::Producer, Who::Consumer] {
        for region in ["us-east-1", "cn-north-1", "us-gov-west-1"] {
            for auth in ["irsa", "pod-identity", "secret"] {
                for trigger in TriggerKind::ALL {
                    let links = chain(&evidence_of(who, region, auth, trigger));
                    assert!(links.len() >= 2 && links.iter().all(|link| link.state == CheckState::Passed), "{region} {auth}: {links:#?}");
                }
            }
        }
    }
}

#[test]
fn the_policy_of_another_trigger_is_a_broken_link_that_names_what_is_missing() {
    for (held, trigger, missing) in [
        (TriggerKind::Sqs, TriggerKind::Kinesis, "kinesis:DescribeStreamSummary"),
        (TriggerKind::DynamoDb, TriggerKind::DynamoDbStreams, "dynamodb:DescribeTable"),
        (TriggerKind::DynamoDbStreams, TriggerKind::DynamoDb, "dynamodb:Query"),
        (TriggerKind::Kinesis, TriggerKind::CloudWatch, "cloudwatch:GetMetricData"),
    ] {
        let mut evidence = evidence_of(Who::Scaler, "us-east-1", "irsa", held);
        let wanted = settings("us-east-1", "irsa", trigger);
        (evidence.uses, evidence.rights) = (wanted.uses(Who::Scaler), wanted.rights(Who::Scaler));
        let (name, why, repair) = broken(&evidence);
        assert!(name.ends_with(&format!("may use the {}", trigger.source_word())), "{name}");
        assert!(why.contains(missing) && repair.contains("keda-operator-policy.json"), "{why}; {repair}");
    }
}

#[test]
fn an_operator_that_may_only_assume_a_role_cannot_read_the_queue() {
    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    let role = "arn:aws:iam::123456789012:role/sqs-full-access";
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"{role}"}}]}}"#);
    entity(&mut found).policies = vec![("keda-sqs-assume-role".into(), policy)];
    let (name, why, repair) = broken(&found);
    assert!(name.contains("role keda-operator may use the queue"), "{name}");
    assert!(why.contains("no policy allows sqs:GetQueueAttributes"), "{why}");
    assert!(repair.contains("put-role-policy --role-name keda-operator"), "{repair}");
}

#[test]
fn a_trust_policy_without_the_audience_works_and_is_warned_about() {
    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    let trust = &mut entity(&mut found).trust;
    let mut value: serde_json::Value = serde_json::from_str(trust).expect("JSON");
    let conditions = value["Statement"][0]["Condition"]["StringEquals"].as_object_mut().expect("conditions");
    conditions.retain(|key, _| !key.ends_with(":aud"));
    *trust = value.to_string();
    let links = chain(&found);
    let warned: Vec<&Check> = links.iter().filter(|link| link.state == CheckState::Warned).collect();
    assert!(warned.len() == 1 && warned[0].detail.contains(":aud"), "{links:#?}");
    assert!(!links.iter().any(Check::is_failed));
}

#[test]
fn an_arn_with_a_missing_colon_is_named() {
    let mut found = evidence(Who::Consumer, "us-east-1", "irsa");
    let Way::WebIdentity { annotation, .. } = &mut found.way else { panic!("web identity") };
    *annotation = Some("arn:aws:iam:123456789012:role/video-workload".into());
    let (_, why, repair) = broken(&found);
    assert!(why.contains("no whole ARN"), "{why}");
    assert!(repair.contains("--overwrite eks.amazonaws.com/role-arn=arn:aws:iam::123456789012:role/video-workload"), "{repair}");

    let mut found = evidence(Who::Consumer, "us-east-1", "irsa");
    let trust = &mut entity(&mut found).trust;
    *trust = trust.replace("arn:aws:iam::", "arn:aws:iam:");
    assert!(broken(&found).1.contains("no whole ARN"), "{:?}", broken(&found));
}

#[test]
fn a_principal_that_was_deleted_and_made_again_is_named() {
    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"AROAEXAMPLE"},"Action":"sts:AssumeRole"}]}"#;
    let role = Named { name: "sqs".into(), found: Some(Entity { trust: trust.into(), policies: entity(&mut found).policies.clone() }) };
    found.then = Some(Assumed { role, external_id: None });
    let (name, why, repair) = broken(&found);
    assert!(name.contains("role sqs trusts keda/keda-operator"), "{name}");
    assert!(why.contains("AROAEXAMPLE") && why.contains("deleted"), "{why}");
    assert!(repair.contains("update-assume-role-policy --role-name sqs"), "{repair}");
}

#[test]
fn a_role_that_trusts_the_operators_is_assumed_and_its_policies_count() {
    let mut found = evidence(Who::Scaler, "us-east-1", "pod-identity");
    let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",
        "Principal":{"AWS":"arn:aws:iam::123456789012:role/keda-operator"},"Condition":{"StringEquals":{"sts:ExternalId":"x"}}}]}"#;
    let policies = std::mem::take(&mut entity(&mut found).policies);
    let role = Named { name: "sqs".into(), found: Some(Entity { trust: trust.into(), policies }) };
    found.then = Some(Assumed { role, external_id: Some("x".into()) });
    assert!(!chain(&found).iter().any(Check::is_failed), "{:#?}", chain(&found));
    found.then.as_mut().expect("set").external_id = None;
    assert!(broken(&found).1.contains("sts:ExternalId"));
}

#[test]
fn another_partition_or_account_is_named() {
    let mut found = evidence(Who::Producer, "cn-north-1", "irsa");
    let trust = &mut entity(&mut found).trust;
    *trust = trust.replace("arn:aws-cn:", "arn:aws:");
    assert!(broken(&found).1.contains("of the partition aws, and this is aws-cn"), "{:?}", broken(&found));
    let mut found = evidence(Who::Producer, "us-east-1", "pod-identity");
    let Way::PodIdentity { association, .. } = &mut found.way else { panic!("pod identity") };
    *association = Some("arn:aws:iam::210987654321:role/video-workload".into());
    assert!(broken(&found).1.contains("of account 210987654321"), "{:?}", broken(&found));
}

#[test]
fn another_subject_audience_or_cluster_does_not_pass() {
    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    found.service_account = "keda-operator-2".into();
    let (_, why, _) = broken(&found);
    assert!(why.contains(":sub") && why.contains("keda:keda-operator-2"), "{why}");

    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    let Way::WebIdentity { audiences, .. } = &mut found.way else { panic!("web identity") };
    *audiences = Some(vec!["sigstore".into()]);
    assert!(broken(&found).2.contains("add-client-id-to-open-id-connect-provider"));

    let mut found = evidence(Who::Scaler, "us-east-1", "pod-identity");
    let Way::PodIdentity { cluster, .. } = &mut found.way else { panic!("pod identity") };
    *cluster = "another".into();
    assert!(broken(&found).1.contains("aws:SourceArn"), "{:?}", broken(&found));
}

#[test]
fn a_session_tag_is_as_necessary_as_the_role_itself() {
    let mut found = evidence(Who::Scaler, "us-east-1", "pod-identity");
    let trust = &mut entity(&mut found).trust;
    *trust = trust.replace("sts:TagSession", "sts:SetSourceIdentity");
    assert!(broken(&found).1.contains("sts:TagSession"), "{:?}", broken(&found));
}

#[test]
fn what_is_missing_is_named_with_the_command_that_makes_it() {
    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    let Way::WebIdentity { audiences, .. } = &mut found.way else { panic!("web identity") };
    *audiences = None;
    assert!(broken(&found).2.contains(&format!("create-open-id-connect-provider --url {ISSUER}")));

    let mut found = evidence(Who::Scaler, "us-east-1", "irsa");
    let Way::WebIdentity { annotation, .. } = &mut found.way else { panic!("web identity") };
    *annotation = None;
    assert!(broken(&found).2.ends_with("kubectl rollout restart deployment keda-operator --namespace keda"));

    let mut found = evidence(Who::Scaler, "us-east-1", "pod-identity");
    let Way::PodIdentity { has_agent, .. } = &mut found.way else { panic!("pod identity") };
    *has_agent = false;
    assert!(broken(&found).2.contains("create-addon --cluster-name demo"));

    let mut found = evidence(Who::Consumer, "us-east-1", "secret");
    let Way::Keys { active, .. } = &mut found.way else { panic!("keys") };
    active.clear();
    assert_eq!(broken(&found).2, "kedactl setup");
}

#[test]
fn an_explicit_deny_breaks_the_chain() {
    let mut found = evidence(Who::Consumer, "us-east-1", "secret");
    let deny = r#"{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":"sqs:Delete*","Resource":"*"}]}"#;
    entity(&mut found).policies.push(("guard".into(), deny.into()));
    let (name, why, _) = broken(&found);
    assert!(name.contains("user video-workload") && why.contains("statement `No` of guard denies sqs:DeleteMessage"), "{name}: {why}");
}
