"""DynamoDB: tables and indexes, items by key, queries and scans in pages, expressions, batches, tags."""

from decimal import Decimal

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION, cleared_by, client, code, plain, unique, wire

WRONG = "ValidationException"
ABSENT = "ResourceNotFoundException"
UNMET = "ConditionalCheckFailedException"


@pytest.fixture(scope="module")
def dynamodb():
    return client("dynamodb")


def keys(hash_key, range_key=None):
    schema = [{"AttributeName": hash_key, "KeyType": "HASH"}]
    return schema + ([{"AttributeName": range_key, "KeyType": "RANGE"}] if range_key else [])


def kinds(**types):
    return [{"AttributeName": name, "AttributeType": kind} for name, kind in types.items()]


def index(name, *schema, projection=None):
    return {"IndexName": name, "KeySchema": keys(*schema), "Projection": projection or {"ProjectionType": "ALL"}}


class Table:
    """A table and the calls that tests make most, in Python's values."""

    def __init__(self, dynamodb, **definition):
        self.dynamodb, self.name = dynamodb, unique("t")
        self.about = dynamodb.create_table(TableName=self.name, BillingMode="PAY_PER_REQUEST", **definition)["TableDescription"]

    def call(self, action, values=None, **more):
        if values:
            more["ExpressionAttributeValues"] = wire(values)
        return getattr(self.dynamodb, action)(TableName=self.name, **more)

    def put(self, **item):
        return self.call("put_item", Item=wire(item))

    def get(self, **key):
        return plain(self.call("get_item", Key=wire(key)).get("Item"))

    def update(self, key, expression, values=None, **more):
        answer = self.call("update_item", values, Key=wire(key), UpdateExpression=expression, **more)
        return plain(answer.get("Attributes"))

    def query(self, condition, values=None, **more):
        return [plain(item) for item in self.call("query", values, KeyConditionExpression=condition, **more)["Items"]]

    def scan(self, expression=None, values=None, **more):
        filtered = {"FilterExpression": expression} if expression else {}
        return [plain(item) for item in self.call("scan", values, **filtered, **more)["Items"]]

    def refusal(self, action, values=None, **more):
        return code(lambda: self.call(action, values, **more))


@pytest.fixture
def make(dynamodb):
    """Makes tables that are deleted after the test."""
    with cleared_by(lambda table: dynamodb.delete_table(TableName=table.name)) as made:

        def table(**definition):
            made.append(Table(dynamodb, **definition))
            return made[-1]

        yield table


@pytest.fixture
def table(make):
    """A table of items by their id."""
    return make(KeySchema=keys("id"), AttributeDefinitions=kinds(id="S"))


@pytest.fixture
def events(make):
    """Twelve events of two users, at the times 0 to 5."""
    table = make(KeySchema=keys("user", "at"), AttributeDefinitions=kinds(user="S", at="N"))
    for user in ("ann", "bob"):
        for at in range(6):
            table.put(user=user, at=at, kind="login" if at % 2 else "click", cost=at * 10)
    return table


# Tables


def test_a_new_table_is_described(dynamodb, make):
    table = make(
        KeySchema=keys("id", "at"),
        AttributeDefinitions=kinds(id="S", at="N", kind="S"),
        GlobalSecondaryIndexes=[index("by-kind", "kind")],
    )
    about = dynamodb.describe_table(TableName=table.name)["Table"]
    assert about["TableArn"] == f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table.name}"
    assert about["TableStatus"] == "ACTIVE" and about["ItemCount"] == 0
    assert about["KeySchema"] == keys("id", "at")
    assert about["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    (by_kind,) = about["GlobalSecondaryIndexes"]
    assert by_kind["IndexName"] == "by-kind" and by_kind["IndexStatus"] == "ACTIVE"
    dynamodb.get_waiter("table_exists").wait(TableName=table.name)


def test_a_name_is_taken_once_and_free_after_deletion(dynamodb, table):
    again = {"TableName": table.name, "KeySchema": keys("id"), "AttributeDefinitions": kinds(id="S"), "BillingMode": "PAY_PER_REQUEST"}
    assert code(dynamodb.create_table, **again) == "ResourceInUseException"
    dynamodb.delete_table(TableName=table.name)
    assert code(dynamodb.describe_table, TableName=table.name) == ABSENT
    assert code(dynamodb.delete_table, TableName=table.name) == ABSENT
    dynamodb.create_table(**again)


def test_tables_are_listed_by_name_in_pages(dynamodb, make):
    made = {make(KeySchema=keys("id"), AttributeDefinitions=kinds(id="S")).name for _ in range(5)}
    pages = list(dynamodb.get_paginator("list_tables").paginate(PaginationConfig={"PageSize": 2}))
    assert all(len(page["TableNames"]) <= 2 for page in pages)
    names = [name for page in pages for name in page["TableNames"]]
    assert names == sorted(names) and made <= set(names)


@pytest.mark.parametrize(
    "wrong",
    [
        {"AttributeDefinitions": kinds(other="S")},
        {"AttributeDefinitions": kinds(id="S", spare="S")},
        {"KeySchema": keys("id", "id")},
        {"AttributeDefinitions": kinds(id="BOOL")},
        {"BillingMode": "SOMETIMES"},
        {"BillingMode": "PROVISIONED"},
        {"TableName": "a b"},
        {"TableName": "ab"},
        {"GlobalSecondaryIndexes": []},
        {"GlobalSecondaryIndexes": [index("by-absent", "absent")]},
        {"GlobalSecondaryIndexes": [index("twice", "id"), index("twice", "id")]},
        {"LocalSecondaryIndexes": [index("local", "id", "id")]},
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "SOME"}},
    ],
    ids=lambda wrong: "-".join(wrong) + "-" + str(abs(hash(str(wrong))) % 1000),
)
def test_a_definition_that_contradicts_itself_is_refused(wrong):
    right = {"TableName": unique("t"), "KeySchema": keys("id"), "AttributeDefinitions": kinds(id="S"), "BillingMode": "PAY_PER_REQUEST"}
    unchecked = client("dynamodb", parameter_validation=False)
    assert code(unchecked.create_table, **{**right, **wrong}) == WRONG


def test_throughput_is_for_provisioned_tables(dynamodb, make):
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    both = {"KeySchema": keys("id"), "AttributeDefinitions": kinds(id="S"), "ProvisionedThroughput": throughput}
    assert code(dynamodb.create_table, TableName=unique("t"), BillingMode="PAY_PER_REQUEST", **both) == WRONG
    name = unique("t")
    about = dynamodb.create_table(TableName=name, **both)["TableDescription"]
    assert about["ProvisionedThroughput"]["ReadCapacityUnits"] == 1
    dynamodb.delete_table(TableName=name)


def test_a_protected_table_stays(dynamodb, make):
    table = make(KeySchema=keys("id"), AttributeDefinitions=kinds(id="S"), DeletionProtectionEnabled=True)
    assert code(dynamodb.delete_table, TableName=table.name) == WRONG
    dynamodb.update_table(TableName=table.name, DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=table.name)


# Items


def test_every_type_comes_back_as_it_was(table):
    item = {
        "id": "a", "text": "ü", "empty": "", "number": Decimal("-1.5e-10"), "large": Decimal("9" * 38), "bytes": b"\0\xff",
        "yes": True, "nothing": None, "list": [1, "x", {"deep": [None]}], "map": {"k": {"l": b"x"}},
        "texts": {"a", "b"}, "numbers": {Decimal(1), Decimal("2.5")}, "blobs": {b"x", b"y"},
    }  # fmt: skip
    table.put(**item)
    found = table.get(id="a")
    found["bytes"], found["map"]["k"]["l"] = bytes(found["bytes"]), bytes(found["map"]["k"]["l"])
    found["blobs"] = {bytes(blob) for blob in found["blobs"]}
    assert found == item
    assert table.get(id="absent") is None


def test_a_put_replaces_and_returns_what_was(table):
    table.put(id="a", x=1)
    answer = table.call("put_item", Item=wire({"id": "a", "y": 2}), ReturnValues="ALL_OLD")
    assert plain(answer["Attributes"]) == {"id": "a", "x": 1}
    assert table.get(id="a") == {"id": "a", "y": 2}
    answer = table.call("delete_item", Key=wire({"id": "a"}), ReturnValues="ALL_OLD")
    assert plain(answer["Attributes"]) == {"id": "a", "y": 2}
    assert "Attributes" not in table.call("delete_item", Key=wire({"id": "a"}), ReturnValues="ALL_OLD")
    assert table.refusal("put_item", Item=wire({"id": "a"}), ReturnValues="ALL_NEW") == WRONG


@pytest.mark.parametrize(
    "item",
    [
        {},
        {"other": {"S": "x"}},
        {"id": {"N": "1"}},
        {"id": {"S": ""}},
        {"id": {"S": "x" * 2049}},
        {"id": {"S": "x"}, "n": {"N": "one"}},
        {"id": {"S": "x"}, "n": {"N": "1" * 39}},
        {"id": {"S": "x"}, "n": {"N": "1e126"}},
        {"id": {"S": "x"}, "s": {"SS": []}},
        {"id": {"S": "x"}, "s": {"SS": ["a", "a"]}},
        {"id": {"S": "x"}, "b": {"S": "x" * 400 * 1024}},
    ],
)
def test_an_item_that_cannot_be_is_refused(table, item):
    assert table.refusal("put_item", Item=item) == WRONG


def test_a_key_has_exactly_its_attributes(events):
    for key in ({"user": "ann"}, {"user": "ann", "at": "1"}, {"user": "ann", "at": 1, "more": 1}, {"at": 1, "usr": "ann"}):
        assert events.refusal("get_item", Key=wire(key)) == WRONG
    assert events.get(user="ann", at=1)["kind"] == "login"


def test_a_table_that_is_not_there_is_refused(dynamodb):
    name = unique("t")
    key = wire({"id": "a"})
    assert code(dynamodb.get_item, TableName=name, Key=key) == ABSENT
    assert code(dynamodb.put_item, TableName=name, Item=key) == ABSENT
    assert code(dynamodb.scan, TableName=name) == ABSENT


def test_a_projection_takes_parts_of_an_item(table):
    table.put(id="a", m={"x": [1, 2, 3], "y": 2}, n=1, size=5)
    answer = table.call(
        "get_item", Key=wire({"id": "a"}), ProjectionExpression="m.x[1], n, #s", ExpressionAttributeNames={"#s": "size"}
    )
    assert plain(answer["Item"]) == {"m": {"x": [2]}, "n": 1, "size": 5}
    for wrong in ("size", "m, m.x", "m..x", "n,", ""):
        assert table.refusal("get_item", Key=wire({"id": "a"}), ProjectionExpression=wrong) == WRONG


# Queries and scans


def at(items):
    return [int(item["at"]) for item in items]


@pytest.mark.parametrize(
    ("condition", "values", "found"),
    [
        ("#u = :u", {}, [0, 1, 2, 3, 4, 5]),
        ("#u = :u AND #a = :x", {":x": 3}, [3]),
        ("#u = :u AND #a < :x", {":x": 2}, [0, 1]),
        ("#u = :u AND #a <= :x", {":x": 2}, [0, 1, 2]),
        ("#u = :u AND #a > :x", {":x": 3}, [4, 5]),
        ("(#u = :u) AND (#a >= :x)", {":x": 4}, [4, 5]),
        ("#a BETWEEN :x AND :y AND #u = :u", {":x": 1, ":y": 3}, [1, 2, 3]),
    ],
)
def test_a_range_of_a_partition_is_queried(events, condition, values, found):
    names = {"#u": "user"} | ({"#a": "at"} if "#a" in condition else {})
    assert at(events.query(condition, {":u": "ann", **values}, ExpressionAttributeNames=names)) == found


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("#a = :x", {":x": 1}),
        ("#u > :u", {":u": "ann"}),
        ("#u = :u AND #a <> :x", {":u": "ann", ":x": 1}),
        ("#u = :u OR #a = :x", {":u": "ann", ":x": 1}),
        ("NOT #u = :u", {":u": "ann"}),
        ("#u = :u AND kind = :x", {":u": "ann", ":x": "login"}),
        ("#u = :u AND #a = :x AND #a = :x", {":u": "ann", ":x": 1}),
        ("#u = :u AND #a = :x", {":u": "ann", ":x": "text"}),
        ("#u = :u AND begins_with(#a, :x)", {":u": "ann", ":x": 1}),
        ("#u = :absent", {":u": "ann"}),
        ("#u = :u", {":u": "ann", ":unused": 1}),
        ("#u = ", {":u": "ann"}),
        ("", {":u": "ann"}),
    ],
)
def test_a_key_condition_that_is_none_is_refused(events, condition, values):
    names = {name: full for name, full in (("#u", "user"), ("#a", "at")) if name in condition} or None
    more = {"ExpressionAttributeNames": names} if names else {}
    assert events.refusal("query", values, KeyConditionExpression=condition, **more) == WRONG


def test_texts_are_queried_by_how_they_begin(make):
    table = make(KeySchema=keys("id", "path"), AttributeDefinitions=kinds(id="S", path="S"))
    for path in ("a", "a/b", "a/c", "b"):
        table.put(id="x", path=path)
    names = {"#p": "path"}
    found = table.query("id = :i AND begins_with(#p, :p)", {":i": "x", ":p": "a/"}, ExpressionAttributeNames=names)
    assert [item["path"] for item in found] == ["a/b", "a/c"]


def test_a_query_goes_backwards_and_in_pages(events):
    ann = {"ExpressionAttributeNames": {"#u": "user"}}
    assert at(events.query("#u = :u", {":u": "ann"}, ScanIndexForward=False, Limit=2, **ann)) == [5, 4]
    paginator = events.dynamodb.get_paginator("query")
    pages = paginator.paginate(
        TableName=events.name, KeyConditionExpression="#u = :u", ExpressionAttributeValues=wire({":u": "ann"}),
        PaginationConfig={"PageSize": 4}, **ann,
    )  # fmt: skip
    pages = list(pages)
    assert [[int(item["at"]["N"]) for item in page["Items"]] for page in pages] == [[0, 1, 2, 3], [4, 5]]
    assert pages[0]["LastEvaluatedKey"] == wire({"user": "ann", "at": 3}) and "LastEvaluatedKey" not in pages[1]


def test_a_filter_works_on_what_was_read(events):
    answer = events.call(
        "query", {":u": "ann", ":k": "login", ":c": 20}, KeyConditionExpression="#u = :u", Limit=4,
        FilterExpression="kind = :k AND cost > :c", ExpressionAttributeNames={"#u": "user"},
    )  # fmt: skip
    assert (answer["Count"], answer["ScannedCount"]) == (1, 4)
    assert answer["LastEvaluatedKey"] == wire({"user": "ann", "at": 3})
    refused = {"KeyConditionExpression": "#u = :u", "FilterExpression": "#a > :c", "ExpressionAttributeNames": {"#u": "user", "#a": "at"}}
    assert events.refusal("query", {":u": "ann", ":c": 1}, **refused) == WRONG


def test_a_count_comes_without_items(events):
    answer = events.call(
        "query", {":u": "ann"}, KeyConditionExpression="#u = :u", Select="COUNT", ExpressionAttributeNames={"#u": "user"}
    )
    assert answer["Count"] == 6 and "Items" not in answer


def test_a_page_ends_at_a_megabyte(make):
    table = make(KeySchema=keys("id", "n"), AttributeDefinitions=kinds(id="S", n="N"))
    for n in range(5):
        table.put(id="x", n=n, data="x" * 300_000)
    answer = table.call("query", {":i": "x"}, KeyConditionExpression="id = :i")
    assert answer["Count"] == 3 and answer["LastEvaluatedKey"] == wire({"id": "x", "n": 2})
    pages = table.dynamodb.get_paginator("scan").paginate(TableName=table.name)
    assert [page["Count"] for page in pages] == [3, 2]


def test_a_scan_sees_every_item_once_in_pages_and_in_segments(events):
    pages = list(events.dynamodb.get_paginator("scan").paginate(TableName=events.name, PaginationConfig={"PageSize": 5}))
    assert [page["Count"] for page in pages] == [5, 5, 2]
    seen = [(item["user"]["S"], item["at"]["N"]) for page in pages for item in page["Items"]]
    assert len(set(seen)) == 12
    segments = [events.scan(Segment=n, TotalSegments=3) for n in range(3)]
    assert sorted((item["user"], str(item["at"])) for segment in segments for item in segment) == sorted(seen)
    assert events.refusal("scan", Segment=3, TotalSegments=3) == WRONG
    assert events.refusal("scan", Segment=0) == WRONG


# Conditions


@pytest.mark.parametrize(
    ("expression", "values", "found"),
    [
        ("n = :v", {":v": 1}, "a"),
        ("n <> :v", {":v": 1}, "bcd"),
        ("n < :v", {":v": 2}, "a"),
        ("n >= :v", {":v": 2}, "b"),
        ("n BETWEEN :v AND :w", {":v": 1, ":w": 2}, "ab"),
        ("n IN (:v, :w)", {":v": 1, ":w": "one"}, "ac"),
        ("attribute_exists(m.k)", {}, "a"),
        ("attribute_not_exists(n)", {}, "d"),
        ("attribute_type(n, :v)", {":v": "S"}, "c"),
        ("begins_with(s, :v)", {":v": "he"}, "a"),
        ("contains(s, :v)", {":v": "lo"}, "ab"),
        ("contains(tags, :v)", {":v": "red"}, "b"),
        ("contains(l, :v)", {":v": 7}, "a"),
        ("size(s) > :v", {":v": 4}, "ab"),
        ("size(l) = :v", {":v": 2}, "a"),
        ("l[1] = :v", {":v": 7}, "a"),
        ("m.k = :v", {":v": True}, "a"),
        ("NOT n = :v", {":v": 1}, "bcd"),
        ("n = :v OR n = :w AND s = :x", {":v": 1, ":w": 2, ":x": "no"}, "a"),
        ("(n = :v OR n = :w) AND s = :x", {":v": 1, ":w": 2, ":x": "hello"}, "a"),
        ("s = t", {}, "b"),
        ("n = :v", {":v": "1"}, ""),
    ],
)  # fmt: skip
def test_conditions_hold_where_they_should(table, expression, values, found):
    table.put(id="a", n=1, s="hello", m={"k": True}, l=[1, 7])
    table.put(id="b", n=2, s="gallop-lo", t="gallop-lo", tags={"red", "blue"})
    table.put(id="c", n="one")
    table.put(id="d")
    assert "".join(sorted(item["id"] for item in table.scan(expression, values))) == found


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("n = :absent", {":v": 1}),
        ("n = :v", {":v": 1, ":unused": 2}),
        ("n == :v", {":v": 1}),
        ("n = :v AND", {":v": 1}),
        ("((n = :v))", {":v": 1}),
        ("size(n)", None),
        ("exists(n)", None),
        ("attribute_exists(n, s)", None),
        ("attribute_type(n, :v)", {":v": "X"}),
        ("attribute_type(n, :v)", {":v": 1}),
        ("begins_with(n, :v)", {":v": 1}),
        ("n BETWEEN :v AND :w", {":v": 2, ":w": 1}),
        ("n BETWEEN :v AND :w", {":v": 1, ":w": "2"}),
        ("n < :v", {":v": True}),
        ("size = :v", {":v": 1}),
        ("n = n", None),
        ("#n = :v", {":v": 1}),
    ],
)
def test_an_expression_that_is_none_is_refused(table, expression, values):
    assert table.refusal("scan", values, FilterExpression=expression) == WRONG


def test_a_write_depends_on_its_condition(table):
    table.put(id="a", n=1)
    once = {"Item": wire({"id": "a"}), "ConditionExpression": "attribute_not_exists(id)"}
    assert table.refusal("put_item", **once) == UNMET
    assert table.refusal("delete_item", {":n": 2}, Key=wire({"id": "a"}), ConditionExpression="n = :n") == UNMET
    assert table.get(id="a") == {"id": "a", "n": 1}
    with pytest.raises(ClientError) as refused:
        table.call("put_item", **once, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert plain(refused.value.response["Item"]) == {"id": "a", "n": 1}
    table.call("delete_item", {":n": 1}, Key=wire({"id": "a"}), ConditionExpression="n = :n")
    assert table.get(id="a") is None


# Updates


def test_an_update_makes_the_item_that_is_not_there(table):
    assert table.update({"id": "a"}, "SET n = :n", {":n": 1}, ReturnValues="ALL_NEW") == {"id": "a", "n": 1}
    assert table.get(id="a") == {"id": "a", "n": 1}


@pytest.mark.parametrize(
    ("expression", "values", "changed"),
    [
        ("SET n = n + :v", {":v": 2}, {"n": 3}),
        ("SET n = :v - n", {":v": 2}, {"n": 1}),
        ("SET n = if_not_exists(n, :v)", {":v": 9}, {"n": 1}),
        ("SET x = if_not_exists(x, :v)", {":v": 9}, {"x": 9}),
        ("SET l = list_append(l, :v)", {":v": [3]}, {"l": [1, 2, 3]}),
        ("SET l = list_append(:v, l)", {":v": [0]}, {"l": [0, 1, 2]}),
        ("SET l[0] = :v", {":v": 9}, {"l": [9, 2]}),
        ("SET l[7] = :v", {":v": 9}, {"l": [1, 2, 9]}),
        ("SET m.y = :v", {":v": 9}, {"m": {"x": 1, "y": 9}}),
        ("REMOVE n, l[0]", None, {"n": None, "l": [2]}),
        ("REMOVE m.x, absent", None, {"m": {}}),
        ("ADD n :v", {":v": 5}, {"n": 6}),
        ("ADD x :v", {":v": 5}, {"x": 5}),
        ("ADD s :v", {":v": {"b"}}, {"s": {"a", "b"}}),
        ("DELETE s :v", {":v": {"a", "z"}}, {"s": None}),
        ("SET n = :v, x = n REMOVE l ADD c :v", {":v": 4}, {"n": 4, "x": 1, "l": None, "c": 4}),
    ],
)
def test_updates_change_what_they_name(table, expression, values, changed):
    before = {"id": "a", "n": 1, "l": [1, 2], "m": {"x": 1}, "s": {"a"}}
    table.put(**before)
    table.update({"id": "a"}, expression, values)
    after = {name: value for name, value in {**before, **changed}.items() if value is not None}
    assert table.get(id="a") == after


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("SET id = :v", {":v": "b"}),
        ("SET n = :v, n = :v", {":v": 1}),
        ("SET m = :v, m.x = :v", {":v": 1}),
        ("SET n = :v SET x = :v", {":v": 1}),
        ("SET n = absent + :v", {":v": 1}),
        ("SET n = n + :v", {":v": "1"}),
        ("SET absent.x = :v", {":v": 1}),
        ("SET n.x = :v", {":v": 1}),
        ("SET l = list_append(l, :v)", {":v": 1}),
        ("ADD n :v", {":v": "1"}),
        ("ADD t :v", {":v": 1}),
        ("DELETE n :v", {":v": {"a"}}),
        ("n = :v", {":v": 1}),
        ("SET", None),
        ("", None),
    ],
)
def test_an_update_that_cannot_be_is_refused_and_changes_nothing(table, expression, values):
    before = {"id": "a", "n": 1, "l": [1], "m": {"x": 1}, "t": "text"}
    table.put(**before)
    assert table.refusal("update_item", values, Key=wire({"id": "a"}), UpdateExpression=expression) == WRONG
    assert table.get(id="a") == before


@pytest.mark.parametrize(
    ("returned", "attributes"),
    [
        ("NONE", None),
        ("ALL_OLD", {"id": "a", "n": 1, "m": 5}),
        ("UPDATED_OLD", {"n": 1}),
        ("ALL_NEW", {"id": "a", "n": 2, "m": 5}),
        ("UPDATED_NEW", {"n": 2}),
    ],
)
def test_an_update_returns_what_is_asked_for(table, returned, attributes):
    table.put(id="a", n=1, m=5)
    assert table.update({"id": "a"}, "SET n = :n", {":n": 2}, ReturnValues=returned) == attributes


# Indexes


@pytest.fixture
def orders(make):
    return make(
        KeySchema=keys("id", "at"),
        AttributeDefinitions=kinds(id="S", at="N", state="S", total="N"),
        GlobalSecondaryIndexes=[
            index("by-state", "state", "total", projection={"ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"]})
        ],
        LocalSecondaryIndexes=[index("by-total", "id", "total", projection={"ProjectionType": "KEYS_ONLY"})],
    )


def test_an_index_has_the_items_that_have_its_keys(orders):
    orders.put(id="a", at=1, state="open", total=30, note="x", hidden="y")
    orders.put(id="b", at=1, state="open", total=10)
    orders.put(id="c", at=1, state="open")
    orders.put(id="d", at=1, state="done", total=5)
    state = {"IndexName": "by-state", "ExpressionAttributeNames": {"#s": "state"}}
    found = orders.query("#s = :s", {":s": "open"}, **state)
    assert found == [
        {"id": "b", "at": 1, "state": "open", "total": 10},
        {"id": "a", "at": 1, "state": "open", "total": 30, "note": "x"},
    ]
    # The index follows what becomes of its items.
    orders.update({"id": "b", "at": 1}, "SET #s = :d", {":d": "done"}, ExpressionAttributeNames={"#s": "state"})
    orders.call("delete_item", Key=wire({"id": "a", "at": 1}))
    assert orders.query("#s = :s", {":s": "open"}, **state) == []
    assert [item["id"] for item in orders.query("#s = :s", {":s": "done"}, ScanIndexForward=False, **state)] == ["b", "d"]
    assert len(orders.scan(IndexName="by-state")) == 2


def test_a_local_index_sorts_a_partition_anew(orders):
    for number, total in enumerate((30, 10, 20)):
        orders.put(id="a", at=number, total=total, note="x")
    names = {"ExpressionAttributeNames": {"#t": "total"}}
    found = orders.query("id = :i AND #t > :t", {":i": "a", ":t": 15}, IndexName="by-total", **names)
    assert [(int(item["at"]), int(item["total"]), "note" in item) for item in found] == [(2, 20, False), (0, 30, False)]


def test_an_index_is_paged_where_keys_repeat(orders):
    for number in range(5):
        orders.put(id=f"i{number}", at=number, state="open", total=1)
    pages = orders.dynamodb.get_paginator("query").paginate(
        TableName=orders.name, IndexName="by-state", KeyConditionExpression="#s = :s", PaginationConfig={"PageSize": 2},
        ExpressionAttributeNames={"#s": "state"}, ExpressionAttributeValues=wire({":s": "open"}),
    )  # fmt: skip
    pages = list(pages)
    assert sorted(item["id"]["S"] for page in pages for item in page["Items"]) == [f"i{number}" for number in range(5)]
    assert set(pages[0]["LastEvaluatedKey"]) == {"id", "at", "state", "total"}


def test_what_an_index_cannot_do_is_refused(orders):
    state = {"KeyConditionExpression": "#s = :s", "ExpressionAttributeNames": {"#s": "state"}}
    values = {":s": "open"}
    assert orders.refusal("query", values, IndexName="by-nothing", **state) == WRONG
    assert orders.refusal("query", values, IndexName="by-state", ConsistentRead=True, **state) == WRONG
    assert orders.refusal("query", values, **state) == WRONG
    assert orders.refusal("put_item", Item=wire({"id": "a", "at": 1, "total": "text"})) == WRONG
    assert orders.refusal("put_item", Item=wire({"id": "a", "at": 1, "state": ""})) == WRONG


def test_an_index_is_added_to_what_is_there_and_removed(table):
    table.put(id="a", kind="x")
    create = {"Create": index("by-kind", "kind")}
    table.call("update_table", AttributeDefinitions=kinds(id="S", kind="S"), GlobalSecondaryIndexUpdates=[create])
    assert table.query("kind = :k", {":k": "x"}, IndexName="by-kind") == [{"id": "a", "kind": "x"}]
    table.call("update_table", GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": "by-kind"}}])
    assert table.refusal("query", {":k": "x"}, KeyConditionExpression="kind = :k", IndexName="by-kind") == WRONG
    absent = [{"Delete": {"IndexName": "by-kind"}}]
    assert table.refusal("update_table", GlobalSecondaryIndexUpdates=absent) == ABSENT


# Batches


def test_batches_write_and_read_across_tables(dynamodb, table, events):
    puts = [{"PutRequest": {"Item": wire({"id": str(n), "n": n})}} for n in range(24)]
    delete = {"DeleteRequest": {"Key": wire({"user": "ann", "at": 0})}}
    answer = dynamodb.batch_write_item(RequestItems={table.name: puts, events.name: [delete]})
    assert answer["UnprocessedItems"] == {}
    wanted = {
        table.name: {"Keys": [wire({"id": str(n)}) for n in range(0, 48, 2)], "ProjectionExpression": "n"},
        events.name: {"Keys": [wire({"user": "ann", "at": n}) for n in (0, 1)]},
    }
    found = dynamodb.batch_get_item(RequestItems=wanted)["Responses"]
    assert sorted(int(item["n"]["N"]) for item in found[table.name]) == list(range(0, 24, 2))
    assert [plain(item)["at"] for item in found[events.name]] == [1]


def test_a_batch_that_cannot_be_is_refused_whole(dynamodb, table):
    put = lambda key: {"PutRequest": {"Item": wire({"id": key})}}
    unchecked = client("dynamodb", parameter_validation=False)
    for requests in ([put("a"), put("a")], [put(str(n)) for n in range(26)], [], [put("a"), {}], [put("a"), put("")]):
        assert code(unchecked.batch_write_item, RequestItems={table.name: requests}) == WRONG
    assert table.scan() == []
    again = {table.name: {"Keys": [wire({"id": "a"})] * 2}}
    assert code(dynamodb.batch_get_item, RequestItems=again) == WRONG
    many = {table.name: {"Keys": [wire({"id": str(n)}) for n in range(101)]}}
    assert code(dynamodb.batch_get_item, RequestItems=many) == WRONG
    assert code(dynamodb.batch_write_item, RequestItems={unique("t"): [put("a")]}) == ABSENT


# Tags


def test_tags_are_added_listed_and_removed(dynamodb, make):
    table = make(KeySchema=keys("id"), AttributeDefinitions=kinds(id="S"), Tags=[{"Key": "made", "Value": "with"}])
    arn = table.about["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "1"}])
    dynamodb.untag_resource(ResourceArn=arn, TagKeys=["made", "absent"])
    found = dynamodb.list_tags_of_resource(ResourceArn=arn)["Tags"]
    assert sorted((tag["Key"], tag["Value"]) for tag in found) == [("a", "1"), ("b", "2")]
    assert code(dynamodb.list_tags_of_resource, ResourceArn=arn + "x") in (ABSENT, "AccessDeniedException")


def test_numbers_sort_by_value_in_keys(make):
    table = make(KeySchema=keys("id", "n"), AttributeDefinitions=kinds(id="S", n="N"))
    numbers = ["-1e30", "-20", "-3.5", "-3", "0", "1e-5", "2", "10", "1e20"]
    for number in reversed(numbers):
        table.put(id="x", n=Decimal(number))
    assert [item["n"] for item in table.query("id = :i", {":i": "x"})] == [Decimal(number) for number in numbers]
