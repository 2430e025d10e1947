"""Checks each job of a definition against the API's own model of the request, offline."""

from collections.abc import Iterator
from typing import Any

import botocore.session
from botocore.model import Shape
from botocore.validate import ParamValidator

from delivery.harden import steps

_OPERATIONS = {
    "Processing": ("CreateProcessingJob", {"ProcessingJobName": "job"}),
    "Training": ("CreateTrainingJob", {"TrainingJobName": "job"}),
    "RegisterModel": ("CreateModelPackage", {}),
}
_EXPRESSIONS = ("Get", "Std:Join", "Std:JsonGet")


def problems(document: dict[str, Any]) -> list[str]:
    """Return what the API would refuse, one line each."""
    service = botocore.session.get_session().get_service_model("sagemaker")
    found = []
    for step in steps(document):
        if step["Type"] not in _OPERATIONS:
            continue
        name, given = _OPERATIONS[step["Type"]]
        shape = service.operation_model(name).input_shape
        request = _resolved(step["Arguments"]) | given
        report = ParamValidator().validate(request, shape)
        lines = report.generate_report().splitlines() + list(_too_long(request, shape))
        found += [f"{step['Name']}: {line}" for line in lines]
    return found


def _resolved(value: Any) -> Any:
    """Return a value with a text in place of each expression."""
    if isinstance(value, dict):
        if len(value) == 1 and next(iter(value)) in _EXPRESSIONS:
            return "expression"
        return {key: _resolved(item) for key, item in value.items()}
    return [_resolved(item) for item in value] if isinstance(value, list) else value


def _too_long(value: Any, shape: Shape, path: str = "") -> Iterator[str]:
    """Yield texts and lists above the model's maximum, which botocore does not look at."""
    most = shape.metadata.get("max")
    if most is not None and isinstance(value, str | list | dict) and len(value) > most:
        yield f"{path} has a length of {len(value)}; at most {most}"
    if shape.type_name == "structure":
        for name, item in value.items():
            if name in shape.members:
                yield from _too_long(item, shape.members[name], f"{path}.{name}".lstrip("."))
    elif shape.type_name == "list":
        for item in value:
            yield from _too_long(item, shape.member, f"{path}[]")
    elif shape.type_name == "map":
        for key, item in value.items():
            yield from _too_long(item, shape.value, f"{path}.{key}")
