"""InvokeEndpoint: a request goes to the server of a variant, and is captured and counted."""

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.operations import Call, operation
from mlzone_cloud.sagemaker import capture, endpoint_metrics, records
from mlzone_cloud.sagemaker.deployment import Deployment, Place, Variant, router_of
from mlzone_cloud.sagemaker.endpoint_description import PLAN
from mlzone_cloud.sagemaker.model_server import ModelError as ServingError
from mlzone_cloud.sagemaker.records import Record
from mlzone_cloud.sagemaker.rollout import NOUN
from mlzone_cloud.sagemaker.server_process import Reply

_SERVING = frozenset({"InService", "Updating", "RollingBack", "SystemUpdating"})
_CLIENT_ERROR, _SERVER_ERROR = 400, 500
_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
_INFERENCE_ID = "X-Amzn-SageMaker-Inference-Id"
_LONGEST_MESSAGE = 1000
_MOST_COPIES, _ASKERS = 64, 4
_copies = threading.BoundedSemaphore(_MOST_COPIES)
"""Requests that wait for a shadow's answer."""
_askers = ThreadPoolExecutor(_ASKERS, thread_name_prefix="shadow")


class ModelError(ApiError):
    """The model refused a request or failed; AWS answers 424 with the model's own status."""

    def __init__(self, message: str, *, status: int, original: str, log: str) -> None:
        super().__init__("ModelError", message)
        self.OriginalStatusCode = status
        self.OriginalMessage = original
        self.LogStreamArn = log


@operation("sagemaker-runtime", "InvokeEndpoint", exclusive=False)
def invoke_endpoint(call: Call) -> dict[str, Any]:
    """Ask a model for its answer."""
    began = time.perf_counter()
    place, record = _endpoint(call)
    router = router_of(call.cloud, place)
    try:
        if router.active is None:
            router.ensure(lambda: Deployment(call.cloud, place, record[PLAN]))
        with router.lease() as deployment:
            variant = deployment.choose(call.params.get("TargetVariant", ""))
            if variant is None:
                raise ApiError(
                    "ValidationError",
                    f"Variant {call.params['TargetVariant']} of endpoint {place[2]} not found.",
                )
            if shadow := deployment.copy_for(variant):
                _copy(call, place, deployment, shadow)
            reply, seconds = _ask(call, variant)
    except ServingError as error:
        raise ApiError("ServiceUnavailable", str(error), status=503) from error
    _count(place, variant, reply, seconds, time.perf_counter() - began - seconds)
    if reply.status >= _CLIENT_ERROR:
        raise _refusal(call, place, reply)
    _capture(call, place, deployment, variant, reply)
    attributes = reply.headers.get(_ATTRIBUTES.lower())
    return {
        "Body": reply.body,
        "ContentType": reply.headers.get("content-type", "application/octet-stream"),
        "InvokedProductionVariant": variant.name,
        **({"CustomAttributes": attributes} if attributes else {}),
    }


@operation(
    "sagemaker-runtime", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream", exclusive=False
)
def not_emulated(call: Call) -> dict[str, Any]:
    """Refuse what moto would answer with an invented result."""
    raise NotEmulatedError(call.service, call.operation)


def _endpoint(call: Call) -> tuple[Place, Record]:
    name = str(call.params["EndpointName"])
    record = records.store(call.cloud, NOUN, call.account, call.region).get(name)
    if record is None or record["EndpointStatus"] not in _SERVING:
        raise ApiError("ValidationError", f"Endpoint {name} of account {call.account} not found.")
    return (call.account, call.region, name), record


def _ask(call: Call, variant: Variant) -> tuple[Reply, float]:
    """Return what the model answered, and how long it took."""
    params = call.params
    headers = {
        "Content-Type": params.get("ContentType") or "application/octet-stream",
        "Accept": params.get("Accept") or "*/*",
    }
    if params.get("CustomAttributes"):
        headers[_ATTRIBUTES] = params["CustomAttributes"]
    if params.get("InferenceId"):
        headers[_INFERENCE_ID] = params["InferenceId"]
    began = time.perf_counter()
    try:
        reply = variant.invoke(_body(params), headers)
    except TimeoutError:
        reply = Reply(
            _SERVER_ERROR,
            {},
            b"Your invocation timed out while waiting for a response from container primary.",
        )
    except (OSError, http.client.HTTPException) as error:
        reply = Reply(_SERVER_ERROR, {}, f"the container gave no answer: {error!r}".encode())
    return reply, time.perf_counter() - began


def _count(place: Place, variant: Variant, reply: Reply, seconds: float, overhead: float) -> None:
    endpoint_metrics.count(
        place,
        variant.name,
        status=reply.status,
        instances=variant.told["instances"],
        model_seconds=seconds,
        overhead_seconds=overhead,
    )


def _copy(call: Call, place: Place, deployment: Deployment, shadow: Variant) -> None:
    """Ask a shadow as well, beside the caller's request; nobody but the capture gets its answer."""
    if not _copies.acquire(blocking=False):
        return  # It is too slow for so many: requests that it does not get are not waited for.

    def ask() -> None:
        try:
            with deployment.lease():
                reply, seconds = _ask(call, shadow)
                _count(place, shadow, reply, seconds, 0.0)
                if reply.status < _CLIENT_ERROR:
                    _capture(call, place, deployment, shadow, reply)
        except ServingError as error:
            call.cloud.record_error(f"the shadow of {place[2]} does not start: {error}")
        finally:
            _copies.release()

    _askers.submit(ask)


def _capture(
    call: Call, place: Place, deployment: Deployment, variant: Variant, reply: Reply
) -> None:
    settings = deployment.plan["capture"]
    if not settings or not settings.get("EnableCapture"):
        return
    if not variant.sampler.takes(float(settings["InitialSamplingPercentage"])):
        return
    params = call.params
    capture.keep(
        call.cloud,
        place=(*place, variant.name),
        settings=settings,
        role=variant.model.role,
        exchange={
            "input": _body(params),
            "input_type": params.get("ContentType") or "application/octet-stream",
            "output": reply.body,
            "output_type": reply.headers.get("content-type", "application/octet-stream"),
            "id": params.get("InferenceId", ""),
            "attributes": params.get("CustomAttributes", ""),
        },
    )


def _refusal(call: Call, place: Place, reply: Reply) -> ModelError:
    account, region, name = place
    original = reply.body.decode(errors="replace")[:_LONGEST_MESSAGE]
    kind = "client" if reply.status < _SERVER_ERROR else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    return ModelError(
        f'Received {kind} error ({reply.status}) from primary with message "{original}". See '
        f"{call.cloud.endpoint_url} log group {group} in account {account} for more information.",
        status=reply.status,
        original=original,
        log=f"arn:aws:logs:{region}:{account}:log-group:{group}",
    )


def _body(params: dict[str, Any]) -> bytes:
    body = params.get("Body") or b""
    if hasattr(body, "read"):
        body = body.read()
    return body.encode() if isinstance(body, str) else bytes(body)
