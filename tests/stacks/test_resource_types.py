"""The embedded cloud makes every resource type of the example estate through a validated path."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from mlzone_cloud.cfn.coverage import unvalidated


@pytest.fixture(scope="module")
def types(assembly: Path, templates: dict[str, Any]) -> dict[str, dict[str, set[str]]]:
    """Return by Region and resource type the stacks that have it."""
    artifacts = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for stack, template in templates.items():
        region = artifacts[stack]["environment"].rpartition("/")[2]
        for resource in template["Resources"].values():
            found[region][resource["Type"]].add(stack)
    return found


def test_every_resource_type_is_known_and_has_an_api_behind_it(types):
    gaps = {
        f"{name} in {region}": sorted(stacks[name])
        for region, stacks in types.items()
        for name in unvalidated(set(stacks), region)
    }

    assert gaps == {}


def test_the_types_are_those_of_the_whole_estate(types):
    """A stack of each kind was looked at: one type that only it has."""
    assert {
        "AWS::Organizations::Policy",
        "AWS::EC2::VPCEndpoint",
        "AWS::SageMaker::Domain",
        "AWS::SageMaker::ModelPackageGroup",
        "AWS::SageMaker::EndpointConfig",
        "AWS::SageMaker::MonitoringSchedule",
        "AWS::CodePipeline::Pipeline",
    } <= set().union(*types.values())
