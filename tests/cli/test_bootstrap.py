"""`mlzone cloud bootstrap` prepares accounts that the guardrails hold already, too."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import pytest

from mlzone.estate import Stage
from mlzone.loading import load_estate

ROOT = Path(__file__).parents[2]
ESTATE = ROOT / "organization" / "samples" / "minimal.yaml"

Run = Callable[..., dict]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def mlzone(tmp_path: Path) -> Iterator[Run]:
    """Runs a command with an embedded cloud of the test's own; returns its JSON."""

    def run(*arguments: str) -> dict:
        result = subprocess.run(
            [Path(sys.executable).with_name("mlzone"), *arguments, "--json"],
            cwd=ROOT,
            env={**os.environ, "MLZONE_STATE": str(tmp_path / "cloud")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr[-3000:]
        return json.loads(result.stdout)

    run("cloud", "up", f"--port={free_port()}", f"--estate={ESTATE}")
    yield run
    run("cloud", "down")


@pytest.mark.cdk
def test_IAM_01_every_role_of_the_bootstrap_carries_the_boundary(mlzone: Run):
    estate = load_estate(ESTATE)
    (unit,) = estate.units

    mlzone("cloud", "bootstrap", f"--unit={unit.name}", f"--estate={ESTATE}")

    account = unit.environments[Stage.PROD].account
    variables = mlzone("cloud", "env", f"--account={account}", f"--estate={ESTATE}")
    iam = boto3.client(
        "iam",
        region_name=variables["AWS_REGION"],
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=variables["AWS_SESSION_TOKEN"],
    )
    names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    roles = [
        iam.get_role(RoleName=name)["Role"] for name in names if name.startswith("cdk-hnb659fds-")
    ]
    assert len(roles) == 5
    for role in roles:
        boundary = role["PermissionsBoundary"]["PermissionsBoundaryArn"]
        assert boundary.endswith(f":policy/{estate.organization.prefix}-boundary"), role["RoleName"]
