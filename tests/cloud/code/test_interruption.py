"""Builds, pipelines and approvals survive the end of the process."""

import signal
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.code.conftest import approval, s3_source, stage, zipped
from tests.cloud.code.test_delivery import bucket, role, statement
from tests.cloud.code.test_pipelines import build
from tests.cloud.conftest import Server
from tests.cloud.waiting import eventually

pytestmark = pytest.mark.cloud

DEV = "111111111111"
SPEC = """
version: 0.2
phases: {{build: {{commands: ["echo begun >> {0}", "while [ ! -f {0}.go ]; do sleep 0.05; done"]}}}}
"""


def snapshot(server: Server) -> None:
    """Save now: a process that is killed may lose the last quarter of a second."""
    request = urllib.request.Request(f"{server.url}/_cloud/snapshot", method="POST")  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        assert answer.status == 200


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_pipeline_goes_on_after_a_restart(
    start_server: Callable[[Path], Server], tmp_path: Path, how: signal.Signals
) -> None:
    server = start_server(tmp_path / "cloud")
    mark = tmp_path / "mark"
    for name in ("artefacts", "sources"):
        bucket(server, name)
    s3 = server.client("s3", account=DEV)
    s3.put_bucket_versioning(Bucket="sources", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="sources", Key="source.zip", Body=zipped(a__txt="a"))
    everything = statement(["*"], "*")
    server.client("codebuild", account=DEV).create_project(
        name="p1",
        source={"type": "CODEPIPELINE", "buildspec": SPEC.format(mark)},
        artifacts={"type": "CODEPIPELINE"},
        environment={"type": "LINUX_CONTAINER", "image": "i", "computeType": "BUILD_LAMBDA_1GB"},
        serviceRole=role(server, "builder", "codebuild.amazonaws.com", everything),
    )
    server.client("codepipeline", account=DEV).create_pipeline(
        pipeline={
            "name": "pipe",
            "roleArn": role(server, "piper", "codepipeline.amazonaws.com", everything),
            "artifactStore": {"type": "S3", "location": "artefacts"},
            "stages": [s3_source(), stage("Build", build()), approval()],
        }
    )
    eventually(mark.exists)
    snapshot(server)

    server.stop(how)
    Path(f"{mark}.go").touch()
    server = start_server(tmp_path / "cloud")

    client = server.client("codepipeline", account=DEV)

    def asked() -> dict[str, Any]:
        stages = client.get_pipeline_state(name="pipe")["stageStates"]
        found: dict[str, Any] = stages[2]["actionStates"][0].get("latestExecution", {})
        return found

    eventually(lambda: "token" in asked())
    token = asked()["token"]
    builds = server.client("codebuild", account=DEV).list_builds()["ids"]
    snapshot(server)
    server.stop(how)
    server = start_server(tmp_path / "cloud")
    client = server.client("codepipeline", account=DEV)
    client.put_approval_result(
        pipelineName="pipe",
        stageName="Approve",
        actionName="Approve",
        result={"summary": "good", "status": "Approved"},
        token=token,
    )

    def status() -> str:
        listed = client.list_pipeline_executions(pipelineName="pipe")
        return str(listed["pipelineExecutionSummaries"][0]["status"])

    eventually(lambda: status() != "InProgress")
    assert status() == "Succeeded"
    assert len(builds) == 1
    assert mark.read_text(encoding="utf-8").splitlines() == ["begun", "begun"]
