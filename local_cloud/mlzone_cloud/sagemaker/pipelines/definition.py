"""A pipeline's definition: what AWS refuses in it, and the order of its steps."""

import functools
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.sagemaker.pipelines.expression import references, step_of

STEP_TYPES = frozenset(
    {
        "AutoML",
        "Callback",
        "ClarifyCheck",
        "Cleanup",
        "Condition",
        "EMR",
        "EMRServerless",
        "Endpoint",
        "EndpointConfig",
        "Fail",
        "ForEach",
        "InferenceComponent",
        "Job",
        "Lambda",
        "Lineage",
        "Model",
        "Processing",
        "QualityCheck",
        "RegisterModel",
        "Training",
        "Transform",
        "Tuning",
    }
)
"""Every type of step that SageMaker knows; those that are not emulated fail when they run."""

_NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
_TYPES: Mapping[str, Callable[[Any], Any]] = {
    "String": str,
    "Integer": lambda value: int(str(value)),
    "Float": float,
    "Boolean": lambda value: {"true": True, "false": False}[str(value).lower()],
}
_EXECUTION = frozenset(
    {
        "CurrentDateTime",
        "PipelineArn",
        "PipelineExecutionArn",
        "PipelineExecutionId",
        "PipelineName",
        "ProcessingJobName",
        "StartDateTime",
        "TrainingJobName",
    }
)


@dataclass(frozen=True)
class Step:
    """One step with what it waits for."""

    name: str
    type: str
    raw: Mapping[str, Any]
    needs: frozenset[str]
    """The steps that must have succeeded before."""
    branch: tuple[str, bool] | None = None
    """The condition step in whose branch it lies, and the outcome for which it runs."""


@dataclass(frozen=True)
class Definition:
    """A definition that can be run."""

    parameters: Mapping[str, Mapping[str, Any]]
    steps: Mapping[str, Step]
    experiment: Mapping[str, Any] = field(default_factory=dict)

    def values(self, given: Mapping[str, str]) -> dict[str, Any]:
        """Return the parameters of an execution, typed.

        Args:
            given: what the execution was started with.

        Raises:
            ApiError: one is unknown, missing, or not of its type.
        """
        unknown = sorted(set(given) - set(self.parameters))
        if unknown:
            raise ApiError(
                "ValidationException",
                f"Provided parameters are not defined in the pipeline: {', '.join(unknown)}",
            )
        values: dict[str, Any] = {}
        for name, declared in self.parameters.items():
            value = given.get(name, declared.get("DefaultValue"))
            if value is None:
                raise ApiError(
                    "ValidationException", f"Required parameter {name} does not have a value"
                )
            values[name] = _typed(name, declared, value)
        return values


def parse(text: str) -> Definition:
    """Read a definition.

    Raises:
        ApiError: AWS would refuse it.
    """
    return _parse(text)


@functools.lru_cache(maxsize=256)
def _parse(text: str) -> Definition:
    try:
        document = json.loads(text)
    except ValueError as error:
        raise _invalid(f"it is not valid JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("Steps"), list):
        raise _invalid("it has no list of Steps")
    if not document["Steps"]:
        raise _invalid("it has no steps")
    parameters = _parameters(document)
    steps: dict[str, Step] = {}
    for step in _flat(document["Steps"], None):
        if step.name in steps:
            raise _invalid(f"step names must be unique: there are two steps {step.name}")
        steps[step.name] = step
    for step in steps.values():
        _check_references(step, steps, parameters)
    _check_order(steps)
    experiment = document.get("PipelineExperimentConfig") or {}
    return Definition(parameters=parameters, steps=steps, experiment=experiment)


def _invalid(why: str) -> ApiError:
    return ApiError("ValidationException", f"Unable to parse pipeline definition: {why}")


def _parameters(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    parameters: dict[str, Mapping[str, Any]] = {}
    for declared in document.get("Parameters") or ():
        name = declared.get("Name")
        if not name or name in parameters:
            raise _invalid(f"parameter names must be given and unique: {name}")
        if declared.get("Type") not in _TYPES:
            raise _invalid(f"the parameter {name} has the unknown type {declared.get('Type')}")
        if declared.get("DefaultValue") is not None:
            _typed(name, declared, declared["DefaultValue"])
        parameters[name] = declared
    return parameters


def _typed(name: str, declared: Mapping[str, Any], value: Any) -> Any:
    wanted = declared["Type"]
    try:
        typed = _TYPES[wanted](value)
    except (ValueError, KeyError, TypeError) as error:
        raise ApiError(
            "ValidationException",
            f"Cannot assign the value {value!r} to the parameter {name} of type {wanted}",
        ) from error
    allowed = declared.get("EnumValues")
    if allowed and typed not in allowed:
        raise ApiError(
            "ValidationException",
            f"The value {value!r} of the parameter {name} is not one of {', '.join(allowed)}",
        )
    return typed


def _flat(steps: list[Any], branch: tuple[str, bool] | None) -> Iterator[Step]:
    """Yield all steps, those in branches after their condition."""
    for raw in steps:
        name, kind = raw.get("Name", ""), raw.get("Type")
        if not _NAME.fullmatch(name):
            raise _invalid(f"{name!r} is not a valid name of a step")
        if kind not in STEP_TYPES:
            raise _invalid(f"the step {name} has the unknown type {kind}")
        arguments = raw.get("Arguments") or {}
        own = dict(raw)
        if kind == "Condition":
            if not arguments.get("Conditions"):
                raise _invalid(f"the condition step {name} has no conditions")
            own["Arguments"] = {"Conditions": arguments["Conditions"]}
        needs = {
            found[0] for reference in references(own) if (found := step_of(reference)) is not None
        }
        needs.update(_declared(raw))
        if branch:
            needs.add(branch[0])
        yield Step(name=name, type=kind, raw=own, needs=frozenset(needs), branch=branch)
        if kind == "Condition":
            yield from _flat(arguments.get("IfSteps") or [], (name, True))
            yield from _flat(arguments.get("ElseSteps") or [], (name, False))


def _declared(raw: Mapping[str, Any]) -> Iterator[str]:
    for dependency in raw.get("DependsOn") or ():
        if isinstance(dependency, str):
            yield dependency
        else:
            raise NotEmulatedError("sagemaker", "run conditions of pipeline steps")


def _check_references(
    step: Step, steps: Mapping[str, Step], parameters: Mapping[str, Mapping[str, Any]]
) -> None:
    unknown = sorted(step.needs - set(steps))
    if unknown:
        raise _invalid(f"the step {step.name} refers to steps that do not exist: {unknown[0]}")
    for reference in references(step.raw):
        space, _, rest = reference.partition(".")
        known = {"Parameters": rest in parameters, "Execution": rest in _EXECUTION, "Steps": True}
        if not known.get(space, False):
            raise _invalid(f"the step {step.name} refers to {reference}, which does not exist")
        found = step_of(reference)
        if found and found[1].startswith("PropertyFiles."):
            name = found[1].removeprefix("PropertyFiles.")
            declared = steps[found[0]].raw.get("PropertyFiles") or ()
            if name not in {item["PropertyFileName"] for item in declared}:
                raise _invalid(f"the step {found[0]} declares no property file {name}")


def _check_order(steps: Mapping[str, Step]) -> None:
    """Refuse steps that wait for each other."""
    waiting = {name: set(step.needs) for name, step in steps.items()}
    while free := [name for name, needs in waiting.items() if not needs]:
        for name in free:
            del waiting[name]
        for needs in waiting.values():
            needs.difference_update(free)
    if waiting:
        raise _invalid(f"there is a cycle between the steps {', '.join(sorted(waiting))}")
