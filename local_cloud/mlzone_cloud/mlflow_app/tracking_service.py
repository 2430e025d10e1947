"""MLflow's tracking service over its own file store: experiments, runs, metrics and their search.

Which operation a path means, what it takes and what it answers, is MLflow's protocol definition;
what an operation does is the store's. Traces, prompts, logged models and the registry of MLflow are
not among them.
"""

import functools
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"  # MLflow asks for a database otherwise
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from google.protobuf.json_format import ParseError
from mlflow.entities import (
    DatasetInput,
    ExperimentTag,
    Metric,
    Param,
    RunTag,
    ViewType,
)
from mlflow.exceptions import MlflowException
from mlflow.protos import databricks_pb2, service_pb2
from mlflow.store.tracking.file_store import FileStore
from mlflow.utils.proto_json_utils import message_to_json, parse_dict

from mlzone_cloud.errors import ApiError, NotEmulatedError

_ROOT = re.compile(r"^/(?:ajax-)?api/\d\.0/?(?=/)")
_LOCK = threading.Lock()
"""The file store is written for one process at a time."""

Message = Any
Handler = Callable[[FileStore, Message, Message], None]
"""Takes the store and the request, and fills the answer."""
_HANDLERS: dict[str, Handler] = {}


def answer(
    folder: Path,
    *,
    artifact_root: str,
    method: str,
    path: str,
    arguments: Mapping[str, list[str]],
    body: bytes,
) -> bytes:
    """Answer one request.

    Args:
        folder: what the app holds.
        artifact_root: where clients put artefacts.
        method: of the request.
        path: such as `/api/2.0/mlflow/runs/create`.
        arguments: of the address.
        body: JSON, or nothing.

    Raises:
        ApiError: MLflow refuses.
        NotEmulatedError: the operation is not served here.
    """
    name, request_type = _operations().get((method, _ROOT.sub("", path)), ("", None))
    if name not in _HANDLERS or request_type is None:
        raise NotEmulatedError("mlflow", name or f"{method} {path}")
    request, response = request_type(), request_type.Response()
    try:
        parse_dict(_given(request, arguments, body), request)
    except (ParseError, ValueError) as error:
        raise ApiError("INVALID_PARAMETER_VALUE", str(error)) from error
    try:
        with _LOCK:
            _HANDLERS[name](_store(str(folder), artifact_root), request, response)
    except MlflowException as error:
        raise ApiError(
            error.error_code, error.message, status=error.get_http_status_code()
        ) from error
    text: str = message_to_json(response)
    return text.encode()


@functools.cache
def _operations() -> dict[tuple[str, str], tuple[str, Any]]:
    """Return the operations of MLflow's protocol and their requests, by method and path."""
    service = service_pb2.DESCRIPTOR.services_by_name["MlflowService"]
    return {
        (endpoint.method, f"/{endpoint.path.lstrip('/')}"): (
            method.name,
            getattr(service_pb2, method.input_type.name),
        )
        for method in service.methods
        for endpoint in method.GetOptions().Extensions[databricks_pb2.rpc].endpoints
        if hasattr(service_pb2, method.input_type.name)
    }


@functools.lru_cache(maxsize=64)
def _store(folder: str, artifact_root: str) -> FileStore:
    return FileStore(folder, artifact_root_uri=artifact_root)


def _given(request: Message, arguments: Mapping[str, list[str]], body: bytes) -> dict[str, Any]:
    """Return what a request says; an address says all as text, and everything repeatedly."""
    if body:
        parsed: dict[str, Any] = json.loads(body)
        return parsed
    given: dict[str, Any] = {}
    for field in request.DESCRIPTOR.fields:
        values = arguments.get(field.name)
        if not values:
            continue
        if field.is_repeated:
            given[field.name] = values
        elif field.type == field.TYPE_BOOL:
            given[field.name] = values[0] == "true"
        else:
            given[field.name] = values[0]
    return given


def _handles(name: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        _HANDLERS[name] = handler
        return handler

    return register


def _run_id(request: Message) -> str:
    """Return the run that a request names; old clients call it otherwise."""
    return str(request.run_id or request.run_uuid)


def _optional(request: Message, name: str) -> Any:
    return getattr(request, name) if request.HasField(name) else None


# --- experiments ----------------------------------------------------------------------------------


@_handles("createExperiment")
def _create_experiment(store: FileStore, request: Message, response: Message) -> None:
    tags = [ExperimentTag(tag.key, tag.value) for tag in request.tags]
    response.experiment_id = store.create_experiment(request.name, request.artifact_location, tags)


@_handles("getExperiment")
def _get_experiment(store: FileStore, request: Message, response: Message) -> None:
    response.experiment.MergeFrom(store.get_experiment(request.experiment_id).to_proto())


@_handles("getExperimentByName")
def _get_experiment_by_name(store: FileStore, request: Message, response: Message) -> None:
    found = store.get_experiment_by_name(request.experiment_name)
    if found is None:
        raise MlflowException(
            f"Could not find experiment with name '{request.experiment_name}'",
            databricks_pb2.RESOURCE_DOES_NOT_EXIST,
        )
    response.experiment.MergeFrom(found.to_proto())


@_handles("searchExperiments")
def _search_experiments(store: FileStore, request: Message, response: Message) -> None:
    found = store.search_experiments(
        view_type=request.view_type,
        max_results=request.max_results,
        order_by=list(request.order_by),
        filter_string=request.filter,
        page_token=request.page_token or None,
    )
    response.experiments.extend(item.to_proto() for item in found)
    if found.token:
        response.next_page_token = found.token


@_handles("updateExperiment")
def _update_experiment(store: FileStore, request: Message, _: Message) -> None:
    if request.new_name:
        store.rename_experiment(request.experiment_id, request.new_name)


@_handles("deleteExperiment")
def _delete_experiment(store: FileStore, request: Message, _: Message) -> None:
    store.delete_experiment(request.experiment_id)


@_handles("restoreExperiment")
def _restore_experiment(store: FileStore, request: Message, _: Message) -> None:
    store.restore_experiment(request.experiment_id)


@_handles("setExperimentTag")
def _set_experiment_tag(store: FileStore, request: Message, _: Message) -> None:
    store.set_experiment_tag(request.experiment_id, ExperimentTag(request.key, request.value))


# --- runs -----------------------------------------------------------------------------------------


@_handles("createRun")
def _create_run(store: FileStore, request: Message, response: Message) -> None:
    made = store.create_run(
        experiment_id=request.experiment_id,
        user_id=request.user_id,
        start_time=request.start_time,
        tags=[RunTag(tag.key, tag.value) for tag in request.tags],
        run_name=request.run_name,
    )
    response.run.MergeFrom(made.to_proto())


@_handles("getRun")
def _get_run(store: FileStore, request: Message, response: Message) -> None:
    response.run.MergeFrom(store.get_run(_run_id(request)).to_proto())


@_handles("updateRun")
def _update_run(store: FileStore, request: Message, response: Message) -> None:
    info = store.update_run_info(
        _run_id(request),
        _optional(request, "status"),
        _optional(request, "end_time"),
        _optional(request, "run_name"),
    )
    response.run_info.MergeFrom(info.to_proto())


@_handles("deleteRun")
def _delete_run(store: FileStore, request: Message, _: Message) -> None:
    store.delete_run(request.run_id)


@_handles("restoreRun")
def _restore_run(store: FileStore, request: Message, _: Message) -> None:
    store.restore_run(request.run_id)


@_handles("searchRuns")
def _search_runs(store: FileStore, request: Message, response: Message) -> None:
    view = _optional(request, "run_view_type")
    found = store.search_runs(
        experiment_ids=list(request.experiment_ids),
        filter_string=request.filter,
        run_view_type=ViewType.ACTIVE_ONLY if view is None else ViewType.from_proto(view),
        max_results=request.max_results,
        order_by=list(request.order_by),
        page_token=request.page_token or None,
    )
    response.runs.extend(item.to_proto() for item in found)
    if found.token:
        response.next_page_token = found.token


@_handles("logMetric")
def _log_metric(store: FileStore, request: Message, _: Message) -> None:
    store.log_metric(
        _run_id(request), Metric(request.key, request.value, request.timestamp, request.step)
    )


@_handles("logParam")
def _log_param(store: FileStore, request: Message, _: Message) -> None:
    store.log_param(_run_id(request), Param(request.key, request.value))


@_handles("logBatch")
def _log_batch(store: FileStore, request: Message, _: Message) -> None:
    store.log_batch(
        request.run_id,
        [Metric.from_proto(item) for item in request.metrics],
        [Param.from_proto(item) for item in request.params],
        [RunTag.from_proto(item) for item in request.tags],
    )


@_handles("logInputs")
def _log_inputs(store: FileStore, request: Message, _: Message) -> None:
    store.log_inputs(request.run_id, [DatasetInput.from_proto(item) for item in request.datasets])


@_handles("setTag")
def _set_tag(store: FileStore, request: Message, _: Message) -> None:
    store.set_tag(_run_id(request), RunTag(request.key, request.value))


@_handles("deleteTag")
def _delete_tag(store: FileStore, request: Message, _: Message) -> None:
    store.delete_tag(request.run_id, request.key)


@_handles("getMetricHistory")
def _get_metric_history(store: FileStore, request: Message, response: Message) -> None:
    found = store.get_metric_history(_run_id(request), request.metric_key)
    response.metrics.extend(item.to_proto() for item in found)
