"""Kinesis: streams and their shards, records put and read, resharding, tags."""

import datetime
import hashlib
import time

import pytest
from conftest import ACCOUNT, REGION, cleared_by, client, code, unique

LAST_KEY = 2**128 - 1
MIDDLE = 2**127


@pytest.fixture(scope="module")
def kinesis():
    return client("kinesis")


@pytest.fixture
def make(kinesis):
    """Makes streams that are deleted after the test; returns their names."""
    with cleared_by(lambda name: kinesis.delete_stream(StreamName=name)) as made:

        def stream(shards=1, **more):
            name = unique("s")
            kinesis.create_stream(StreamName=name, **({} if shards is None else {"ShardCount": shards}), **more)
            made.append(name)
            return name

        yield stream


@pytest.fixture
def stream(make):
    return make()


def arn(name):
    return f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}"


def shards(kinesis, name, **more):
    return kinesis.list_shards(StreamName=name, **more)["Shards"]


def open_shards(kinesis, name):
    return kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["OpenShardCount"]


def ranges(found):
    """The first and last key of each shard."""
    return [tuple(int(shard["HashKeyRange"][f"{end}HashKey"]) for end in ("Starting", "Ending")) for shard in found]


def shard_id(number):
    return f"shardId-{number:012}"


def read(kinesis, name, shard=0, kind="TRIM_HORIZON", limit=100, **more):
    """The records that one page has, and the whole answer."""
    iterator = kinesis.get_shard_iterator(StreamName=name, ShardId=shard_id(shard), ShardIteratorType=kind, **more)["ShardIterator"]
    answer = kinesis.get_records(ShardIterator=iterator, Limit=limit)
    return [record["Data"] for record in answer["Records"]], answer


# Streams


def test_a_new_stream_is_active_with_the_shards_asked_for(kinesis, make):
    name = make(3)
    summary = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]
    wanted = {
        "StreamName": name,
        "StreamARN": arn(name),
        "StreamStatus": "ACTIVE",
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "RetentionPeriodHours": 24,
        "EncryptionType": "NONE",
        "OpenShardCount": 3,
        "ConsumerCount": 0,
    }
    assert {key: summary.get(key) for key in wanted} == wanted
    age = datetime.datetime.now(datetime.timezone.utc) - summary["StreamCreationTimestamp"]
    assert abs(age.total_seconds()) < 60
    kinesis.get_waiter("stream_exists").wait(StreamName=name)


def test_shards_share_all_keys_without_a_gap(kinesis, make):
    name = make(7)
    found = ranges(shards(kinesis, name))
    assert found[0][0] == 0 and found[-1][1] == LAST_KEY
    assert all(before[1] + 1 == after[0] for before, after in zip(found, found[1:]))
    assert max(end - start for start, end in found) - min(end - start for start, end in found) <= 7


def test_a_stream_on_demand_has_four_shards_and_takes_no_count(kinesis, make):
    name = make(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert open_shards(kinesis, name) == 4
    both = {"ShardCount": 1, "StreamModeDetails": {"StreamMode": "ON_DEMAND"}}
    assert code(kinesis.create_stream, StreamName=unique("s"), **both) == "ValidationException"
    assert code(kinesis.create_stream, StreamName=unique("s")) == "ValidationException"


def test_a_stream_is_addressed_by_name_or_arn(kinesis, stream):
    for target in ({"StreamName": stream}, {"StreamARN": arn(stream)}):
        assert kinesis.describe_stream(**target)["StreamDescription"]["StreamName"] == stream
    assert code(kinesis.describe_stream) == "InvalidArgumentException"


@pytest.mark.parametrize("name", ["a b", "ü", "a/b", "x" * 129])
def test_an_illegal_name_is_refused(kinesis, name):
    assert code(kinesis.create_stream, StreamName=name, ShardCount=1) == "ValidationException"


def test_counts_out_of_range_are_refused(kinesis, stream):
    unchecked = client("kinesis", parameter_validation=False)
    assert code(unchecked.create_stream, StreamName=unique("s"), ShardCount=0) == "ValidationException"
    assert code(unchecked.describe_stream, StreamName=stream, Limit=0) == "ValidationException"
    assert code(kinesis.create_stream, StreamName=unique("s"), ShardCount=100_000) == "LimitExceededException"


def test_a_name_is_taken_once_and_free_after_deletion(kinesis, make):
    name = make()
    assert code(kinesis.create_stream, StreamName=name, ShardCount=1) == "ResourceInUseException"
    kinesis.delete_stream(StreamName=name)
    assert code(kinesis.describe_stream_summary, StreamName=name) == "ResourceNotFoundException"
    assert code(kinesis.delete_stream, StreamName=name) == "ResourceNotFoundException"
    kinesis.create_stream(StreamName=name, ShardCount=1)


def test_streams_are_listed_by_name_in_pages(kinesis, make):
    made = sorted(make() for _ in range(5))
    pages = kinesis.get_paginator("list_streams").paginate(PaginationConfig={"PageSize": 2})
    found = [(len(page["StreamNames"]), page["StreamNames"]) for page in pages]
    assert all(count <= 2 for count, _ in found)
    names = [name for _, page in found for name in page]
    assert names == sorted(names) and set(made) <= set(names)
    page = kinesis.list_streams(ExclusiveStartStreamName=made[0], Limit=1)
    assert page["StreamNames"][0] > made[0]
    (about,) = [summary for summary in kinesis.list_streams(Limit=1000)["StreamSummaries"] if summary["StreamName"] == made[0]]
    assert about["StreamARN"] == arn(made[0]) and about["StreamStatus"] == "ACTIVE"


def test_a_description_has_pages_of_shards(kinesis, make):
    name = make(5)
    pages = list(kinesis.get_paginator("describe_stream").paginate(StreamName=name, PaginationConfig={"PageSize": 2}))
    described = [page["StreamDescription"] for page in pages]
    assert [len(page["Shards"]) for page in described] == [2, 2, 1]
    assert [page["HasMoreShards"] for page in described] == [True, True, False]


def test_retention_can_be_changed_within_its_bounds(kinesis, stream):
    def hours():
        return kinesis.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]["RetentionPeriodHours"]

    kinesis.increase_stream_retention_period(StreamName=stream, RetentionPeriodHours=48)
    assert hours() == 48
    kinesis.decrease_stream_retention_period(StreamName=stream, RetentionPeriodHours=25)
    assert hours() == 25
    for call, wrong in [
        (kinesis.increase_stream_retention_period, 24),
        (kinesis.increase_stream_retention_period, 8761),
        (kinesis.decrease_stream_retention_period, 26),
        (kinesis.decrease_stream_retention_period, 23),
    ]:
        assert code(call, StreamName=stream, RetentionPeriodHours=wrong) == "InvalidArgumentException"
    assert hours() == 25


def test_limits_count_the_open_shards(kinesis, make):
    before = kinesis.describe_limits()["OpenShardCount"]
    make(3)
    assert kinesis.describe_limits()["OpenShardCount"] == before + 3


# Records


def test_a_record_goes_to_the_shard_of_its_key_and_is_read_there(kinesis, make):
    name = make(2)
    sent = [kinesis.put_record(StreamName=name, Data=f"r{n}".encode(), PartitionKey=f"key-{n}") for n in range(20)]
    for n, answer in enumerate(sent):
        upper = int(hashlib.md5(f"key-{n}".encode()).hexdigest(), 16) >= MIDDLE
        assert answer["ShardId"] == shard_id(int(upper))
    found = [read(kinesis, name, shard)[0] for shard in (0, 1)]
    assert sorted(found[0] + found[1]) == sorted(f"r{n}".encode() for n in range(20))
    assert found[0] and found[1]


def test_records_keep_their_order_and_their_fields(kinesis, stream):
    answer = kinesis.put_records(
        StreamName=stream, Records=[{"Data": bytes([n]), "PartitionKey": "k"} for n in range(3)]
    )
    assert answer["FailedRecordCount"] == 0
    numbers = [record["SequenceNumber"] for record in answer["Records"]]
    assert numbers == sorted(numbers, key=int) and len(set(numbers)) == 3
    data, page = read(kinesis, stream)
    assert data == [b"\0", b"\1", b"\2"]
    assert [record["SequenceNumber"] for record in page["Records"]] == numbers
    assert {record["PartitionKey"] for record in page["Records"]} == {"k"}
    assert page["MillisBehindLatest"] == 0
    age = datetime.datetime.now(datetime.timezone.utc) - page["Records"][0]["ApproximateArrivalTimestamp"]
    assert abs(age.total_seconds()) < 60


def test_an_explicit_key_decides_the_shard(kinesis, make):
    name = make(2)
    for key, shard in [("0", 0), (str(MIDDLE - 1), 0), (str(MIDDLE), 1), (str(LAST_KEY), 1)]:
        answer = kinesis.put_record(StreamName=name, Data=b"x", PartitionKey="k", ExplicitHashKey=key)
        assert answer["ShardId"] == shard_id(shard)
    refused = {"StreamName": name, "Data": b"x", "PartitionKey": "k"}
    assert code(kinesis.put_record, **refused, ExplicitHashKey=str(LAST_KEY + 1)) == "InvalidArgumentException"
    assert code(kinesis.put_record, **refused, ExplicitHashKey="x") == "ValidationException"


def test_every_kind_of_iterator_begins_where_it_says(kinesis, stream):
    sent = [kinesis.put_record(StreamName=stream, Data=bytes([n]), PartitionKey="k")["SequenceNumber"] for n in range(3)]
    assert read(kinesis, stream)[0] == [b"\0", b"\1", b"\2"]
    assert read(kinesis, stream, kind="LATEST")[0] == []
    assert read(kinesis, stream, kind="AT_SEQUENCE_NUMBER", StartingSequenceNumber=sent[1])[0] == [b"\1", b"\2"]
    assert read(kinesis, stream, kind="AFTER_SEQUENCE_NUMBER", StartingSequenceNumber=sent[1])[0] == [b"\2"]
    assert read(kinesis, stream, kind="AT_TIMESTAMP", Timestamp=time.time() - 60)[0] == [b"\0", b"\1", b"\2"]
    at = {"StreamName": stream, "ShardId": shard_id(0)}
    assert code(kinesis.get_shard_iterator, **at, ShardIteratorType="AT_SEQUENCE_NUMBER") == "InvalidArgumentException"
    assert code(kinesis.get_shard_iterator, **at, ShardIteratorType="SOMEWHERE") == "ValidationException"
    absent = {"StreamName": stream, "ShardId": shard_id(9), "ShardIteratorType": "LATEST"}
    assert code(kinesis.get_shard_iterator, **absent) == "ResourceNotFoundException"


def test_pages_follow_each_other_and_go_on_with_what_comes(kinesis, stream):
    kinesis.put_records(StreamName=stream, Records=[{"Data": bytes([n]), "PartitionKey": "k"} for n in range(5)])
    data, page = read(kinesis, stream, limit=2)
    assert data == [b"\0", b"\1"] and page["MillisBehindLatest"] >= 0
    seen = list(data)
    while len(seen) < 5:
        page = kinesis.get_records(ShardIterator=page["NextShardIterator"], Limit=2)
        seen += [record["Data"] for record in page["Records"]]
    assert seen == [bytes([n]) for n in range(5)]
    kinesis.put_record(StreamName=stream, Data=b"later", PartitionKey="k")
    page = kinesis.get_records(ShardIterator=page["NextShardIterator"])
    assert [record["Data"] for record in page["Records"]] == [b"later"]
    assert code(kinesis.get_records, ShardIterator="none-of-ours") == "InvalidArgumentException"
    assert code(kinesis.get_records, ShardIterator=page["NextShardIterator"], Limit=10_001) == "ValidationException"


def test_records_too_large_or_too_many_are_refused(kinesis, stream):
    put = {"StreamName": stream}
    assert code(kinesis.put_record, **put, Data=b"x" * (2**20 + 1), PartitionKey="k") == "ValidationException"
    assert code(kinesis.put_record, **put, Data=b"x", PartitionKey="k" * 257) == "ValidationException"
    many = [{"Data": b"x", "PartitionKey": "k"}] * 501
    assert code(kinesis.put_records, **put, Records=many) == "ValidationException"
    heavy = [{"Data": b"x" * (2**20 - 10), "PartitionKey": "k"}] * 6
    assert code(kinesis.put_records, **put, Records=heavy) == "InvalidArgumentException"
    assert read(kinesis, stream)[0] == []
    assert code(kinesis.put_record, StreamName=unique("s"), Data=b"x", PartitionKey="k") == "ResourceNotFoundException"


def test_a_record_with_its_key_is_at_most_a_mebibyte(kinesis, stream):
    whole = 2**20
    assert code(kinesis.put_record, StreamName=stream, Data=b"x" * (whole - 2), PartitionKey="key") == "ValidationException"
    kinesis.put_record(StreamName=stream, Data=b"x" * (whole - 3), PartitionKey="key")


# Resharding


def test_a_split_closes_the_parent_and_opens_two_children(kinesis, stream):
    kinesis.put_record(StreamName=stream, Data=b"before", PartitionKey="k")
    kinesis.split_shard(StreamName=stream, ShardToSplit=shard_id(0), NewStartingHashKey=str(MIDDLE))
    parent, low, high = shards(kinesis, stream)
    assert "EndingSequenceNumber" in parent["SequenceNumberRange"]
    assert "EndingSequenceNumber" not in low["SequenceNumberRange"]
    assert low["ParentShardId"] == high["ParentShardId"] == parent["ShardId"]
    assert ranges([low, high]) == [(0, MIDDLE - 1), (MIDDLE, LAST_KEY)]
    assert open_shards(kinesis, stream) == 2
    # What was put before is still read from the parent, whose end names the children.
    data, page = read(kinesis, stream)
    assert data == [b"before"] and page.get("NextShardIterator") is None
    assert [child["ShardId"] for child in page["ChildShards"]] == [shard_id(1), shard_id(2)]
    assert page["ChildShards"][0]["ParentShards"] == [shard_id(0)]
    answer = kinesis.put_record(StreamName=stream, Data=b"after", PartitionKey="k", ExplicitHashKey=str(MIDDLE))
    assert answer["ShardId"] == shard_id(2)


def test_two_neighbours_are_merged_into_one(kinesis, make):
    name = make(3)
    kinesis.merge_shards(StreamName=name, ShardToMerge=shard_id(1), AdjacentShardToMerge=shard_id(0))
    merged = shards(kinesis, name)[-1]
    assert (merged["ParentShardId"], merged["AdjacentParentShardId"]) == (shard_id(1), shard_id(0))
    assert open_shards(kinesis, name) == 2
    assert shards(kinesis, name, ShardFilter={"Type": "AT_LATEST"})[-1]["ShardId"] == shard_id(3)


def test_a_shard_that_cannot_be_resharded_is_refused(kinesis, make):
    name = make(3)
    merge = {"StreamName": name, "ShardToMerge": shard_id(0)}
    assert code(kinesis.merge_shards, **merge, AdjacentShardToMerge=shard_id(2)) == "InvalidArgumentException"
    assert code(kinesis.merge_shards, **merge, AdjacentShardToMerge=shard_id(9)) == "ResourceNotFoundException"
    split = {"StreamName": name, "ShardToSplit": shard_id(0)}
    assert code(kinesis.split_shard, **split, NewStartingHashKey=str(LAST_KEY)) == "InvalidArgumentException"
    assert code(kinesis.split_shard, **split, NewStartingHashKey="1") == "InvalidArgumentException"
    assert code(kinesis.split_shard, **split, NewStartingHashKey="x") == "ValidationException"
    odd = {"StreamName": name, "ShardToSplit": "?", "NewStartingHashKey": "5"}
    assert code(kinesis.split_shard, **odd) == "ValidationException"
    kinesis.split_shard(**split, NewStartingHashKey="1000")
    assert code(kinesis.split_shard, **split, NewStartingHashKey="1000") == "InvalidArgumentException"
    assert open_shards(kinesis, name) == 4


@pytest.mark.parametrize(("before", "after"), [(2, 4), (4, 2), (4, 5), (3, 3), (5, 3)])
def test_a_count_is_reached_with_even_shards(kinesis, make, before, after):
    name = make(before)
    answer = kinesis.update_shard_count(StreamName=name, TargetShardCount=after, ScalingType="UNIFORM_SCALING")
    assert (answer["CurrentShardCount"], answer["TargetShardCount"]) == (before, after)
    found = sorted(ranges(shards(kinesis, name, ShardFilter={"Type": "AT_LATEST"})))
    assert len(found) == open_shards(kinesis, name) == after
    assert found[0][0] == 0 and found[-1][1] == LAST_KEY
    assert all(low[1] + 1 == high[0] for low, high in zip(found, found[1:]))


def test_a_count_may_at_most_double_or_halve(kinesis, make):
    name = make(4)
    for count in (9, 1):
        wanted = {"TargetShardCount": count, "ScalingType": "UNIFORM_SCALING"}
        assert code(kinesis.update_shard_count, StreamName=name, **wanted) == "InvalidArgumentException"
    assert open_shards(kinesis, name) == 4


def test_shards_are_listed_in_pages_that_name_no_stream(kinesis, make):
    name = make(5)
    page = kinesis.list_shards(StreamName=name, MaxResults=2)
    seen = [shard["ShardId"] for shard in page["Shards"]]
    assert code(kinesis.list_shards, StreamName=name, NextToken=page["NextToken"]) == "InvalidArgumentException"
    while "NextToken" in page:
        page = kinesis.list_shards(NextToken=page["NextToken"], MaxResults=2)
        seen += [shard["ShardId"] for shard in page["Shards"]]
    assert seen == [shard_id(n) for n in range(5)]
    assert [shard["ShardId"] for shard in shards(kinesis, name, ExclusiveStartShardId=shard_id(3))] == [shard_id(4)]
    after = {"Type": "AFTER_SHARD_ID", "ShardId": shard_id(2)}
    assert [shard["ShardId"] for shard in shards(kinesis, name, ShardFilter=after)] == [shard_id(3), shard_id(4)]


def test_a_stream_on_demand_is_not_resharded_by_hand(kinesis, make):
    name = make(None, StreamModeDetails={"StreamMode": "ON_DEMAND"})
    split = {"StreamName": name, "ShardToSplit": shard_id(0), "NewStartingHashKey": "1000"}
    assert code(kinesis.split_shard, **split) == "ValidationException"
    kinesis.update_stream_mode(StreamARN=arn(name), StreamModeDetails={"StreamMode": "PROVISIONED"})
    kinesis.split_shard(**split)
    assert open_shards(kinesis, name) == 5


# Tags


def test_tags_are_added_listed_in_pages_and_removed(kinesis, make):
    name = make(Tags={"made": "with"})
    kinesis.add_tags_to_stream(StreamName=name, Tags={"b": "2", "a": "1", "c": ""})
    first = kinesis.list_tags_for_stream(StreamName=name, Limit=2)
    assert ([tag["Key"] for tag in first["Tags"]], first["HasMoreTags"]) == (["a", "b"], True)
    second = kinesis.list_tags_for_stream(StreamName=name, ExclusiveStartTagKey="b")
    assert ([tag["Key"] for tag in second["Tags"]], second["HasMoreTags"]) == (["c", "made"], False)
    kinesis.remove_tags_from_stream(StreamName=name, TagKeys=["a", "c", "absent"])
    kinesis.tag_resource(ResourceARN=arn(name), Tags={"b": "3"})
    found = kinesis.list_tags_for_resource(ResourceARN=arn(name))["Tags"]
    assert found == [{"Key": "b", "Value": "3"}, {"Key": "made", "Value": "with"}]
    kinesis.untag_resource(ResourceARN=arn(name), TagKeys=["b", "made"])
    assert kinesis.list_tags_for_stream(StreamName=name)["Tags"] == []


def test_tags_stay_within_their_limits(kinesis, stream):
    many = {f"k{n}": "v" for n in range(50)}
    kinesis.add_tags_to_stream(StreamName=stream, Tags=many)
    assert code(kinesis.add_tags_to_stream, StreamName=stream, Tags={"one": "more"}) == "LimitExceededException"
    assert code(kinesis.add_tags_to_stream, StreamName=unique("s"), Tags={"a": "b"}) == "ResourceNotFoundException"
