"""The rules of FIFO queues, as boto3 sees them."""

import pytest
from conftest import code, eventually, unique


def send(fifo, body, group="g", key=None):
    return fifo.send(body, MessageGroupId=group, MessageDeduplicationId=key or unique("d"))


def test_sqs_fifo_keeps_the_order_of_a_group(fifo):
    for n in range(20):
        send(fifo, str(n))
    found = []
    while messages := fifo.receive(7):
        found += [message["Body"] for message in messages]
        for message in messages:
            fifo.delete(message)
    assert found == [str(n) for n in range(20)]


def test_sqs_fifo_locks_a_group_while_one_of_its_messages_is_in_flight(fifo):
    send(fifo, "first")
    send(fifo, "second")
    send(fifo, "other", group="h")
    first = fifo.one()
    assert first["Body"] == "first"
    assert [message["Body"] for message in fifo.receive()] == ["other"]
    assert fifo.receive() == []
    fifo.delete(first)
    assert fifo.one()["Body"] == "second"


def test_sqs_fifo_gives_a_released_message_before_those_behind_it(fifo):
    send(fifo, "first")
    send(fifo, "second")
    fifo.hide(fifo.one(), 0)
    assert [message["Body"] for message in fifo.receive()] == ["first", "second"]


def test_sqs_fifo_drops_a_duplicate_and_answers_with_the_first_id(fifo):
    first = send(fifo, "one", key="same")
    second = send(fifo, "two", key="same")
    assert first["MessageId"] == second["MessageId"]
    assert first["SequenceNumber"] == second["SequenceNumber"]
    assert [message["Body"] for message in fifo.receive()] == ["one"]


def test_sqs_fifo_deduplication_outlives_deletion(fifo):
    send(fifo, "one", key="same")
    fifo.delete(fifo.one())
    send(fifo, "two", key="same")
    assert fifo.receive() == []


def test_sqs_fifo_deduplicates_by_content_when_told_to(make):
    fifo = make(unique("q") + ".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    fifo.send("same", MessageGroupId="g")
    fifo.send("same", MessageGroupId="h")
    fifo.send("other", MessageGroupId="g")
    assert sorted(message["Body"] for message in fifo.receive()) == ["other", "same"]


def test_sqs_fifo_wants_a_group(fifo):
    assert code(fifo.send, MessageDeduplicationId="d") in ("MissingParameter", "InvalidParameterValue")


def test_sqs_fifo_wants_a_deduplication_id_or_content(fifo):
    assert code(fifo.send, MessageGroupId="g") == "InvalidParameterValue"


def test_sqs_fifo_takes_no_delay_for_one_message(fifo):
    assert code(fifo.send, MessageGroupId="g", MessageDeduplicationId="d", DelaySeconds=1) == "InvalidParameterValue"


@pytest.mark.parametrize("key", ["sp ace", "ü", "x" * 129])
def test_sqs_fifo_refuses_an_illegal_group_or_deduplication_id(fifo, key):
    assert code(fifo.send, MessageGroupId=key, MessageDeduplicationId="d") == "InvalidParameterValue"
    assert code(fifo.send, MessageGroupId="g", MessageDeduplicationId=key) == "InvalidParameterValue"


def test_sqs_fifo_sequence_numbers_rise(fifo):
    numbers = [int(send(fifo, str(n))["SequenceNumber"]) for n in range(5)]
    assert numbers == sorted(set(numbers))
    message = fifo.one(AttributeNames=["All"])
    assert int(message["Attributes"]["SequenceNumber"]) == numbers[0]
    assert message["Attributes"]["MessageGroupId"] == "g"


def test_sqs_fifo_name_wants_its_ending_and_its_attribute(sqs):
    assert code(sqs.create_queue, QueueName=unique("q") + ".fifo") == "InvalidParameterValue"
    assert code(sqs.create_queue, QueueName=unique("q"), Attributes={"FifoQueue": "true"}) == "InvalidParameterValue"


def test_sqs_fifo_dead_letters_go_to_a_fifo_queue(sqs, make, fifo, queue):
    policy = f'{{"deadLetterTargetArn":"{queue.arn}","maxReceiveCount":"1"}}'
    assert code(sqs.set_queue_attributes, QueueUrl=fifo.url, Attributes={"RedrivePolicy": policy}) in (
        "InvalidParameterValue",
        "InvalidAttributeValue",
    )
    dead = make(unique("q") + ".fifo", FifoQueue="true")
    policy = f'{{"deadLetterTargetArn":"{dead.arn}","maxReceiveCount":"1"}}'
    sqs.set_queue_attributes(QueueUrl=fifo.url, Attributes={"RedrivePolicy": policy})
    send(fifo, "poison")
    send(fifo, "next")
    fifo.one(VisibilityTimeout=0)
    assert eventually("the next is given", lambda: fifo.receive(1))[0]["Body"] == "next"
    assert dead.one()["Body"] == "poison"


def test_sqs_fifo_receive_attempt_id_gives_the_same_answer_again(fifo):
    send(fifo, "one")
    first = fifo.receive(ReceiveRequestAttemptId="attempt")
    again = fifo.receive(ReceiveRequestAttemptId="attempt")
    assert [message["MessageId"] for message in first] == [message["MessageId"] for message in again]
