"""Runs again what made a version, and holds the result against it (MOD-08).

The jobs of the version's run are started once more as they were: the same image by digest, code
and data at the places that their hashes name, the same role and network. Only their outputs go
elsewhere. Nothing is registered.
"""

import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from mlzone.errors import ConfigError, DeploymentError
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model.lineage import JOBS, describe, job_arns
from mlzone_tools.services.model.registry import Version

_STEPS = ("Prepare", "Train", "Evaluate")
"""What decides a version's figures, in order; a model from elsewhere has no training."""
_PAUSE_SECONDS = 1.0
_LONGEST_NAME = 63
_ENDED = ("Completed", "Failed", "Stopped")


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A figure that came out otherwise."""

    name: str
    registered: str
    reproduced: str


@dataclass(frozen=True, kw_only=True)
class Reproduction:
    """What running again showed."""

    model: str
    version: int
    jobs: tuple[str, ...]
    """The jobs that ran."""
    compared: int
    """How many figures, and files of the model, were held against the version."""
    metrics: Mapping[str, float]
    """The numbers of the new evaluation."""
    differences: tuple[Difference, ...]

    @property
    def same(self) -> bool:
        """Whether everything came out as registered."""
        return not self.differences


def reproduce(
    dev: Session,
    registry: Session,
    item: Version,
    *,
    model_data: str,
    talk: Callable[[str], None],
) -> Reproduction:
    """Run a version's jobs again and compare.

    Args:
        dev: a session in the account that trained it, which may start jobs.
        registry: a session that may read the artefacts.
        item: the version.
        model_data: where its archive lies.
        talk: told of each job.

    Raises:
        ConfigError: its run is not known any more.
        DeploymentError: a job fails.
    """
    sagemaker = dev.client("sagemaker")
    again = _Again(sagemaker, f"{item.version}-{uuid.uuid4().hex[:8]}", talk)
    execution = item.metadata.get("pipeline_execution", "")
    for step in _steps(sagemaker, execution):
        again.run(step)
    s3 = registry.client("s3")
    summary = json.loads(_read(s3, f"{again.outputs['evaluation']}/summary.json"))
    found = {name: str(value) for name, value in summary["texts"].items()}
    expected = {name: item.metadata[name] for name in found if name in item.metadata}
    if again.artifact:
        expected |= _files(_read(s3, model_data))
        found |= _files(_read(s3, again.artifact))
    return Reproduction(
        model=item.model,
        version=item.version,
        jobs=tuple(again.jobs),
        compared=len(expected),
        metrics=summary["numbers"],
        differences=tuple(
            Difference(name=name, registered=value, reproduced=found.get(name, ""))
            for name, value in sorted(expected.items())
            if found.get(name) != value
        ),
    )


class _Again:
    """Starts jobs once more; what they write goes beside what the first ones wrote."""

    def __init__(self, sagemaker: Any, name: str, talk: Callable[[str], None]) -> None:
        self._sagemaker, self._name, self._talk = sagemaker, name, talk
        self._moved: dict[str, str] = {}
        """Where the new jobs write, by where the old ones wrote."""
        self.jobs: list[str] = []
        self.outputs: dict[str, str] = {}
        """Where outputs lie, by name."""
        self.artifact = ""
        """The archive that the training wrote."""

    def run(self, step: Mapping[str, Any]) -> None:
        ((kind, arn),) = job_arns(dict(step))
        old = describe(self._sagemaker, kind, arn.rpartition("/")[2])
        request = self._request(kind, old)
        name = f"{old[f'{kind}Name'][: _LONGEST_NAME - len(self._name) - 1]}-{self._name}"
        tags = self._sagemaker.list_tags(ResourceArn=arn)["Tags"]
        own = [tag for tag in tags if not tag["Key"].startswith("aws:")]
        operation = getattr(self._sagemaker, f"create_{JOBS[kind]}_job")
        operation(**{**request, f"{kind}Name": name, "Tags": own})
        self.jobs.append(name)
        self._talk(f"{step['StepName']}: {name}")
        new = self._ended(kind, name)
        if kind == "TrainingJob":
            self.artifact = new["ModelArtifacts"]["S3ModelArtifacts"]
            self._moved[old["ModelArtifacts"]["S3ModelArtifacts"]] = self.artifact

    def _request(self, kind: str, old: Mapping[str, Any]) -> dict[str, Any]:
        """Return a job's request: what its description says and a request can say."""
        service = self._sagemaker.meta.service_model
        members = service.operation_model(f"Create{kind}").input_shape.members
        request = {name: old[name] for name in members if name in old}
        request.pop("ExperimentConfig", None)
        if kind == "ProcessingJob":
            for output in request["ProcessingOutputConfig"]["Outputs"]:
                before = output["S3Output"]["S3Uri"]
                after = f"{before}-again-{self._name}"
                self._moved[before] = self.outputs[output["OutputName"]] = after
        moved: dict[str, Any] = _replaced(request, self._moved)
        return moved

    def _ended(self, kind: str, name: str) -> dict[str, Any]:
        while True:
            found = describe(self._sagemaker, kind, name)
            if found[f"{kind}Status"] in _ENDED:
                break
            time.sleep(_PAUSE_SECONDS)
        if found[f"{kind}Status"] != "Completed":
            reason = found.get("FailureReason", found[f"{kind}Status"])
            raise DeploymentError(f"{name}: {reason}")
        return found


def _steps(sagemaker: Any, execution: str) -> list[dict[str, Any]]:
    try:
        pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=execution, SortOrder="Ascending"
        )
        listed = [step for page in pages for step in page["PipelineExecutionSteps"]]
    except sagemaker.exceptions.ClientError as error:
        raise ConfigError(
            f"the run {execution or '(none)'} is not known: {error.response['Error']['Message']}",
            hint="SageMaker keeps runs; a version that another platform made has none",
        ) from error
    found = {step["StepName"]: step for step in listed}
    steps = [found[name] for name in _STEPS if name in found]
    if not steps or "Evaluate" not in found:
        raise ConfigError(
            f"the run {execution} evaluated nothing", hint="only versions of the templates can be"
        )
    return steps


def _replaced(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return moved.get(value, value)
    if isinstance(value, dict):
        return {name: _replaced(item, moved) for name, item in value.items()}
    return [_replaced(item, moved) for item in value] if isinstance(value, list) else value


def _read(s3: Any, uri: str) -> bytes:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    return body


def _files(archive: bytes) -> dict[str, str]:
    """Return the SHA-256 of each file of a model's archive; the archive itself has dates."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        return {
            f"model.tar.gz/{member.name.removeprefix('./')}": sha256(file.read()).hexdigest()
            for member in opened
            if member.isfile() and (file := opened.extractfile(member)) is not None
        }
