"""The access matrix holds, and theorems and matrix notice guardrails that are weakened."""

from mlzone.theorem import Guardrails
from mlzone.theorem.matrix import outcomes, rows
from mlzone.theorem.mutation import SURVIVORS, Mutant, mutants, notices

_SAMPLE = 30
"""Each so many of the mutants is tried here; `make bench` tries them all."""


def test_every_row_of_the_access_matrix_holds(guardrails: Guardrails):
    failed = [
        f"{outcome.row} ({outcome.subject}): {outcome.decision.reason}"
        for outcome in outcomes(guardrails)
        if not outcome.holds
    ]

    assert failed == []


def test_the_matrix_has_rows_that_allow_and_rows_that_refuse():
    allowed = {row.allowed for row in rows()}

    assert allowed == {True, False}
    assert len(set(map(str, rows()))) > 60


def sampled(guardrails: Guardrails) -> list[Mutant]:
    return [mutant for mutant in mutants(guardrails) if mutant.id not in SURVIVORS][::_SAMPLE]


def test_weakened_guardrails_are_noticed(guardrails: Guardrails):
    unnoticed = [mutant.id for mutant in sampled(guardrails) if not notices(guardrails, mutant)]

    assert unnoticed == []


def test_a_guardrail_without_its_condition_forbids_too_much_and_is_noticed(
    guardrails: Guardrails,
):
    overdone = next(
        mutant
        for mutant in mutants(guardrails)
        if mutant.id == "perimeter/PeopleTakeNoOtherRole: whatever aws:PrincipalArn"
    )

    assert "deployment in dev may iam:PassRole" in notices(guardrails, overdone)


def test_every_forbidding_statement_has_mutants(guardrails: Guardrails):
    statements = {(policy, item["Sid"]) for policy, item in guardrails.statements()}

    assert {(mutant.policy, mutant.sid) for mutant in mutants(guardrails)} == statements
    assert set(SURVIVORS) <= {mutant.id for mutant in mutants(guardrails)}
