"""The cloud as a process of its own."""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.cloud

DEV = "111111111111"


def test_a_root_key_of_an_account_acts_in_that_account(cloud_server: Any) -> None:
    identity = cloud_server.client("sts", account=DEV).get_caller_identity()

    assert identity["Arn"] == f"arn:aws:iam::{DEV}:root"


def test_only_its_owner_may_read_the_endpoint_file(cloud_server: Any) -> None:
    mode = (cloud_server.state_dir / "endpoint.json").stat().st_mode

    assert mode & 0o077 == 0


def test_a_taken_port_is_told_with_the_way_out(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text(
        json.dumps(
            {
                "organization_id": "o-exampleorg1",
                "home_region": "us-east-1",
                "management": "100000000001",
                "accounts": [],
            }
        ),
        encoding="utf-8",
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "mlzone_cloud", "serve", "--port", port]
        ended = subprocess.run(
            [*command, "--state", str(tmp_path), "--seed", str(seed)],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    assert ended.returncode == 1
    assert f"port {port} is taken; choose another with --port" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_was_answered_survives_the_end_of_the_process(
    how: int, start_server: Callable[[Path], Any], tmp_path: Path
) -> None:
    first = start_server(tmp_path)
    for number in range(20):
        first.client("ssm", account=DEV).put_parameter(
            Name=f"/n/{number}", Value=str(number), Type="String"
        )
    first.client("s3", account=DEV).create_bucket(
        Bucket="kept", CreateBucketConfiguration={"LocationConstraint": "sa-east-1"}
    )
    first.client("s3", account=DEV).put_object(Bucket="kept", Key="k", Body=b"body")
    first.stop(how)

    second = start_server(tmp_path)

    names = second.client("ssm", account=DEV).get_parameters_by_path(Path="/n", Recursive=True)
    more = names.get("NextToken")
    found = len(names["Parameters"])
    if more:
        found += len(
            second.client("ssm", account=DEV).get_parameters_by_path(
                Path="/n", Recursive=True, NextToken=more
            )["Parameters"]
        )
    body = second.client("s3", account=DEV).get_object(Bucket="kept", Key="k")["Body"].read()
    assert found == 20
    assert body == b"body"
    assert second.credentials == first.credentials
