"""The stack with the pipelines of a unit, at a provider and in CodeCommit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from mlzone.estate import Estate
from mlzone_constructs.governance import Governance
from mlzone_stacks.environment_pipeline import EnvironmentPipelineStack
from mlzone_stacks.landing_zone import FEATURE_FLAGS

SHARED = "100000000002"


def stack_of(estate: Estate) -> dict[str, Any]:
    app = cdk.App(
        analytics_reporting=False,
        tree_metadata=False,
        stack_traces=False,
        builtin_cloud_formation_validation=False,
        context=FEATURE_FLAGS,
    )
    (unit,) = estate.units
    stack = EnvironmentPipelineStack(
        app,
        "stack",
        governance=replace(Governance(estate=estate), unit=unit),
        env=cdk.Environment(account=SHARED, region=estate.organization.home_region),
    )
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="session")
def github(estate: Estate) -> dict[str, Any]:
    """The sample's pipeline: its repository is at GitHub."""
    return stack_of(estate)


@pytest.fixture(scope="session")
def template(estate: Estate) -> dict[str, Any]:
    """The same where CodeCommit has the repository."""
    source = estate.organization.source.model_copy(
        update={"provider": "codecommit", "connection_arn": None, "owner": None}
    )
    organization = estate.organization.model_copy(update={"source": source})
    return stack_of(replace(estate, organization=organization))


@pytest.fixture(scope="session")
def named(resources) -> Callable[[dict[str, Any], str, str], dict[str, Any]]:
    """Return a function that gives the properties of the resource of a type that has a name."""

    def only(template: dict[str, Any], kind: str, name: str) -> dict[str, Any]:
        (found,) = (
            item["Properties"]
            for item in resources(template, kind)
            if item["Properties"]["Name"] == name
        )
        return dict(found)

    return only
