"""A policy that cannot be read may have been meant to deny: it denies everything."""

from mlzone_access import Policies, Principal, PrincipalKind, Request, evaluate
from mlzone_cloud.authorization.policies import parsed

ALLOW_ALL = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'
)


def decide(guardrail: str):
    caller = Principal(
        kind=PrincipalKind.ROLE, arn="arn:aws:iam::111111111111:role/a", account="111111111111"
    )
    request = Request(principal=caller, action="s3:GetObject", resource="arn:aws:s3:::bucket/key")
    return evaluate(
        request,
        Policies(identity=(parsed(ALLOW_ALL, "own"),), scps=((parsed(guardrail, "guardrail"),),)),
    )


def test_a_readable_guardrail_that_allows_lets_through():
    assert decide(ALLOW_ALL).allowed


def test_an_unreadable_guardrail_denies_and_says_so():
    decision = decide('{"Version": "2012-10-17", "Statement": [{"Effect": "Perhaps"}]}')

    assert not decision.allowed
    assert "guardrail (unreadable)" in decision.reason
