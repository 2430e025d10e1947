"""Whose answer lets a planned change into staging and production."""

import pytest

from mlzone.errors import ConfigError, GovernanceError
from mlzone.estate import Stage
from mlzone_tools.services.change import build
from mlzone_tools.services.change.approval import require_approval
from mlzone_tools.services.change.build import Execution

CHANGE = Execution(pipeline="aur-retail-change", execution="e-1", author="ana.souza")
REQUIRED = {"owner of retail": ("olga.ramos", "ana.souza"), "finops": ("nina.castilho",)}


def answers(staging: str = "", prod: str = "") -> list[dict[str, str]]:
    """Return the actions of an execution as CodePipeline lists them."""
    return [
        {
            "stageName": stage,
            "actionName": "Approve",
            "status": "Succeeded",
            "updatedBy": f"arn:aws:sts::100000000002:assumed-role/aur-retail-change/{person}",
        }
        for stage, person in (("ApproveStaging", staging), ("ApproveProd", prod))
        if person
    ]


def test_development_waits_for_nobody():
    assert require_approval(CHANGE, Stage.DEV, REQUIRED, []) == ()


def test_one_whom_the_plan_names_lets_a_change_into_staging():
    people = require_approval(CHANGE, Stage.STAGING, REQUIRED, answers("olga.ramos"))

    assert people == ("olga.ramos",)


def test_DEP_02_production_needs_two_roles_where_the_plan_names_several():
    both = answers("olga.ramos", "nina.castilho")
    assert require_approval(CHANGE, Stage.PROD, REQUIRED, both) == ("olga.ramos", "nina.castilho")

    with pytest.raises(GovernanceError, match="nobody has agreed for: finops"):
        require_approval(CHANGE, Stage.PROD, REQUIRED, answers("olga.ramos", "olga.ramos"))


def test_one_role_may_agree_twice_where_the_plan_names_no_other():
    required = {"owner of retail": ("olga.ramos",)}

    assert require_approval(CHANGE, Stage.PROD, required, answers("olga.ramos", "olga.ramos"))


@pytest.mark.parametrize(
    ("person", "says"),
    [
        ("ana.souza", "ana.souza made this change"),
        ("carla.dias", "carla.dias agreed, whom the plan does not name"),
        ("", "does not say who let execution e-1 into staging"),
    ],
    ids=["the author", "somebody else", "nobody"],
)
def test_DEP_02_an_answer_that_does_not_count_is_refused(person: str, says: str):
    with pytest.raises(GovernanceError, match=says):
        require_approval(CHANGE, Stage.STAGING, REQUIRED, answers(person))


def test_a_build_that_the_pipeline_did_not_start_is_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("MLZONE_AUTHOR", raising=False)
    monkeypatch.setenv("MLZONE_PIPELINE_EXECUTION", "e-1")

    with pytest.raises(ConfigError, match="MLZONE_AUTHOR must say"):
        build.execution("aur-retail-change")


def test_the_author_is_the_session_that_pushed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MLZONE_PIPELINE_EXECUTION", "e-1")
    monkeypatch.setenv(
        "MLZONE_AUTHOR", "arn:aws:sts::100000000002:assumed-role/aur-retail-change/ana.souza"
    )

    assert build.execution("aur-retail-change") == CHANGE
