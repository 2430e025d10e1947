"""Lambda's operations that moto does not serve, or not whole."""

import base64
import json
from typing import Any

from mlzone_cloud.compute.function.asynchronous import queue_of
from mlzone_cloud.compute.function.pool import pool_of
from mlzone_cloud.compute.function.specification import SETTINGS, Specification, find
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import Call, after, operation

_KEPT = ("LoggingConfig", "DeadLetterConfig")
_LARGEST_REQUEST = 6 * 1024 * 1024
_LARGEST_EVENT = 1024 * 1024
_TAIL = 4096


@operation("lambda", "Invoke", exclusive=False)
def invoke(call: Call) -> dict[str, Any]:
    """Run a function: now, later, or not at all."""
    function = _function(call)
    kind = call.params.get("InvocationType") or "RequestResponse"
    payload = _payload(call.params.get("Payload"), kind)
    if kind == "DryRun":
        return {"StatusCode": 204, "Payload": b""}
    if kind == "Event":
        queue_of(call.cloud).put(function, payload)
        return {"StatusCode": 202, "Payload": b""}
    invocation = pool_of(call.cloud).invoke(
        function, payload, client_context=_client_context(call.params.get("ClientContext"))
    )
    answer: dict[str, Any] = {
        "StatusCode": 200,
        "ExecutedVersion": function.version,
        "Payload": invocation.payload.encode(),
    }
    if not invocation.succeeded:
        answer["FunctionError"] = "Unhandled"
    if call.params.get("LogType") == "Tail":
        answer["LogResult"] = base64.b64encode(invocation.log.encode()[-_TAIL:]).decode()
    return answer


@operation("lambda", "InvokeAsync", exclusive=False)
def invoke_async(call: Call) -> dict[str, Any]:
    """Run a function later; the older name of it."""
    event = _payload(call.params.get("InvokeArgs"), "Event")
    queue_of(call.cloud).put(_function(call), event)
    return {"Status": 202}


def _function(call: Call) -> Specification:
    name, qualifier = call.params["FunctionName"], call.params.get("Qualifier")
    return find(call.cloud, call.account, call.region, name, qualifier)


def _payload(raw: Any, kind: str) -> Any:
    if hasattr(raw, "read"):
        raw = raw.read()
    if len(raw or b"") > (_LARGEST_EVENT if kind == "Event" else _LARGEST_REQUEST):
        raise ApiError(
            "RequestTooLargeException",
            f"{len(raw)} byte payload is too large for the {kind} invocation type",
            status=413,
        )
    if not raw:
        return {}
    try:
        return json.loads(raw)
    except ValueError as error:
        raise ApiError(
            "InvalidRequestContentException", f"Could not parse request body into json: {error}"
        ) from error


def _client_context(text: str | None) -> Any:
    return json.loads(base64.b64decode(text)) if text else None


# --- what moto does not keep of a function ------------------------------------------------------


@after("lambda", "CreateFunction", "UpdateFunctionConfiguration")
def keep_settings(call: Call, result: dict[str, Any]) -> None:
    """Keep where a function logs and where its failures go."""
    store = call.cloud.store(SETTINGS, call.account, call.region)
    kept = store.setdefault(result["FunctionName"], {})
    kept.update({key: call.params[key] for key in _KEPT if call.params.get(key) is not None})
    _show(kept, result)


@after("lambda", "GetFunctionConfiguration", "UpdateFunctionCode", "PublishVersion")
def show_settings(call: Call, result: dict[str, Any]) -> None:
    """Tell what was kept."""
    store = call.cloud.store(SETTINGS, call.account, call.region)
    _show(store.get(result["FunctionName"], {}), result)


@after("lambda", "GetFunction")
def show_settings_of_function(call: Call, result: dict[str, Any]) -> None:
    """Tell what was kept."""
    show_settings(call, result["Configuration"])


@after("lambda", "DeleteFunction")
def forget_settings(call: Call, result: dict[str, Any]) -> None:
    """Forget what was kept, unless only a version goes."""
    del result
    if not call.params.get("Qualifier"):
        name = call.params["FunctionName"].rsplit(":", 1)[-1]
        call.cloud.store(SETTINGS, call.account, call.region).pop(name, None)


def _show(kept: dict[str, Any], configuration: dict[str, Any]) -> None:
    group = f"/aws/lambda/{configuration['FunctionName']}"
    logging = kept.get("LoggingConfig") or {}
    configuration["LoggingConfig"] = {"LogFormat": "Text", "LogGroup": group, **logging}
    if (kept.get("DeadLetterConfig") or {}).get("TargetArn"):
        configuration["DeadLetterConfig"] = kept["DeadLetterConfig"]
