"""The REST API that MLflow's clients speak to an MLflow App.

On AWS an app has no address of its own: requests go to one endpoint a Region, signed for SageMaker,
and a header names the app. Here that endpoint is the path `/_mlflow`; the plugin `sagemaker-mlflow`
and our own client find it in SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT. One right,
sagemaker:CallMlflowAppApi, covers the whole API.
"""

import functools
import json
import shutil
from typing import TYPE_CHECKING

from moto.core.request import Request

from mlzone_cloud.authorization import authorize
from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.generic.crud import ARN
from mlzone_cloud.http_request import Answer, Environ, buffer_body, signed_scope
from mlzone_cloud.operations import Call, Result, after

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

PATH = "/_mlflow"
"""No bucket can be called so."""
_APP_HEADER = "HTTP_X_SM_MLFLOW_APP_ARN"
_OPERATION = "CallMlflowAppApi"
_ERRORS = {404: "RESOURCE_DOES_NOT_EXIST", 403: "PERMISSION_DENIED", 501: "NOT_IMPLEMENTED"}


def install(cloud: "Cloud") -> None:
    """Answer under `/_mlflow`."""
    cloud.routes[PATH] = functools.partial(serve, cloud)


def serve(cloud: "Cloud", environ: Environ) -> Answer:
    """Answer one request of a client."""
    buffer_body(environ)
    cloud.statistics.requests += 1
    try:
        call = _call(cloud, environ)
        call.account = authorize(call)
        return 200, {"Content-Type": "application/json"}, _answer(call, _app(call))
    except NotEmulatedError as error:
        cloud.statistics.not_implemented[f"{error.service}:{error.operation}"] += 1
        return _refusal(error)
    except ApiError as error:
        return _refusal(error)


def _answer(call: Call, app: Result) -> bytes:
    from mlzone_cloud.mlflow_app import tracking_service  # noqa: PLC0415

    request = Request(call.environ)
    return tracking_service.answer(
        call.cloud.state_dir / "mlflow" / call.params["Arn"].rpartition("/")[2],
        artifact_root=app["ArtifactStoreUri"],
        method=request.method,
        path=request.path.removeprefix(PATH),
        arguments=request.args.to_dict(flat=False),
        body=request.data,
    )


def _call(cloud: "Cloud", environ: Environ) -> Call:
    arn = environ.get(_APP_HEADER, "")
    if ":mlflow-app/" not in arn:
        raise ApiError("ValidationException", "the header x-sm-mlflow-app-arn names no app")
    service, region, access_key = signed_scope(environ, Request(environ))
    caller = cloud.identities.find(access_key, cloud.clock.now()) if access_key else None
    if caller is None or service != "sagemaker":
        raise ApiError(
            "UnrecognizedClientException",
            "The request is not signed for SageMaker, or its security token is invalid.",
            status=403,
        )
    return Call(
        cloud=cloud,
        service="sagemaker",
        operation=_OPERATION,
        params={"Arn": arn},
        account=caller.account,
        region=region,
        caller=caller,
        environ=environ,
    )


def _app(call: Call) -> Result:
    """Return the app's record.

    Raises:
        ApiError: there is no such app in the account.
    """
    store = call.cloud.store("sagemaker.MlflowApp", call.account, call.region)
    arn = call.params["Arn"]
    for record in store.values():
        if record[ARN] == arn:
            found: Result = record
            return found
    raise ApiError("ResourceNotFound", f"MlflowApp {arn} does not exist.", status=404)


def _refusal(error: ApiError) -> Answer:
    body = {"error_code": _ERRORS.get(error.status, error.code), "message": error.message}
    return error.status, {"Content-Type": "application/json"}, json.dumps(body).encode()


@after("sagemaker", "DeleteMlflowApp")
def forget(call: Call, _: Result) -> None:
    """Remove what a deleted app held."""
    folder = call.cloud.state_dir / "mlflow" / call.params["Arn"].rpartition("/")[2]
    shutil.rmtree(folder, ignore_errors=True)
