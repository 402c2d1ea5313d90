"""CloudWatch: metrics put and read, on the wire that this boto3 speaks and on JSON."""

import datetime
import json
import urllib.request

import pytest
from conftest import REGION, URL, Queue, client, code, unique

NOW = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
MINUTE = datetime.timedelta(minutes=1)
DIMENSIONS = [{"Name": "Stack", "Value": "demo"}]


@pytest.fixture
def cloudwatch():
    return client("cloudwatch")


@pytest.fixture
def namespace():
    return unique("kedactl/test")


def stat(namespace, statistic, name="Backlog", period=60, dimensions=DIMENSIONS, **more):
    metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
    return {"Id": "q1", "MetricStat": {"Metric": metric, "Period": period, "Stat": statistic}, **more}


def get(cloudwatch, *queries, **more):
    answer = cloudwatch.get_metric_data(
        MetricDataQueries=list(queries), StartTime=NOW - 10 * MINUTE, EndTime=NOW + 2 * MINUTE, **more
    )
    return {result["Id"]: (result["Timestamps"], result["Values"]) for result in answer["MetricDataResults"]}


def datum(value, at=NOW, **more):
    return {"MetricName": "Backlog", "Dimensions": DIMENSIONS, "Value": value, "Timestamp": at, **more}


def test_datapoints_come_back_newest_first_with_their_times(cloudwatch, namespace):
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum(2), datum(4.5), datum(9, NOW - MINUTE)])
    assert get(cloudwatch, stat(namespace, "Sum"))["q1"] == ([NOW, NOW - MINUTE], [6.5, 9.0])
    assert get(cloudwatch, stat(namespace, "SampleCount"))["q1"] == ([NOW, NOW - MINUTE], [2.0, 1.0])
    assert get(cloudwatch, stat(namespace, "p100"))["q1"][1] == [4.5, 9.0]


def test_expressions_and_selections_are_computed(cloudwatch, namespace):
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum(6)])
    hidden = {**stat(namespace, "Sum", ReturnData=False), "Id": "m1"}
    found = get(cloudwatch, {"Id": "e1", "Expression": "(m1 + 4) / 2"}, hidden)
    assert found == {"e1": ([NOW], [5.0])}
    select = f"SELECT MAX(Backlog) FROM SCHEMA(\"{namespace}\", Stack) WHERE Stack = 'demo'"
    assert get(cloudwatch, {"Id": "q1", "Expression": select, "Period": 60})["q1"] == ([NOW], [6.0])


def test_statistic_sets_values_and_units_are_kept(cloudwatch, namespace):
    base = {"MetricName": "Backlog", "Dimensions": DIMENSIONS, "Timestamp": NOW, "Unit": "Count"}
    statistics = {"SampleCount": 2, "Sum": 10, "Minimum": 4, "Maximum": 6}
    data = [{**base, "StatisticValues": statistics}, {**base, "Values": [1, 2], "Counts": [3, 1]}]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    answer = cloudwatch.get_metric_statistics(
        Namespace=namespace, MetricName="Backlog", Dimensions=DIMENSIONS, StartTime=NOW, EndTime=NOW + MINUTE, Period=60,
        Statistics=["Sum", "SampleCount", "Minimum", "Maximum", "Average"], Unit="Count",
    )  # fmt: skip
    (point,) = answer["Datapoints"]
    assert [point[name] for name in ("Sum", "SampleCount", "Minimum", "Maximum", "Average")] == [15, 6, 1, 6, 2.5]
    assert point["Timestamp"] == NOW and point["Unit"] == "Count"


def test_metrics_are_listed_in_pages(cloudwatch, namespace):
    data = [{"MetricName": f"m{number}", "Value": 1.0} for number in range(600)]
    cloudwatch.put_metric_data(Namespace=namespace, MetricData=data)
    pages = cloudwatch.get_paginator("list_metrics").paginate(Namespace=namespace)
    assert [len(page["Metrics"]) for page in pages] == [500, 100]
    assert cloudwatch.list_metrics(Namespace=namespace, MetricName="m7")["Metrics"][0]["MetricName"] == "m7"


def test_a_queue_is_seen_through_its_metrics(cloudwatch, sqs):
    queue = Queue(sqs, unique("seen"))
    queue.send()
    dimensions = [{"Name": "QueueName", "Value": queue.name}]
    name = "ApproximateNumberOfMessagesVisible"
    found = get(cloudwatch, stat("AWS/SQS", "Average", name, period=300, dimensions=dimensions))
    assert set(found["q1"][1]) == {1.0}


def test_refusals_have_their_codes(cloudwatch, namespace):
    def put(**datum):
        return code(cloudwatch.put_metric_data, Namespace=namespace, MetricData=[datum])

    assert put(MetricName="m", Value=float("nan")) == "InvalidParameterValue"
    assert put(MetricName="m") == "MissingParameter"
    statistics = {"SampleCount": 1, "Sum": 1, "Minimum": 1, "Maximum": 1}
    assert put(MetricName="m", Value=1.0, StatisticValues=statistics) == "InvalidParameterCombination"
    times = {"StartTime": NOW, "EndTime": NOW + MINUTE}
    query = {"Id": "e1", "Expression": "SEARCH('x', 'Sum', 60)"}
    assert code(cloudwatch.get_metric_data, MetricDataQueries=[query], **times) == "ValidationError"
    assert code(cloudwatch.describe_alarms) in ("InvalidAction", "UnknownOperationException")


def test_json_clients_are_answered_in_json(namespace):
    def call(action, body):
        scope = f"AWS4-HMAC-SHA256 Credential=local/20260101/{REGION}/monitoring/aws4_request, SignedHeaders=host, Signature=0"
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "x-amz-target": f"GraniteServiceVersion20100801.{action}",
            "authorization": scope,
        }
        request = urllib.request.Request(URL, json.dumps(body).encode(), headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    at = int(NOW.timestamp())
    call("PutMetricData", {"Namespace": namespace, "MetricData": [{"MetricName": "m", "Value": 3, "Timestamp": at}]})
    metric = {"Namespace": namespace, "MetricName": "m"}
    queries = [{"Id": "q", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}}]
    answer = call("GetMetricData", {"MetricDataQueries": queries, "StartTime": at, "EndTime": at + 60})
    (result,) = answer["MetricDataResults"]
    assert (result["Timestamps"], result["Values"]) == ([at], [3.0])
