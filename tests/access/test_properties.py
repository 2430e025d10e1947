"""What holds for every policy and request, searched for counterexamples."""

import random
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlzone_access import (
    Decision,
    Policies,
    Policy,
    PolicyError,
    Principal,
    PrincipalKind,
    Request,
    evaluate,
)

ACCOUNT = "111111111111"
OTHER = "222222222222"
ROLE = Principal(
    kind=PrincipalKind.ROLE,
    arn=f"arn:aws:iam::{ACCOUNT}:role/r",
    account=ACCOUNT,
    session_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/r/s",
)
KEYS = ["aws:PrincipalTag/team", "aws:RequestedRegion", "aws:TagKeys"]
VALUES = ["", "a", "b", "ab", "*", "a*", "${aws:PrincipalTag/team}", "${aws:username, 'a'}"]
OPERATORS = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]
QUALIFIERS = ["", "ForAnyValue:", "ForAllValues:"]

actions = st.sampled_from(["s3:GetObject", "s3:PutObject", "kms:Decrypt", "sqs:SendMessage"])
action_patterns = st.sampled_from(
    ["*", "s3:*", "s3:Get*", "kms:*", "sqs:Send?essage", "s3:PutObject"]
)
resources = st.sampled_from(
    [
        "*",
        "arn:aws:s3:::a/x",
        "arn:aws:s3:::b",
        f"arn:aws:kms:r:{ACCOUNT}:key/k",
        f"arn:aws:sqs:r:{OTHER}:q",
    ]
)
resource_patterns = st.sampled_from(
    [
        "*",
        "arn:aws:s3:::a/*",
        "arn:aws:s3:::?",
        "arn:aws:*:*:*:*",
        f"arn:aws:kms:*:{ACCOUNT}:key/*",
        "arn:aws:s3:::${aws:PrincipalTag/team}/*",
    ]
)
principals = st.sampled_from(
    ["*", {"AWS": ACCOUNT}, {"AWS": ROLE.arn}, {"AWS": ROLE.session_arn}, {"AWS": OTHER}]
)
contexts = st.dictionaries(
    st.sampled_from(KEYS),
    st.one_of(st.sampled_from(VALUES), st.lists(st.sampled_from(VALUES), max_size=3).map(tuple)),
)


@st.composite
def condition_blocks(draw: st.DrawFn) -> dict[str, Any]:
    operator = st.builds(
        "{}{}{}".format,
        st.sampled_from(QUALIFIERS),
        st.sampled_from(OPERATORS),
        st.sampled_from(["", "IfExists"]),
    )
    values = st.lists(st.sampled_from(VALUES), min_size=1, max_size=2)
    return draw(
        st.dictionaries(
            operator, st.dictionaries(st.sampled_from(KEYS), values, max_size=2), max_size=2
        )
    )


@st.composite
def statements(draw: st.DrawFn, effect: str | None = None, *, principal: bool = False) -> Any:
    statement: dict[str, Any] = {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(action_patterns),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(resource_patterns),
        "Condition": draw(condition_blocks()),
    }
    if principal:
        statement[draw(st.sampled_from(["Principal", "NotPrincipal"]))] = draw(principals)
    return statement


def _policy(written: list[dict[str, Any]]) -> Policy:
    return Policy.parse({"Version": "2012-10-17", "Statement": written}, name="p")


def documents(*, principal: bool = False) -> Any:
    return st.lists(statements(principal=principal), min_size=1, max_size=3)


layers = st.fixed_dictionaries(
    {
        "identity": documents(),
        "boundary": st.none() | documents(),
        "session": st.none() | documents(),
        "scp": st.none() | documents(),
        "resource": st.none() | documents(principal=True),
    }
)
requests = st.builds(
    lambda action, resource, context: Request(
        principal=ROLE, action=action, resource=resource, context=context
    ),
    actions,
    resources,
    contexts,
)


def _decide(request: Request, layer: dict[str, Any]) -> Decision:
    def one(name: str) -> Policy | None:
        return _policy(layer[name]) if layer[name] else None

    session, scp = one("session"), one("scp")
    return evaluate(
        request,
        Policies(
            identity=(_policy(layer["identity"]),),
            boundary=one("boundary"),
            session=(session,) if session else (),
            scps=((scp,),) if scp else (),
            resource=one("resource"),
        ),
    )


LAYERS = st.sampled_from(["identity", "boundary", "session", "scp", "resource"])


def _extended(layer: dict[str, Any], name: str, statement: dict[str, Any]) -> dict[str, Any] | None:
    if not layer[name]:
        return None
    if name == "resource":
        statement = {**statement, "Principal": "*"}
    return {**layer, name: [*layer[name], statement]}


@given(requests, layers, LAYERS, statements("Deny"))
def test_adding_a_deny_never_widens_access(
    request: Request, layer: dict[str, Any], name: str, deny: dict[str, Any]
) -> None:
    extended = _extended(layer, name, deny)

    assert (
        extended is None
        or _decide(request, layer).allowed
        or not _decide(request, extended).allowed
    )


@given(requests, layers, LAYERS, statements("Allow"))
def test_adding_an_allow_never_narrows_access(
    request: Request, layer: dict[str, Any], name: str, allow: dict[str, Any]
) -> None:
    extended = _extended(layer, name, allow)

    assert (
        extended is None
        or not _decide(request, layer).allowed
        or _decide(request, extended).allowed
    )


@given(requests, layers, st.randoms(use_true_random=False))
def test_the_order_of_statements_does_not_matter(
    request: Request, layer: dict[str, Any], shuffler: random.Random
) -> None:
    def shuffled(document: list[Any] | None) -> list[Any] | None:
        return document and shuffler.sample(document, len(document))

    before = _decide(request, layer)
    after = _decide(request, {name: shuffled(document) for name, document in layer.items()})

    assert (before.allowed, before.explicit) == (after.allowed, after.explicit)


def _reference_glob(pattern: str, text: str) -> bool:
    """The textbook matcher: no regular expressions, no shortcuts."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_reference_glob(pattern[1:], text[i:]) for i in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and _reference_glob(pattern[1:], text[1:])


@given(st.text("ab*?[].\\\n", max_size=8), st.text("ab*?[].\\\n", max_size=8))
def test_wildcards_match_as_the_textbook_says(pattern: str, text: str) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "*",
        "Resource": "*",
        "Condition": {"StringLike": {"aws:PrincipalTag/x": pattern}},
    }
    request = Request(principal=ROLE, action="s3:GetObject", context={"aws:PrincipalTag/x": text})

    decision = evaluate(request, Policies(identity=(_policy([statement]),)))

    assert decision.allowed == _reference_glob(pattern, text)


@given(st.text("ab/*?", max_size=8), st.text("ab/:", max_size=8))
def test_wildcards_in_a_resources_name_match_as_the_textbook_says(pattern: str, text: str) -> None:
    statement = {"Effect": "Allow", "Action": "*", "Resource": f"arn:aws:s3:::{pattern}"}
    request = Request(principal=ROLE, action="s3:GetObject", resource=f"arn:aws:s3:::{text}")

    decision = evaluate(request, Policies(identity=(_policy([statement]),)))

    assert decision.allowed == _reference_glob(pattern, text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
elements = st.sampled_from(
    ["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "Condition"]
)
scalars = st.sampled_from(["Allow", "*", "s3:*", "arn:aws:s3:::a", "${", "${a, b}", {"AWS": "*"}])
wild_statements = st.dictionaries(elements, json_values | scalars | condition_blocks(), max_size=6)


@given(
    st.fixed_dictionaries({"Statement": json_values | wild_statements | st.lists(wild_statements)}),
    contexts,
)
def test_no_document_crashes_the_parser(document: Any, context: dict[str, Any]) -> None:
    try:
        policy = Policy.parse(document, name="p")
        policies = Policies(identity=(policy,))
    except PolicyError:
        return

    request = Request(principal=ROLE, action="s3:GetObject", context=context)
    assert evaluate(request, policies).reason


@given(st.text(max_size=40))
def test_no_text_crashes_the_parser(text: str) -> None:
    try:
        Policy.parse(text, name="p")
    except PolicyError as error:
        assert re.match("p: ", str(error))  # noqa: PT017
