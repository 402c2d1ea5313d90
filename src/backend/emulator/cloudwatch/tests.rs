//! CloudWatch, called through the official SDK.

use std::sync::atomic::Ordering;

use aws_sdk_cloudwatch::{
    Client,
    error::ProvideErrorMetadata,
    primitives::DateTime,
    types::{Dimension, Metric, MetricDataQuery, MetricDatum, MetricStat, ScanBy, StandardUnit, Statistic, StatisticSet},
};

use crate::backend::emulator::world::{World, admin, fault};

/// The world's clock when a test begins, a whole minute.
const NOW: i64 = 1_800_000_000;

fn dimension(name: &str, value: &str) -> Dimension {
    Dimension::builder().name(name).value(value).build()
}

fn datum(value: f64, at: i64) -> MetricDatum {
    MetricDatum::builder()
        .metric_name("Backlog")
        .dimensions(dimension("Stack", "demo"))
        .value(value)
        .timestamp(DateTime::from_secs(at))
        .build()
}

async fn put(client: &Client, data: impl IntoIterator<Item = MetricDatum>) {
    let data = data.into_iter().collect();
    client.put_metric_data().namespace("kedactl/demo").set_metric_data(Some(data)).send().await.expect("put");
}

fn stat(id: &str, stat: &str, period: i32) -> MetricDataQuery {
    let metric = Metric::builder().namespace("kedactl/demo").metric_name("Backlog").dimensions(dimension("Stack", "demo")).build();
    of(id, metric, stat, period)
}

fn of(id: &str, metric: Metric, stat: &str, period: i32) -> MetricDataQuery {
    let stat = MetricStat::builder().metric(metric).period(period).stat(stat).build();
    MetricDataQuery::builder().id(id).metric_stat(stat).build()
}

fn math(id: &str, expression: &str) -> MetricDataQuery {
    MetricDataQuery::builder().id(id).expression(expression).period(60).build()
}

/// The datapoints of each returned query between `from` and `to`, seconds from [`NOW`].
async fn get(client: &Client, queries: &[MetricDataQuery], from: i64, to: i64) -> Result<Vec<Vec<(i64, f64)>>, (String, String)> {
    let request = client.get_metric_data().set_metric_data_queries(Some(queries.to_vec())).scan_by(ScanBy::TimestampAscending);
    let request = request.start_time(DateTime::from_secs(NOW + from)).end_time(DateTime::from_secs(NOW + to));
    let answer = request.send().await.map_err(|error| fault(&error))?;
    let points = |result: &aws_sdk_cloudwatch::types::MetricDataResult| {
        let times = result.timestamps().iter().map(|at| at.secs() - NOW);
        times.zip(result.values().iter().copied()).collect()
    };
    Ok(answer.metric_data_results().iter().map(points).collect())
}

async fn value(client: &Client, query: MetricDataQuery) -> Vec<(i64, f64)> {
    get(client, &[query], -600, 60).await.expect("answered").concat()
}

#[tokio::test]
async fn values_of_a_period_come_to_each_statistic() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    put(&client, [datum(2.0, NOW), datum(4.0, NOW + 30), datum(9.0, NOW - 60)]).await;
    for (name, expected) in [("Average", 3.0), ("Sum", 6.0), ("Minimum", 2.0), ("Maximum", 4.0), ("SampleCount", 2.0), ("p50", 2.0)] {
        assert_eq!(
            value(&client, stat("q", name, 60)).await,
            [(-60, if name == "SampleCount" { 1.0 } else { 9.0 }), (0, expected)],
            "{name}"
        );
    }
    assert_eq!(get(&client, &[stat("q", "Sum", 300)], -300, 60).await.expect("answered"), [[(-300, 9.0), (0, 6.0)]]);
    assert_eq!(get(&client, &[stat("q", "Sum", 60)], -60, 0).await.expect("answered"), [[(-60, 9.0)]], "the end is not part of the window");
}

#[tokio::test]
async fn counts_and_statistic_sets_weigh_as_many_samples() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    let base = || MetricDatum::builder().metric_name("Backlog").dimensions(dimension("Stack", "demo"));
    let set = StatisticSet::builder().sample_count(4.0).sum(20.0).minimum(1.0).maximum(11.0).build();
    put(&client, [base().values(1.0).values(3.0).counts(2.0).counts(1.0).build(), base().statistic_values(set).build()]).await;
    for (name, expected) in [("SampleCount", 7.0), ("Sum", 25.0), ("Minimum", 1.0), ("Maximum", 11.0)] {
        assert_eq!(value(&client, stat("q", name, 60)).await, [(0, expected)], "{name}");
    }
    assert_eq!(value(&client, stat("q", "p90", 60)).await, []);
}

#[tokio::test]
async fn only_high_resolution_metrics_have_datapoints_between_minutes() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    let fine = |at| MetricDatum::builder().metric_name("Fine").value(1.0).timestamp(DateTime::from_secs(at)).storage_resolution(1).build();
    put(&client, [datum(1.0, NOW + 7), fine(NOW + 7), fine(NOW + 13)]).await;
    let metric = Metric::builder().namespace("kedactl/demo").metric_name("Fine").build();
    assert_eq!(value(&client, of("q", metric, "Sum", 5)).await, [(5, 1.0), (10, 1.0)]);
    assert_eq!(value(&client, stat("q", "Sum", 5)).await, [(0, 1.0)]);
}

#[tokio::test]
async fn a_metric_is_its_dimensions_and_its_unit_filters() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    let bare = MetricDatum::builder().metric_name("Backlog").value(100.0).build();
    let bytes =
        MetricDatum::builder().metric_name("Backlog").dimensions(dimension("Stack", "demo")).value(7.0).unit(StandardUnit::Bytes).build();
    put(&client, [datum(2.0, NOW), bare, bytes]).await;
    assert_eq!(value(&client, stat("q", "Sum", 60)).await, [(0, 9.0)], "without a unit all count");
    let with_unit = |unit: StandardUnit| {
        let query = stat("q", "Sum", 60);
        let mut stat = query.metric_stat.expect("has one");
        stat.unit = Some(unit);
        MetricDataQuery::builder().id("q").metric_stat(stat).build()
    };
    assert_eq!(value(&client, with_unit(StandardUnit::Bytes)).await, [(0, 7.0)]);
    assert_eq!(value(&client, with_unit(StandardUnit::Percent)).await, []);
    let listed = client.list_metrics().namespace("kedactl/demo").send().await.expect("listed");
    assert_eq!(listed.metrics().len(), 2);
    let listed = client.list_metrics().dimensions(aws_sdk_cloudwatch::types::DimensionFilter::builder().name("Stack").build()).send().await;
    assert_eq!(listed.expect("listed").metrics()[0].dimensions(), [dimension("Stack", "demo")]);
}

#[tokio::test]
async fn expressions_compute_with_other_queries_and_hidden_ones_are_not_returned() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    put(&client, [datum(6.0, NOW), datum(3.0, NOW - 60)]).await;
    let mut hidden = stat("m1", "Sum", 60);
    hidden.return_data = Some(false);
    let queries = [math("e2", "e1 + 1"), math("e1", "m1 / 3"), hidden];
    assert_eq!(get(&client, &queries, -60, 60).await.expect("answered"), [[(-60, 2.0), (0, 3.0)], [(-60, 1.0), (0, 2.0)]]);
    for (queries, named) in [
        (vec![math("e1", "e2"), math("e2", "e1")], "needs itself"),
        (vec![math("e1", "m9")], "m9"),
        (vec![math("e1", "RATE(m1)"), stat("m1", "Sum", 60)], "RATE"),
        (vec![stat("m1", "Sum", 60), stat("m1", "Sum", 60)], "not unique"),
        (vec![stat("M1", "Sum", 60)], "M1"),
        (vec![stat("m1", "Median", 60)], "Median"),
        (vec![stat("m1", "Sum", 45)], "45"),
        (vec![MetricDataQuery::builder().id("x").build()], "MetricStat is required"),
    ] {
        let (code, message) = get(&client, &queries, -60, 60).await.expect_err(named);
        assert!(code == "ValidationError" && message.contains(named), "{code}: {message}");
    }
    assert_eq!(get(&client, &[stat("m1", "Sum", 60)], 60, 60).await.expect_err("an empty window").0, "ValidationError");
}

#[tokio::test]
async fn a_metrics_insights_query_stands_alone() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    let other = MetricDatum::builder().metric_name("Backlog").dimensions(dimension("Stack", "other")).value(10.0).build();
    let bare = MetricDatum::builder().metric_name("Backlog").value(100.0).build();
    put(&client, [datum(2.0, NOW), other, bare]).await;
    for (text, expected) in [
        ("SELECT SUM(Backlog) FROM \"kedactl/demo\"", 112.0),
        ("SELECT MAX(Backlog) FROM SCHEMA(\"kedactl/demo\", Stack)", 10.0),
        ("SELECT AVG(Backlog) FROM SCHEMA(\"kedactl/demo\", Stack) WHERE Stack = 'demo'", 2.0),
        ("SELECT COUNT(Backlog) FROM \"kedactl/demo\" WHERE Stack != 'demo'", 1.0),
    ] {
        assert_eq!(value(&client, math("q1", text)).await, [(0, expected)], "{text}");
    }
    let refused = get(&client, &[math("q1", "SELECT AVG(m) FROM n GROUP BY Stack")], -60, 60).await.expect_err("not offered");
    assert!(refused.0 == "ValidationError" && refused.1.contains("GROUP"), "{refused:?}");
}

#[tokio::test]
async fn the_newest_datapoint_comes_first_and_long_answers_in_pages() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    put(&client, (0..5).map(|minute| datum(f64::from(minute), NOW - 60 * i64::from(minute)))).await;
    let (mut token, mut pages) = (None, Vec::new());
    loop {
        let request = client.get_metric_data().metric_data_queries(stat("q", "Sum", 60)).max_datapoints(2).set_next_token(token);
        let request = request.start_time(DateTime::from_secs(NOW - 600)).end_time(DateTime::from_secs(NOW + 60));
        let answer = request.send().await.expect("answered");
        pages.push(answer.metric_data_results()[0].values().to_vec());
        token = answer.next_token().map(str::to_owned);
        if token.is_none() {
            break;
        }
    }
    assert_eq!(pages, [vec![0.0, 1.0], vec![2.0, 3.0], vec![4.0]]);
}

#[tokio::test]
async fn a_thousand_metrics_travel_compressed_in_one_request() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    let named =
        |n: u32| MetricDatum::builder().metric_name(format!("m{n}")).dimensions(dimension("Long", &"x".repeat(200))).value(1.0).build();
    put(&client, (0..1000).map(named)).await;
    let mut pages = client.list_metrics().namespace("kedactl/demo").into_paginator().send();
    let mut count = 0;
    while let Some(page) = pages.next().await {
        count += page.expect("a page").metrics().len();
    }
    assert_eq!(count, 1000);
}

#[tokio::test]
async fn bad_data_is_refused_whole_with_the_parameter() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    let base = || MetricDatum::builder().metric_name("m");
    let set = StatisticSet::builder().sample_count(1.0).sum(1.0).minimum(2.0).maximum(1.0).build();
    for (data, code, named) in [
        (base().value(f64::NAN).build(), "InvalidParameterValue", "MetricData.member.2.Value"),
        (base().value(1e109).build(), "InvalidParameterValue", "MetricData.member.2.Value"),
        (base().build(), "MissingParameter", "MetricData.member.2.Value"),
        (base().value(1.0).values(1.0).build(), "InvalidParameterCombination", "Values"),
        (base().values(1.0).counts(1.0).counts(1.0).build(), "InvalidParameterValue", "Counts"),
        (base().statistic_values(set).build(), "InvalidParameterValue", "Maximum"),
        (base().value(1.0).timestamp(DateTime::from_secs(NOW - 15 * 24 * 3600)).build(), "InvalidParameterValue", "Timestamp"),
        (base().value(1.0).storage_resolution(5).build(), "InvalidParameterValue", "StorageResolution"),
        (base().value(1.0).dimensions(dimension("a", "1")).dimensions(dimension("a", "2")).build(), "InvalidParameterValue", "twice"),
        (MetricDatum::builder().value(1.0).build(), "MissingParameter", "MetricName"),
    ] {
        let refused = client.put_metric_data().namespace("n").metric_data(base().value(1.0).build()).metric_data(data).send().await;
        let refused = fault(&refused.expect_err(named));
        assert!(refused.0 == code && refused.1.contains(named), "{refused:?}");
    }
    let reserved = client.put_metric_data().namespace("AWS/SQS").metric_data(base().value(1.0).build()).send().await;
    assert_eq!(reserved.expect_err("reserved").code(), Some("InvalidParameterValue"));
    assert_eq!(client.list_metrics().send().await.expect("listed").metrics(), [], "nothing of a refused request is kept");
}

#[tokio::test]
async fn a_role_puts_only_into_the_namespaces_that_its_policy_names() {
    let world = World::new().await;
    let policy = r#"{"Effect":"Allow","Action":"cloudwatch:PutMetricData","Resource":"*",
        "Condition":{"StringEquals":{"cloudwatch:namespace":"kedactl/demo"}}}"#;
    world.role("producer", "system:serviceaccount:keda:worker", policy).await;
    let token = world.token("worker", crate::core::stack::AUDIENCE).await;
    let client = world.cloudwatch(world.web_identity("producer", &token).await.expect("assumed"));
    put(&client, [datum(1.0, NOW)]).await;
    let elsewhere = client.put_metric_data().namespace("other").metric_data(datum(1.0, NOW)).send().await.expect_err("not allowed");
    assert_eq!(elsewhere.code(), Some("AccessDenied"));
    let (code, message) = get(&client, &[stat("q", "Sum", 60)], -60, 60).await.expect_err("not allowed");
    assert!(code == "AccessDenied" && message.contains("cloudwatch:GetMetricData"), "{code}: {message}");
}

#[tokio::test]
async fn a_queue_is_seen_through_its_metrics() {
    let world = World::empty();
    let (sqs, client) = (world.sqs(admin()), world.cloudwatch(admin()));
    let url = sqs.create_queue().queue_name("work").send().await.expect("made").queue_url.expect("a URL");
    for _ in 0..3 {
        sqs.send_message().queue_url(&url).message_body("x").send().await.expect("sent");
    }
    world.time.fetch_add(90, Ordering::SeqCst);
    let visible = |queue: &str| {
        Metric::builder()
            .namespace("AWS/SQS")
            .metric_name("ApproximateNumberOfMessagesVisible")
            .dimensions(dimension("QueueName", queue))
            .build()
    };
    let query = of("q", visible("work"), "Average", 60);
    assert_eq!(get(&client, &[query], -60, 300).await.expect("answered"), [[(-60, 3.0), (0, 3.0), (60, 3.0)]]);
    assert_eq!(get(&client, &[of("q", visible("none"), "Average", 60)], -60, 300).await.expect("answered"), [[]]);
    let metrics = client.list_metrics().namespace("AWS/SQS").send().await.expect("listed");
    assert_eq!(metrics.metrics().len(), 3);
}

#[tokio::test]
async fn the_older_statistics_call_gives_the_same_numbers() {
    let world = World::empty();
    let client = world.cloudwatch(admin());
    put(&client, [datum(2.0, NOW), datum(4.0, NOW)]).await;
    let request = client.get_metric_statistics().namespace("kedactl/demo").metric_name("Backlog").dimensions(dimension("Stack", "demo"));
    let request = request.start_time(DateTime::from_secs(NOW - 60)).end_time(DateTime::from_secs(NOW + 60)).period(60);
    let answer =
        request.statistics(Statistic::Sum).statistics(Statistic::Average).extended_statistics("p100").send().await.expect("answered");
    let [point] = answer.datapoints() else { panic!("{answer:?}") };
    assert_eq!((point.sum(), point.average(), point.minimum()), (Some(6.0), Some(3.0), None));
    assert_eq!(point.timestamp().map(DateTime::secs), Some(NOW));
    assert_eq!(point.extended_statistics().and_then(|all| all.get("p100")).copied(), Some(4.0));
}
