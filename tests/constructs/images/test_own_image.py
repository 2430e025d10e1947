"""A model that brings an image: a repository of its own, and who may use it."""

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template
from tests.constructs.conftest import _app, with_settings

from mlzone.delivery_policy import Delivery, train_statements
from mlzone.estate import Estate, Stage
from mlzone.estate.model import Batch
from mlzone.image import IMAGES
from mlzone.service_policy import pull_images
from mlzone.surroundings import Surroundings
from mlzone_constructs.governance import Governance
from mlzone_stacks.registry import RegistryStack
from mlzone_stacks.serving import ServingStack

SHARED, DEV = "100000000002", "111111111111"
REPOSITORIES = f"arn:aws:ecr:sa-east-1:{SHARED}:repository"


@pytest.fixture(scope="module")
def own(estate: Estate) -> Estate:
    return with_settings(estate, template="custom-container")


@pytest.fixture(scope="module")
def repository(own: Estate) -> dict[str, Any]:
    """The repository that the unit's part of the shared services has for the model."""
    stack = RegistryStack(
        _app(),
        "stack",
        governance=Governance(estate=own, unit=own.units[0]),
        env=cdk.Environment(account=SHARED, region="sa-east-1"),
    )
    (found,) = Template.from_stack(stack).find_resources("AWS::ECR::Repository").values()
    return dict(found)


def text(value: Any) -> str:
    """Return a value of a template with the partition filled in."""
    if isinstance(value, dict) and "Fn::Join" in value:
        return "".join(part if isinstance(part, str) else "aws" for part in value["Fn::Join"][1])
    return str(value)


def test_MOD_09_versions_of_an_own_image_are_written_once_and_scanned(repository):
    properties = repository["Properties"]
    assert properties["RepositoryName"] == "cmp/retail/credit-default"
    assert properties["ImageTagMutability"] == "IMMUTABLE"
    assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
    assert properties["EncryptionConfiguration"]["EncryptionType"] == "KMS"
    assert '"tagStatus":"untagged"' in properties["LifecyclePolicy"]["LifecyclePolicyText"]
    assert repository["DeletionPolicy"] == "RetainExceptOnCreate"


def test_IAM_06_the_units_accounts_pull_and_the_models_build_alone_pushes(repository, own: Estate):
    pulls, pushes = repository["Properties"]["RepositoryPolicyText"]["Statement"]

    accounts = [own.units[0].environments[stage].account for stage in Stage]
    assert [text(item).split(":")[4] for item in pulls["Principal"]["AWS"]] == accounts
    assert not any("Put" in action or "Upload" in action for action in pulls["Action"])
    assert "ecr:PutImage" in pushes["Action"]
    (role,) = pushes["Condition"]["ArnEquals"].values()
    assert text(role).endswith("role/mlzone/cmp-retail-credit-default-dev-build"), role


def test_a_model_without_an_image_of_its_own_has_no_repository(registry, resources):
    assert list(resources(registry, "AWS::ECR::Repository")) == []


def surroundings(own: Estate) -> Surroundings:
    naming = Governance(estate=own).naming
    return Surroundings(
        naming=naming,
        partition="aws",
        account=DEV,
        region="sa-east-1",
        shared_services=SHARED,
        home_region="sa-east-1",
        title="",
        unit="retail",
        stage=Stage.DEV,
    )


@pytest.mark.parametrize("brings", [True, False])
def test_IAM_03_a_build_pushes_to_its_models_repository_alone(own: Estate, brings: bool):
    delivery = Delivery(
        surroundings=surroundings(own), model="cars", pipeline="p", own_image=brings
    )
    pushed = [
        item["Resource"]
        for item in train_statements(delivery, role_arn="role", app_arn="app")
        if "ecr:PutImage" in item["Action"]
    ]
    assert pushed == ([[f"{REPOSITORIES}/cmp/retail/cars"]] if brings else [])


def test_IAM_03_roles_pull_the_platforms_images_and_those_of_their_own_models(own: Estate):
    platforms = [f"{REPOSITORIES}/cmp/{image}" for image in IMAGES]
    pull, _ = pull_images(surroundings(own))
    assert pull["Resource"] == platforms
    pull, _ = pull_images(surroundings(own), "cars")
    assert pull["Resource"] == [*platforms, f"{REPOSITORIES}/cmp/retail/cars"]


@pytest.mark.parametrize("serving", [{}, {"batch": Batch(hour=3)}], ids=["endpoint", "batch"])
def test_IAM_03_what_serves_a_model_pulls_its_image(build, serving):
    template = build(ServingStack, Stage.PROD, template="custom-container", serving=serving)
    assert "repository/cmp/retail/credit-default" in str(template)
    other = build(ServingStack, Stage.PROD, serving=serving)
    assert "repository/cmp/retail/credit-default" not in str(other)
