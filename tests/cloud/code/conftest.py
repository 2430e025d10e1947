"""Roles, repositories and builds for tests of the Code services."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from tests.cloud.core.acting import make_role, statement
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud

DEV, REGION = "111111111111", "sa-east-1"
IMAGE = "aws/codebuild/standard:7.0"


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
        self.until(lambda: self.get(build_id)["currentPhase"] == phase)

    def wait(self, build_id: str) -> dict[str, Any]:
        self.until(lambda: self.get(build_id)["buildComplete"])
        return self.get(build_id)

    def until(self, holds: Callable[[], Any]) -> None:
        eventually(holds, cloud=self.cloud)

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


@dataclass
class CodePipeline:
    """Makes pipelines and waits for executions."""

    cloud: Cloud

    def client(self, service: str = "codepipeline") -> Any:
        return self.cloud.client(service, account=DEV, region=REGION)

    def role(self, name: str, *statements: Any) -> str:
        trusts = service_trust("codepipeline.amazonaws.com")
        return make_role(self.cloud, DEV, name, *statements, trusts=trusts)

    def bucket(self, name: str) -> str:
        """Make a versioned bucket."""
        where = {"LocationConstraint": REGION}
        self.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration=where)
        self.client("s3").put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"}
        )
        return name

    def create(self, *stages: Any, role: str, name: str = "pipe", **more: Any) -> str:
        """Make a pipeline; return the execution that its making starts, if it does."""
        self.client().create_pipeline(
            pipeline={
                "name": name,
                "roleArn": role,
                "artifactStore": {"type": "S3", "location": "artefacts"},
                "pipelineType": "V2",
                "executionMode": "QUEUED",
                "stages": list(stages),
                **more,
            }
        )
        started = self.executions(name)
        return str(started[0]["pipelineExecutionId"]) if started else ""

    def start(self, name: str = "pipe", **variables: str) -> str:
        given = [{"name": key, "value": value} for key, value in variables.items()]
        more = {"variables": given} if given else {}
        answer = self.client().start_pipeline_execution(name=name, **more)
        return str(answer["pipelineExecutionId"])

    def executions(self, name: str = "pipe") -> list[dict[str, Any]]:
        found = self.client().list_pipeline_executions(pipelineName=name)
        summaries: list[dict[str, Any]] = found["pipelineExecutionSummaries"]
        return summaries

    def status(self, execution_id: str, name: str = "pipe") -> str:
        found = self.client().get_pipeline_execution(
            pipelineName=name, pipelineExecutionId=execution_id
        )
        return str(found["pipelineExecution"]["status"])

    def wait(self, execution_id: str, name: str = "pipe") -> str:
        """Wait until an execution has ended; return its status."""
        self.until(lambda: self.status(execution_id, name) not in ("InProgress", "Stopping"))
        return self.status(execution_id, name)

    def until(self, holds: Callable[[], Any]) -> None:
        eventually(holds, cloud=self.cloud)

    def actions(self, execution_id: str, name: str = "pipe") -> dict[str, dict[str, Any]]:
        """Return the latest execution of each action, by name."""
        details = self.client().list_action_executions(
            pipelineName=name, filter={"pipelineExecutionId": execution_id}
        )["actionExecutionDetails"]
        return {detail["actionName"]: detail for detail in reversed(details)}

    def error(self, execution_id: str, action: str, name: str = "pipe") -> dict[str, str]:
        result = self.actions(execution_id, name)[action]["output"]["executionResult"]
        error: dict[str, str] = result["errorDetails"]
        return error

    def state(self, action: str, name: str = "pipe") -> dict[str, Any]:
        """Return the latest execution of an action as GetPipelineState shows it."""
        for stage in self.client().get_pipeline_state(name=name)["stageStates"]:
            for item in stage["actionStates"]:
                if item["actionName"] == action:
                    latest: dict[str, Any] = item.get("latestExecution", {})
                    return latest
        raise AssertionError(action)

    def decide(self, status: str, summary: str = "fine", name: str = "pipe") -> None:
        """Wait until somebody is asked to approve, and answer."""
        self.until(lambda: "token" in self.state("Approve", name))
        self.client().put_approval_result(
            pipelineName=name,
            stageName="Approve",
            actionName="Approve",
            result={"status": status, "summary": summary},
            token=self.state("Approve", name)["token"],
        )


def action(
    name: str, category: str, provider: str, configuration: dict[str, str], **more: Any
) -> dict[str, Any]:
    kind = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    inputs = [{"name": item} for item in more.pop("inputs", ())]
    outputs = [{"name": item} for item in more.pop("outputs", ())]
    return {
        "name": name,
        "actionTypeId": kind,
        "configuration": configuration,
        "inputArtifacts": inputs,
        "outputArtifacts": outputs,
        **more,
    }


def stage(name: str, *actions: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "actions": list(actions), **more}


def s3_source(**more: Any) -> dict[str, Any]:
    """A stage that takes `source.zip` from the bucket `sources`."""
    where = {"S3Bucket": "sources", "S3ObjectKey": "source.zip", "PollForSourceChanges": "false"}
    return stage("Source", action("Source", "Source", "S3", where, outputs=["src"], **more))


def approval(**configuration: str) -> dict[str, Any]:
    return stage("Approve", action("Approve", "Approval", "Manual", configuration))


@pytest.fixture
def codepipeline(cloud: Cloud) -> CodePipeline:
    made = CodePipeline(cloud)
    made.bucket("artefacts")
    made.bucket("sources")
    made.client("s3").put_object(Bucket="sources", Key="source.zip", Body=zipped(in__txt="abc"))
    return made


@pytest.fixture
def codebuild(cloud: Cloud) -> CodeBuild:
    return CodeBuild(cloud)


__all__ = ["DEV", "IMAGE", "REGION", "make_role", "statement"]
