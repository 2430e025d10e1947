"""What CloudTrail writes down of a call.

Source: AWS CloudTrail User Guide, "CloudTrail record contents" and "CloudTrail userIdentity
element".
"""

import uuid
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape

from mlzone_access import PrincipalKind
from mlzone_cloud import wire
from mlzone_cloud.errors import ApiError
from mlzone_cloud.identity import Caller
from mlzone_cloud.operations import Call
from mlzone_cloud.saml import Assertion

Json = dict[str, Any]

_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"


def record_of(call: Call, error: ApiError | None, *, region: str, account: str) -> Json:
    """Return the record of a management call that changes something.

    Args:
        call: the call.
        error: why it was refused, or None.
        region: where it is recorded.
        account: for whom it is recorded.
    """
    record: Json = {
        "eventVersion": "1.09",
        "userIdentity": _identity(call),
        "eventTime": f"{call.cloud.clock.now():%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": f"{event_source(call.service)}.amazonaws.com",
        "eventName": call.operation,
        "awsRegion": region,
        "sourceIPAddress": str(call.environ.get("REMOTE_ADDR", "")),
        "userAgent": str(call.environ.get("HTTP_USER_AGENT", "")),
        "requestParameters": _parameters(call),
        "responseElements": None,
        "requestID": call.cloud.request_id(),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
    }
    if error:
        record.update({"errorCode": error.code, "errorMessage": error.message})
    return record


def event_source(service: str) -> str:
    """Return a service's name in records, such as `monitoring` for CloudWatch."""
    metadata = wire.model(service).metadata
    return str(metadata.get("signingName") or metadata["endpointPrefix"])


def _identity(call: Call) -> Json:
    caller = call.caller
    if caller is None:
        return _federated(call) if "SAMLAssertion" in call.params else {"type": "Unknown"}
    kind = caller.principal.kind
    identity: Json = {
        "principalId": _principal_id(caller),
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": caller.credentials.access_key_id,
    }
    if kind is PrincipalKind.ROOT:
        return {"type": "Root", **identity}
    if kind is not PrincipalKind.ROLE:
        return {"type": "IAMUser", **identity, "userName": caller.arn.rpartition("/")[2]}
    role = caller.principal.arn
    session: Json = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": caller.principal.unique_id,
            "arn": role,
            "accountId": caller.account,
            "userName": role.rpartition("/")[2],
        },
        "attributes": {"mfaAuthenticated": "false"},
    }
    if caller.issued:
        session["attributes"]["creationDate"] = f"{caller.issued:%Y-%m-%dT%H:%M:%SZ}"
    if caller.source_identity:
        session["sourceIdentity"] = caller.source_identity
    return {"type": "AssumedRole", **identity, "sessionContext": session}


def _principal_id(caller: Caller) -> str:
    known = caller.principal.unique_id or caller.account
    return f"{known}:{caller.session_name}" if caller.session_name else known


def _federated(call: Call) -> Json:
    said = Assertion.parse(call.params["SAMLAssertion"])
    provider = call.params["PrincipalArn"]
    return {
        "type": "SAMLUser",
        "principalId": f"{provider}:{said.subject}",
        "userName": said.subject,
        "identityProvider": provider,
    }


def _parameters(call: Call) -> Json | None:
    shape = wire.model(call.service).operation_model(call.operation).input_shape
    told: Json = _lowered(call.params, shape)
    if told.pop("sAMLAssertion", None):
        said = Assertion.parse(call.params["SAMLAssertion"])
        told["roleSessionName"] = said.session_name
        told.update({"principalTags": said.tags} if said.tags else {})
        told.update({"sourceIdentity": said.source_identity} if said.source_identity else {})
    return told or None


def _lowered(value: Any, shape: Shape | None) -> Any:
    """Return data with members that begin in lower case; keys of maps stay as they are."""
    if shape is not None and shape.metadata.get("sensitive"):
        return _HIDDEN
    if isinstance(shape, StructureShape):
        return {
            name[:1].lower() + name[1:]: _lowered(item, shape.members.get(name))
            for name, item in value.items()
            if not isinstance(item, bytes) and not hasattr(item, "read")
        }
    if isinstance(shape, MapShape):
        return {key: _lowered(item, shape.value) for key, item in value.items()}
    if isinstance(shape, ListShape):
        return [_lowered(item, shape.member) for item in value]
    return value
