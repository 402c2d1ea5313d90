//! The scalers of AWS beside SQS: parameters, identity, names, values.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use kedactl::core::{
    error::Result,
    keda::{
        authorization::AwsAuthorization,
        decision::TriggerReading,
        number::through_quantity,
        trigger::{
            TriggerMetadata,
            attribute::AttributeValue,
            cloudwatch::CLOUDWATCH_TRIGGER,
            cloudwatch::CloudWatchMetadata,
            dynamodb::{DYNAMODB_TRIGGER, DynamoDbMetadata},
            dynamodb_streams::{DYNAMODB_STREAMS_TRIGGER, DynamoDbStreamsMetadata},
            kinesis::{KINESIS_TRIGGER, KinesisMetadata},
        },
    },
};
use serde_json::{Value, json};

use super::{
    inputs::{Inputs, flat, flat_from},
    vectors::{Case, Row, committed, shared},
};

/// What KEDA's constructor makes: the parameters, and then the identity.
fn build(kind: &str, inputs: &Inputs) -> Result<(TriggerMetadata, AwsAuthorization)> {
    Ok((TriggerMetadata::parse(kind, None, inputs.sources())?, AwsAuthorization::decide(&inputs.identity, inputs.sources())?))
}

/// The parameters under KEDA's names.
fn fields(metadata: &TriggerMetadata) -> Value {
    let mut fields = match metadata {
        TriggerMetadata::Kinesis(m) => {
            json!({ "streamName": m.stream_name, "shardCount": m.shard_count, "activationShardCount": m.activation_shard_count })
        }
        TriggerMetadata::DynamoDbStreams(m) => {
            json!({ "tableName": m.table_name, "shardCount": m.shard_count, "activationShardCount": m.activation_shard_count })
        }
        TriggerMetadata::DynamoDb(m) => json!({
            "tableName": m.table_name,
            "indexName": m.index_name,
            "keyConditionExpression": m.key_condition_expression,
            "filterExpression": m.filter_expression,
            "expressionAttributeNames": m.expression_attribute_names,
            "expressionAttributeValues": attributes(&m.expression_attribute_values),
            "targetValue": m.target_value,
            "activationTargetValue": m.activation_target_value,
        }),
        TriggerMetadata::CloudWatch(m) => cloudwatch(m),
        other => panic!("not asked here: {other:?}"),
    };
    let place = metadata.source().expect("in AWS").place;
    fields["awsRegion"] = place.region.into();
    fields["awsEndpoint"] = place.endpoint.into();
    fields
}

fn cloudwatch(m: &CloudWatchMetadata) -> Value {
    let list = |texts: &[String]| if texts.is_empty() { Value::Null } else { json!(texts) };
    json!({
        "namespace": m.namespace, "metricName": m.metric_name,
        "dimensionName": list(&m.dimension_names), "dimensionValue": list(&m.dimension_values),
        "expression": m.expression, "targetMetricValue": m.target, "minMetricValue": m.minimum,
        "activationTargetMetricValue": m.activation, "ignoreNullValues": m.ignore_null_values,
        "metricCollectionTime": m.collection_seconds, "metricStat": m.stat, "metricStatPeriod": m.period_seconds,
        "metricUnit": m.unit, "metricEndTimeOffset": m.end_offset_seconds, "awsAccountId": m.account_id,
    })
}

fn attributes(values: &BTreeMap<String, AttributeValue>) -> Value {
    values.iter().map(|(name, value)| (name.clone(), attribute(value))).collect::<serde_json::Map<_, _>>().into()
}

fn attribute(value: &AttributeValue) -> Value {
    match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(text) => json!({ "N": text }),
        AttributeValue::Bool(truth) => json!({ "BOOL": truth }),
        AttributeValue::B(bytes) => json!({ "B": STANDARD.encode(bytes) }),
        AttributeValue::L(items) => json!({ "L": items.iter().map(attribute).collect::<Vec<_>>() }),
        AttributeValue::M(items) => json!({ "M": attributes(items) }),
        AttributeValue::Null => json!({ "NULL": true }),
    }
}

/// Fields of KEDA's that are no parameters of ours: what the test gives in another place, and what no trigger sets.
const ELSEWHERE: [&str; 4] = ["auth", "identityOwner", "triggerIndex", "metricName"];

/// Every field of KEDA's metadata that is a parameter has our value; numbers are compared as doubles.
fn same_fields(ours: &Value, kedas: &Value) -> bool {
    let same = |ours: &Value, kedas: &Value| match (ours.as_f64(), kedas.as_f64()) {
        (Some(ours), Some(kedas)) => ours.to_bits() == kedas.to_bits(),
        _ => ours == kedas,
    };
    let skips = |name: &str| ELSEWHERE.contains(&name) && ours.get(name).is_none();
    kedas.as_object().expect("an object").iter().filter(|(name, _)| !skips(name)).all(|(name, value)| same(&ours[name], value))
}

/// One row of a test of KEDA's parser.
fn parse(kind: &str, case: &Case<'_>) -> Row {
    let inputs = Inputs::of(case, "input/");
    let ours = build(kind, &inputs);
    if ours.is_err() != case.truth("expected/error") {
        return Row::Differs(format!("{ours:?}"));
    }
    match &ours {
        Err(error) => named(&error.why, case.text("observed/error").expect("KEDA's words")),
        Ok((metadata, identity)) => {
            let metadata = fields(metadata);
            for kedas in [case.at("expected/metadata"), case.at("observed/metadata")].into_iter().filter(|kedas| kedas.is_object()) {
                let identity_differs = kedas.get("auth").is_some_and(|auth| flat(identity) != flat_from(auth));
                if identity_differs || !same_fields(&metadata, kedas) {
                    return Row::Differs(format!("ours {metadata} {identity:?}, KEDA's {kedas}"));
                }
            }
            Row::Same
        }
    }
}

/// Whatever parameter KEDA's error names, ours names too.
fn named(ours: &str, kedas: &str) -> Row {
    let quoted = kedas.split('"').skip(1).step_by(2).filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric()));
    let plain =
        ["metricStatPeriod", "metricCollectionTime", "metricUnit", "targetValue", "expressionAttributeNames", "expressionAttributeValues"];
    let plain = plain.into_iter().filter(|name| kedas.contains(&format!("{name} ")) || kedas.contains(&format!("parsing {name}")));
    let given = [
        ("namespace", "namespace"),
        ("metric name", "metricName"),
        ("dimension name", "dimensionName"),
        ("dimension value", "dimensionValue"),
    ];
    let given = given.into_iter().filter(|(words, _)| kedas.contains(&format!("{words} not given"))).map(|(_, name)| name);
    let mut missing = quoted.filter(|name| parameter(name)).chain(plain).chain(given).filter(|name| !ours.contains(&format!("`{name}`")));
    match missing.next() {
        Some(name) => Row::Differs(format!("{ours} does not name {name}, as {kedas} does")),
        None => Row::Same,
    }
}

/// Whether `name` is a parameter, not the value of one.
fn parameter(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().any(|c| c.is_ascii_uppercase()) || name == "expression"
}

fn name(kind: &str, case: &Case<'_>) -> Row {
    let inputs = Inputs::of(case, "input/");
    let name = build(kind, &inputs).ok().and_then(|(metadata, _)| metadata.metric_name(inputs.index));
    Row::compare(&name.as_deref(), &case.text("expected/metricName"))
}

/// The value and activity that KEDA gave; what fails gives neither.
fn reading(ours: Option<TriggerReading>, case: &Case<'_>) -> Row {
    let value = case.at("expected/value").as_f64().or_else(|| case.at("observed/value").as_f64());
    let failed = case.truth("expected/error");
    let kedas = (value.filter(|_| !failed), case.truth("observed/active"));
    let active = ours.as_ref().is_some_and(|reading| reading.active);
    Row::compare(&(ours.map(|reading| reading.value), active), &kedas)
}

fn number(case: &Case<'_>, name: &str) -> i64 {
    case.integer(&format!("input/metadata/{name}")).expect("a number")
}

#[test]
fn kinesis_counts_open_shards_as_keda_asserts() {
    let Some(vectors) = shared("aws-kinesis-stream") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "parse" => parse(KINESIS_TRIGGER, case),
        "metricName" => name(KINESIS_TRIGGER, case),
        "getMetrics" => {
            let metadata = KinesisMetadata {
                stream_name: "s".to_owned(),
                shard_count: number(case, "shardCount"),
                activation_shard_count: number(case, "activationShardCount"),
                place: kedactl::core::keda::trigger::place::Place::default(),
            };
            reading(case.integer("input/api/openShardCount").map(|shards| metadata.measure("s0-k", shards)), case)
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

#[test]
fn dynamodb_streams_count_all_shards_of_all_pages_as_keda_asserts() {
    let Some(vectors) = shared("aws-dynamodb-streams") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "parse" => parse(DYNAMODB_STREAMS_TRIGGER, case),
        "metricName" => name(DYNAMODB_STREAMS_TRIGGER, case),
        "getMetrics" => {
            let metadata = DynamoDbStreamsMetadata {
                table_name: "t".to_owned(),
                shard_count: number(case, "shardCount"),
                activation_shard_count: number(case, "activationShardCount"),
                place: kedactl::core::keda::trigger::place::Place::default(),
            };
            let pages = case.at("input/api/pages").as_array();
            let shards = pages.map(|pages| pages.iter().filter_map(|page| page["shards"].as_i64()).sum());
            reading(shards.map(|shards| metadata.measure("s0-d", shards)), case)
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

#[test]
fn dynamodb_counts_items_as_keda_asserts() {
    let Some(vectors) = shared("aws-dynamodb") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "parse" => parse(DYNAMODB_TRIGGER, case),
        "metricName" => name(DYNAMODB_TRIGGER, case),
        "getMetrics" => {
            let metadata = DynamoDbMetadata {
                target_value: number(case, "targetValue"),
                activation_target_value: number(case, "activationTargetValue"),
                ..dynamodb("{\"#a\":\"a\"}", "{}").expect("valid")
            };
            reading(case.integer("input/api/count").map(|items| metadata.measure("s0-d", items)), case)
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn dynamodb(names: &str, values: &str) -> Result<DynamoDbMetadata> {
    let common = [("tableName", "t"), ("awsRegion", "r"), ("keyConditionExpression", "k"), ("targetValue", "1")];
    let mut inputs = Inputs { trigger: texts(&common), ..Inputs::default() };
    inputs.trigger.extend(texts(&[("expressionAttributeNames", names), ("expressionAttributeValues", values)]));
    DynamoDbMetadata::parse(inputs.sources())
}

#[test]
fn attributes_are_read_as_in_keda_and_what_panics_there_is_an_error() {
    committed("generated-dynamodb-attributes").check_all(|case| {
        let text = |name: &str| case.text(name).expect("text");
        let ours = dynamodb(text("expressionAttributeNames"), text("expressionAttributeValues"));
        let ours = ours.map(|metadata| (json!(metadata.expression_attribute_names), attributes(&metadata.expression_attribute_values)));
        match (ours, case.at("error")) {
            (Ok(ours), Value::Null) => Row::compare(&ours, &(case.at("names").clone(), case.at("values").clone())),
            (Err(error), Value::String(_)) if error.why.contains("`expressionAttribute") => Row::Same,
            (ours, kedas) => Row::Differs(format!("ours {ours:?}, KEDA's {kedas}")),
        }
    });
}

#[test]
fn cloudwatch_reads_what_keda_asserts() {
    let Some(vectors) = shared("aws-cloudwatch") else { return };
    vectors.check_all(|case| match case.text("kind").expect("a kind") {
        "parse" => parse(CLOUDWATCH_TRIGGER, case),
        "metricName" => name(CLOUDWATCH_TRIGGER, case),
        "queryWindow" => window(case, "input/", "current", "expected/"),
        "getMetrics" => {
            let float = |name: &str| case.at(&format!("input/metadata/{name}")).as_f64().expect("a number");
            let metadata = CloudWatchMetadata {
                minimum: float("minMetricValue"),
                activation: float("activationTargetMetricValue"),
                ignore_null_values: case.truth("input/metadata/ignoreNullValues"),
                ..plain()
            };
            let results = (!case.at("input/api/results").is_null()).then(|| results(case.at("input/api/results")));
            reading(results.and_then(|results| metadata.read("s0-c", &results).ok()), case)
        }
        other => Row::Differs(format!("unknown kind {other}")),
    });
}

fn plain() -> CloudWatchMetadata {
    let trigger = texts(&[("expression", "e"), ("targetMetricValue", "1"), ("minMetricValue", "0"), ("awsRegion", "r")]);
    CloudWatchMetadata::parse(Inputs { trigger, ..Inputs::default() }.sources()).expect("valid")
}

/// The values of each result; null is none.
fn results(value: &Value) -> Vec<Vec<f64>> {
    let values = |values: &Value| values.as_array().into_iter().flatten().map(|value| value.as_f64().expect("a number")).collect();
    value.as_array().into_iter().flatten().map(values).collect()
}

fn window(case: &Case<'_>, inputs: &str, now: &str, expected: &str) -> Row {
    let seconds = |name: &str| case.integer(&format!("{inputs}{name}")).expect("a number");
    let metadata = CloudWatchMetadata {
        period_seconds: seconds("metricStatPeriod"),
        end_offset_seconds: seconds("metricEndTimeOffset"),
        collection_seconds: seconds("metricCollectionTime"),
        ..plain()
    };
    let time = |name: &str| case.text(name).expect("a time").parse().expect("a time");
    let ours = metadata.window(time(&format!("{inputs}{now}")));
    Row::compare(&ours, &(time(&format!("{expected}start")), time(&format!("{expected}end"))))
}

#[test]
fn cloudwatch_parameters_are_read_as_in_keda() {
    committed("generated-cloudwatch-metadata").check_all(|case| {
        let inputs = Inputs { trigger: case.map("triggerMetadata"), ..Inputs::default() };
        let ours = CloudWatchMetadata::parse(inputs.sources());
        match (ours, case.at("error")) {
            (Ok(metadata), Value::Null) => {
                let ours = fields(&TriggerMetadata::CloudWatch(metadata));
                let same = same_fields(&ours, case.at("metadata"));
                if same { Row::Same } else { Row::Differs(format!("ours {ours}")) }
            }
            (Err(error), Value::String(kedas)) => named(&error.why, kedas),
            (ours, kedas) => Row::Differs(format!("ours {ours:?}, KEDA's {kedas}")),
        }
    });
}

#[test]
fn cloudwatch_windows_are_cut_as_in_keda() {
    committed("generated-cloudwatch-window").check_all(|case| window(case, "", "now", ""));
}

#[test]
fn cloudwatch_values_and_activity_are_kedas() {
    committed("generated-cloudwatch-values").check_all(|case| {
        let float = |name: &str| case.at(name).as_f64().expect("a number");
        let metadata = CloudWatchMetadata {
            minimum: float("minMetricValue"),
            activation: float("activationTargetMetricValue"),
            ignore_null_values: case.truth("ignoreNullValues"),
            ..plain()
        };
        let answered = !case.truth("apiError");
        let ours = answered.then(|| metadata.read("s0-c", &results(case.at("results"))).ok()).flatten();
        let value = |text: &str| through_quantity(text.parse().expect("a number")).to_bits();
        let kedas = case.text("value").filter(|_| case.at("error").is_null()).map(|text| (value(text), case.truth("active")));
        Row::compare(&ours.map(|reading| (reading.value.to_bits(), reading.active)), &kedas)
    });
}
