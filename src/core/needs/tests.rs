//! Triggers as they are resolved, and what comes of them.

use serde_json::json;

use super::*;
use crate::core::{error::Error, iam::Document, keda::metadata::Sources, stack::StackName};

const ACCOUNT: &str = "123456789012";
const ROLE: &str = "arn:aws:iam::123456789012:role/orders";

fn reader(kind: &str, pairs: &[(&str, &str)], authorization: AwsAuthorization) -> Reader {
    let mut trigger = BTreeMap::from([("awsRegion".to_owned(), "eu-west-1".to_owned())]);
    trigger.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    let none = BTreeMap::new();
    let sources = Sources { trigger: &trigger, auth: &none, env: &none };
    Reader {
        about: "default/o triggers[0]".to_owned(),
        metadata: TriggerMetadata::parse(kind, None, sources).expect("valid"),
        authorization,
    }
}

fn operator(kind: &str, pairs: &[(&str, &str)]) -> Reader {
    reader(kind, pairs, AwsAuthorization::Operator)
}

fn query(condition: &str, index: &str) -> Reader {
    let pairs = [
        ("tableName", "jobs"),
        ("targetValue", "1"),
        ("indexName", index),
        ("keyConditionExpression", condition),
        ("expressionAttributeNames", r##"{"#x": "x"}"##),
        ("expressionAttributeValues", r#"{":s": {"S": "a"}, ":n": {"N": "1"}}"#),
    ];
    operator("aws-dynamodb", &pairs)
}

fn needs(readers: &[Reader]) -> Result<Needs, Error> {
    Needs::of(readers, ACCOUNT)
}

fn shapes(readers: &[Reader]) -> Vec<String> {
    let shown = |located: &Located| match &located.source {
        Source::Table { name, shape } => {
            let indexes: Vec<String> = shape.indexes.iter().map(|(index, keys)| format!("; {index}: {keys}")).collect();
            format!("{name}: {}{}{}", shape.keys, indexes.concat(), if shape.has_stream { "; stream" } else { "" })
        }
        other => other.to_string(),
    };
    needs(readers).expect("valid").sources.iter().map(shown).collect()
}

fn keda() -> Keda {
    Keda {
        role_arn: "arn:aws:iam::123456789012:role/keda".to_owned(),
        provider_arn: "arn:aws:iam::123456789012:oidc-provider/issuer".to_owned(),
        issuer_host: "issuer".to_owned(),
        namespace: "keda".to_owned(),
    }
}

fn policy(document: Option<Document>) -> serde_json::Value {
    serde_json::to_value(document.expect("a policy")).expect("JSON")
}

#[test]
fn each_source_is_needed_once_and_its_reader_is_allowed_no_more_than_it_asks_for() {
    let url = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
    let readers = [
        operator("aws-sqs-queue", &[("queueURL", url)]),
        operator("aws-sqs-queue", &[("queueURL", "orders"), ("queueLength", "9")]),
        operator("aws-kinesis-stream", &[("streamName", "clicks")]),
        operator("aws-dynamodb-streams", &[("tableName", "carts")]),
        operator("aws-cloudwatch", &[("expression", "SELECT 1"), ("targetMetricValue", "1"), ("minMetricValue", "0")]),
        operator("cron", &[("timezone", "UTC"), ("start", "0 8 * * *"), ("end", "0 9 * * *"), ("desiredReplicas", "1")]),
    ];
    let needs = needs(&readers).expect("valid");
    assert_eq!(shapes(&readers), ["carts: id (S); stream", "stream clicks", "queue orders"]);
    assert!(needs.sources.iter().all(|located| located.region == "eu-west-1") && needs.roles.is_empty() && needs.notes.is_empty());
    let table = "arn:aws:dynamodb:eu-west-1:123456789012:table/carts";
    let allow = |action: &str, resource: &str| json!({ "Effect": "Allow", "Action": action, "Resource": resource });
    let wanted = json!([
        allow("cloudwatch:GetMetricData", "*"),
        allow("dynamodb:DescribeStream", &format!("{table}/stream/*")),
        allow("dynamodb:DescribeTable", table),
        allow("kinesis:DescribeStreamSummary", "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"),
        allow("sqs:GetQueueAttributes", "arn:aws:sqs:eu-west-1:123456789012:orders"),
    ]);
    assert_eq!(policy(needs.operator_policy())["Statement"], wanted);
}

#[test]
fn queries_of_one_table_come_together_in_one_shape() {
    let stream = operator("aws-dynamodb-streams", &[("tableName", "jobs")]);
    let readers = [query("pk = :s", ""), query("pk = :s AND sk > :n", ""), query("#x = :n", "by-x"), stream];
    assert_eq!(shapes(&readers), ["jobs: pk (S), sk (N); by-x: x (N); stream"]);
    assert_eq!(shapes(&[query("#x = :n", "by-x")]), ["jobs: id (S); by-x: x (N)"]);
    assert_eq!(shapes(&[query("id = :n", "by-id")]), ["jobs: pk (S); by-id: id (N)"]);
    let rights: Vec<String> = needs(&[query("#x = :n", "by-x")]).expect("valid").operator.into_iter().map(|right| right.resource).collect();
    assert_eq!(rights, ["arn:aws:dynamodb:eu-west-1:123456789012:table/jobs/index/by-x"]);
}

#[test]
fn keys_that_no_table_can_have_are_refused() {
    for (one, other, index, part) in [
        ("pk = :s", "id = :s", "", "queried by pk (S) elsewhere, and here by id (S)"),
        ("pk = :s AND a > :n", "pk = :s AND b > :n", "", "table `jobs`"),
        ("pk = :s", "pk = :n", "by-x", "`pk` of table `jobs` is of type S elsewhere"),
    ] {
        let error = needs(&[query(one, ""), query(other, index)]).expect_err(other);
        assert!(error.exit_code() == 2 && error.why.contains(part) && error.hint.is_some(), "{error}");
    }
}

#[test]
fn a_role_trusts_keda_alone_and_only_in_the_way_that_is_asked_for() {
    let queue = [("queueURL", "orders")];
    let pod = |external_id: Option<&str>| AwsAuthorization::PodIdentity {
        role_arn: Some(ROLE.to_owned()),
        external_id: external_id.map(str::to_owned),
    };
    let keda = keda();
    let statements = |authorization: AwsAuthorization| {
        let needs = needs(&[reader("aws-sqs-queue", &queue, authorization)]).expect("valid");
        let role = needs.roles.first().expect("a role").clone();
        assert_eq!(policy(role.policy())["Statement"][0]["Action"], "sqs:GetQueueAttributes");
        let assumes = needs.operator_policy().map(|document| serde_json::to_value(document).expect("JSON"));
        assert_eq!(assumes.map(|document| document["Statement"][0]["Resource"].clone()), role.is_assumed().then(|| ROLE.into()));
        policy(Some(role.trust(&keda)))["Statement"].clone()
    };
    let token = statements(pod(None));
    assert_eq!(token.as_array().map(Vec::len), Some(1));
    assert_eq!(token[0]["Action"], "sts:AssumeRoleWithWebIdentity");
    assert_eq!(token[0]["Condition"]["StringEquals"]["issuer:sub"], "system:serviceaccount:keda:keda-operator");
    let external = statements(pod(Some("e1")));
    assert_eq!((external.as_array().map(Vec::len), &external[0]["Action"]), (Some(1), &"sts:AssumeRole".into()));
    assert_eq!(external[0]["Condition"], json!({ "StringEquals": { "sts:ExternalId": "e1" } }));
    let legacy = statements(AwsAuthorization::Role(ROLE.to_owned()));
    assert_eq!((&legacy[0]["Principal"]["AWS"], &legacy[0]["Condition"]), (&keda.role_arn.as_str().into(), &serde_json::Value::Null));
}

#[test]
fn what_is_of_another_account_or_elsewhere_is_said_and_not_made() {
    let role = AwsAuthorization::Role("arn:aws:iam::999999999999:role/r".to_owned());
    let readers = [
        operator("aws-sqs-queue", &[("queueURL", "https://sqs.eu-west-1.amazonaws.com/999999999999/q")]),
        operator("aws-sqs-queue", &[("queueURL", "q"), ("awsEndpoint", "http://localhost:4566")]),
        reader("aws-sqs-queue", &[("queueURL", "own")], role),
    ];
    let needs = needs(&readers).expect("valid");
    assert_eq!(needs.sources.iter().map(|located| located.source.name()).collect::<Vec<_>>(), ["own"]);
    assert!(needs.roles.is_empty() && needs.notes.len() == 3, "{:?}", needs.notes);
}

#[test]
fn a_role_with_a_path_keeps_it_and_what_is_no_role_is_refused() {
    let named = |arn: &str| needs(&[reader("aws-sqs-queue", &[("queueURL", "q")], AwsAuthorization::Role(arn.to_owned()))]);
    let role = named("arn:aws:iam::123456789012:role/of/team/r").expect("valid").roles.remove(0);
    assert_eq!((role.path.as_str(), role.name.as_str()), ("/of/team/", "r"));
    for wrong in ["r", "arn:aws:iam::123456789012:user/u", "arn:aws:iam::123456789012:role/"] {
        let error = named(wrong).expect_err(wrong);
        assert!(error.exit_code() == 2 && error.to_string().contains("default/o triggers[0]"), "{error}");
    }
}

#[test]
fn keys_need_a_source_and_nobody_who_reads_it() {
    let keys = AwsAuthorization::Keys { access_key_id: "A".to_owned(), secret_access_key: "B".to_owned(), session_token: String::new() };
    let needs = needs(&[reader("aws-sqs-queue", &[("queueURL", "q")], keys)]).expect("valid");
    assert!(needs.sources.len() == 1 && needs.operator_policy().is_none() && needs.roles.is_empty() && !needs.is_empty());
}

#[test]
fn an_order_names_each_thing_once_and_what_was_kept_is_not_made_again() {
    let stack: StackName = "demo-run".parse().expect("a name");
    let keda = keda();
    let order = |readers: &[Reader]| needs(readers).expect("valid").order(&stack, "demo-run-keda", &keda);
    let role = reader("aws-sqs-queue", &[("queueURL", "orders")], AwsAuthorization::Role(ROLE.to_owned()));
    let first = order(&[role.clone(), operator("aws-kinesis-stream", &[("streamName", "clicks")])]);
    let names: Vec<&str> = first.roles.iter().map(|role| role.name.as_str()).collect();
    let policies: Vec<&str> = first.roles.iter().filter_map(|role| role.policy.as_ref()).map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        (names.as_slice(), policies.as_slice()),
        (["demo-run-keda", "orders"].as_slice(), ["demo-run-keda", "demo-run-orders"].as_slice())
    );
    let second = order(&[role, operator("aws-sqs-queue", &[("queueURL", "others")])]).without(&first);
    assert!(second.roles.is_empty() && second.sources.len() == 1 && second.sources[0].source.name() == "others", "{second:?}");
    let both = first.clone().and(second);
    assert_eq!((both.roles.len(), both.sources.len()), (2, 3));
    assert!(both.without(&first.clone()).without(&order(&[operator("aws-sqs-queue", &[("queueURL", "others")])])).is_empty());
    let read: Order = serde_json::from_str(&serde_json::to_string(&first).expect("JSON")).expect("read");
    assert_eq!(read, first);
}
