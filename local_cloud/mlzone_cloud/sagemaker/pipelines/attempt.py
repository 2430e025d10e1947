"""One attempt at one step: resolves its arguments and calls what it stands for, as its role."""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore import xform_name
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from mlzone_cloud.errors import ApiError
from mlzone_cloud.sagemaker.pipelines import condition, step_cache
from mlzone_cloud.sagemaker.pipelines.coercion import fitted
from mlzone_cloud.sagemaker.pipelines.definition import Definition, Step
from mlzone_cloud.sagemaker.pipelines.expression import (
    ExpressionError,
    Scope,
    as_text,
    at_path,
    resolve,
)
from mlzone_cloud.sagemaker.pipelines.job_step import JOBS, JobKind
from mlzone_cloud.sagemaker.pipelines.record import EXECUTING, Key, Record, executions
from mlzone_cloud.sagemaker.pipelines.retry import kind_of_error
from mlzone_cloud.sagemaker.registry_event import plain

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_LONGEST_NAME = 63
_SUFFIX = 10
Done = tuple[dict[str, Any], dict[str, Any]]
"""A step's properties and its metadata."""


class StepError(Exception):
    """A step failed; `kind` is the exception type of retry policies, if it is one."""

    def __init__(self, message: str, kind: str = "", metadata: Record | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.metadata = metadata or {}


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What an attempt began: a job, a call that waits, or nothing, because it is done."""

    job: str = ""
    call: Callable[[], Done] | None = None
    properties: Record = field(default_factory=dict)
    metadata: Record = field(default_factory=dict)


class Attempt:
    """An attempt at a step of an execution."""

    def __init__(
        self,
        cloud: "Cloud",
        key: Key,
        execution: Record,
        definition: Definition,
        step: Step,
    ) -> None:
        self._cloud = cloud
        self._account, self._region, self._id = key
        self._execution = execution
        self._definition = definition
        self._step = step
        self._run: Record = execution["Steps"][step.name]
        self._name = self._new_name()

    def begin(self, tell: Callable[[str], None]) -> Begun:
        """Do what the step says, or begin it.

        Args:
            tell: told the step's status once something runs.

        Raises:
            StepError: it failed.
        """
        handlers: Mapping[str, Callable[[], Begun]] = {
            "Condition": self._decide,
            "Fail": self._fail,
            "Lambda": self._call_function,
            "Model": self._create_model,
            "RegisterModel": self._register,
        }
        try:
            if self._step.type in JOBS:
                return self._begin_job(JOBS[self._step.type], tell)
            handler = handlers.get(self._step.type)
            if handler is None:
                what = f"pipeline steps of type {self._step.type}"
                self._cloud.statistics.not_implemented[f"sagemaker:{what}"] += 1
                raise StepError(f"NotImplemented: the embedded cloud does not emulate {what}")
            return handler()
        except (ExpressionError, BotoCoreError, ApiError) as error:
            raise StepError(f"ClientError: {error}") from error
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StepError(
                f"ClientError: the step's arguments are malformed: {error!r}"
            ) from error

    # --- kinds of steps -----------------------------------------------------------------------

    def _begin_job(self, kind: JobKind, tell: Callable[[str], None]) -> Begun:
        arguments = fitted(kind.create, self._arguments())
        prefix = arguments.pop(kind.name, None)
        if prefix:
            self._name = self._new_name(prefix)
        if hit := self._from_cache(arguments):
            return hit
        arguments[kind.name] = self._name
        arguments["Tags"] = [*(arguments.get("Tags") or ()), *self._job_tags()]
        # Kept before the job exists: a process that dies in between finds out what became of it.
        self._run["JobName"] = self._name
        answer = self._call(kind.create, arguments)
        self._run["Metadata"] = {kind.metadata: {"Arn": answer[kind.arn]}}
        tell(EXECUTING)
        return Begun(job=self._name)

    def _create_model(self) -> Begun:
        arguments = fitted("CreateModel", {**self._arguments(), "ModelName": self._name})
        arn = self._call("CreateModel", arguments)["ModelArn"]
        described = self._service(self._account).describe_model(ModelName=self._name)
        return Begun(properties=_shown(described), metadata={"Model": {"Arn": arn}})

    def _register(self) -> Begun:
        arguments = fitted("CreateModelPackage", self._arguments())
        tags = arguments.pop("Tags", [])
        group = str(arguments.get("ModelPackageGroupName", ""))
        if not group:
            arguments.update({"ModelPackageName": self._name, "Tags": tags})
        try:
            arn = self._call("CreateModelPackage", arguments)["ModelPackageArn"]
        except StepError as error:
            if group.startswith("arn:") or f"/{group} does not exist" not in str(error):
                raise
            # SageMaker makes the group of a first version.
            self._call("CreateModelPackageGroup", {"ModelPackageGroupName": group, "Tags": tags})
            arn = self._call("CreateModelPackage", arguments)["ModelPackageArn"]
        registry = self._service(arn.split(":")[4])
        described = registry.describe_model_package(ModelPackageName=arn)
        return Begun(properties=_shown(described), metadata={"RegisterModel": {"Arn": arn}})

    def _decide(self) -> Begun:
        outcome = condition.hold(self._step.raw["Arguments"]["Conditions"], self._scope())
        self._run["Outcome"] = outcome
        return Begun(
            properties={"Outcome": outcome}, metadata={"Condition": {"Outcome": str(outcome)}}
        )

    def _fail(self) -> Begun:
        message = as_text(self._arguments()["ErrorMessage"])
        raise StepError(message, metadata={"Fail": {"ErrorMessage": message}})

    def _call_function(self) -> Begun:
        raw, arguments = self._step.raw, self._arguments()
        function = as_text(resolve(raw["FunctionArn"], self._scope()))
        if hit := self._from_cache({"FunctionArn": function, "Arguments": arguments}):
            return hit
        client = self._cloud.client(
            "lambda",
            account=self._account,
            region=self._region,
            role=self._execution["RoleArn"],
            session_name="SageMaker",
        )
        declared = [item["OutputName"] for item in raw.get("OutputParameters") or ()]

        def call() -> Done:
            answer = client.invoke(FunctionName=function, Payload=json.dumps(arguments).encode())
            payload = json.loads(answer["Payload"].read() or b"null")
            if answer.get("FunctionError"):
                raise StepError(f"ClientError: the function {function} failed: {payload}")
            given = payload if isinstance(payload, dict) else {}
            missing = [name for name in declared if name not in given]
            if missing:
                raise StepError(f"ClientError: the function gave no {', '.join(missing)}")
            shown = [{"Name": name, "Value": as_text(given[name])} for name in declared]
            metadata = {"Lambda": {"Arn": function, "OutputParameters": shown}}
            return {"OutputParameters": {name: given[name] for name in declared}}, metadata

        return Begun(call=call)

    # --- what they share ----------------------------------------------------------------------

    def _from_cache(self, arguments: dict[str, Any]) -> Begun | None:
        key = step_cache.key_of(self._step.type, arguments)
        self._run["CacheKey"] = key
        others = list(executions(self._cloud, self._account, self._region).values())
        found = step_cache.find(
            others, self._execution, self._step.raw, key, self._cloud.clock.now()
        )
        if found is None:
            return None
        source, run = found
        self._run["CacheHitResult"] = {"SourcePipelineExecutionArn": source["PipelineExecutionArn"]}
        return Begun(properties=run["Properties"], metadata=run["Metadata"])

    def _call(self, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Call SageMaker as the execution's role."""
        client = self._cloud.client(
            "sagemaker",
            account=self._account,
            region=self._region,
            role=self._execution["RoleArn"],
            session_name="SageMaker",
        )
        try:
            answer: dict[str, Any] = getattr(client, xform_name(operation))(**arguments)
        except ClientError as error:
            problem = error.response["Error"]
            raise StepError(
                f"ClientError: Failed to invoke sagemaker:{operation}. "
                f"Error Details: {problem['Message']}",
                kind_of_error(problem["Code"]),
            ) from error
        except ParamValidationError as error:
            raise StepError(
                f"ClientError: Failed to invoke sagemaker:{operation}. Error Details: {error}"
            ) from error
        return answer

    def _service(self, account: str) -> Any:
        return self._cloud.client("sagemaker", account=account, region=self._region)

    def _arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = resolve(self._step.raw.get("Arguments") or {}, self._scope())
        return arguments

    def _scope(self) -> Scope:
        arn = self._execution["PipelineArn"]
        steps = {
            name: run["Properties"]
            for name, run in self._execution["Steps"].items()
            if "Properties" in run
        }
        return Scope(
            parameters=self._execution["Parameters"],
            execution={
                "PipelineName": arn.rsplit("/", 1)[-1],
                "PipelineArn": arn,
                "PipelineExecutionId": self._id,
                "PipelineExecutionArn": self._execution["PipelineExecutionArn"],
                "StartDateTime": plain(self._execution["CreationTime"]),
                "CurrentDateTime": plain(self._cloud.clock.now()),
                "TrainingJobName": self._name,
                "ProcessingJobName": self._name,
            },
            steps=steps,
            property_files=lambda step, name: self._property_file(steps, step, name),
            read=self._read,
        )

    def _property_file(self, steps: dict[str, Any], step: str, name: str) -> str:
        declared = self._definition.steps[step].raw.get("PropertyFiles") or ()
        file = next(item for item in declared if item["PropertyFileName"] == name)
        if step not in steps:
            raise ExpressionError(f"the step {step} did not run")
        path = f"ProcessingOutputConfig.Outputs['{file['OutputName']}'].S3Output.S3Uri"
        return f"{at_path(steps[step], path).rstrip('/')}/{file['FilePath']}"

    def _read(self, uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3 = self._cloud.client(
            "s3",
            account=self._account,
            region=self._region,
            role=self._execution["RoleArn"],
            session_name="SageMaker",
        )
        try:
            body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except ClientError as error:
            raise ExpressionError(f"{uri} cannot be read: {error}") from error
        return body

    def _job_tags(self) -> list[dict[str, str]]:
        return [
            {"Key": "sagemaker:pipeline-arn", "Value": self._execution["PipelineArn"]},
            {
                "Key": "sagemaker:pipeline-execution-arn",
                "Value": self._execution["PipelineExecutionArn"],
            },
            {"Key": "sagemaker:pipeline-step-name", "Value": self._step.name},
        ]

    def _new_name(self, prefix: str = "") -> str:
        suffix = uuid.uuid4().hex[:_SUFFIX]
        stem = prefix or f"pipelines-{self._id}-{self._step.name}"
        stem = stem.replace("_", "-")[: _LONGEST_NAME - _SUFFIX - 1].rstrip("-")
        return f"{stem}-{suffix}"


def _shown(described: dict[str, Any]) -> dict[str, Any]:
    described.pop("ResponseMetadata", None)
    shown: dict[str, Any] = plain(described)
    return shown
