"""Fits values of expressions to the types that an API wants, as SageMaker does."""

from typing import Any

from botocore.model import Shape

from mlzone_cloud import wire
from mlzone_cloud.sagemaker.pipelines.expression import as_text


def fitted(operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return a step's arguments with numbers as text where the API wants text, and the like."""
    shape = wire.model("sagemaker").operation_model(operation).input_shape
    fit: dict[str, Any] = _fit(shape, arguments)
    return fit


def _fit(shape: Shape | None, value: Any) -> Any:
    if shape is None or value is None:
        return value
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        # The SDK writes null where nothing was given.
        return {
            key: _fit(shape.members.get(key), item)
            for key, item in value.items()
            if item is not None
        }
    if kind == "map" and isinstance(value, dict):
        return {key: _fit(shape.value, item) for key, item in value.items()}
    if kind == "list" and isinstance(value, list):
        return [_fit(shape.member, item) for item in value]
    return _fit_scalar(kind, value)


def _fit_scalar(kind: str, value: Any) -> Any:
    if kind == "string" and not isinstance(value, str):
        return as_text(value)
    try:
        if kind in ("integer", "long") and isinstance(value, str):
            return int(value)
        if kind in ("float", "double") and isinstance(value, str):
            return float(value)
    except ValueError:
        # The API says better what is wrong with it.
        return value
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return value
