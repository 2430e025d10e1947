"""The platform's images: who may pull them, and that builds make each version once."""

import json
import subprocess
from pathlib import Path

import pytest

from mlzone.image import IMAGES, VERSIONS, image_uri
from mlzone.naming import Naming

ROOT = Path(__file__).parents[3]
PROJECT = "AWS::CodeBuild::Project"


@pytest.fixture(scope="module")
def variables(platform, resources) -> dict[str, dict[str, str]]:
    """The settings of each build, by its image."""
    found = {}
    for project in resources(platform, PROJECT):
        listed = project["Properties"]["Environment"]["EnvironmentVariables"]
        settings = {item["Name"]: item["Value"] for item in listed}
        found[settings["IMAGE"]] = settings
    return found


def test_MOD_09_versions_are_written_once_and_scanned(platform, resources):
    repositories = list(resources(platform, "AWS::ECR::Repository"))

    assert len(repositories) == len(IMAGES)
    for repository in repositories:
        properties = repository["Properties"]
        assert properties["ImageTagMutability"] == "IMMUTABLE"
        assert properties["ImageScanningConfiguration"] == {"ScanOnPush": True}
        assert properties["EncryptionConfiguration"]["EncryptionType"] == "KMS"


def test_IAM_06_accounts_of_the_organization_pull_and_nobody_else(platform, resources):
    for repository in resources(platform, "AWS::ECR::Repository"):
        (statement,) = repository["Properties"]["RepositoryPolicyText"]["Statement"]
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalOrgID": "o-complete1234"}}
        assert not any("Put" in action or "Upload" in action for action in statement["Action"])


def test_what_is_built_is_what_the_platform_uses(variables):
    assert set(variables) == set(IMAGES)
    for image, settings in variables.items():
        uri = image_uri(Naming(prefix="cmp"), "100000000002", "sa-east-1", image)
        assert uri == "{REGISTRY}/{REPOSITORY}:{VERSION}".format(**settings)
        assert settings["VERSION"] == VERSIONS[image]


def test_every_image_has_a_recipe():
    for image in IMAGES:
        assert (ROOT / "runtime" / "images" / image / "Dockerfile").is_file()


def test_IAM_03_a_build_pushes_its_own_image_alone(platform, statements):
    repositories = set()
    for image in IMAGES:
        push = statements(platform, f"ImagesRole{image}")["Push"]
        assert "ecr:PutImage" in push["Action"]
        repositories.add(json.dumps(push["Resource"]))
    assert len(repositories) == len(IMAGES)


def test_MOD_09_builds_start_when_the_platform_has_changed(platform, resources):
    (rule,) = (
        item["Properties"]
        for item in resources(platform, "AWS::Events::Rule")
        if item["Properties"]["Name"] == "cmp-platform-images"
    )

    assert rule["EventPattern"]["detail"]["stack-id"] == [
        {"prefix": "arn:aws:cloudformation:sa-east-1:100000000002:stack/stack/"}
    ]
    assert len(rule["Targets"]) == len(IMAGES)


def test_MOD_09_a_version_that_is_there_is_not_built_again(platform, resources, tmp_path: Path):
    project = next(iter(resources(platform, PROJECT)))
    (command,) = json.loads(project["Properties"]["Source"]["BuildSpec"])["phases"]["build"][
        "commands"
    ]
    for tool in ("aws", "docker"):
        script = tmp_path / tool
        script.write_text(f'#!/bin/sh\necho "{tool} $*" >> "$CALLS"\n')
        script.chmod(0o755)
    calls = tmp_path / "calls"
    settings = {"REPOSITORY": "r", "VERSION": "1", "CALLS": str(calls)}

    run = subprocess.run(
        ["/bin/bash", "-c", command],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **settings},
        check=True,
        capture_output=True,
        text=True,
    )

    assert run.stdout == "r:1 is there already\n"
    assert calls.read_text().startswith("aws ecr describe-images --repository-name r")
    assert "docker" not in calls.read_text()
