"""The theorems hold over the example estate, and each notices when its guardrail is missing."""

from pathlib import Path

import pytest

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone.theorem import THEOREMS, EstateTheorem, Guardrails, prove_one
from mlzone.theorem.mutation import Mutant, mutants, refutes
from mlzone_access.prover import Status

ROOT = Path(__file__).parents[2]
BY_ID = {theorem.id: theorem for theorem in THEOREMS}


@pytest.mark.parametrize("theorem", THEOREMS, ids=lambda theorem: theorem.id)
def test_every_theorem_is_proved(theorem: EstateTheorem, guardrails: Guardrails):
    proof = prove_one(guardrails, theorem)

    assert proof.status is Status.PROVED, proof.failure
    assert proof.cases


SAMPLED = (
    ("team-data/TeamOnly", "team-data", "s3:"),
    ("team-data/TeamOnly", "teams-apart", "s3:GetObject"),
    ("team-key/TeamOnly", "team-keys", "kms:"),
    ("AuthorsDoNotApprove", "authors-do-not-approve", "sagemaker:UpdateModelPackage"),
    ("OnlyApproversDecide", "approvers-decide", "sagemaker:UpdateModelPackage"),
    ("ApproversHaveAName", "approvers-decide", "sagemaker:UpdateModelPackage"),
    ("NobodyIsBornApproved", "nobody-is-born-approved", "sagemaker:CreateModelPackage"),
    ("AuthorStays", "authors-stay", "sagemaker:UpdateModelPackage"),
    ("ChangesThroughDelivery", "production-by-delivery", "sagemaker:"),
    ("BoundaryOnEveryRole", "boundary-on-every-role", "iam:"),
    ("boundary/RolesOnlyUnderTheBoundary", "boundary-on-every-role", "iam:"),
    ("boundary/BoundaryIsOutOfReach", "boundary-stays", "iam:"),
    ("RolesOfDeploymentStay", "roles-stay", "iam:"),
    ("PeopleTakeNoOtherRole", "people-take-no-other-role", ""),
    ("DeploymentIsNotAssumed", "deployment-roles", "sts:AssumeRole"),
    ("LookersOnlyLook", "lookers-only-look", "sts:AssumeRole"),
    ("MachinesPassToSageMakerOnly", "passing-roles", "iam:PassRole"),
    ("JobsInSubnetsUnlessDeployed", "networks", "sagemaker:"),
    ("RegionAllowList", "regions", ""),
    ("OrganizationOnly", "outsiders", ""),
)
SMALL = Guardrails(load_estate(ROOT / "organization" / "samples" / "minimal.yaml"))
UNSAMPLED = [
    mutant
    for mutant in mutants(SMALL)
    if mutant.what == "dropped"
    and mutant.sid not in {statement.rpartition("/")[2] for statement, _, _ in SAMPLED}
]


@pytest.mark.parametrize(("statement", "theorem", "action"), SAMPLED)
def test_without_its_guardrail_a_theorem_shows_what_would_be_allowed(
    statement: str, theorem: str, action: str, guardrails: Guardrails
):
    proof = prove_one(guardrails.without(statement), BY_ID[theorem])

    assert proof.status is Status.REFUTED
    assert proof.failure
    assert proof.failure.request
    assert proof.failure.request.action.startswith(action)
    assert proof.failure.decision
    assert proof.failure.decision.allowed


@pytest.mark.parametrize("mutant", UNSAMPLED, ids=lambda mutant: f"{mutant.policy}/{mutant.sid}")
def test_every_other_statement_holds_up_a_theorem_too(mutant: Mutant):
    """`mlzone access prove --without STATEMENT` shows a counterexample, whichever is left out."""
    assert refutes(SMALL, mutant)


def test_a_statement_that_no_guardrail_has_is_refused(guardrails: Guardrails):
    with pytest.raises(ConfigError, match="no guardrail has a statement"):
        guardrails.without("Nonsense")


def test_a_team_whose_name_begins_with_that_of_another_stays_apart(estate: Estate):
    unit = estate.units[0]
    first, second = unit.teams[:2]
    longer = second.model_copy(update={"name": f"{first.name}-two"})
    closer = unit.model_copy(update={"teams": (first, longer)})
    changed = Guardrails(
        Estate(organization=estate.organization, units=(closer,), waivers=(), folder=estate.folder)
    )

    for theorem in ("team-data", "team-keys", "teams-apart"):
        assert prove_one(changed, BY_ID[theorem]).proved


def test_theorems_have_ids_and_controls_of_their_own():
    assert len(BY_ID) == len(THEOREMS)
    assert all(item.controls and item.statement.endswith(".") for item in THEOREMS)
