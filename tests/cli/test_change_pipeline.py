"""A push to the repository of the estate is checked, planned, approved and deployed; or it is not.

One cloud serves all tests of this module; they run in the order in which they are written.
"""

from collections.abc import Iterator

import pytest
from tests.cli.change_pipeline import SALES_STACK, Bank

from mlzone_tools.services.model import delivery

pytestmark = pytest.mark.cdk


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    made = Bank(tmp_path_factory.mktemp("bank"))
    try:
        made.deploy(tmp_path_factory.mktemp("assembly"))
        yield made
    finally:
        made.stop()


def answer(bank: Bank, person: str) -> str:
    return delivery.answer(
        bank.person(person), "aur-retail-change", approve=True, reason="the plan is as agreed"
    )


def waits(stage: str):
    """Return whether a run waits for a person in a stage."""
    return lambda run: any(
        (item.stage, item.status) == (stage, "InProgress") for item in run.actions
    )


def test_a_push_is_planned_approved_and_deployed(bank: Bank):
    """Two people agree, whom the plan names: the unit's owner and FinOps."""
    bank.push("olga.ramos")
    bank.edit("monthly_usd: 1000", "monthly_usd: 2500")
    commit = bank.commit("Raise the budget")
    bank.push("ana.souza")

    run = bank.until(commit, waits("ApproveStaging"), "the pipeline asks for staging")
    assert not run.problem, bank.log("plan") + run.problem
    assert bank.budget() == 2500
    plan = bank.log("plan")
    assert "1000" in plan
    assert "2500" in plan

    answer(bank, "olga.ramos")
    run = bank.until(commit, waits("ApproveProd"), "the pipeline asks for production")
    assert not run.problem
    answer(bank, "nina.castilho")
    run = bank.until(commit, lambda run: run.finished, "the pipeline ends")

    assert run.status == "Succeeded", run.problem
    done = [(item.stage, item.name) for item in run.actions]
    assert done == [
        ("Source", "Source"),
        ("Check", "Check"),
        ("Plan", "Plan"),
        ("Dev", "Deploy"),
        ("Dev", "Verify"),
        ("ApproveStaging", "Approve"),
        ("Staging", "Deploy"),
        ("Staging", "Verify"),
        ("ApproveProd", "Approve"),
        ("Prod", "Deploy"),
        ("Prod", "Verify"),
    ]


def test_a_change_that_loses_data_stays_undeployed(bank: Bank):
    bank.edit(r"^ *- bruno.lima\n", "")
    bank.edit("monthly_usd: 2500", "monthly_usd: 3000")
    commit = bank.commit("Let somebody go, without an allowance")
    bank.push("ana.souza")

    run = bank.until(commit, lambda run: run.finished, "the pipeline ends")

    assert run.status == "Failed"
    assert [item.stage for item in run.actions] == ["Source", "Check", "Plan"]
    assert "allowances.yaml" in bank.log("plan")
    assert bank.budget() == 2500


def test_a_team_that_leaves_is_taken_away_as_planned(bank: Bank):
    assert SALES_STACK in bank.stacks()
    bank.undo()
    bank.let_team_go("sales")
    commit = bank.commit("Sales leaves, with an allowance")
    bank.push("ana.souza")

    run = bank.until(commit, waits("ApproveStaging"), "the pipeline asks for staging")

    assert not run.problem, bank.log("plan") + run.problem
    assert SALES_STACK not in bank.stacks()
    assert f"{SALES_STACK} is removed" in bank.log("deploy-dev")
