"""Prover and evaluator say the same of every policy and request, searched for differences."""

from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mlzone_access import Policies, Policy, Principal, PrincipalKind, Request, evaluate
from mlzone_access.errors import UnencodableError
from mlzone_access.prover import (
    ANY_ACCOUNT,
    AnyRole,
    Claim,
    Status,
    Theorem,
    encoded_decision,
    prove,
    worst_case,
)

ACCOUNT, OTHER = "111111111111", "222222222222"
ROLE = Principal(
    kind=PrincipalKind.ROLE,
    arn=f"arn:aws:iam::{ACCOUNT}:role/r",
    account=ACCOUNT,
    session_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
)
CALLERS = [
    ROLE,
    Principal(kind=PrincipalKind.USER, arn=f"arn:aws:iam::{ACCOUNT}:user/u", account=ACCOUNT),
    Principal(kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT),
    Principal(kind=PrincipalKind.SERVICE, arn="events.amazonaws.com"),
    Principal(kind=PrincipalKind.ANONYMOUS, arn="*"),
    Principal(
        kind=PrincipalKind.ROLE,
        arn=f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/x.amazonaws.com/X",
        account=ACCOUNT,
    ),
]
PRINCIPALS = [
    "*",
    {"AWS": ACCOUNT},
    {"AWS": OTHER},
    {"AWS": [ACCOUNT, ROLE.arn, ROLE.session_arn]},
    {"AWS": ROLE.arn},
    {"AWS": ROLE.session_arn},
    {"AWS": CALLERS[1].arn},
    {"Service": "events.amazonaws.com"},
]
TEXT_VALUES = ["", "a", "b", "ab", "A", "a*", "arn:aws:s3:::a", "*"]
PATTERNS = [
    *TEXT_VALUES,
    "?",
    "a?*",
    "*b",
    "${aws:PrincipalTag/team}",
    "x${aws:PrincipalTag/team, 'd'}*b",
    "*${aws:PrincipalTag/team}*a",
    "arn:aws:*:::a",
    "arn:aws:s3:::${aws:PrincipalTag/team}*",
]
TEXT_KEYS = ["aws:PrincipalTag/team", "aws:TagKeys", "aws:ResourceTag/x", "aws:PrincipalArn"]
TEXT_OPERATORS = [
    "StringEquals",
    "StringNotEquals",
    "StringLike",
    "StringNotLike",
    "ArnLike",
    "ArnNotEquals",
]
TYPED = {
    "s3:max-keys": (["NumericLessThan", "NumericNotEquals"], ["1", "2.5", "-3"]),
    "aws:CurrentTime": (["DateLessThan", "DateGreaterThanEquals"], ["2026-01-01", "1767225600"]),
    "aws:SourceIp": (["IpAddress", "NotIpAddress"], ["10.0.0.0/8", "10.1.1.1", "2001:db8::/32"]),
}
TYPED_VALUES = {
    "s3:max-keys": ["1", "2", "-3.0", "x"],
    "aws:CurrentTime": ["2026-01-01", "1700000000", "2030-05-05T01:01:01Z", "soon"],
    "aws:SourceIp": ["10.0.0.1", "10.1.1.1", "11.0.0.1", "2001:db8::1", "here"],
}
ACTIONS = ["s3:GetObject", "s3:PutBucketPolicy", "kms:Decrypt", "sts:AssumeRole", "sqs:SendMessage"]
RESOURCES = ["*", "arn:aws:s3:::a/x", "arn:aws:s3:::b", f"arn:aws:kms:r:{ACCOUNT}:key/k"]
RESOURCE_PATTERNS = [
    "*",
    "arn:aws:s3:::a/*",
    "arn:aws:s3:::?",
    "arn:aws:*:*:*:*",
    "arn:aws:k?s:*:11*:key/*",
    "arn:aws:s3:::${aws:PrincipalTag/team}/*",
]

EASY_PATTERNS = [pattern for pattern in RESOURCE_PATTERNS if "k?s" not in pattern]


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for _ in range(draw(st.integers(0, 2))):
        if draw(st.booleans()):
            key = draw(st.sampled_from(TEXT_KEYS))
            qualifier = draw(st.sampled_from(["", "", "ForAnyValue:", "ForAllValues:"]))
            name = qualifier + draw(st.sampled_from(TEXT_OPERATORS))
            values = draw(st.lists(st.sampled_from(PATTERNS), min_size=1, max_size=2))
        else:
            key = draw(st.sampled_from(sorted(TYPED)))
            operators, known = TYPED[key]
            name, values = draw(st.sampled_from(operators)), [draw(st.sampled_from(known))]
        name += draw(st.sampled_from(["", "IfExists"]))
        if draw(st.integers(0, 5)) == 0:
            name, values = "Null", [draw(st.sampled_from(["true", "false"]))]
        block.setdefault(name, {})[key] = values
    return block


@st.composite
def statements(draw: st.DrawFn, *, principal: bool = False) -> dict[str, Any]:
    action = draw(st.sampled_from([*ACTIONS, "*", "s3:*", "s3:Get*", "kms:*"]))
    statement: dict[str, Any] = {
        "Effect": draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "Action", "NotAction"])): action,
        draw(st.sampled_from(["Resource", "Resource", "NotResource"])): draw(
            st.lists(st.sampled_from(RESOURCE_PATTERNS), min_size=1, max_size=2)
        ),
        "Condition": draw(conditions()),
    }
    if principal:
        element = draw(st.sampled_from(["Principal", "Principal", "NotPrincipal"]))
        statement[element] = draw(st.sampled_from(PRINCIPALS))
    return statement


@st.composite
def policies(draw: st.DrawFn) -> Policies:
    def policy(*, principal: bool = False) -> Policy:
        written = draw(st.lists(statements(principal=principal), min_size=1, max_size=2))
        return Policy.parse({"Version": "2012-10-17", "Statement": written}, name="p")

    def maybe(*, principal: bool = False) -> Policy | None:
        return policy(principal=principal) if draw(st.booleans()) else None

    session, scp, rcp = maybe(), maybe(), maybe(principal=True)
    return Policies(
        identity=(policy(),),
        boundary=maybe(),
        session=(session,) if session else (),
        scps=((scp,),) if scp else (),
        rcps=((rcp,),) if rcp else (),
        resource=maybe(principal=True),
        endpoint=maybe(principal=True) if draw(st.integers(0, 3)) == 0 else None,
        management_account=draw(st.sampled_from(["", "", ACCOUNT, OTHER])),
        resource_must_allow=draw(st.sampled_from([None, None, True, False])),
    )


@st.composite
def requests(draw: st.DrawFn, caller: Principal | None = None) -> Request:
    context: dict[str, Any] = {}
    for key in TEXT_KEYS[:3]:
        if draw(st.booleans()):
            texts = st.sampled_from(TEXT_VALUES)
            many = key == "aws:TagKeys"
            context[key] = tuple(draw(st.lists(texts, max_size=3))) if many else draw(texts)
    for key, values in TYPED_VALUES.items():
        if draw(st.booleans()):
            context[key] = draw(st.sampled_from(values))
    return Request(
        principal=caller or draw(st.sampled_from(CALLERS)),
        action=draw(st.sampled_from(ACTIONS)),
        resource=draw(st.sampled_from(RESOURCES)),
        resource_account=draw(st.sampled_from([ACCOUNT, OTHER])),
        context=context,
        bucket_abac=draw(st.booleans()),
    )


@settings(max_examples=200, deadline=None)
@given(policies(), requests())
def test_the_encoding_of_a_request_decides_as_the_evaluator(
    given_policies: Policies, request: Request
) -> None:
    try:
        decided = encoded_decision(request, given_policies)
    except UnencodableError:
        assume(False)

    assert decided == evaluate(request, given_policies).allowed


@st.composite
def theorems(draw: st.DrawFn) -> Theorem:
    def claim() -> Claim:
        return Claim.of(
            Action=draw(st.sampled_from([*ACTIONS, "s3:*"])),
            Resource=draw(st.sampled_from(EASY_PATTERNS)),
            Condition=draw(conditions()),
        )

    return Theorem(
        name="drawn",
        statement="Something cannot be.",
        policies=draw(policies()),
        forbidden=claim(),
        assumptions=(Claim.of(Condition=draw(conditions())),),
        caller=draw(st.sampled_from([*CALLERS, AnyRole(), AnyRole(account=ACCOUNT)])),
        resource_account=draw(st.sampled_from(["", ACCOUNT, OTHER, ANY_ACCOUNT])),
        any_identity=draw(st.booleans()),
        any_resource=draw(st.booleans()),
    )


@settings(max_examples=25, deadline=None)
@given(theorems(), st.lists(requests(caller=ROLE), min_size=3, max_size=6))
def test_what_is_proved_has_no_exception_and_what_is_refuted_is_confirmed(
    theorem: Theorem, sample: list[Request]
) -> None:
    # Several callers and owners are asked about; those drawn have to be among them.
    owner = theorem.resource_account
    sample = [r for r in sample if owner in (ANY_ACCOUNT, r.resource_account or ACCOUNT)]
    try:
        # It raises if the evaluator does not confirm a counterexample.
        proof = prove(theorem, timeout=2)
    except UnencodableError:
        assume(False)

    assert (proof.request is None) == (proof.status is not Status.REFUTED)
    if proof.status is Status.PROVED and isinstance(theorem.caller, AnyRole):
        claims = (*theorem.assumptions, theorem.forbidden)
        for request in sample:
            in_question = all(claim.holds(request) for claim in claims)
            assert not (in_question and evaluate(request, worst_case(theorem)).allowed)
