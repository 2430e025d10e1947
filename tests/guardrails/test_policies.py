"""Our own policies against AWS's catalogue: every action and key exists, none is forgotten."""

import pytest

from mlzone.boundary import boundary_document, deployment_document
from mlzone.delivery_policy import (
    Delivery,
    build_pipeline_statements,
    deploy_statements,
    progress_statements,
    project_statements,
    promotion_pipeline_statements,
    puller_statements,
    retraining_statements,
    start_statements,
    train_statements,
    verify_statements,
)
from mlzone.estate import Estate, Stage
from mlzone.guarded_action import (
    GUARDED_KEYS,
    INSTANCE_ACTIONS,
    PRODUCTION_CHANGES,
    RUNTIME_ACTIONS,
    GuardedKey,
)
from mlzone.guardrail import QUOTAS, control_policies
from mlzone.naming import Naming
from mlzone.persona import Persona
from mlzone.persona_policy import persona_statements
from mlzone.surroundings import Surroundings
from mlzone.theorem.life_cycle import serving_changes
from mlzone_access import Policy, catalogue, lint

NAMING = Naming(prefix="aur")


def surroundings(stage: Stage | None) -> Surroundings:
    return Surroundings(
        naming=NAMING,
        partition="aws",
        account="111111111111",
        region="sa-east-1",
        shared_services="100000000002",
        home_region="sa-east-1",
        title="Marketing",
        unit="retail-banking",
        team="marketing",
        stage=stage,
        keys=("arn:aws:kms:sa-east-1:111111111111:key/1",),
    )


def delivery_documents() -> dict[str, dict]:
    """Return every role of a delivery, as a policy document."""
    made = {}
    for stage in Stage:
        where = Delivery(
            surroundings=surroundings(stage),
            model="churn",
            pipeline="aur-retail-banking-churn-build",
        )
        made |= {
            "project": project_statements(where, project="p"),
            "train": train_statements(
                where,
                role_arn="arn:aws:iam::111111111111:role/r",
                app_arn="arn:aws:sagemaker:sa-east-1:111111111111:mlflow-app/app-1",
            ),
            "promotion": promotion_pipeline_statements(where, projects=["p"]),
            "puller": puller_statements(where),
            "deploy": deploy_statements(where),
            "verify": verify_statements(where),
            "progress": progress_statements(where),
            "retraining": retraining_statements(where),
            "start": start_statements(where),
        }
        for connection in (None, "arn:aws:codeconnections:sa-east-1:100000000002:connection/1"):
            made[f"build {connection}"] = build_pipeline_statements(
                where, projects=["p"], connection_arn=connection, repository_id="o/r"
            )
    return {name: {"Version": "2012-10-17", "Statement": listed} for name, listed in made.items()}


def findings(document: dict, name: str) -> list[str]:
    return [str(finding) for finding in lint(Policy.parse(document, name=name))]


def test_a_misspelt_action_would_be_found():
    statement = {"Effect": "Deny", "Action": "sagemaker:CreateModle", "Resource": "*"}

    assert findings({"Version": "2012-10-17", "Statement": [statement]}, "misspelt")


def test_the_organizations_policies_name_what_exists(estate: Estate):
    for policy in control_policies(estate):
        if policy.type != "TAG_POLICY":
            assert findings(dict(policy.content), policy.name) == []


def test_the_organizations_policies_fit_their_quotas(estate: Estate):
    for policy in control_policies(estate):
        assert len(policy.text) <= QUOTAS[policy.type], policy.name


def test_boundary_and_deployment_policy_name_what_exists_and_fit():
    for document in (boundary_document(NAMING), deployment_document()):
        assert findings(document, "boundary") == []
        assert len(str(document)) < 6_144


@pytest.mark.parametrize("persona", Persona)
@pytest.mark.parametrize("stage", [None, *Stage])
def test_what_personas_may_do_exists(persona: Persona, stage: Stage | None):
    statements = persona_statements(persona, surroundings(stage))

    document = {"Version": "2012-10-17", "Statement": statements}
    assert findings(document, persona) == []


@pytest.mark.parametrize("guarded", GUARDED_KEYS, ids=lambda guarded: guarded.key)
def test_NET_03_every_action_that_knows_a_key_is_guarded(guarded: GuardedKey):
    assert set(guarded.all_actions) == set(catalogue.actions_with_key(guarded.key))
    assert len(guarded.all_actions) == len(set(guarded.all_actions))
    assert all(guarded.by_deployment.values()), "each exception has a reason"


@pytest.mark.parametrize(
    ("key", "guarded"),
    [
        ("sagemaker:InstanceTypes", INSTANCE_ACTIONS),
        ("sagemaker:MaxRuntimeInSeconds", RUNTIME_ACTIONS),
    ],
)
def test_every_action_that_knows_a_limit_is_guarded(key: str, guarded: tuple[str, ...]):
    assert set(guarded) == set(catalogue.actions_with_key(key))


def test_DEP_01_every_action_that_changes_how_models_are_served_is_guarded():
    assert set(PRODUCTION_CHANGES) == set(serving_changes())


@pytest.mark.parametrize("name", delivery_documents())
def test_policies_of_deliveries_name_what_exists(name: str):
    assert findings(delivery_documents()[name], name) == []
