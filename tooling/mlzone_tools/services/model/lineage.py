"""From the data to the endpoint: what made a version, and where it serves (MOD-02)."""

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model.registry import Version

JOBS = {"ProcessingJob": "processing", "TrainingJob": "training"}
"""The steps that run jobs, each with the word in the operation that describes one."""
UPDATING = "Updating"
"""The status where a release goes on: the version before may answer still, or again."""
_CHANGING = (
    "CREATE_IN_PROGRESS",
    "ROLLBACK_IN_PROGRESS",
    "UPDATE_IN_PROGRESS",
    "UPDATE_ROLLBACK_IN_PROGRESS",
    "DELETE_IN_PROGRESS",
)
"""A stack's statuses while what serves may change; not that of a clean-up after it."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """What a version learned from."""

    sha256: str
    uri: str
    """Where it lies; empty if the run is not known any more."""
    zone: str
    """The team's data zone."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """One step of the run that made a version."""

    step: str
    status: str
    job: str
    """The job's name; empty for a step that runs none."""
    image: str
    """The job's image, by digest."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """The pipeline execution that made a version."""

    execution: str
    status: str
    commit: str
    author: str
    trigger: str
    mlflow_run: str
    """Its run in the team's MLflow App; empty where MLflow did not take it."""
    mlflow_app: str
    """The app's ARN, or an empty text."""
    jobs: tuple[Job, ...]


@dataclass(frozen=True, kw_only=True)
class Place:
    """An environment, and what serves there."""

    name: str
    version: int | None
    """The version whose release is deployed; None before the first."""
    release: str
    endpoint: str
    """The endpoint; of a model with daily batches their schedule."""
    status: str
    """The endpoint's status, `Scheduled`, `Updating` while a release goes on, or empty where
    nothing serves."""
    stopped: str
    """Who took the model out of service and why, or an empty text."""

    @property
    def serves(self) -> bool:
        """Whether the deployed version may serve."""
        return self.version is not None and not self.stopped


@dataclass(frozen=True, kw_only=True)
class Lineage:
    """Where a version comes from and where it is."""

    version: Version
    data: Data
    run: Run | None
    """None if SageMaker does not know the run any more."""
    environments: tuple[Place, ...]


def lineage(
    dev: Session, estate: Estate, item: Version, environments: tuple[Place, ...]
) -> Lineage:
    """Return the lineage of a version.

    Args:
        dev: a session in the account that trained it.
        estate: declares the model.
        item: the version.
        environments: what serves where, as `serving` finds it.
    """
    _, _, model = estate.model(item.model)
    sagemaker = dev.client("sagemaker")
    run = _run(sagemaker, item)
    uri = _data_uri(sagemaker, run) if run else ""
    return Lineage(
        version=item,
        data=Data(sha256=item.metadata.get("data_hash", ""), uri=uri, zone=model.data_zone),
        run=run,
        environments=environments,
    )


def serving(session: Session, estate: Estate, model: str, stage: Stage) -> Place:
    """Return what serves in an environment, as the model's stack there says.

    The stack names the new version from the start of an update, before the endpoint knows of it.

    Args:
        session: a session in the environment.
        estate: declares the model.
        model: `unit/model`.
        stage: the environment.
    """
    unit, _, chosen = estate.model(model)
    naming = Naming(prefix=estate.organization.prefix)
    stack = naming.serving_stack(unit.name, stage, chosen.name)
    parameters, settled = _deployed(session.client("cloudformation"), stack)
    number = parameters.get("ModelPackageArn", "").rpartition("/")[2]
    if chosen.serving.batch:
        endpoint = naming.schedule(unit.name, chosen.name, stage, "batch")
        status = "Scheduled" if number and not parameters.get("Stopped") else ""
    else:
        endpoint = naming.endpoint(unit.name, chosen.name, stage)
        status = _status(session.client("sagemaker"), endpoint)
    return Place(
        name=stage,
        version=int(number) if number else None,
        release=parameters.get("Release", ""),
        endpoint=endpoint,
        status=status if settled else UPDATING,
        stopped=parameters.get("Stopped", ""),
    )


def _deployed(cloudformation: Any, stack: str) -> tuple[dict[str, str], bool]:
    """Return a stack's parameters, and whether no change of its resources goes on."""
    try:
        (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    except ClientError as error:
        if "does not exist" in str(error):
            return {}, True
        raise
    parameters = found.get("Parameters", [])
    settled = found["StackStatus"] not in _CHANGING
    return {item["ParameterKey"]: item["ParameterValue"] for item in parameters}, settled


def _status(sagemaker: Any, endpoint: str) -> str:
    try:
        return str(sagemaker.describe_endpoint(EndpointName=endpoint)["EndpointStatus"])
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
            return ""
        raise


def _run(sagemaker: Any, item: Version) -> Run | None:
    arn = item.metadata.get("pipeline_execution", "")
    try:
        found = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )
        steps = [step for page in pages for step in page["PipelineExecutionSteps"]]
    except ClientError as error:
        if error.response["Error"]["Code"] in ("ValidationException", "ResourceNotFound"):
            return None
        raise
    return Run(
        execution=arn,
        status=found["PipelineExecutionStatus"],
        commit=item.metadata.get("commit", ""),
        author=item.author,
        trigger=item.metadata.get("trigger", ""),
        mlflow_run=tracked(item, "mlflow_run"),
        mlflow_app=tracked(item, "mlflow_app"),
        jobs=tuple(_job(sagemaker, step) for step in steps),
    )


def tracked(item: Version, name: str) -> str:
    """Return what a version says of its run in MLflow; builds without one write `none`."""
    found = item.metadata.get(name, "")
    return "" if found == "none" else found


def _job(sagemaker: Any, step: dict[str, Any]) -> Job:
    name, image = "", ""
    for kind, arn in job_arns(step):
        name = arn.rpartition("/")[2]
        image = _image(describe(sagemaker, kind, name))
    return Job(step=step["StepName"], status=step["StepStatus"], job=name, image=image)


def job_arns(step: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the job of a pipeline's step, by kind and ARN; none for a step that runs no job."""
    metadata = step.get("Metadata", {})
    return [(kind, metadata[kind]["Arn"]) for kind in JOBS if kind in metadata]


def describe(sagemaker: Any, kind: str, name: str) -> dict[str, Any]:
    """Return SageMaker's description of a job."""
    operation = getattr(sagemaker, f"describe_{JOBS[kind]}_job")
    found: dict[str, Any] = operation(**{f"{kind}Name": name})
    return found


def _image(job: dict[str, Any]) -> str:
    if "AppSpecification" in job:
        return str(job["AppSpecification"]["ImageUri"])
    return str(job["AlgorithmSpecification"]["TrainingImage"])


def _data_uri(sagemaker: Any, run: Run) -> str:
    """Return where the first step found the data."""
    first = next((item.job for item in run.jobs if item.job), "")
    job = describe(sagemaker, "ProcessingJob", first) if first else {}
    return next(
        (
            str(item["S3Input"]["S3Uri"])
            for item in job.get("ProcessingInputs", [])
            if item["InputName"] == "data"
        ),
        "",
    )
