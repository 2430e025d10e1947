"""Sessions of roles: how people and services become somebody."""

import base64
import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from tests.cloud.core.acting import (
    DEV,
    SHARED,
    assume,
    client_with,
    federate,
    federated_trust,
    make_role,
    provider,
    root,
    statement,
    trust,
)

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.errors import ApiError


def test_a_person_gets_a_session_with_tags_and_source_identity(cloud: Cloud) -> None:
    people = provider(cloud)
    trusts = federated_trust(
        people, "sts:AssumeRoleWithSAML", "sts:TagSession", "sts:SetSourceIdentity"
    )
    tagged = {"StringEquals": {"aws:PrincipalTag/team": "credit", "aws:SourceIdentity": "ana"}}
    role = make_role(
        cloud,
        DEV,
        "scientist",
        statement("Allow", "sns:ListTopics", Condition=tagged),
        trusts=trusts,
    )

    answer = federate(cloud, role, people, PrincipalTag__team=["credit"], SourceIdentity=["ana"])

    keys = answer["Credentials"]
    assert client_with(cloud, "sts", keys).get_caller_identity()["Arn"] == (
        f"arn:aws:sts::{DEV}:assumed-role/scientist/ana"
    )
    assert answer["SourceIdentity"] == "ana"
    assert client_with(cloud, "sns", keys).list_topics()["Topics"] == []


@pytest.mark.parametrize(
    ("granted", "attributes", "missing"),
    [
        (("sts:TagSession",), {}, "sts:AssumeRoleWithSAML"),
        (("sts:AssumeRoleWithSAML",), {"PrincipalTag__team": ["credit"]}, "sts:TagSession"),
        (("sts:AssumeRoleWithSAML",), {"SourceIdentity": ["ana"]}, "sts:SetSourceIdentity"),
    ],
)
def test_what_the_trust_policy_does_not_allow_is_refused(
    cloud: Cloud, granted: tuple[str, ...], attributes: dict[str, list[str]], missing: str
) -> None:
    people = provider(cloud)
    role = make_role(cloud, DEV, "scientist", trusts=federated_trust(people, *granted))

    with pytest.raises(ClientError) as refusal:
        federate(cloud, role, people, **attributes)

    answer = refusal.value.response["Error"]
    assert answer["Code"] == "AccessDenied"
    assert f"Not authorized to perform {missing}" in answer["Message"]


def test_an_assertion_opens_only_the_role_that_it_names(cloud: Cloud) -> None:
    people = provider(cloud)
    trusts = federated_trust(people, "sts:AssumeRoleWithSAML")
    role = make_role(cloud, DEV, "scientist", trusts=trusts)
    other = make_role(cloud, DEV, "admin", trusts=trusts)

    with pytest.raises(ClientError, match="does not name"):
        federate(cloud, other, people, Role=[f"{role},{people}"])


@pytest.mark.parametrize("bad", ["%%%%", base64.b64encode(b"<not closed").decode()])
def test_an_unreadable_assertion_is_refused(cloud: Cloud, bad: str) -> None:
    people = provider(cloud)
    role = make_role(
        cloud, DEV, "scientist", trusts=federated_trust(people, "sts:AssumeRoleWithSAML")
    )
    sts = root(cloud, DEV, "sts")

    with pytest.raises(ClientError) as refusal:
        sts.assume_role_with_saml(RoleArn=role, PrincipalArn=people, SAMLAssertion=bad)

    assert refusal.value.response["Error"]["Code"] == "InvalidIdentityToken"


def test_source_identity_stays_through_chained_roles(cloud: Cloud) -> None:
    chain = ("sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession")
    second = make_role(
        cloud, SHARED, "second", trusts=trust(f"arn:aws:iam::{DEV}:root", actions=chain)
    )
    first = make_role(
        cloud,
        DEV,
        "first",
        statement("Allow", list(chain)),
        trusts=trust(f"arn:aws:iam::{DEV}:root", actions=chain),
    )
    keys = assume(
        cloud,
        first,
        SourceIdentity="ana",
        Tags=[{"Key": "team", "Value": "credit"}],
        TransitiveTagKeys=["team"],
    )
    sts = client_with(cloud, "sts", keys)

    chained = sts.assume_role(RoleArn=second, RoleSessionName="next")

    caller = cloud.identities.callers[chained["Credentials"]["AccessKeyId"]]
    assert chained["SourceIdentity"] == "ana"
    assert caller.tags == {"team": "credit"}
    with pytest.raises(ClientError, match="cannot be changed"):
        sts.assume_role(RoleArn=second, RoleSessionName="next", SourceIdentity="bruno")
    with pytest.raises(ClientError, match="1 hour session limit"):
        sts.assume_role(RoleArn=second, RoleSessionName="next", DurationSeconds=7200)


def test_a_role_of_another_account_is_closed_unless_it_trusts(cloud: Cloud) -> None:
    closed = make_role(cloud, SHARED, "closed")
    role = make_role(cloud, DEV, "traveller", statement("Allow", "sts:AssumeRole"))
    sts = client_with(cloud, "sts", assume(cloud, role))

    for target in (closed, f"arn:aws:iam::{SHARED}:role/nowhere"):
        with pytest.raises(ClientError) as refusal:
            sts.assume_role(RoleArn=target, RoleSessionName="x1")
        assert refusal.value.response["Error"]["Code"] == "AccessDenied"


def test_a_session_ends_when_its_time_is_over(cloud: Cloud) -> None:
    role = make_role(cloud, DEV, "short", statement("Allow", "sns:*"))
    sns = client_with(cloud, "sns", assume(cloud, role, DurationSeconds=900))
    sns.list_topics()

    cloud.advance(timedelta(minutes=16))

    with pytest.raises(ClientError) as refusal:
        sns.list_topics()
    assert refusal.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_a_longer_session_than_the_role_permits_is_refused(cloud: Cloud) -> None:
    role = make_role(cloud, DEV, "short", MaxSessionDuration=3600)

    with pytest.raises(ClientError, match="MaxSessionDuration"):
        assume(cloud, role, DurationSeconds=7200)


def test_an_iam_user_acts_with_its_key_until_it_is_deleted(cloud: Cloud) -> None:
    iam = cloud.client("iam", account=DEV)
    iam.create_user(UserName="robot")
    iam.attach_user_policy(
        UserName="robot", PolicyArn="arn:aws:iam::aws:policy/AmazonSNSReadOnlyAccess"
    )
    key = iam.create_access_key(UserName="robot")["AccessKey"]
    sns = client_with(cloud, "sns", key)

    assert sns.list_topics()["Topics"] == []
    with pytest.raises(ClientError):
        sns.create_topic(Name="alerts")
    iam.delete_access_key(UserName="robot", AccessKeyId=key["AccessKeyId"])

    with pytest.raises(ClientError) as refusal:
        sns.list_topics()
    assert refusal.value.response["Error"]["Code"] == "InvalidClientTokenId"


def test_a_service_acts_only_as_a_role_that_trusts_it(cloud: Cloud) -> None:
    trusts = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                    "Condition": {"StringEquals": {"aws:SourceAccount": DEV}},
                }
            ],
        }
    )
    role = make_role(cloud, DEV, "for-events", trusts=trusts)

    cloud.assume(role, "x", service="events.amazonaws.com")

    with pytest.raises(ApiError, match=r"scheduler\.amazonaws\.com cannot assume"):
        cloud.assume(role, "x", service="scheduler.amazonaws.com")


def test_tokens_that_nobody_can_check_are_refused_clearly(cloud: Cloud) -> None:
    role = make_role(cloud, DEV, "web")

    with pytest.raises(ClientError, match="checks no tokens"):
        root(cloud, DEV, "sts").assume_role_with_web_identity(
            RoleArn=role, RoleSessionName="x1", WebIdentityToken="token"
        )
