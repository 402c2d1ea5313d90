"""What the tests share: clients of the service at KEDACTL_URL, queues of their own, and waits with a deadline."""

import contextlib
import itertools
import os
import time
import uuid

import boto3
import botocore
import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.config import Config
from botocore.exceptions import ClientError

URL = os.environ["KEDACTL_URL"]
REGION = "us-east-1"
ACCOUNT = "123456789012"


def client(service, credentials=None, **config):
    """A client of `service`; an administrator's unless `credentials`, as STS gives them, say otherwise. `config` is botocore's."""
    keys = credentials or {"AccessKeyId": "local", "SecretAccessKey": "local", "SessionToken": None}
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name=REGION,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(retries={"max_attempts": 0}, read_timeout=30, **config),
    )


def unique(prefix):
    """A name that no other test uses."""
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


def code(call, **arguments):
    """The error code with which `call` is refused."""
    with pytest.raises(ClientError) as refused:
        call(**arguments)
    return refused.value.response["Error"]["Code"]


def eventually(what, look, seconds=10):
    """Waits until `look` returns something true, and returns it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what}")


def speaks_json():
    """Whether this boto3 speaks JSON to SQS, which it does since 1.28.81."""
    return tuple(int(part) for part in botocore.__version__.split(".")[:3]) >= (1, 31, 81)


@contextlib.contextmanager
def cleared_by(delete):
    """A list of what a test makes; in the end each is given to `delete`, where a refusal is no fault."""
    made = []
    yield made
    for one in made:
        with contextlib.suppress(ClientError):
            delete(one)


class Queue:
    """A queue and the calls that tests make most."""

    def __init__(self, sqs, name, **attributes):
        self.sqs, self.name = sqs, name
        texts = {key: str(value) for key, value in attributes.items()}
        self.url = sqs.create_queue(QueueName=name, Attributes=texts)["QueueUrl"]
        self.arn = self.attributes("QueueArn")["QueueArn"]

    def send(self, body="x", **more):
        return self.sqs.send_message(QueueUrl=self.url, MessageBody=body, **more)

    def batch(self, *entries):
        numbered = [{"Id": str(n), **entry} for n, entry in enumerate(entries)]
        return self.sqs.send_message_batch(QueueUrl=self.url, Entries=numbered)

    def receive(self, count=10, wait=0, **more):
        answer = self.sqs.receive_message(QueueUrl=self.url, MaxNumberOfMessages=count, WaitTimeSeconds=wait, **more)
        return answer.get("Messages", [])

    def one(self, wait=0, **more):
        (message,) = self.receive(1, wait, **more)
        return message

    def delete(self, message):
        return self.sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])

    def hide(self, message, seconds):
        return self.sqs.change_message_visibility(
            QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=seconds
        )

    def attributes(self, *names):
        return self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=list(names or ("All",)))["Attributes"]

    def depth(self):
        """Visible, in flight, delayed."""
        kinds = ("", "NotVisible", "Delayed")
        found = self.attributes(*(f"ApproximateNumberOfMessages{kind}" for kind in kinds))
        return tuple(int(found[f"ApproximateNumberOfMessages{kind}"]) for kind in kinds)


def wire(values):
    """Python's values as DynamoDB writes them."""
    return {key: TypeSerializer().serialize(value) for key, value in values.items()}


def plain(item):
    """The same back; `None` stays `None`."""
    return None if item is None else {key: TypeDeserializer().deserialize(value) for key, value in item.items()}


@pytest.fixture(scope="session")
def sqs():
    return client("sqs")


@pytest.fixture(scope="session")
def iam():
    return client("iam")


@pytest.fixture(scope="session")
def sts():
    return client("sts")


@pytest.fixture(scope="session")
def eks():
    return client("eks")


@pytest.fixture
def make(sqs):
    """Makes queues that are deleted after the test."""
    with cleared_by(lambda queue: sqs.delete_queue(QueueUrl=queue.url)) as made:

        def queue(name=None, **attributes):
            made.append(Queue(sqs, name or unique("q"), **attributes))
            return made[-1]

        yield queue


@pytest.fixture
def queue(make):
    return make()


@pytest.fixture
def fifo(make):
    return make(unique("q") + ".fifo", FifoQueue="true")


@pytest.fixture
def role(iam):
    """Makes roles that trust whom they are told to, with the inline policies given; deleted after the test."""
    made = []
    numbers = itertools.count()

    def create(trust, **policies):
        import json

        name = unique("role")
        document = {"Version": "2012-10-17", "Statement": trust}
        answer = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(document))
        made.append(name)
        for policy, statement in policies.items():
            text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
            iam.put_role_policy(RoleName=name, PolicyName=f"{policy}-{next(numbers)}", PolicyDocument=text)
        return answer["Role"]["Arn"]

    yield create
    for name in made:
        try:
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            iam.delete_role(RoleName=name)
        except ClientError:
            pass
