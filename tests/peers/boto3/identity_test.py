"""IAM, STS and EKS: who may do what, as boto3 sees it."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import ACCOUNT, REGION, client, code, unique

ROOT = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "sts:AssumeRole"}]


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource):
    return {"Effect": "Allow", "Action": action, "Resource": resource}


@pytest.fixture
def policy(iam):
    made = []

    def create(*statements):
        arn = iam.create_policy(PolicyName=unique("policy"), PolicyDocument=document(*statements))["Policy"]["Arn"]
        made.append(arn)
        return arn

    yield create
    for arn in made:
        try:
            iam.delete_policy(PolicyArn=arn)
        except ClientError:
            pass


def assume(sts, role, **more):
    return sts.assume_role(RoleArn=role, RoleSessionName="test", **more)["Credentials"]


# Roles and policies


def test_a_role_is_found_as_it_was_made(iam, role):
    arn = role(ROOT)
    name = arn.split("/")[-1]
    found = iam.get_role(RoleName=name)["Role"]
    assert (found["Arn"], found["RoleName"]) == (f"arn:aws:iam::{ACCOUNT}:role/{name}", name)
    assert found["AssumeRolePolicyDocument"]["Statement"] == ROOT
    assert found["RoleId"].startswith("AROA")


def test_a_role_cannot_be_made_twice(iam, role):
    name = role(ROOT).split("/")[-1]
    assert code(iam.create_role, RoleName=name, AssumeRolePolicyDocument=document(*ROOT)) == "EntityAlreadyExists"


def test_an_absent_role_is_said_to_be_absent(iam):
    assert code(iam.get_role, RoleName=unique("none")) == "NoSuchEntity"
    assert code(iam.delete_role, RoleName=unique("none")) == "NoSuchEntity"
    assert code(iam.attach_role_policy, RoleName=unique("none"), PolicyArn="arn:aws:iam::aws:policy/x") == "NoSuchEntity"


@pytest.mark.parametrize("text", ["{nonsense", "{}", '{"Version":"2012-10-17","Statement":[{"Effect":"Maybe"}]}'])
def test_a_malformed_document_is_refused(iam, text):
    assert code(iam.create_role, RoleName=unique("role"), AssumeRolePolicyDocument=text) == "MalformedPolicyDocument"
    assert code(iam.create_policy, PolicyName=unique("policy"), PolicyDocument=text) == "MalformedPolicyDocument"


def test_a_trust_policy_cannot_name_a_role_that_does_not_exist(iam):
    trust = [{"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:role/{unique('none')}"}, "Action": "sts:AssumeRole"}]
    assert code(iam.create_role, RoleName=unique("role"), AssumeRolePolicyDocument=document(*trust)) == "MalformedPolicyDocument"


def test_a_role_with_an_attached_policy_cannot_be_deleted(iam, role, policy):
    name = role(ROOT).split("/")[-1]
    arn = policy(allow("sqs:SendMessage", "*"))
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    iam.attach_role_policy(RoleName=name, PolicyArn=arn)
    assert [p["PolicyArn"] for p in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]] == [arn]
    assert code(iam.delete_role, RoleName=name) == "DeleteConflict"
    assert code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    iam.detach_role_policy(RoleName=name, PolicyArn=arn)
    assert code(iam.detach_role_policy, RoleName=name, PolicyArn=arn) == "NoSuchEntity"
    iam.delete_policy(PolicyArn=arn)


def test_a_policy_has_versions_and_one_default(iam, policy):
    arn = policy(allow("sqs:SendMessage", "*"))
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document(allow("sqs:ReceiveMessage", "*")), SetAsDefault=True)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    found = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert found["Document"]["Statement"] == [allow("sqs:ReceiveMessage", "*")]
    assert code(iam.delete_policy, PolicyArn=arn) == "DeleteConflict"
    assert code(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == "DeleteConflict"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")


def test_roles_and_policies_have_tags(iam, role, policy):
    name, arn = role(ROOT).split("/")[-1], policy(allow("sqs:SendMessage", "*"))
    tags = [{"Key": "kedactl:stack", "Value": "demo"}]
    iam.tag_role(RoleName=name, Tags=tags)
    iam.tag_policy(PolicyArn=arn, Tags=tags)
    assert iam.list_role_tags(RoleName=name)["Tags"] == tags
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == tags


def test_roles_are_listed_in_pages(iam, role):
    names = {role(ROOT).split("/")[-1] for _ in range(5)}
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert len(pages) >= 3
    assert names <= {found["RoleName"] for page in pages for found in page["Roles"]}


# OIDC providers


@pytest.mark.parametrize("scheme", ["https://", ""])
def test_a_provider_is_named_without_its_scheme(iam, scheme):
    host = f"{unique('issuer')}.example.com/id/ABC"
    thumbprints = ["a" * 40]
    if not scheme:
        assert code(iam.create_open_id_connect_provider, Url=host, ThumbprintList=thumbprints) in ("ValidationError", "InvalidInput")
        return
    arn = iam.create_open_id_connect_provider(Url=scheme + host, ClientIDList=["sts.amazonaws.com"], ThumbprintList=thumbprints)[
        "OpenIDConnectProviderArn"
    ]
    assert arn == f"arn:aws:iam::{ACCOUNT}:oidc-provider/{host}"
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"], found["ThumbprintList"]) == (host, ["sts.amazonaws.com"], thumbprints)
    assert arn in [p["Arn"] for p in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]
    assert code(iam.create_open_id_connect_provider, Url=scheme + host, ThumbprintList=thumbprints) == "EntityAlreadyExists"
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert code(iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn) == "NoSuchEntity"


# Sessions


def test_unknown_keys_are_the_accounts_own(sts):
    identity = sts.get_caller_identity()
    assert identity["Account"] == ACCOUNT
    assert identity["Arn"].startswith(f"arn:aws:iam::{ACCOUNT}:")


def test_a_session_is_named_after_its_role(sts, role):
    arn = role(ROOT)
    credentials = assume(sts, arn)
    found = client("sts", credentials).get_caller_identity()["Arn"]
    assert found == f"arn:aws:sts::{ACCOUNT}:assumed-role/{arn.split('/')[-1]}/test"
    assert credentials["AccessKeyId"].startswith("ASIA")


def test_a_session_may_do_what_its_policy_says_and_nothing_else(sts, role, queue):
    arn = role(ROOT, send=allow("sqs:SendMessage", queue.arn))
    session = client("sqs", assume(sts, arn))
    session.send_message(QueueUrl=queue.url, MessageBody="allowed")
    with pytest.raises(ClientError) as refused:
        session.receive_message(QueueUrl=queue.url)
    error = refused.value.response["Error"]
    assert error["Code"].split(".")[-1] in ("AccessDenied", "AccessDeniedException")
    assert "sqs:receivemessage" in error["Message"].lower()
    assert "assumed-role" in error["Message"]


def test_a_deny_wins(sts, role, queue):
    deny = {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": queue.arn}
    session = client("sqs", assume(sts, role(ROOT, all=allow("sqs:*", "*"), not_this=deny)))
    assert "AccessDenied" in code(session.send_message, QueueUrl=queue.url, MessageBody="x")
    session.get_queue_attributes(QueueUrl=queue.url, AttributeNames=["All"])


def test_a_policy_for_one_queue_does_not_open_another(sts, role, make):
    mine, other = make(), make()
    session = client("sqs", assume(sts, role(ROOT, send=allow("sqs:SendMessage", mine.arn))))
    assert "AccessDenied" in code(session.send_message, QueueUrl=other.url, MessageBody="x")


def test_a_session_policy_narrows_the_role(sts, role, queue):
    arn = role(ROOT, all=allow("sqs:*", "*"))
    session = client("sqs", assume(sts, arn, Policy=document(allow("sqs:SendMessage", "*"))))
    session.send_message(QueueUrl=queue.url, MessageBody="x")
    assert "AccessDenied" in code(session.receive_message, QueueUrl=queue.url)


def test_a_detached_policy_counts_no_more(sts, iam, role, policy, queue):
    arn = role(ROOT)
    managed = policy(allow("sqs:SendMessage", queue.arn))
    iam.attach_role_policy(RoleName=arn.split("/")[-1], PolicyArn=managed)
    session = client("sqs", assume(sts, arn))
    session.send_message(QueueUrl=queue.url, MessageBody="x")
    iam.detach_role_policy(RoleName=arn.split("/")[-1], PolicyArn=managed)
    assert "AccessDenied" in code(session.send_message, QueueUrl=queue.url, MessageBody="x")


def test_a_role_is_assumed_only_by_those_it_trusts(sts, role):
    one = role(ROOT, assume=allow("sts:AssumeRole", "*"))
    other = role([{"Effect": "Allow", "Principal": {"AWS": one}, "Action": "sts:AssumeRole"}])
    stranger = role(ROOT, assume=allow("sts:AssumeRole", "*"))
    assert assume(client("sts", assume(sts, one)), other)
    assert code(client("sts", assume(sts, stranger)).assume_role, RoleArn=other, RoleSessionName="session") == "AccessDenied"


def test_an_external_id_must_be_given(sts, role):
    trust = [{**ROOT[0], "Condition": {"StringEquals": {"sts:ExternalId": "secret-handshake"}}}]
    arn = role(trust)
    assert code(sts.assume_role, RoleArn=arn, RoleSessionName="session") == "AccessDenied"
    assert assume(sts, arn, ExternalId="secret-handshake")


def test_an_absent_role_cannot_be_assumed(sts):
    assert code(sts.assume_role, RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{unique('none')}", RoleSessionName="session") == "AccessDenied"


@pytest.mark.parametrize("seconds", [3601, 43201])
def test_a_duration_out_of_range_is_refused(sts, role, seconds):
    assert code(sts.assume_role, RoleArn=role(ROOT), RoleSessionName="session", DurationSeconds=seconds) == "ValidationError"


@pytest.mark.parametrize("token", ["nonsense", "e30.e30.e30"])
def test_a_token_that_is_none_is_refused(sts, role, token):
    answer = code(sts.assume_role_with_web_identity, RoleArn=role(ROOT), RoleSessionName="session", WebIdentityToken=token)
    assert answer == "InvalidIdentityToken"


def test_a_session_with_a_wrong_token_is_refused(sts, role):
    credentials = {**assume(sts, role(ROOT)), "SessionToken": "nonsense"}
    found = code(client("sts", credentials).get_caller_identity)
    assert found in ("InvalidClientTokenId", "InvalidAccessKeyId", "UnrecognizedClientException")


# EKS


@pytest.fixture
def cluster(eks):
    name = unique("cluster")
    network = {"subnetIds": ["subnet-1", "subnet-2"]}
    eks.create_cluster(name=name, roleArn=f"arn:aws:iam::{ACCOUNT}:role/eks", resourcesVpcConfig=network)
    yield name
    try:
        eks.delete_cluster(name=name)
    except ClientError:
        pass


def test_a_cluster_has_an_issuer(eks, cluster):
    found = eks.describe_cluster(name=cluster)["cluster"]
    assert found["arn"] == f"arn:aws:eks:{REGION}:{ACCOUNT}:cluster/{cluster}"
    assert found["identity"]["oidc"]["issuer"].startswith("https://")
    assert cluster in eks.list_clusters()["clusters"]


def test_an_absent_cluster_is_named_by_its_own_code(eks):
    assert code(eks.describe_cluster, name=unique("none")) == "ResourceNotFoundException"
    assert code(eks.delete_cluster, name=unique("none")) == "ResourceNotFoundException"


def test_a_cluster_cannot_be_made_twice(eks, cluster):
    again = {"name": cluster, "roleArn": f"arn:aws:iam::{ACCOUNT}:role/eks", "resourcesVpcConfig": {}}
    assert code(eks.create_cluster, **again) == "ResourceInUseException"


def test_a_cluster_has_tags(eks, cluster):
    arn = eks.describe_cluster(name=cluster)["cluster"]["arn"]
    eks.tag_resource(resourceArn=arn, tags={"kedactl:stack": "demo"})
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {"kedactl:stack": "demo"}
    eks.untag_resource(resourceArn=arn, tagKeys=["kedactl:stack"])
    assert eks.list_tags_for_resource(resourceArn=arn)["tags"] == {}
