"""What moto implements, and how to ask it when the answer must be looked into."""

import functools
import importlib
import io
import json
from collections.abc import Callable
from typing import Any

import botocore.parsers
from moto.core.responses import BaseResponse
from moto.core.utils import camelcase_to_underscores

from mlzone_cloud import wire
from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.generic.noun import singular, split
from mlzone_cloud.operations import Call

_MODULES = {
    "lambda": "awslambda",
    "sagemaker-runtime": "sagemakerruntime",
    "application-autoscaling": "applicationautoscaling",
}

Answer = tuple[int, dict[str, str], bytes]


@functools.cache
def _methods(service: str) -> frozenset[str]:
    name = _MODULES.get(service, service.replace("-", ""))
    try:
        module = importlib.import_module(f"moto.{name}.responses")
    except ModuleNotFoundError:
        return frozenset()
    return frozenset(
        method
        for candidate in vars(module).values()
        if isinstance(candidate, type)
        and issubclass(candidate, BaseResponse)
        and candidate is not BaseResponse
        for method in dir(candidate)
        if method not in _BASE
    )


_BASE = frozenset(dir(BaseResponse))
# moto serves these whole through handlers of its own, not one method an operation.
_WHOLE_SERVICES = frozenset({"s3"})
# moto's version is too thin: a domain's id comes from its name and it cannot be updated.
_REPLACED = frozenset({("sagemaker", "Domain")})
_METHOD_ALIASES = {("lambda", "Invoke"): "invoke"}


def implements(service: str, operation: str) -> bool:
    """Tell whether moto has an operation."""
    if service in _WHOLE_SERVICES:
        return True
    verb, noun = split(operation)
    if (service, singular(noun) if verb == "List" else noun) in _REPLACED:
        return False
    method = _METHOD_ALIASES.get((service, operation), camelcase_to_underscores(operation))
    return method in _methods(service)


def invoke(call: Call, send: Callable[[dict[str, Any]], Answer]) -> dict[str, Any]:
    """Ask moto with the call's parameters and return the parsed result.

    Raises:
        ApiError: moto refuses; code and message are its own.
    """
    request_environ = _environ(call)
    try:
        status, headers, body = send(request_environ)
    except NotImplementedError as error:
        raise NotEmulatedError(call.service, call.operation) from error
    model = wire.model(call.service).operation_model(call.operation)
    protocol = wire.model(call.service).metadata["protocol"]
    parser = botocore.parsers.create_parser(protocol)
    parsed: dict[str, Any] = parser.parse(
        {"body": body, "headers": _Headers(headers), "status_code": status, "context": {}},
        model.output_shape,
    )
    if status >= 300:  # noqa: PLR2004
        problem = parsed.get("Error", {})
        raise ApiError(
            problem.get("Code", "InternalFailure"), problem.get("Message", ""), status=status
        )
    parsed.pop("ResponseMetadata", None)
    return parsed


class _Headers(dict[str, str]):
    """Headers that are looked up without regard to case, as botocore's parsers expect."""

    def __init__(self, headers: dict[str, str]) -> None:
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, key: str, default: Any = None) -> Any:
        return super().get(key.lower(), default)

    def __getitem__(self, key: str) -> str:
        return super().__getitem__(key.lower())

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and super().__contains__(key.lower())


def _environ(call: Call) -> dict[str, Any]:
    """Return the request again, with the parameters as they are now."""
    environ = dict(call.environ)
    environ["HTTP_X_MOTO_ACCOUNT_ID"] = call.account
    if wire.model(call.service).metadata["protocol"] == "json":
        body = json.dumps(call.params, default=_jsonable).encode()
        environ["wsgi.input"] = io.BytesIO(body)
        environ["CONTENT_LENGTH"] = str(len(body))
    else:
        environ["wsgi.input"] = io.BytesIO(call.environ["wsgi.input"].getvalue())
    environ.pop("werkzeug.request", None)
    return environ


def _jsonable(value: Any) -> Any:
    if hasattr(value, "timestamp"):
        return value.timestamp()
    if isinstance(value, bytes):
        import base64  # noqa: PLC0415

        return base64.b64encode(value).decode()
    raise TypeError(f"cannot send {type(value)} as JSON")
