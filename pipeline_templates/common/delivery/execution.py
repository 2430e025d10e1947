"""Runs the SageMaker pipeline and tells, step by step, what it does."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

from botocore.exceptions import ClientError

from delivery.parameter import BuildError

_PAUSE_SECONDS = 2.0
_TAIL = 30
_RUNNING = ("Executing", "Stopping")
_FAILED = ("Failed", "Stopped")
_MEANINGS = {
    "exit code: 137": "it was killed, most likely because it ran out of memory: let the platform "
    "team give the model a larger training.instance_type, or learn from less data",
    "MaxRuntime": "it ran longer than training.max_runtime_minutes of the estate allows",
}
"""What a sign in a reason means to who wrote the step."""
_GROUPS = {
    "ProcessingJob": "/aws/sagemaker/ProcessingJobs",
    "TrainingJob": "/aws/sagemaker/TrainingJobs",
}


def upsert(client: Any, delivery: dict[str, Any], definition: str) -> str:
    """Create the pipeline, or bring it up to date; return what was done."""
    name, role = delivery["pipeline"]["name"], delivery["pipeline"]["role_arn"]
    settings = {"PipelineName": name, "PipelineDefinition": definition, "RoleArn": role}
    tags = [{"Key": key, "Value": value} for key, value in sorted(delivery["tags"].items())]
    try:
        present = client.describe_pipeline(PipelineName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFound":
            raise
        client.create_pipeline(
            **settings,
            PipelineDescription=delivery["title"],
            Tags=tags,
            ClientRequestToken=uuid.uuid4().hex,
        )
        return "created"
    if (present["PipelineDefinition"], present["RoleArn"]) == (definition, role):
        return "unchanged"
    client.update_pipeline(**settings)
    client.add_tags(ResourceArn=present["PipelineArn"], Tags=tags)
    return "updated"


def start(client: Any, delivery: dict[str, Any], parameters: dict[str, str]) -> str:
    """Start the pipeline; return the execution's ARN.

    A build that begins again where its host went down follows the execution that it began.
    """
    build = os.environ.get("CODEBUILD_BUILD_ID")
    answer = client.start_pipeline_execution(
        PipelineName=delivery["pipeline"]["name"],
        PipelineParameters=[{"Name": key, "Value": value} for key, value in parameters.items()],
        ClientRequestToken=sha256(build.encode()).hexdigest() if build else uuid.uuid4().hex,
    )
    arn: str = answer["PipelineExecutionArn"]
    return arn


def follow(client: Any, arn: str, talk: Callable[[str], None], limit_seconds: float) -> str:
    """Wait for the end of an execution, telling each change; return its status.

    Raises:
        BuildError: it does not end in time; it is stopped.
    """
    began = time.monotonic()
    told: dict[str, str] = {}
    while True:
        status = client.describe_pipeline_execution(PipelineExecutionArn=arn)
        for step in reversed(list(steps(client, arn))):
            if told.get(step["StepName"]) != step["StepStatus"]:
                told[step["StepName"]] = step["StepStatus"]
                cached = " (cached)" * ("CacheHitResult" in step)
                elapsed = time.monotonic() - began
                talk(f"{elapsed:6.1f} s  {step['StepName']:<10} {step['StepStatus']}{cached}")
        if status["PipelineExecutionStatus"] not in _RUNNING:
            return str(status["PipelineExecutionStatus"])
        if time.monotonic() - began > limit_seconds:
            stop(client, arn)
            raise BuildError(f"the pipeline did not end within {limit_seconds:.0f} s; stopped it")
        time.sleep(_PAUSE_SECONDS)


def stop(client: Any, arn: str) -> None:
    """Stop an execution."""
    client.stop_pipeline_execution(PipelineExecutionArn=arn, ClientRequestToken=uuid.uuid4().hex)


def steps(client: Any, arn: str) -> Iterator[dict[str, Any]]:
    """Yield the steps of an execution, the newest first."""
    token: dict[str, str] = {}
    while True:
        page = client.list_pipeline_execution_steps(
            PipelineExecutionArn=arn, SortOrder="Descending", **token
        )
        yield from page["PipelineExecutionSteps"]
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def registered(client: Any, arn: str) -> str:
    """Return the ARN of the model package that an execution registered, or an empty text."""
    for step in steps(client, arn):
        made = step.get("Metadata", {}).get("RegisterModel", {}).get("Arn")
        if made:
            return str(made)
    return ""


def outputs(client: Any, arn: str) -> dict[str, str]:
    """Return where the steps of an execution left results: evaluation, baseline, model.

    A step that was taken from the cache left them at its first run.
    """
    found: dict[str, str] = {}
    for step in steps(client, arn):
        made = step.get("Metadata", {})
        if step["StepStatus"] != "Succeeded":
            continue
        if step["StepName"] == "Train" and "TrainingJob" in made:
            name = made["TrainingJob"]["Arn"].rpartition("/")[2]
            job = client.describe_training_job(TrainingJobName=name)
            found["model"] = job["ModelArtifacts"]["S3ModelArtifacts"]
        elif step["StepName"] in ("Evaluate", "Baseline") and "ProcessingJob" in made:
            name = made["ProcessingJob"]["Arn"].rpartition("/")[2]
            job = client.describe_processing_job(ProcessingJobName=name)
            for output in job["ProcessingOutputConfig"]["Outputs"]:
                found[output["OutputName"]] = output["S3Output"]["S3Uri"]
    return found


def reasons(client: Any, logs: Any, arn: str) -> list[str]:
    """Return why an execution failed: each failed step's reason, and the end of its log."""
    lines = []
    for step in steps(client, arn):
        if step["StepStatus"] not in _FAILED:
            continue
        reason = step.get("FailureReason", step["StepStatus"])
        lines.append(f"{step['StepName']}: {reason}")
        lines += [f"    {meaning}" for sign, meaning in _MEANINGS.items() if sign in reason]
        for kind, group in _GROUPS.items():
            job = step.get("Metadata", {}).get(kind, {}).get("Arn", "").rpartition("/")[2]
            lines += [f"    {line}" for line in _tail(logs, group, job)] if job else []
    if not lines:
        status = client.describe_pipeline_execution(PipelineExecutionArn=arn)
        lines.append(status.get("FailureReason", status["PipelineExecutionStatus"]))
    return lines


def _tail(logs: Any, group: str, job: str) -> list[str]:
    try:
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=f"{job}/")
        return [
            event["message"].rstrip()
            for stream in streams["logStreams"]
            for event in logs.get_log_events(
                logGroupName=group,
                logStreamName=stream["logStreamName"],
                limit=_TAIL,
                startFromHead=False,
            )["events"]
        ]
    except ClientError as error:
        return [f"(no log: {error})"]
