"""`mlzone demo` holds from the first step to the last."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> dict:
    output = tmp_path_factory.mktemp("demo")
    program = Path(sys.executable).with_name("mlzone")
    result = subprocess.run(
        [program, "demo", f"--port={free_port()}", f"--output={output}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:] + result.stdout
    assert "</html>" in (output / "report.html").read_text(encoding="utf-8")
    return json.loads((output / "report.json").read_text(encoding="utf-8"))


@pytest.mark.cdk
def test_every_step_holds(report: dict):
    assert report["passed"] is True
    assert {step["status"] for step in report["steps"]} == {"passed"}
    assert len(report["steps"]) == 10


@pytest.mark.cdk
def test_the_facts_name_real_things(report: dict):
    facts = {step["name"]: step["facts"] for step in report["steps"]}

    assert "VpcOnly" in facts["look"]["studio domain"]
    assert "ana-souza" in facts["look"]["profiles"]
    assert facts["approval"]["model package"].startswith("arn:aws:sagemaker:sa-east-1:1000")


@pytest.mark.cdk
def test_refusals_name_what_decided(report: dict):
    facts = {step["name"]: step["facts"] for step in report["steps"]}

    assert "explicit deny in a service control policy" in facts["guardrail"]["refused"]
    assert "explicit deny in a service control policy" in facts["self-approval"]["refused"]
    assert "no identity-based policy allows" in facts["isolation"]["refused"]
