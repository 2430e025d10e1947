"""Our own policies against AWS's catalogue: every action and key exists, none is forgotten."""

from pathlib import Path

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
    INSTANCE_ACTIONS,
    ISOLATION_ACTIONS,
    OUTPUT_KEY_ACTIONS,
    TRAFFIC_ACTIONS,
    VOLUME_KEY_ACTIONS,
    VPC_ACTIONS,
)
from mlzone.guardrail import QUOTAS, control_policies
from mlzone.loading import load_estate
from mlzone.naming import Naming
from mlzone.persona import Persona
from mlzone.persona_policy import Surroundings, persona_statements
from mlzone_access import Policy, catalogue, lint

NAMING = Naming(prefix="aur")


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(Path(__file__).parents[2] / "organization")


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
            "train": train_statements(where, role_arn="arn:aws:iam::111111111111:role/r"),
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


_DEFINITION = "runs as a processing job, whose instance type is checked"
_SCHEDULE = "names a job definition, which is checked when it is made"
_CLOSED = "Ground Truth is closed to new customers and no part of the platform"

# What the guardrails leave out, by condition key, and why.
GUARDED_ELSEWHERE = {
    "sagemaker:VpcSubnets": {
        "sagemaker:CreateEndpointConfig": "its model has the network",
        "sagemaker:CreateMonitoringSchedule": _SCHEDULE,
    },
    "sagemaker:VolumeKmsKey": {
        "sagemaker:CreateLabelingJob": _CLOSED,
        "sagemaker:CreateMonitoringSchedule": _SCHEDULE,
    },
    "sagemaker:OutputKmsKey": {
        "sagemaker:CreateLabelingJob": _CLOSED,
        "sagemaker:CreateMonitoringSchedule": _SCHEDULE,
    },
    "sagemaker:InterContainerTrafficEncryption": {
        "sagemaker:CreateMonitoringSchedule": _SCHEDULE,
    },
    "sagemaker:NetworkIsolation": {
        "sagemaker:CreateEndpointConfig": "its model is isolated",
        "sagemaker:CreateMonitoringSchedule": _SCHEDULE,
    },
    "sagemaker:InstanceTypes": {
        "sagemaker:CreateDataQualityJobDefinition": _DEFINITION,
        "sagemaker:CreateDomain": "made by CloudFormation alone; spaces and apps are checked",
        "sagemaker:CreateModelBiasJobDefinition": _DEFINITION,
        "sagemaker:CreateModelExplainabilityJobDefinition": _DEFINITION,
        "sagemaker:CreateModelQualityJobDefinition": _DEFINITION,
        "sagemaker:CreateMonitoringSchedule": _SCHEDULE,
        "sagemaker:CreateUserProfile": "made by CloudFormation alone; spaces and apps are checked",
    },
}


@pytest.mark.parametrize(
    ("key", "denied"),
    [
        ("sagemaker:VpcSubnets", VPC_ACTIONS),
        ("sagemaker:VolumeKmsKey", VOLUME_KEY_ACTIONS),
        ("sagemaker:OutputKmsKey", OUTPUT_KEY_ACTIONS),
        ("sagemaker:InterContainerTrafficEncryption", TRAFFIC_ACTIONS),
        ("sagemaker:NetworkIsolation", ISOLATION_ACTIONS),
        ("sagemaker:InstanceTypes", INSTANCE_ACTIONS),
    ],
)
def test_NET_03_every_create_action_that_knows_a_key_is_denied_without_it(
    key: str, denied: tuple[str, ...]
):
    creating = {
        name
        for action in catalogue.actions_with_key(key)
        if (name := str(getattr(action, "name", action))).startswith("sagemaker:Create")
    }

    assert creating
    assert creating - set(denied) == set(GUARDED_ELSEWHERE[key])


@pytest.mark.parametrize("name", delivery_documents())
def test_policies_of_deliveries_name_what_exists(name: str):
    assert findings(delivery_documents()[name], name) == []
