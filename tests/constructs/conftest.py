"""Stacks of one model, built in process from a small estate that each test can change."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone_constructs.governance import Governance
from mlzone_stacks.landing_zone import FEATURE_FLAGS
from mlzone_stacks.platform import PlatformStack
from mlzone_stacks.registry import RegistryStack

SAMPLES = Path(__file__).parents[2] / "organization" / "samples"

Resources = dict[str, dict[str, Any]]
Build = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def estate() -> Estate:
    """Return the sample; tests of trials declare their own."""
    return with_settings(load_estate(SAMPLES / "complete.yaml"), serving={"trial": None})


@pytest.fixture(scope="session")
def build(estate: Estate) -> Build:
    """Return the template of a stack of the sample's one model, with other settings if given."""

    def template(stack: type[cdk.Stack], stage: Stage, **settings: Any) -> dict[str, Any]:
        return built(with_settings(estate, **settings), stack, stage)

    return template


def built(estate: Estate, stack: type[cdk.Stack], stage: Stage) -> dict[str, Any]:
    """Return the template of a stack of an estate's one model."""
    unit, team, model = next(estate.models())
    made = stack(
        _app(),
        "stack",
        governance=replace(Governance(estate=estate), unit=unit, stage=stage),
        team=team,
        model=model,
        env=cdk.Environment(
            account=unit.environments[stage].account, region=estate.region(unit, stage)
        ),
    )
    return dict(Template.from_stack(made).to_json())


@pytest.fixture(scope="session")
def platform(estate: Estate) -> dict[str, Any]:
    """Return the template of the sample's shared services."""
    stack = PlatformStack(
        _app(),
        "stack",
        governance=Governance(estate=estate),
        env=cdk.Environment(
            account=estate.organization.accounts.shared_services,
            region=estate.organization.home_region,
        ),
    )
    return dict(Template.from_stack(stack).to_json())


@pytest.fixture(scope="session")
def registry(estate: Estate) -> dict[str, Any]:
    """Return the template of the sample's one unit in the shared services."""
    accounts = estate.organization.accounts
    stack = RegistryStack(
        _app(),
        "stack",
        governance=Governance(estate=estate, unit=estate.units[0]),
        env=cdk.Environment(
            account=accounts.shared_services, region=estate.organization.home_region
        ),
    )
    return dict(Template.from_stack(stack).to_json())


def _app() -> cdk.App:
    return cdk.App(
        analytics_reporting=False,
        tree_metadata=False,
        stack_traces=False,
        builtin_cloud_formation_validation=False,
        context=FEATURE_FLAGS,
    )


def with_settings(
    estate: Estate,
    *,
    engine: str | None = None,
    source: dict[str, Any] | None = None,
    **settings: Any,
) -> Estate:
    """Return the estate with other settings of its model: `serving={"min_instances": 3}`."""
    (unit,) = estate.units
    (team,) = unit.teams
    (model,) = team.models
    changes = {
        name: getattr(model, name).model_copy(update=value) if isinstance(value, dict) else value
        for name, value in settings.items()
    }
    team = team.model_copy(update={"models": (model.model_copy(update=changes),)})
    organization = estate.organization
    if engine:
        monitoring = organization.monitoring.model_copy(update={"engine": engine})
        organization = organization.model_copy(update={"monitoring": monitoring})
    if source:
        place = organization.source.model_copy(update=source)
        organization = organization.model_copy(update={"source": place})
    return replace(
        estate,
        organization=organization,
        units=(unit.model_copy(update={"teams": (team,)}),),
    )


@pytest.fixture(scope="session")
def resources() -> Callable[[dict[str, Any], str], Iterator[dict[str, Any]]]:
    """Return a function that yields the resources of a type in a template."""

    def of_type(template: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
        return (item for item in template["Resources"].values() if item["Type"] == kind)

    return of_type


@pytest.fixture(scope="session")
def properties(resources) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    """Return a function that gives the properties of the only resource of a type."""

    def only(template: dict[str, Any], kind: str) -> dict[str, Any]:
        (resource,) = resources(template, kind)
        return dict(resource["Properties"])

    return only


@pytest.fixture(scope="session")
def statements(resources) -> Callable[[dict[str, Any], str], dict[str, dict[str, Any]]]:
    """Return a function that gives a role's statements by their name."""

    def of_role(template: dict[str, Any], role: str) -> dict[str, dict[str, Any]]:
        return {
            statement["Sid"]: statement
            for policy in resources(template, "AWS::IAM::Policy")
            if policy["Properties"]["PolicyName"].startswith(role)
            for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        }

    return of_role
