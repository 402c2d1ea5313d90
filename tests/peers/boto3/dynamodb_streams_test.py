"""DynamoDB Streams: the changes of a table, their shards, and how they are read."""

import pytest
from conftest import cleared_by, client, code, plain, unique, wire

VIEWS = {
    "KEYS_ONLY": (False, False),
    "NEW_IMAGE": (False, True),
    "OLD_IMAGE": (True, False),
    "NEW_AND_OLD_IMAGES": (True, True),
}


@pytest.fixture(scope="module")
def dynamodb():
    return client("dynamodb")


@pytest.fixture(scope="module")
def streams():
    return client("dynamodbstreams")


@pytest.fixture
def make(dynamodb):
    """Makes tables of items by their id, with a stream of this view or none; deleted after the test. Returns its description."""
    with cleared_by(lambda name: dynamodb.delete_table(TableName=name)) as made:

        def table(view=None):
            stream = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": view}} if view else {}
            about = dynamodb.create_table(
                TableName=unique("t"),
                KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
                **stream,
            )["TableDescription"]
            made.append(about["TableName"])
            return about

        yield table


def shards(streams, arn):
    return streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]


def iterator(streams, arn, kind="TRIM_HORIZON", **more):
    shard = shards(streams, arn)[-1]["ShardId"]
    return streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)["ShardIterator"]


def read(streams, at, **more):
    return streams.get_records(ShardIterator=at, **more)["Records"]


def test_a_stream_is_described_with_its_table(dynamodb, streams, make):
    about = make("KEYS_ONLY")
    arn = about["LatestStreamArn"]
    assert arn == f"{about['TableArn']}/stream/{about['LatestStreamLabel']}"
    assert about["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    found = streams.describe_stream(StreamArn=arn)["StreamDescription"]
    wanted = {
        "StreamArn": arn,
        "StreamLabel": about["LatestStreamLabel"],
        "StreamStatus": "ENABLED",
        "StreamViewType": "KEYS_ONLY",
        "TableName": about["TableName"],
        "KeySchema": about["KeySchema"],
    }
    assert {key: found.get(key) for key in wanted} == wanted
    (shard,) = found["Shards"]
    assert "EndingSequenceNumber" not in shard["SequenceNumberRange"] and "ParentShardId" not in shard
    listed = streams.list_streams(TableName=about["TableName"])["Streams"]
    assert [stream["StreamArn"] for stream in listed] == [arn]


def test_a_table_without_a_stream_has_none(dynamodb, streams, make):
    about = make()
    assert "LatestStreamArn" not in about and "StreamSpecification" not in about
    assert streams.list_streams(TableName=about["TableName"])["Streams"] == []
    absent = about["TableArn"] + "/stream/2020-01-01T00:00:00.000"
    assert code(streams.describe_stream, StreamArn=absent) == "ResourceNotFoundException"
    assert code(streams.describe_stream, StreamArn="x" * 40) == "ValidationException"


@pytest.mark.parametrize("view", VIEWS)
def test_each_change_is_one_record_in_the_view_asked_for(dynamodb, streams, make, view):
    about = make(view)
    table, arn = about["TableName"], about["LatestStreamArn"]
    at = iterator(streams, arn)
    first, second = {"id": "a", "n": 1}, {"id": "a", "n": 2}
    dynamodb.put_item(TableName=table, Item=wire(first))
    dynamodb.put_item(TableName=table, Item=wire(second))
    dynamodb.delete_item(TableName=table, Key=wire({"id": "a"}))
    old, new = VIEWS[view]
    changes = [("INSERT", None, first), ("MODIFY", first, second), ("REMOVE", second, None)]
    records = read(streams, at)
    assert len(records) == 3
    for record, (name, before, after) in zip(records, changes):
        body = record["dynamodb"]
        assert record["eventName"] == name and record["eventSource"] == "aws:dynamodb"
        assert plain(body["Keys"]) == {"id": "a"} and body["StreamViewType"] == view
        assert ("OldImage" in body, "NewImage" in body) == (old and before is not None, new and after is not None)
        if "OldImage" in body:
            assert plain(body["OldImage"]) == before
        if "NewImage" in body:
            assert plain(body["NewImage"]) == after
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records]
    assert numbers == sorted(set(numbers))


def test_what_changes_nothing_leaves_no_record(dynamodb, streams, make):
    about = make("NEW_IMAGE")
    table, at = about["TableName"], iterator(streams, about["LatestStreamArn"])
    dynamodb.put_item(TableName=table, Item=wire({"id": "a", "n": 1}))
    dynamodb.put_item(TableName=table, Item=wire({"id": "a", "n": 1}))
    dynamodb.delete_item(TableName=table, Key=wire({"id": "absent"}))
    refused = {"Item": wire({"id": "a"}), "ConditionExpression": "attribute_not_exists(id)"}
    assert code(dynamodb.put_item, TableName=table, **refused) == "ConditionalCheckFailedException"
    assert [record["eventName"] for record in read(streams, at)] == ["INSERT"]


def test_every_kind_of_write_is_recorded(dynamodb, streams, make):
    about = make("NEW_IMAGE")
    table, at = about["TableName"], iterator(streams, about["LatestStreamArn"])
    puts = [{"PutRequest": {"Item": wire({"id": name})}} for name in "ab"]
    dynamodb.batch_write_item(RequestItems={table: puts})
    change = {"UpdateExpression": "SET n = :n", "ExpressionAttributeValues": wire({":n": 1})}
    dynamodb.update_item(TableName=table, Key=wire({"id": "a"}), **change)
    dynamodb.update_item(TableName=table, Key=wire({"id": "c"}), **change)
    found = [(record["eventName"], record["dynamodb"]["Keys"]["id"]["S"]) for record in read(streams, at)]
    assert found == [("INSERT", "a"), ("INSERT", "b"), ("MODIFY", "a"), ("INSERT", "c")]


def test_iterators_begin_where_they_say_and_go_on(dynamodb, streams, make):
    about = make("KEYS_ONLY")
    table, arn = about["TableName"], about["LatestStreamArn"]
    put = lambda name: dynamodb.put_item(TableName=table, Item=wire({"id": name}))
    ids = lambda records: "".join(record["dynamodb"]["Keys"]["id"]["S"] for record in records)
    for name in "abc":
        put(name)
    page = streams.get_records(ShardIterator=iterator(streams, arn), Limit=2)
    assert ids(page["Records"]) == "ab"
    second = page["Records"][1]["dynamodb"]["SequenceNumber"]
    assert ids(read(streams, page["NextShardIterator"])) == "c"
    assert ids(read(streams, iterator(streams, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=second))) == "bc"
    assert ids(read(streams, iterator(streams, arn, "AFTER_SEQUENCE_NUMBER", SequenceNumber=second))) == "c"
    latest = iterator(streams, arn, "LATEST")
    assert read(streams, latest) == []
    put("d")
    assert ids(read(streams, latest)) == "d"


def test_positions_that_are_none_are_refused(streams, make):
    arn = make("KEYS_ONLY")["LatestStreamArn"]
    shard = shards(streams, arn)[0]["ShardId"]
    at = {"StreamArn": arn, "ShardId": shard}
    assert code(streams.get_shard_iterator, **at, ShardIteratorType="AT_SEQUENCE_NUMBER") == "ValidationException"
    assert code(streams.get_shard_iterator, **at, ShardIteratorType="AT_TIMESTAMP") == "ValidationException"
    absent = {**at, "ShardId": "shardId-00000000000000000000-00000000"}
    assert code(streams.get_shard_iterator, **absent, ShardIteratorType="LATEST") == "ResourceNotFoundException"
    assert code(streams.get_records, ShardIterator="none-of-ours") == "ValidationException"
    good = iterator(streams, arn)
    assert code(streams.get_records, ShardIterator=good, Limit=1001) == "ValidationException"


def test_a_stream_that_is_made_anew_has_another_arn_and_the_old_one_is_still_read(dynamodb, streams, make):
    about = make("KEYS_ONLY")
    table, first = about["TableName"], about["LatestStreamArn"]
    dynamodb.put_item(TableName=table, Item=wire({"id": "a"}))
    enabled = {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}}
    assert code(dynamodb.update_table, TableName=table, **enabled) == "ValidationException"
    dynamodb.update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    assert streams.describe_stream(StreamArn=first)["StreamDescription"]["StreamStatus"] == "DISABLED"
    second = dynamodb.update_table(TableName=table, **enabled)["TableDescription"]["LatestStreamArn"]
    assert second != first and dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"] == second
    assert {stream["StreamArn"] for stream in streams.list_streams(TableName=table)["Streams"]} == {first, second}
    page = streams.get_records(ShardIterator=iterator(streams, first))
    assert len(page["Records"]) == 1 and "NextShardIterator" not in page
    assert "EndingSequenceNumber" in shards(streams, first)[-1]["SequenceNumberRange"]


def test_streams_are_listed_in_pages(streams, make):
    made = {make("KEYS_ONLY")["LatestStreamArn"] for _ in range(3)}
    seen, more = [], {}
    while True:
        page = streams.list_streams(Limit=2, **more)
        assert len(page["Streams"]) <= 2
        seen += [stream["StreamArn"] for stream in page["Streams"]]
        if "LastEvaluatedStreamArn" not in page:
            break
        more = {"ExclusiveStartStreamArn": page["LastEvaluatedStreamArn"]}
    assert made <= set(seen) and len(seen) == len(set(seen))
