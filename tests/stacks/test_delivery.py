"""Delivery over the whole estate: every model has its way, and the platform lets it through."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone.naming import Naming

NAMING = Naming(prefix="aur")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(ROOT / "organization")


@pytest.fixture(scope="module")
def deliveries(estate, templates) -> dict[tuple[str, str, Stage], dict[str, Any]]:
    return {
        (unit.name, model.name, stage): templates[
            NAMING.delivery_stack(unit.name, stage, model.name)
        ]
        for unit, _, model in estate.models()
        for stage in Stage
    }


def of_type(template: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    return (item["Properties"] for item in template["Resources"].values() if item["Type"] == kind)


def role_names(template: dict[str, Any]) -> list[str]:
    return [role["RoleName"] for role in of_type(template, "AWS::IAM::Role")]


def test_every_model_has_a_delivery_in_every_environment(deliveries):
    assert len(deliveries) == 10 * 3


def test_deliveries_come_after_what_they_update(assembly: Path, deliveries):
    """A promotion updates stacks, and a repository is encrypted with a key, that must be there."""
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    for unit, model, stage in deliveries:
        needed = manifest[NAMING.delivery_stack(unit, stage, model)]["dependencies"]
        if stage is Stage.DEV:
            assert any("-team-" in name for name in needed)
        else:
            assert NAMING.monitoring_stack(unit, stage, model) in needed


def test_names_of_roles_differ_within_an_account(templates):
    for account in ("dev", "staging", "prod"):
        for unit in ("retail-banking", "corporate-banking", "insurance"):
            names = [
                name
                for stack, template in templates.items()
                if stack.startswith(f"aur-{unit}-{account}-")
                for name in role_names(template)
            ]
            assert len(names) == len(set(names))


def registry_statement(templates, sid: str) -> list[str]:
    """Return the principals that a statement of the artefact buckets' policies names."""
    return [
        arn
        for stack, template in templates.items()
        if stack.endswith("-registry")
        for policy in of_type(template, "AWS::S3::BucketPolicy")
        for statement in policy["PolicyDocument"]["Statement"]
        if statement.get("Sid", "").endswith(sid)
        for arn in statement["Condition"]["ArnLike"]["aws:PrincipalArn"]
    ]


@pytest.mark.parametrize(
    ("sid", "purpose", "stages"),
    [("Releases", "release", (Stage.STAGING, Stage.PROD)), ("Trains", "build", (Stage.DEV,))],
)
def test_the_artefact_bucket_lets_in_who_trains_and_who_releases(
    estate, templates, deliveries, sid, purpose, stages
):
    allowed = [
        re.compile(re.escape(arn).replace(r"\*", "[^/]*"))
        for arn in registry_statement(templates, sid)
    ]
    for (unit, model, stage), template in deliveries.items():
        if stage not in stages:
            continue
        name = NAMING.service_role(unit, model, stage, purpose)
        account = estate.unit(unit).environments[stage].account
        assert name in role_names(template)
        arn = f"arn:aws:iam::{account}:role/mlzone/{name}"
        assert any(pattern.fullmatch(arn) for pattern in allowed), arn


def test_DEP_02_the_tiers_of_the_estate_decide_where_production_asks(estate, deliveries):
    asking = {
        model.name
        for unit, _, model in estate.models()
        for pipeline in of_type(
            deliveries[unit.name, model.name, Stage.PROD], "AWS::CodePipeline::Pipeline"
        )
        if "Approve" in [stage["Name"] for stage in pipeline["Stages"]]
    }

    assert asking == {model.name for _, _, model in estate.models() if model.risk_tier < 3}


def test_ENC_01_every_environment_has_a_bucket_for_its_pipelines(estate, templates):
    for unit in estate.units:
        for stage in Stage:
            account = unit.environments[stage].account
            names = [
                bucket.get("BucketName")
                for bucket in of_type(
                    templates[NAMING.foundation_stack(unit.name, stage)], "AWS::S3::Bucket"
                )
            ]
            assert NAMING.pipeline_bucket(unit.name, account) in names


def test_nothing_of_a_commit_is_built_outside_development(deliveries):
    for (_, _, stage), template in deliveries.items():
        specs = {
            item["Source"]["BuildSpec"] for item in of_type(template, "AWS::CodeBuild::Project")
        }
        if stage is Stage.DEV:
            assert specs == {"buildspec-test.yml", "buildspec-train.yml"}
        else:
            assert all("mlzone_runtime.release" in spec for spec in specs)
