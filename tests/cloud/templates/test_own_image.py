"""A project's own image: one layer more than its base, pushed through ECR's API, and run."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.conftest import DEV, REGION, Server
from tests.cloud.sagemaker import pushing

from mlzone_tools.services.model import template

TEMPLATES = Path(__file__).parents[3] / "pipeline_templates"
ANSWERS = {"business_unit": "retail-banking", "team": "credit-risk", "model": "car-value"}
BASE, OWN = "aur/tabular", "aur/retail-banking/car-value"
HOST = f"{DEV}.dkr.ecr.{REGION}.amazonaws.com"
APPEND = """
import boto3, pathlib, sys
from delivery import bundle, container, layer, parameter
code = bundle.code(parameter.parse(pathlib.Path("tests/delivery.json").read_text()))
try:
    print(container.append(
        boto3.Session(), base=sys.argv[1], target=sys.argv[2], added=layer.build(code)))
except parameter.BuildError as error:
    sys.exit(f"error: {error}")
"""

pytestmark = pytest.mark.cloud


class Project:
    """A rendered project, and a cloud whose registry has a base with a layer."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.ecr = server.client("ecr", account=DEV)
        for name in (BASE, OWN):
            self.ecr.create_repository(repositoryName=name)
        self.layer = {"opt/program/below.py": "# of the base\n" + "#" * 100_000}
        self.base = pushing.push(
            self.ecr,
            BASE,
            self.layer,
            entrypoint=["python3", "/opt/program/below.py"],
            environment=["PYTHONPATH=/opt/program", "LEVEL=low"],
        )

    def append(self, digest: str = "") -> subprocess.CompletedProcess[str]:
        """Make the project's image on a base."""
        keys = self.server.credentials[DEV]
        base = f"{HOST}/{BASE}@{digest or self.base}"
        return subprocess.run(
            [sys.executable, "-c", APPEND, base, f"{HOST}/{OWN}"],
            cwd=self.folder,
            env={
                **os.environ,
                "AWS_ENDPOINT_URL": self.server.url,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ACCESS_KEY_ID": keys["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            },
            capture_output=True,
            text=True,
            check=False,
        )

    def made(self, uri: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return manifest and configuration of an image."""
        (image,) = self.ecr.batch_get_image(
            repositoryName=OWN, imageIds=[{"imageDigest": uri.partition("@")[2]}]
        )["images"]
        manifest = json.loads(image["imageManifest"])
        return manifest, json.loads(self.blob(manifest["config"]["digest"]).read_bytes())

    def blob(self, digest: str) -> Path:
        """Return where the cloud keeps a blob."""
        return self.server.state_dir / "layers" / digest.removeprefix("sha256:")


@pytest.fixture(scope="module")
def project(
    start_server: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory
) -> Project:
    folder = tmp_path_factory.mktemp("model") / "project"
    template.render("custom-container", ANSWERS, folder, templates=TEMPLATES)
    return Project(start_server(tmp_path_factory.mktemp("cloud")), folder)


def test_MOD_09_the_same_commit_on_the_same_base_is_the_same_image(project: Project) -> None:
    one, other = project.append(), project.append()
    assert one.returncode == other.returncode == 0, one.stderr + other.stderr
    assert one.stdout == other.stdout
    assert one.stdout.startswith(f"{HOST}/{OWN}@sha256:")
    listed = project.ecr.describe_images(repositoryName=OWN)["imageDetails"]
    assert len(listed) == 1


def test_it_is_the_base_and_one_layer_with_a_program_of_its_own(project: Project) -> None:
    manifest, configuration = project.made(project.append().stdout.strip())

    below = pushing.archive(project.layer)
    assert manifest["layers"][0]["digest"] == pushing.digest_of(below)
    assert len(manifest["layers"]) == len(configuration["rootfs"]["diff_ids"]) == 2
    assert configuration["config"]["Entrypoint"] == ["python3", "/opt/project/main.py"]
    assert configuration["config"]["Env"] == [
        "PYTHONPATH=/opt/project:/opt/project/packages:/opt/program",
        "LEVEL=low",
    ]
    # The base's layer was copied, part by part.
    known = project.ecr.batch_check_layer_availability(
        repositoryName=OWN, layerDigests=[layer["digest"] for layer in manifest["layers"]]
    )
    assert [item["layerAvailability"] for item in known["layers"]] == ["AVAILABLE"] * 2


def test_a_base_that_is_not_there_is_named(project: Project) -> None:
    failed = project.append(digest="sha256:" + "0" * 64)
    assert failed.returncode == 1
    assert failed.stderr == f"error: image {HOST}/{BASE}@sha256:{'0' * 64} is not in the registry\n"


def test_a_layer_that_cannot_be_had_whole_stops_the_build(project: Project) -> None:
    files = {"opt/program/other.py": "#"}
    other = pushing.push(project.ecr, BASE, files, entrypoint=["python3"], tag="2")
    layer = pushing.digest_of(pushing.archive(files))
    project.blob(layer).write_bytes(b"others")

    failed = project.append(digest=other)

    assert failed.returncode == 1
    assert f"error: layer {layer} of {HOST}/{BASE} cannot be had" in failed.stderr
