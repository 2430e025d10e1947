"""Which access a plan against what is deployed gives and takes: templates are all that it has.

What is deployed is made from the same estate, with one thing changed in its templates.
"""

import copy
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from mlzone.access import AccessChange, ChangeKind
from mlzone.estate import Estate
from mlzone.plan import Assembly, Deployed, Plan, Side, plan_over_deployed
from mlzone.planning import planned_stacks
from mlzone_tools.services.plan.making import replacing

TEAM = "sml-retail-dev-team-risk"
SCIENTIST = "sml-retail-risk-data-scientist"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture(scope="module")
def head(
    document: Any,
    estate_of: Callable[[Any], Estate],
    templates_of: Callable[[Estate, Collection[str]], Assembly],
) -> tuple[Estate, Assembly]:
    """The estate, with the stacks of one environment and of the organization."""
    estate = estate_of(document)
    names = [
        stack.name
        for stack in planned_stacks(estate)
        if stack.unit is None or stack.stage is None or stack.stage.value == "dev"
    ]
    return estate, templates_of(estate, names)


@pytest.fixture
def plan(head: tuple[Estate, Assembly]) -> Callable[..., Plan]:
    """Plan the estate against what it would be if a stack had been deployed otherwise."""
    estate, assembly = head

    def against(stack: str = "", change: Change = lambda _: None, *, without: str = "") -> Plan:
        templates = tuple(
            replace(item, content=_changed(item.content, change)) if item.stack == stack else item
            for item in assembly.templates
            if item.stack != without
        )
        return plan_over_deployed(
            Deployed(assembly=replace(assembly, templates=templates)),
            (Side(revision="working tree", estate="", code=""), estate, assembly),
            replacing=replacing,
            today=date(2026, 11, 27),
        )

    return against


def _changed(content: dict[str, Any], change: Change) -> dict[str, Any]:
    changed = copy.deepcopy(content)
    change(changed)
    return changed


def of_type(content: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [item["Properties"] for item in content["Resources"].values() if item["Type"] == kind]


def role(content: dict[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    return next(
        (key, item["Properties"])
        for key, item in content["Resources"].items()
        if item["Type"] == "AWS::IAM::Role" and item["Properties"]["RoleName"] == name
    )


def statements(content: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the statements of a role of a template, to be changed."""
    logical_id, _ = role(content, name)
    (found,) = (
        item["PolicyDocument"]["Statement"]
        for item in of_type(content, "AWS::IAM::Policy")
        if {"Ref": logical_id} in item["Roles"]
    )
    return list_of(found)


def list_of(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def named(content: dict[str, Any], name: str, sid: str) -> dict[str, Any]:
    return next(item for item in statements(content, name) if item["Sid"] == sid)


def told(changes: tuple[AccessChange, ...]) -> list[tuple[str, str, str]]:
    return [(item.kind.value, item.subject, item.what) for item in changes]


# --- what roles may do --------------------------------------------------------------------------


def test_what_is_deployed_as_the_estate_says_gives_and_takes_nothing(plan: Callable[..., Plan]):
    made = plan()

    assert not made.changed
    assert (made.access.gained, made.access.lost) == ((), ())


def test_a_wider_resource_is_access_gained_and_a_narrower_one_lost(plan: Callable[..., Plan]):
    """One folder of the bucket was allowed, and now all of it is; and the reverse."""

    def narrow(content: dict[str, Any]) -> None:
        statement = named(content, SCIENTIST, "TeamData")
        statement["Resource"] = f"{list_of(statement['Resource'])[0]}".replace("/*", "/one/*")

    made = plan(TEAM, narrow)

    assert made.access.lost == ()
    gained = told(made.access.gained)
    assert {(kind, subject) for kind, subject, _ in gained} == {("role", SCIENTIST)}
    assert "s3:getobject on arn:aws:s3:::sml-retail-risk-data-111111111111/* (TeamData)" in {
        what for _, _, what in gained
    }
    assert "security officer" in [item.role for item in made.approvals]


def test_a_further_action_is_access_gained_and_the_others_stay(plan: Callable[..., Plan]):
    def fewer(content: dict[str, Any]) -> None:
        named(content, SCIENTIST, "TeamData")["Action"].remove("s3:PutObject")

    made = plan(TEAM, fewer)

    ((kind, subject, what),) = told(made.access.gained)
    assert (kind, subject) == ("role", SCIENTIST)
    assert what.startswith("s3:putobject on ")
    assert made.access.lost == ()


def test_what_is_no_longer_allowed_is_access_lost(plan: Callable[..., Plan]):
    def more(content: dict[str, Any]) -> None:
        statements(content, SCIENTIST).append(
            {"Sid": "Once", "Effect": "Allow", "Action": "sns:ListTopics", "Resource": "*"}
        )

    made = plan(TEAM, more)

    assert told(made.access.lost) == [("role", SCIENTIST, "sns:listtopics on * (Once)")]
    assert made.access.gained == ()


def test_the_same_in_other_words_is_no_change_of_access(plan: Callable[..., Plan]):
    """Statements may be split, merged and renamed: decisions count."""

    def split(content: dict[str, Any]) -> None:
        statement = named(content, SCIENTIST, "TeamData")
        every = statement["Action"]
        statement["Action"] = every[:1]
        statements(content, SCIENTIST).append({**statement, "Sid": "Rest", "Action": every[1:]})

    made = plan(TEAM, split)

    assert [item.type for item in made.resources] == ["AWS::IAM::Policy"]
    assert (made.access.gained, made.access.lost) == ((), ())


def test_a_condition_that_goes_is_access_gained(plan: Callable[..., Plan]):
    def conditional(content: dict[str, Any]) -> None:
        named(content, SCIENTIST, "TeamData")["Condition"] = {
            "StringEquals": {"aws:RequestTag/ticket": "one"}
        }

    made = plan(TEAM, conditional)

    assert made.access.lost == ()
    assert any(what.startswith("s3:getobject on ") for _, _, what in told(made.access.gained))


def test_a_denial_that_goes_is_access_gained(plan: Callable[..., Plan]):
    def denied(content: dict[str, Any]) -> None:
        statements(content, SCIENTIST).append(
            {"Sid": "NoReading", "Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
        )

    made = plan(TEAM, denied)

    assert made.access.gained
    assert all(what.startswith("s3:getobject on ") for _, _, what in told(made.access.gained))


def test_what_a_guardrail_forbids_is_no_access_gained(plan: Callable[..., Plan]):
    """Who is allowed to make users can make none all the same."""

    def fewer(content: dict[str, Any]) -> None:
        statements(content, SCIENTIST).append(
            {"Sid": "Users", "Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*"}
        )

    assert plan(TEAM, fewer).access.lost == ()


def test_the_boundary_that_comes_off_is_access_gained(plan: Callable[..., Plan]):
    def bound_less(content: dict[str, Any]) -> None:
        statements(content, SCIENTIST).append(
            {"Sid": "Roles", "Effect": "Allow", "Action": "iam:TagRole", "Resource": "*"}
        )
        del role(content, SCIENTIST)[1]["PermissionsBoundary"]

    lost = told(plan(TEAM, bound_less).access.lost)

    assert ("role", SCIENTIST, "iam:tagrole on * (Roles)") in lost


# --- who is let in, and what is forbidden -------------------------------------------------------


def test_whom_a_role_trusts_is_compared(plan: Callable[..., Plan]):
    outside = "arn:aws:iam::999999999999:role/contractor"

    def trusting(content: dict[str, Any]) -> None:
        role(content, SCIENTIST)[1]["AssumeRolePolicyDocument"]["Statement"].append(
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": outside}}
        )

    made = plan(TEAM, trusting)

    assert told(made.access.lost) == [("role", SCIENTIST, f"is taken by {outside}")]


def test_whom_a_bucket_lets_in_is_compared(plan: Callable[..., Plan]):
    outside = "arn:aws:iam::999999999999:role/contractor"

    def open_bucket(content: dict[str, Any]) -> None:
        of_type(content, "AWS::S3::BucketPolicy")[0]["PolicyDocument"]["Statement"].append(
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
             "Principal": {"AWS": outside}}
        )  # fmt: skip

    ((kind, subject, what),) = told(plan(TEAM, open_bucket).access.lost)

    assert kind == ChangeKind.RESOURCE
    assert subject.startswith("arn:aws:s3:::sml-retail-")
    assert what == f"lets {outside} s3:getobject"


def test_a_guardrail_that_is_deployed_and_would_go_is_looser(plan: Callable[..., Plan]):
    def stricter(content: dict[str, Any]) -> None:
        policy = of_type(content, "AWS::Organizations::Policy")[0]
        policy["Content"]["Statement"].append(
            {"Sid": "NoTopics", "Effect": "Deny", "Action": ["sns:Publish"], "Resource": "*"}
        )

    made = plan("sml-guardrails", stricter)

    assert ("guardrail", "perimeter/NoTopics", "denies sns:Publish") in told(made.access.gained)
    assert "security officer" in [item.role for item in made.approvals]


def test_a_team_that_is_not_deployed_brings_its_roles(plan: Callable[..., Plan]):
    made = plan(without=TEAM)

    subjects = {item.subject for item in made.access.gained}
    assert SCIENTIST in subjects
    assert ("role", "sml-retail-risk-dev-pipeline", "is a role") in told(made.access.gained)
    assert made.access.lost == ()
