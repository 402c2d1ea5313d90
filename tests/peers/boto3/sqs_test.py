"""The rules of standard queues, as boto3 sees them."""

import hashlib
import threading
import time
import uuid

import pytest
from conftest import ACCOUNT, REGION, Queue, client, code, eventually, speaks_json, unique

ABSENT = "AWS.SimpleQueueService.NonExistentQueue"


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


# Queues and their attributes


def test_a_new_queue_has_awss_defaults(queue):
    attributes = queue.attributes()
    wanted = {
        "DelaySeconds": "0",
        "MessageRetentionPeriod": "345600",
        "ReceiveMessageWaitTimeSeconds": "0",
        "VisibilityTimeout": "30",
        "QueueArn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue.name}",
        "SqsManagedSseEnabled": "true",
    }
    assert {key: attributes.get(key) for key in wanted} == wanted
    assert "FifoQueue" not in attributes
    assert abs(int(attributes["CreatedTimestamp"]) - time.time()) < 60


def test_a_queue_keeps_the_attributes_it_is_made_with(make):
    given = {"DelaySeconds": "3", "VisibilityTimeout": "77", "MessageRetentionPeriod": "1209600", "ReceiveMessageWaitTimeSeconds": "20"}
    attributes = make(**given).attributes(*given)
    assert attributes == given


def test_making_a_queue_twice_gives_the_same_queue(sqs, queue):
    assert sqs.create_queue(QueueName=queue.name)["QueueUrl"] == queue.url


def test_making_a_queue_again_with_other_attributes_is_refused(sqs, queue):
    assert code(sqs.create_queue, QueueName=queue.name, Attributes={"VisibilityTimeout": "5"}) == "QueueAlreadyExists"


@pytest.mark.parametrize("name", ["a b", "a" * 81, "a.b", "ü", "plain.fifo"])
def test_an_illegal_name_is_refused(sqs, name):
    assert code(sqs.create_queue, QueueName=name) == "InvalidParameterValue"


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "-1"),
        ("VisibilityTimeout", "soon"),
        ("DelaySeconds", "901"),
        ("MessageRetentionPeriod", "59"),
        ("MessageRetentionPeriod", "1209601"),
        ("ReceiveMessageWaitTimeSeconds", "21"),
        ("MaximumMessageSize", "1023"),
    ],
)
def test_an_attribute_out_of_range_is_refused(sqs, queue, attribute, value):
    wanted = "InvalidAttributeValue"
    assert code(sqs.set_queue_attributes, QueueUrl=queue.url, Attributes={attribute: value}) == wanted
    assert code(sqs.create_queue, QueueName=unique("q"), Attributes={attribute: value}) == wanted


def test_an_unknown_attribute_is_refused(sqs, queue):
    assert code(sqs.set_queue_attributes, QueueUrl=queue.url, Attributes={"Colour": "red"}) == "InvalidAttributeName"
    assert code(sqs.get_queue_attributes, QueueUrl=queue.url, AttributeNames=["Colour"]) == "InvalidAttributeName"


def test_attributes_can_be_changed(sqs, queue):
    sqs.set_queue_attributes(QueueUrl=queue.url, Attributes={"VisibilityTimeout": "5", "DelaySeconds": "0"})
    assert queue.attributes("VisibilityTimeout") == {"VisibilityTimeout": "5"}


def test_encryption_settings_are_kept(make):
    assert make(SqsManagedSseEnabled="false").attributes("SqsManagedSseEnabled") == {"SqsManagedSseEnabled": "false"}
    attributes = make(KmsMasterKeyId="alias/aws/sqs", KmsDataKeyReusePeriodSeconds="600").attributes()
    assert (attributes["KmsMasterKeyId"], attributes["KmsDataKeyReusePeriodSeconds"]) == ("alias/aws/sqs", "600")


def test_a_queue_is_found_by_its_name(sqs, queue):
    assert sqs.get_queue_url(QueueName=queue.name)["QueueUrl"] == queue.url
    assert code(sqs.get_queue_url, QueueName=unique("absent")) == ABSENT


def test_queues_are_listed_by_prefix_and_in_pages(sqs, make):
    prefix = unique("page")
    urls = {make(f"{prefix}-{n}").url for n in range(5)}
    assert set(sqs.list_queues(QueueNamePrefix=prefix)["QueueUrls"]) == urls
    pages = list(sqs.get_paginator("list_queues").paginate(QueueNamePrefix=prefix, PaginationConfig={"PageSize": 2}))
    assert [len(page["QueueUrls"]) for page in pages] == [2, 2, 1]
    assert {url for page in pages for url in page["QueueUrls"]} == urls
    assert sqs.list_queues(QueueNamePrefix=unique("none")).get("QueueUrls", []) == []


def test_a_queue_has_tags(sqs, queue):
    sqs.tag_queue(QueueUrl=queue.url, Tags={"stack": "demo", "gone": "soon"})
    sqs.untag_queue(QueueUrl=queue.url, TagKeys=["gone", "never-there"])
    assert sqs.list_queue_tags(QueueUrl=queue.url)["Tags"] == {"stack": "demo"}


def test_tags_can_be_given_when_a_queue_is_made(sqs, make):
    name = unique("q")
    url = sqs.create_queue(QueueName=name, tags={"kedactl:stack": "demo"})["QueueUrl"]
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"kedactl:stack": "demo"}
    sqs.delete_queue(QueueUrl=url)


def test_a_deleted_queue_is_gone_and_its_name_is_taken_for_a_minute(sqs, queue):
    sqs.delete_queue(QueueUrl=queue.url)
    assert code(queue.send) == ABSENT
    assert code(queue.receive) == ABSENT
    assert code(queue.attributes) == ABSENT
    wanted = {"AWS.SimpleQueueService.QueueDeletedRecently", "QueueDeletedRecently"}
    assert code(sqs.create_queue, QueueName=queue.name) in wanted


def test_a_purge_empties_the_queue_and_is_refused_for_a_minute(sqs, queue):
    queue.batch(*({"MessageBody": str(n)} for n in range(10)))
    queue.receive(3)
    sqs.purge_queue(QueueUrl=queue.url)
    assert eventually("the queue is empty", lambda: queue.depth() == (0, 0, 0))
    wanted = {"AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress"}
    assert code(sqs.purge_queue, QueueUrl=queue.url) in wanted


def test_permissions_are_added_and_removed(sqs, queue):
    sqs.add_permission(QueueUrl=queue.url, Label="friends", AWSAccountIds=["111122223333"], Actions=["SendMessage"])
    assert "111122223333" in queue.attributes("Policy")["Policy"]
    sqs.remove_permission(QueueUrl=queue.url, Label="friends")
    assert "111122223333" not in queue.attributes().get("Policy", "")


# Sending


def test_an_answer_carries_the_md5_of_the_body(queue):
    sent = queue.send("Grüße, мир, 世界")
    assert sent["MD5OfMessageBody"] == md5("Grüße, мир, 世界")
    received = queue.one()
    assert (received["Body"], received["MD5OfBody"]) == ("Grüße, мир, 世界", sent["MD5OfMessageBody"])
    assert received["MessageId"] == sent["MessageId"]
    uuid.UUID(sent["MessageId"])


@pytest.mark.parametrize("body", ["<a>&amp;</a> \"quoted\" 'single'", "line\nline\r\n\ttab", " leading and trailing ", "{\"a\": 1}", "+%20&="])
def test_a_body_comes_back_as_it_was(queue, body):
    queue.send(body)
    assert queue.one()["Body"] == body


def test_a_body_of_one_mebibyte_is_taken_and_a_longer_one_refused(queue):
    queue.send("a" * (1 << 20))
    assert len(queue.one()["Body"]) == 1 << 20
    assert code(queue.send, body="a" * ((1 << 20) + 1)) == "InvalidParameterValue"


def test_a_queues_own_limit_is_kept(make):
    queue = make(MaximumMessageSize="1024")
    queue.send("a" * 1024)
    assert code(queue.send, body="a" * 1025) == "InvalidParameterValue"


def test_attributes_count_towards_the_size(make):
    queue = make(MaximumMessageSize="1024")
    attributes = {"k": {"DataType": "String", "StringValue": "v" * 100}}
    assert code(queue.send, body="a" * 1000, MessageAttributes=attributes) == "InvalidParameterValue"


@pytest.mark.parametrize("body", ["\x00", "a\x0bb", "￾"])
def test_a_character_that_xml_cannot_carry_is_refused(queue, body):
    assert code(queue.send, body=body) == "InvalidMessageContents"


def test_an_empty_body_is_refused(queue):
    assert code(queue.send, body="") in ("MissingParameter", "InvalidParameterValue")


def test_message_attributes_come_back_with_their_md5_when_asked_for(queue):
    attributes = {
        "app.name": {"DataType": "String", "StringValue": "välue"},
        "app.number": {"DataType": "Number", "StringValue": "12.5"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        "custom": {"DataType": "String.kind", "StringValue": "c"},
    }
    sent = queue.send("with", MessageAttributes=attributes)
    message = queue.one(MessageAttributeNames=["All"], VisibilityTimeout=0)
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    # boto3 itself checks the digest against the content it received.
    assert "MessageAttributes" not in queue.one(VisibilityTimeout=0)
    assert set(queue.one(MessageAttributeNames=["app.*"], VisibilityTimeout=0)["MessageAttributes"]) == {"app.name", "app.number"}
    assert set(queue.one(MessageAttributeNames=["bytes"])["MessageAttributes"]) == {"bytes"}


def test_more_than_ten_message_attributes_are_refused(queue):
    many = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(11)}
    assert code(queue.send, MessageAttributes=many) == "InvalidParameterValue"


@pytest.mark.parametrize(
    "attribute",
    [
        {"DataType": "Colour", "StringValue": "v"},
        {"DataType": "Number", "StringValue": "twelve"},
        {"DataType": "String", "StringValue": ""},
        {"DataType": "String"},
    ],
)
def test_an_illegal_message_attribute_is_refused(queue, attribute):
    assert code(queue.send, MessageAttributes={"a": attribute}) == "InvalidParameterValue"


@pytest.mark.parametrize("name", ["AWS.mine", "amazon.mine", ".dot", "dot.", "two..dots", "sp ace", "n" * 257])
def test_an_illegal_attribute_name_is_refused(queue, name):
    attributes = {name: {"DataType": "String", "StringValue": "v"}}
    assert code(queue.send, MessageAttributes=attributes) == "InvalidParameterValue"


# Batches


def test_a_batch_sends_ten(queue):
    answer = queue.batch(*({"MessageBody": str(n)} for n in range(10)))
    assert [entry["Id"] for entry in answer["Successful"]] == [str(n) for n in range(10)]
    assert not answer.get("Failed")
    assert sorted(int(message["Body"]) for message in queue.receive(10)) == list(range(10))


def test_a_batch_fails_entry_by_entry(make):
    queue = make(MaximumMessageSize="1024")
    answer = queue.batch({"MessageBody": "good"}, {"MessageBody": "\x00"}, {"MessageBody": "fine"})
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "2"]
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["SenderFault"]) == ("1", True)
    assert queue.depth() == (2, 0, 0)


@pytest.mark.parametrize(
    ("entries", "wanted"),
    [
        ([], "EmptyBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": "a", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": "a" * 81, "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x" * (1 << 19)} for n in range(3)], "BatchRequestTooLong"),
    ],
)
def test_a_batch_that_is_wrong_as_a_whole_is_refused_as_a_whole(sqs, queue, entries, wanted):
    if not entries and not speaks_json():
        pytest.skip("an empty list cannot be said in the query protocol")
    found = code(sqs.send_message_batch, QueueUrl=queue.url, Entries=entries)
    assert found.removeprefix("AWS.SimpleQueueService.") == wanted
    assert queue.depth() == (0, 0, 0)


def test_batches_delete_and_hide(sqs, queue):
    queue.batch(*({"MessageBody": str(n)} for n in range(4)))
    messages = queue.receive(10)
    handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
    answer = sqs.delete_message_batch(QueueUrl=queue.url, Entries=[*handles[:2], {"Id": "bad", "ReceiptHandle": "nonsense"}])
    assert [entry["Id"] for entry in answer["Successful"]] == ["0", "1"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("bad", "ReceiptHandleIsInvalid")]
    hidden = [{**handle, "VisibilityTimeout": 0} for handle in handles[2:]]
    answer = sqs.change_message_visibility_batch(QueueUrl=queue.url, Entries=hidden)
    assert len(answer["Successful"]) == 2
    assert queue.depth() == (2, 0, 0)


# Receiving


@pytest.mark.parametrize("count", [0, 11])
def test_a_count_out_of_range_is_refused(queue, count):
    assert code(queue.receive, count=count) == "InvalidParameterValue"


def test_a_wait_out_of_range_is_refused(queue):
    assert code(queue.receive, wait=21) == "InvalidParameterValue"


def test_a_received_message_is_hidden_and_counted_as_in_flight(queue):
    queue.send()
    assert queue.depth() == (1, 0, 0)
    message = queue.one()
    assert queue.depth() == (0, 1, 0)
    assert queue.receive() == []
    queue.delete(message)
    assert queue.depth() == (0, 0, 0)


def test_a_message_comes_back_after_its_visibility_timeout_and_counts_the_receive(queue):
    queue.send()
    first = queue.one(VisibilityTimeout=1, AttributeNames=["All"])
    second = eventually("it is visible again", lambda: queue.receive(AttributeNames=["All"]), 5)[0]
    assert first["MessageId"] == second["MessageId"]
    assert first["ReceiptHandle"] != second["ReceiptHandle"]
    assert [message["Attributes"]["ApproximateReceiveCount"] for message in (first, second)] == ["1", "2"]
    stamps = [message["Attributes"]["ApproximateFirstReceiveTimestamp"] for message in (first, second)]
    assert stamps[0] == stamps[1]


def test_the_queues_own_visibility_timeout_is_used(make):
    queue = make(VisibilityTimeout="1")
    queue.send()
    queue.one()
    assert queue.depth() == (0, 1, 0)
    assert eventually("it is visible again", lambda: queue.depth() == (1, 0, 0), 5)


def test_counters_alone_show_a_timeout_that_passed(make):
    queue = make(VisibilityTimeout="1")
    queue.send()
    queue.one(AttributeNames=["All"])
    assert eventually("it is visible again", lambda: queue.depth() == (1, 0, 0), 5)
    # Looking is not receiving: the count is that of the receives alone.
    assert queue.one(AttributeNames=["ApproximateReceiveCount"])["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_visibility_timeout_of_zero_hides_nothing(queue):
    queue.send()
    assert queue.one(VisibilityTimeout=0)
    assert queue.depth() == (1, 0, 0)
    assert queue.one()


def test_visibility_can_be_extended(queue):
    queue.send()
    message = queue.one(VisibilityTimeout=1)
    queue.hide(message, 600)
    time.sleep(1.2)  # longer than the first timeout: what is shown is that nothing happens
    assert queue.receive() == []
    assert queue.depth() == (0, 1, 0)


def test_a_message_can_be_given_back_at_once(queue):
    queue.send()
    queue.hide(queue.one(), 0)
    assert queue.one()


@pytest.mark.parametrize("seconds", [-1, 43201])
def test_a_visibility_timeout_out_of_range_is_refused(queue, seconds):
    queue.send()
    assert code(queue.hide, message=queue.one(), seconds=seconds) == "InvalidParameterValue"


def test_visibility_ends_twelve_hours_after_the_receive(queue):
    queue.send()
    message = queue.one()
    time.sleep(1.1)  # so that twelve hours from now would be later than twelve hours from the receive
    assert code(queue.hide, message=message, seconds=43200) == "InvalidParameterValue"


def test_hiding_a_message_that_is_not_in_flight_is_refused(queue):
    queue.send()
    message = queue.one()
    queue.hide(message, 0)
    assert code(queue.hide, message=message, seconds=10).removeprefix("AWS.SimpleQueueService.") == "MessageNotInflight"


def test_deleting_twice_is_fine(queue):
    queue.send()
    message = queue.one()
    queue.delete(message)
    queue.delete(message)


def test_a_handle_stays_good_after_the_timeout_until_the_next_receive(queue):
    queue.send()
    message = queue.one(VisibilityTimeout=0)
    queue.delete(message)
    assert queue.depth() == (0, 0, 0)


def test_an_old_handle_does_not_delete_what_another_received(queue):
    queue.send()
    old = queue.one(VisibilityTimeout=0)
    new = queue.one()
    try:
        queue.delete(old)
    except queue.sqs.exceptions.ClientError:
        pass
    assert queue.depth() == (0, 1, 0)
    queue.delete(new)
    assert queue.depth() == (0, 0, 0)


def test_nonsense_is_not_a_receipt_handle(queue):
    assert code(queue.delete, message={"ReceiptHandle": "nonsense"}) == "ReceiptHandleIsInvalid"


def test_system_attributes_are_given_when_asked_for(queue):
    before = int(time.time() * 1000) - 2000
    queue.send()
    attributes = queue.one(AttributeNames=["All"], VisibilityTimeout=0)["Attributes"]
    assert before < int(attributes["SentTimestamp"]) < before + 60_000
    assert int(attributes["ApproximateFirstReceiveTimestamp"]) >= int(attributes["SentTimestamp"])
    assert {"SenderId", "ApproximateReceiveCount"} <= set(attributes)
    assert "Attributes" not in queue.one(VisibilityTimeout=0)
    assert set(queue.one(AttributeNames=["SentTimestamp"])["Attributes"]) == {"SentTimestamp"}


def test_a_trace_header_travels_with_the_message(queue):
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-67891233-abcdef012345678912345678"}}
    queue.send(MessageSystemAttributes=header)
    attributes = queue.one(AttributeNames=["AWSTraceHeader"])["Attributes"]
    assert attributes == {"AWSTraceHeader": header["AWSTraceHeader"]["StringValue"]}


def test_concurrent_receivers_never_get_the_same_message(queue):
    for start in range(0, 100, 10):
        queue.batch(*({"MessageBody": str(start + n)} for n in range(10)))
    found, lock = [], threading.Lock()

    def drain():
        mine = Queue.__new__(Queue)
        mine.sqs, mine.url = client("sqs"), queue.url
        while messages := mine.receive(3):
            with lock:
                found.extend(message["Body"] for message in messages)

    threads = [threading.Thread(target=drain) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(found, key=int) == [str(n) for n in range(100)]


# Delay


def test_a_delayed_message_is_counted_and_comes_later(queue):
    queue.send("later", DelaySeconds=1)
    assert queue.depth() == (0, 0, 1)
    assert queue.receive() == []
    assert queue.one(wait=5)["Body"] == "later"


def test_a_queues_own_delay_is_used_and_zero_overrides_it(make):
    queue = make(DelaySeconds="900")
    queue.send("late")
    queue.send("at once", DelaySeconds=0)
    assert queue.depth() == (1, 0, 1)
    assert queue.one()["Body"] == "at once"


@pytest.mark.parametrize("seconds", [-1, 901])
def test_a_delay_out_of_range_is_refused(queue, seconds):
    assert code(queue.send, DelaySeconds=seconds) == "InvalidParameterValue"


# Long polls


def test_a_long_poll_wakes_when_a_message_arrives(queue):
    arrived = []

    def wait():
        arrived.append((queue_of_thread.one(wait=20)["Body"], time.monotonic()))

    queue_of_thread = Queue.__new__(Queue)
    queue_of_thread.sqs, queue_of_thread.url = client("sqs"), queue.url
    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.5)  # so that the poll waits before the message is sent
    sent = time.monotonic()
    queue.send("wake up")
    thread.join(10)
    ((body, when),) = arrived
    assert body == "wake up"
    assert when - sent < 1


def test_a_long_poll_ends_empty_after_its_wait(queue):
    begun = time.monotonic()
    assert queue.receive(wait=1) == []
    assert 0.9 <= time.monotonic() - begun < 5


def test_the_queues_own_wait_is_used(make):
    queue = make(ReceiveMessageWaitTimeSeconds="1")
    begun = time.monotonic()
    answer = queue.sqs.receive_message(QueueUrl=queue.url)
    assert answer.get("Messages", []) == []
    assert time.monotonic() - begun >= 0.9


def test_a_long_poll_sees_a_timeout_pass(queue):
    queue.send()
    queue.one(VisibilityTimeout=1)
    begun = time.monotonic()
    assert queue.one(wait=10)
    assert time.monotonic() - begun < 5


# Dead letters


@pytest.mark.parametrize("quote", ['"', ""])
def test_a_message_moves_to_the_dead_letter_queue_after_its_last_receive(make, quote):
    dead = make()
    policy = f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":{quote}2{quote}}}'
    queue = make(RedrivePolicy=policy)
    sent = queue.send("poison")
    for _ in range(2):
        assert queue.one(VisibilityTimeout=0)["Body"] == "poison"
    assert queue.receive() == []
    assert queue.depth() == (0, 0, 0)
    moved = dead.one(AttributeNames=["All"])
    assert moved["MessageId"] == sent["MessageId"]
    assert moved["Attributes"]["DeadLetterQueueSourceArn"] == queue.arn


def test_the_sources_of_a_dead_letter_queue_are_listed(sqs, make):
    dead = make()
    queue = make(RedrivePolicy=f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":"5"}}')
    assert sqs.list_dead_letter_source_queues(QueueUrl=dead.url)["queueUrls"] == [queue.url]


@pytest.mark.parametrize("count", [0, 1001, '"many"'])
def test_a_receive_count_out_of_range_is_refused(sqs, make, count):
    dead = make()
    policy = f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":{count}}}'
    assert code(sqs.create_queue, QueueName=unique("q"), Attributes={"RedrivePolicy": policy}) in (
        "InvalidParameterValue",
        "InvalidAttributeValue",
    )


def test_a_redrive_policy_that_is_not_json_is_refused(sqs, queue):
    found = code(sqs.set_queue_attributes, QueueUrl=queue.url, Attributes={"RedrivePolicy": "{nonsense"})
    assert found in ("InvalidParameterValue", "InvalidAttributeValue")


def test_dead_letters_are_moved_back_to_their_source(sqs, make):
    if not hasattr(sqs, "start_message_move_task"):
        pytest.skip("this boto3 does not know the call")
    dead = make()
    queue = make(RedrivePolicy=f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":"1"}}')
    queue.batch(*({"MessageBody": str(n)} for n in range(5)))
    queue.receive(10, VisibilityTimeout=0)
    assert eventually("they are dead", lambda: queue.receive() == [] and dead.depth()[0] == 5)
    sqs.start_message_move_task(SourceArn=dead.arn)
    assert eventually("they are back", lambda: queue.depth()[0] == 5)
    (task,) = sqs.list_message_move_tasks(SourceArn=dead.arn)["Results"]
    assert task["Status"] in ("COMPLETED", "RUNNING")


# Errors


def test_an_absent_queue_is_named_by_its_own_code(sqs):
    url = f"http://127.0.0.1/{ACCOUNT}/{unique('absent')}"
    assert code(sqs.send_message, QueueUrl=url, MessageBody="x") == ABSENT
    assert code(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"]) == ABSENT
    assert code(sqs.delete_queue, QueueUrl=url) == ABSENT
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.receive_message(QueueUrl=url)


def test_an_answer_bears_a_request_id(queue):
    assert queue.send()["ResponseMetadata"]["RequestId"]
