"""Roles, repositories and builds for tests of the Code services."""

import io
import json
import time
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest
from tests.cloud.core.acting import make_role, statement

from mlzone_cloud.cloud import Cloud

DEV, REGION = "111111111111", "sa-east-1"
IMAGE = "aws/codebuild/standard:7.0"
_SECONDS = 60


def service_trust(service: str) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": [service]},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    )


def zipped(**files: str) -> bytes:
    """Return a zip archive; `__` in a name stands for a dot."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "."), text)
    return buffer.getvalue()


def unzipped(body: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@dataclass
class CodeBuild:
    """Makes projects and waits for builds."""

    cloud: Cloud

    def client(self, service: str = "codebuild") -> Any:
        return self.cloud.client(service, account=DEV, region=REGION)

    def role(self, name: str, *statements: Any) -> str:
        """Make a role for builds that may write logs, and what is said."""
        writing = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]
        return make_role(
            self.cloud,
            DEV,
            name,
            statement("Allow", writing),
            *statements,
            trusts=service_trust("codebuild.amazonaws.com"),
        )

    def project(self, buildspec: str, *, role: str = "", name: str = "p1", **more: Any) -> None:
        given: dict[str, Any] = {
            "source": {"type": "NO_SOURCE", "buildspec": buildspec},
            "artifacts": {"type": "NO_ARTIFACTS"},
            "environment": {
                "type": "LINUX_CONTAINER",
                "image": IMAGE,
                "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": role or self.role(f"{name}-role"),
        }
        self.client().create_project(name=name, **{**given, **more})

    def start(self, name: str = "p1", **more: Any) -> str:
        build_id: str = self.client().start_build(projectName=name, **more)["build"]["id"]
        return build_id

    def get(self, build_id: str) -> dict[str, Any]:
        build: dict[str, Any] = self.client().batch_get_builds(ids=[build_id])["builds"][0]
        return build

    def reach(self, build_id: str, phase: str) -> None:
        """Wait until a build is in a phase."""
        deadline = time.monotonic() + _SECONDS
        while self.get(build_id)["currentPhase"] != phase:
            assert time.monotonic() < deadline, self.get(build_id)
            time.sleep(0.02)

    def wait(self, build_id: str) -> dict[str, Any]:
        deadline = time.monotonic() + _SECONDS
        while time.monotonic() < deadline:
            build = self.get(build_id)
            if build["buildComplete"]:
                return build
            time.sleep(0.02)
        raise AssertionError(f"still {build['currentPhase']}: {self.cloud.statistics.errors}")

    def run(self, name: str = "p1", **more: Any) -> dict[str, Any]:
        return self.wait(self.start(name, **more))

    def log(self, build: dict[str, Any]) -> list[str]:
        where = build["logs"]
        events = self.client("logs").get_log_events(
            logGroupName=where["groupName"], logStreamName=where["streamName"]
        )["events"]
        return [event["message"] for event in events]


def failed_phase(build: dict[str, Any]) -> tuple[str, str]:
    """Return the phase that failed, and why."""
    phase = next(
        item for item in build["phases"] if item.get("phaseStatus", "SUCCEEDED") != "SUCCEEDED"
    )
    return phase["phaseType"], phase["contexts"][0]["message"]


@pytest.fixture
def codebuild(cloud: Cloud) -> CodeBuild:
    return CodeBuild(cloud)


__all__ = ["DEV", "IMAGE", "REGION", "make_role", "statement"]
