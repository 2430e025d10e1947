"""Delivery stacks of the sample's model, from a CodeCommit repository unless a test says else."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mlzone.estate import Stage
from mlzone_stacks.delivery import DeliveryStack

CODECOMMIT = {"provider": "codecommit", "connection_arn": None, "owner": None}


@pytest.fixture(scope="session")
def deliver(build) -> Callable[..., dict[str, Any]]:
    def template(stage: Stage, **settings: Any) -> dict[str, Any]:
        return build(DeliveryStack, stage, **{"source": CODECOMMIT, **settings})

    return template


@pytest.fixture(scope="session")
def development(deliver) -> dict[str, Any]:
    return deliver(Stage.DEV)


@pytest.fixture(scope="session")
def staging(deliver) -> dict[str, Any]:
    return deliver(Stage.STAGING)


@pytest.fixture(scope="session")
def production(deliver) -> dict[str, Any]:
    return deliver(Stage.PROD)


@pytest.fixture(scope="session")
def everywhere(development, staging, production) -> tuple[dict[str, Any], ...]:
    return development, staging, production


@pytest.fixture(scope="session")
def stages(properties) -> Callable[[dict[str, Any]], dict[str, list[dict[str, Any]]]]:
    """Return a function that gives a pipeline's actions by stage."""

    def of_pipeline(template: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
        pipeline = properties(template, "AWS::CodePipeline::Pipeline")
        return {stage["Name"]: stage["Actions"] for stage in pipeline["Stages"]}

    return of_pipeline


@pytest.fixture(scope="session")
def environment(resources) -> Callable[[dict[str, Any], str], dict[str, str]]:
    """Return a function that gives the settings of a project or a function, by its name's end."""

    def of(template: dict[str, Any], ending: str) -> dict[str, str]:
        for item in resources(template, "AWS::CodeBuild::Project"):
            if item["Properties"]["Name"].endswith(f"-{ending}"):
                variables = item["Properties"]["Environment"]["EnvironmentVariables"]
                return {variable["Name"]: variable["Value"] for variable in variables}
        for item in resources(template, "AWS::Lambda::Function"):
            if item["Properties"]["FunctionName"].endswith(f"-{ending}"):
                return dict(item["Properties"]["Environment"]["Variables"])
        raise AssertionError(f"nothing ends with {ending}")

    return of


@pytest.fixture(scope="session")
def rule(resources) -> Callable[[dict[str, Any], str], dict[str, Any]]:
    """Return a function that gives a rule by the end of its name."""

    def of(template: dict[str, Any], ending: str) -> dict[str, Any]:
        (found,) = (
            item["Properties"]
            for item in resources(template, "AWS::Events::Rule")
            if item["Properties"]["Name"].endswith(f"-{ending}")
        )
        return dict(found)

    return of


@pytest.fixture(scope="session")
def document(properties) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Return a function that reads the delivery parameter, `…` for what deployments fill in."""

    def of(template: dict[str, Any]) -> dict[str, Any]:
        value = properties(template, "AWS::SSM::Parameter")["Value"]
        parts = value["Fn::Join"][1]
        return dict(json.loads("".join(part if isinstance(part, str) else "…" for part in parts)))

    return of
