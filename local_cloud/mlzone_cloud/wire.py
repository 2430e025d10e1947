"""AWS's wire protocols: from an HTTP request to an operation with parameters, and back.

Parsing and serialising are moto's, which drives them from botocore's service models.
"""

import functools
from typing import Any

import botocore.session
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import HTTPException

from mlzone_cloud.errors import ApiError

# The service models do not list the errors that every AWS service knows.
COMMON_ERROR_CODES.extend(
    (
        "AccessDenied",
        "AccessDeniedException",
        "InvalidClientTokenId",
        "InternalFailure",
        "MissingAuthenticationToken",
        "NotImplemented",
        "UnknownOperationException",
        "UnknownService",
    )
)

_CLIENT_ERROR = 400

_BY_SIGNING_NAME = {
    "monitoring": "cloudwatch",
    "states": "stepfunctions",
    "cloudcontrolapi": "cloudcontrol",
    "aws-marketplace": "meteringmarketplace",
    "elasticloadbalancing": "elbv2",
    "application-autoscaling": "application-autoscaling",
    "ce": "ce",
    "access-analyzer": "accessanalyzer",
    "codeconnections": "codeconnections",
    "servicequotas": "service-quotas",
    "tagging": "resourcegroupstaggingapi",
}


@functools.cache
def service_of(signing_name: str) -> str:
    """Return the SDK's name of a service from the name that signatures carry."""
    return _BY_SIGNING_NAME.get(signing_name, signing_name)


@functools.cache
def known_services() -> frozenset[str]:
    """Return every service that botocore knows."""
    return frozenset(botocore.session.get_session().get_available_services())


def model(service: str) -> ServiceModel:
    """Return botocore's model of a service."""
    return get_service_model(service)


def parse(service: str, request: Request) -> tuple[str, dict[str, Any]]:
    """Return the operation of a request and its parameters.

    Raises:
        ApiError: the service has no such operation.
    """
    service_model = get_service_model(service)
    uri_params: dict[str, Any] = {}
    target = request.headers.get("X-Amz-Target")
    action = request.values.get("Action") if not target else None
    if target:
        name = target.rsplit(".", 1)[-1]
    elif action and service_model.protocol in ("query", "ec2", "json"):
        name = action
    else:
        try:
            operation_model, uri_params = get_service_router(service).match(request)
            name = operation_model.name
        except (HTTPException, NotImplementedError) as error:
            raise ApiError(
                "UnknownOperationException",
                f"{service} has no operation at {request.path}",
                status=404,
            ) from error
    if name not in service_model.operation_names:
        raise ApiError("UnknownOperationException", f"{service} has no operation {name}")
    protocol = determine_request_protocol(service_model, request.content_type)
    parser = PROTOCOL_PARSERS[protocol](service_model.operation_model(name), map_type=dict)
    params = parser.parse(
        {
            "method": request.method,
            "values": request.values,
            "headers": request.headers,
            "body": request.data,
            "url_path": request.path,
            "url_params": uri_params,
        }
    )
    return name, params


def serialize(
    service: str, operation: str, request: Request, result: dict[str, Any]
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a successful answer."""
    return _serialize(service, operation, request, result)


def serialize_error(
    service: str, operation: str, request: Request, error: ApiError
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of a refusal, in the service's own protocol."""
    status, headers, body = _serialize(service, operation, request, error)
    return (error.status if error.status != _CLIENT_ERROR else status), headers, body


def _serialize(
    service: str, operation: str, request: Request, result: Any
) -> tuple[int, dict[str, str], bytes]:
    service_model = get_service_model(service)
    protocol = determine_request_protocol(service_model, request.content_type)
    if operation in service_model.operation_names:
        operation_model = service_model.operation_model(operation)
    else:
        operation_model = OperationModel({}, service_model)
    serializer_class = get_serializer_class(service_model.service_name, protocol)
    serializer = serializer_class(operation_model=operation_model)
    answer = serializer.serialize(result)
    body = answer["body"]
    raw = body.encode() if isinstance(body, str) else bytes(body)
    status = _declared_status(operation_model, result) or int(answer["status_code"])
    return status, dict(answer["headers"]), raw


def _declared_status(operation_model: Any, result: Any) -> int:
    """Return the status that a member of the answer stands for, which moto passes over."""
    shape = operation_model.output_shape
    if shape is None or not isinstance(result, dict):
        return 0
    for name, member in shape.members.items():
        if member.serialization.get("location") == "statusCode" and name in result:
            return int(result[name])
    return 0
