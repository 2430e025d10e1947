"""Every hand-written decision of `cases/` comes out as its rule says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlzone_access import (
    Policies,
    Policy,
    PolicyKind,
    Principal,
    PrincipalKind,
    Request,
    evaluate,
)
from mlzone_access.errors import UnencodableError
from mlzone_access.prover import encoded_decision

CASES = Path(__file__).parent / "cases"
ACCOUNT = "111111111111"
CALLERS = {
    "session": Principal(
        kind=PrincipalKind.ROLE,
        arn=f"arn:aws:iam::{ACCOUNT}:role/mlzone/analyst",
        account=ACCOUNT,
        session_arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/analyst/ana",
        unique_id="AROAANALYST",
    ),
    "user": Principal(
        kind=PrincipalKind.USER, arn=f"arn:aws:iam::{ACCOUNT}:user/ana", account=ACCOUNT
    ),
    "federated-user": Principal(
        kind=PrincipalKind.USER,
        arn=f"arn:aws:iam::{ACCOUNT}:user/ana",
        account=ACCOUNT,
        session_arn=f"arn:aws:sts::{ACCOUNT}:federated-user/ana",
    ),
    "root": Principal(kind=PrincipalKind.ROOT, arn=f"arn:aws:iam::{ACCOUNT}:root", account=ACCOUNT),
    "service-linked": Principal(
        kind=PrincipalKind.ROLE,
        arn=f"arn:aws:iam::{ACCOUNT}:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        account=ACCOUNT,
    ),
    "service": Principal(kind=PrincipalKind.SERVICE, arn="events.amazonaws.com"),
    "saml": Principal(
        kind=PrincipalKind.FEDERATED, arn=f"arn:aws:iam::{ACCOUNT}:saml-provider/aurora"
    ),
    "anonymous": Principal(kind=PrincipalKind.ANONYMOUS, arn="*"),
}


def _statement(written: Any) -> dict[str, Any]:
    """Read `Effect actions resources [to principals]`; a leading ! negates the element."""
    text, condition = (
        (written, None) if isinstance(written, str) else (written["statement"], written["if"])
    )
    head, _, principals = text.partition(" to ")
    effect, actions, *resources = head.split(" ", 2)
    statement: dict[str, Any] = {"Effect": effect}
    for element, value in (("Action", actions), ("Resource", "".join(resources))):
        if value:
            negation = "Not" if value.startswith("!") else ""
            statement[negation + element] = value.removeprefix("!").split(",")
    if principals:
        negation = "Not" if principals.startswith("!") else ""
        named: dict[str, list[str]] = {}
        for name in principals.removeprefix("!").split(","):
            kind = {"service": "Service", "federated": "Federated"}.get(name.split(":")[0], "AWS")
            named.setdefault(kind, []).append(name if kind == "AWS" else name.partition(":")[2])
        statement[negation + "Principal"] = named
    if condition:
        statement["Condition"] = condition
    return statement


def _policy(written: Any, name: str, kind: PolicyKind | None = None) -> Policy:
    statements = written if isinstance(written, list) else [written]
    document = {"Version": "2012-10-17", "Statement": [_statement(s) for s in statements]}
    return Policy.parse(document, name=name, kind=kind)


def _policies(case: dict[str, Any], kind: str) -> tuple[Policy, ...]:
    return tuple(_policy(p, f"{kind} {i}") for i, p in enumerate(case.get(kind, ())))


def _levels(case: dict[str, Any], kind: str) -> tuple[tuple[Policy, ...], ...]:
    return tuple(
        tuple(_policy(p, f"{kind} {depth}.{i}") for i, p in enumerate(level))
        for depth, level in enumerate(case.get(kind, ()))
    )


def _only(case: dict[str, Any], kind: str) -> Policy | None:
    found = _policies(case, kind)
    assert len(found) <= 1, f"{kind} is one policy"
    return found[0] if found else None


def _context(raw: dict[str, Any]) -> dict[str, str | tuple[str, ...]]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()}


def _load(section: str) -> Iterator[Any]:
    for path in sorted(CASES.glob("*.yaml")):
        document = yaml.safe_load(path.read_text())
        for number, case in enumerate(document.get(section, ())):
            yield path.stem, number, case


def _rows(section: str) -> list[Any]:
    return [
        pytest.param(case, row, id=f"{stem}-{section}-{number}.{index}")
        for stem, number, case in _load(section)
        for index, row in enumerate(case["rows"])
    ]


DECISIONS = [
    pytest.param(case, id=f"{stem}: {case['name']}") for stem, _, case in _load("decisions")
]
CONDITIONS, RESOURCES, ACTIONS = _rows("conditions"), _rows("resources"), _rows("actions")


@pytest.mark.parametrize("case", DECISIONS)
def test_the_layers_decide_as_the_rule_says(case: dict[str, Any]) -> None:
    action, _, resource = case["request"].partition(" ")
    request = Request(
        principal=CALLERS[case.get("as", "session")],
        action=action,
        resource=resource,
        resource_account=case.get("owner", ""),
        context=_context(case.get("context", {})),
        bucket_abac=case.get("bucket_abac", False),
    )

    policies = Policies(
        identity=_policies(case, "identity"),
        boundary=_only(case, "boundary"),
        session=_policies(case, "session"),
        scps=_levels(case, "scps"),
        rcps=_levels(case, "rcps"),
        resource=_only(case, "resource"),
        endpoint=_only(case, "endpoint"),
        management_account=case.get("management_account", ""),
    )

    decision = evaluate(request, policies)

    verdict = "allow" if decision.allowed else "deny"
    how = verdict if decision.allowed else f"{'explicit' if decision.explicit else 'implicit'} deny"
    assert f"{how} by {decision.layer}" == case["expect"], f"{case['rule']}: {decision.reason}"
    assert encoded_decision(request, policies) == decision.allowed


def _allowed(statement: dict[str, Any], request: Request, version: str | None) -> bool:
    document: dict[str, Any] = {"Statement": [{"Effect": "Allow", **statement}]}
    if version:
        document["Version"] = version
    policy = Policy.parse(document, name="case", kind=PolicyKind.IDENTITY)
    policies = Policies(identity=(policy,))
    allowed = evaluate(request, policies).allowed
    try:
        assert encoded_decision(request, policies) == allowed, "prover and evaluator disagree"
    except UnencodableError:
        # The prover says that it cannot, rather than guess.
        assert "${" in str(document)
    return allowed


@pytest.mark.parametrize(("case", "row"), CONDITIONS)
def test_a_condition_holds_as_the_rule_says(case: dict[str, Any], row: list[Any]) -> None:
    context, expected = row
    statement = {"Action": "*", "Resource": "*", "Condition": case["if"]}
    request = Request(
        principal=CALLERS["session"],
        action=f"{case.get('service', 's3')}:Anything",
        context=_context(context),
    )

    allowed = _allowed(statement, request, case.get("version", "2012-10-17"))

    assert allowed is (expected == "holds"), case["rule"]


@pytest.mark.parametrize(("case", "row"), RESOURCES)
def test_a_resource_matches_as_the_rule_says(case: dict[str, Any], row: list[str]) -> None:
    resource, expected = row
    request = Request(
        principal=CALLERS["session"],
        action="any:Action",
        resource=resource,
        resource_account=ACCOUNT,
        context=_context(case.get("context", {})),
    )

    allowed = _allowed({"Action": "*", "Resource": case["pattern"]}, request, "2012-10-17")

    assert allowed is (expected == "matches"), case["rule"]


@pytest.mark.parametrize(("case", "row"), ACTIONS)
def test_an_action_matches_as_the_rule_says(case: dict[str, Any], row: list[str]) -> None:
    action, expected = row
    request = Request(principal=CALLERS["session"], action=action)

    allowed = _allowed({"Action": case["pattern"], "Resource": "*"}, request, "2012-10-17")

    assert allowed is (expected == "matches"), case["rule"]


def test_the_table_has_three_hundred_decisions_and_each_cites_a_rule() -> None:
    sections = ("decisions", "conditions", "resources", "actions")
    rules = [case.get("rule", "") for section in sections for _, _, case in _load(section)]

    assert len(DECISIONS) + len(CONDITIONS) + len(RESOURCES) + len(ACTIONS) >= 300
    assert all(len(rule) > 20 for rule in rules)
