"""What a decision tells, and what a request carries."""

from mlzone_access import Layer, Policies, Policy, Principal, PrincipalKind, Request, evaluate

ACCOUNT = "111111111111"
ROLE = Principal(
    kind=PrincipalKind.ROLE, arn=f"arn:aws:iam::{ACCOUNT}:role/analyst", account=ACCOUNT
)


def _policy(name: str, *statements: dict[str, object]) -> Policy:
    return Policy.parse({"Version": "2012-10-17", "Statement": list(statements)}, name=name)


ALLOW = {"Sid": "Work", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
DENY = {"Sid": "KeepBuckets", "Effect": "Deny", "Action": "s3:DeleteBucket", "Resource": "*"}
DELETE = Request(principal=ROLE, action="s3:DeleteBucket", resource="arn:aws:s3:::b")


def test_a_denial_names_policy_statement_layer_and_reason() -> None:
    scps = ((_policy("guardrails", {**ALLOW, "Sid": "All"}, DENY),),)

    decision = evaluate(DELETE, Policies(identity=(_policy("analyst", ALLOW),), scps=scps))

    assert (decision.policy, decision.statement, decision.layer) == (
        "guardrails",
        "KeepBuckets",
        Layer.SCP,
    )
    assert decision.reason == "denied by KeepBuckets of guardrails (service control policy)"
    assert decision.aws_phrase("s3:DeleteBucket") == (
        "with an explicit deny in a service control policy"
    )


def test_an_allowance_names_its_statement() -> None:
    decision = evaluate(DELETE, Policies(identity=(_policy("analyst", ALLOW),)))

    assert (decision.effect, decision.policy, decision.statement) == ("Allow", "analyst", "Work")


def test_an_implicit_deny_names_the_layer_that_lacks_an_allow() -> None:
    decision = evaluate(DELETE, Policies())

    assert (decision.layer, decision.explicit, decision.policy) == (Layer.IDENTITY, False, "")
    assert decision.aws_phrase("s3:DeleteBucket") == (
        "because no identity-based policy allows the s3:DeleteBucket action"
    )


def test_a_statement_without_sid_is_named_by_its_position() -> None:
    nameless = {key: value for key, value in DENY.items() if key != "Sid"}

    decision = evaluate(DELETE, Policies(identity=(_policy("p", ALLOW, nameless),)))

    assert decision.statement == "Statement[1]"


def test_an_scp_level_that_lacks_an_allow_is_named() -> None:
    everything = _policy("full", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    identity = (_policy("analyst", ALLOW),)

    decision = evaluate(
        DELETE, Policies(identity=identity, scps=((everything,), (), (everything,)))
    )

    assert "unit 1 level" in decision.reason


def test_costly_context_is_asked_for_only_when_a_policy_wants_it() -> None:
    asked: list[str] = []

    def tags(key: str) -> str | None:
        asked.append(key)
        return "fraud" if key == "aws:resourcetag/team" else None

    condition = {"StringEquals": {"aws:ResourceTag/team": "fraud"}}
    by_tag = _policy(
        "p",
        {"Effect": "Allow", "Action": "sqs:*", "Resource": "*", "Condition": condition},
        {**ALLOW, "Sid": "Twice"},
        {"Effect": "Deny", "Action": "sqs:PurgeQueue", "Resource": "*", "Condition": condition},
    )

    evaluate(
        Request(principal=ROLE, action="s3:GetObject", resolver=tags), Policies(identity=(by_tag,))
    )
    untouched = list(asked)
    decision = evaluate(
        Request(principal=ROLE, action="sqs:PurgeQueue", resolver=tags),
        Policies(identity=(by_tag,)),
    )

    assert untouched == []
    assert asked == ["aws:resourcetag/team"]
    assert not decision.allowed


def test_the_caller_may_state_that_a_resource_policy_has_the_last_word() -> None:
    policies = Policies(identity=(_policy("analyst", ALLOW),), resource_must_allow=True)

    assert evaluate(DELETE, policies).layer is Layer.RESOURCE
