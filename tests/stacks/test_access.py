"""What the rendered roles can do, and how people get from one to another."""

from dataclasses import replace
from pathlib import Path

import pytest

from mlzone.access.escalation import escalations
from mlzone.access.people import people_roles
from mlzone.access.question import who_can
from mlzone.access.reach import Reach
from mlzone.access.rendered import Rendered, Runner, rendered
from mlzone.access.role import Role
from mlzone.loading import load_estate
from mlzone.theorem import Guardrails
from mlzone.theorem.matrix import outcomes
from mlzone_access import Effect, Policy, Statement

ROOT = Path(__file__).parents[2]
TEAM = "aur-retail-banking-credit-risk"


@pytest.fixture(scope="module")
def guardrails() -> Guardrails:
    return Guardrails(load_estate(ROOT / "organization"))


@pytest.fixture(scope="module")
def roles(assembly: Path) -> Rendered:
    return rendered(assembly)


@pytest.fixture(scope="module")
def reach(guardrails: Guardrails, roles: Rendered) -> Reach:
    return Reach(guardrails, roles)


def test_the_roles_of_people_are_those_that_the_estate_declares(
    guardrails: Guardrails, roles: Rendered
):
    declared = {role.arn: role for role in people_roles(guardrails.estate)}
    made = {role.arn: role for role in roles.roles if role.persona}

    assert set(declared) == set(made)
    for arn, role in declared.items():
        assert actions(role) == actions(made[arn]), arn


def actions(role: Role) -> set[str]:
    return {
        action
        for policy in role.policies
        for statement in policy.statements
        for action in statement.action_patterns
    }


def test_IAM_01_every_role_carries_the_boundary(roles: Rendered):
    assert [role.name for role in roles.roles if not role.bounded] == []


def test_IAM_04_no_person_gets_to_an_administrator_or_to_another_team(reach: Reach):
    assert list(escalations(reach)) == []


def test_people_get_to_what_their_commits_run_in_and_no_further(reach: Reach):
    scientist = next(role for role in reach.roles.values() if role.name == f"{TEAM}-data-scientist")

    reached = reach.paths(scientist, over=lambda step: step.control)

    assert {arn.rpartition("/")[2] for arn in reached} == {
        f"{TEAM}-data-scientist",
        f"{TEAM}-dev-pipeline",
        "aur-retail-banking-credit-default-dev-build",
        "aur-retail-banking-credit-default-dev-pull-request",
        "aur-retail-banking-credit-default-dev-test",
        "aur-retail-banking-limit-increase-dev-build",
        "aur-retail-banking-limit-increase-dev-pull-request",
        "aur-retail-banking-limit-increase-dev-test",
    }


def test_a_role_that_passes_anothers_is_found(guardrails: Guardrails, roles: Rendered):
    build = "aur-retail-banking-credit-default-dev-build"
    passing = Policy.parse(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": ["iam:PassRole", "sagemaker:CreateTrainingJob"],
                    "Resource": "*",
                }
            ],
        },
        name="careless",
    )
    careless = replace(
        roles,
        roles=tuple(
            replace(role, policies=(*role.policies, passing)) if role.name == build else role
            for role in roles.roles
        ),
    )

    found = list(escalations(Reach(guardrails, careless)))

    assert {item.why for item in found} == {"it is of another team"}
    assert {item.reached.rpartition("/")[2] for item in found} >= {
        "aur-retail-banking-marketing-dev-pipeline"
    }
    assert any(len(item.steps) == 2 for item in found)


def test_production_changes_begin_with_a_promotion_or_a_stop_of_the_own_team(reach: Reach):
    holders = who_can(reach, "sagemaker:CreateEndpoint", environment="prod")

    assert all("cfn-exec-role" in holder.role for holder in holders)
    for holder in holders:
        for way in holder.people:
            assert way.steps
            # What stops models may change which parameters their stacks have.
            assert way.steps[0].how.endswith(("-promotion", "-stop"))
            assert not any(step.control for step in way.steps)


def test_no_team_starts_the_pipelines_of_another(reach: Reach):
    people = {role.arn: role for role in reach.roles.values() if role.team and role.persona}

    for step in reach.steps:
        if step.source in people and step.how.startswith("starts"):
            assert reach.roles[step.target].team == people[step.source].team, step


def test_pipelines_and_projects_run_in_roles_that_exist(roles: Rendered):
    assert {runner.role for runner in roles.runners} <= set(roles.by_arn)
    assert all(isinstance(runner, Runner) for runner in roles.runners)


def written(statement: Statement) -> list[tuple[str, tuple[str, ...]]]:
    return [(condition.key, condition.values) for condition in statement.conditions]


def test_ENC_04_team_keys_and_buckets_render_what_is_proved(
    guardrails: Guardrails, roles: Rendered
):
    for place in guardrails.places():
        policy = roles.resource_policies[guardrails.team_bucket(place)]
        proved = guardrails.team_data(place)
        assert proved
        assert {s.id for s in proved.statements} <= {s.id for s in policy.statements}
        made = next(s for s in policy.statements if s.id == "TeamOnly")
        assert made.effect is Effect.DENY
        assert written(made) == written(proved.statements[0])
        assert made.action_patterns == tuple(sorted(proved.statements[0].action_patterns))


def test_the_access_matrix_holds_over_what_templates_render(
    guardrails: Guardrails, roles: Rendered
):
    failed = [
        f"{outcome.row} ({outcome.subject}): {outcome.decision.reason}"
        for outcome in outcomes(guardrails, roles.roles, roles.resource_policies)
        if not outcome.holds
    ]

    assert failed == []
