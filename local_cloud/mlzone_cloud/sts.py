"""AWS STS: who am I, and sessions of roles with tags and SourceIdentity."""

import base64
import binascii
import xml.etree.ElementTree as ET
from datetime import timedelta
from typing import Any

from moto.iam.models import iam_backends

from mlzone_access import Policies, Principal, PrincipalKind, Request, evaluate
from mlzone_cloud.authorization import policies as lookup
from mlzone_cloud.authorization.context import condition_context
from mlzone_cloud.errors import ApiError
from mlzone_cloud.identity import Caller
from mlzone_cloud.operations import Call, operation

_DEFAULT_SECONDS = 3600
_CHAINED_SECONDS = 3600
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_PRINCIPAL_TAG = f"{_ATTRIBUTES}PrincipalTag:"
_ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"
_AUDIENCE = "https://signin.aws.amazon.com/saml"


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call) -> dict[str, Any]:
    """Tell who calls."""
    caller = call.caller
    if caller is None:
        return {"UserId": call.account, "Account": call.account, "Arn": call.caller_arn}
    user_id = caller.account
    role = lookup.role_of(caller.principal.arn) if caller.session_name else None
    if role is not None:
        user_id = f"{role.id}:{caller.session_name}"
    return {"UserId": user_id, "Account": caller.account, "Arn": caller.arn}


@operation("sts", "AssumeRole")
def assume_role(call: Call) -> dict[str, Any]:
    """Begin a session of a role; the front door has asked its trust policy already."""
    params = call.params
    role_arn = params["RoleArn"]
    _existing_role(call, role_arn)
    caller = call.caller
    chained = caller is not None and caller.principal.kind is PrincipalKind.ROLE
    inherited = (
        {key: caller.tags[key] for key in caller.transitive_tags if key in caller.tags}
        if caller
        else {}
    )
    source_identity = params.get("SourceIdentity") or ""
    if caller and caller.source_identity:
        if source_identity and source_identity != caller.source_identity:
            raise ApiError(
                "AccessDenied", "SourceIdentity cannot be changed by role chaining", status=403
            )
        source_identity = caller.source_identity
    seconds = int(params.get("DurationSeconds") or _DEFAULT_SECONDS)
    session = call.cloud.identities.add_session(
        role_arn=role_arn,
        session_name=params["RoleSessionName"],
        now=call.cloud.clock.now(),
        duration=timedelta(seconds=min(seconds, _CHAINED_SECONDS) if chained else seconds),
        source_identity=source_identity,
        tags={**inherited, **{tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}},
        transitive_tags=(
            *(caller.transitive_tags if caller else ()),
            *(params.get("TransitiveTagKeys") or ()),
        ),
        session_policies=(params["Policy"],) if params.get("Policy") else (),
        chained=chained,
    )
    return _answer(session)


@operation("sts", "AssumeRoleWithSAML")
def assume_role_with_saml(call: Call) -> dict[str, Any]:
    """Begin a session for somebody whom a SAML identity provider vouches for.

    The assertion's signature is not checked: whoever reaches this loopback socket is the machine's
    own user, who plays the identity provider. The role's trust policy is checked in full.
    """
    role_arn, provider_arn = call.params["RoleArn"], call.params["PrincipalArn"]
    account = role_arn.split(":")[4]
    role = _existing_role(call, role_arn)
    if provider_arn not in _saml_providers(account):
        raise ApiError(
            "InvalidIdentityToken", f"there is no SAML provider {provider_arn}", status=400
        )
    attributes = _attributes(call.params["SAMLAssertion"])
    if f"{role_arn},{provider_arn}" not in attributes.get(f"{_ATTRIBUTES}Role", ()):
        raise ApiError(
            "InvalidIdentityToken", f"the assertion does not name {role_arn} with {provider_arn}"
        )
    session_name = attributes.get(f"{_ATTRIBUTES}RoleSessionName", ("",))[0]
    source_identity = attributes.get(f"{_ATTRIBUTES}SourceIdentity", ("",))[0]
    tags = {
        name.removeprefix(_PRINCIPAL_TAG): values[0]
        for name, values in attributes.items()
        if name.startswith(_PRINCIPAL_TAG)
    }
    needed = ["sts:AssumeRoleWithSAML"]
    needed += ["sts:TagSession"] if tags else []
    needed += ["sts:SetSourceIdentity"] if source_identity else []
    context = {
        **condition_context(call),
        "SAML:aud": _AUDIENCE,
        "SAML:iss": provider_arn,
        "sts:RoleSessionName": session_name,
        **({"sts:SourceIdentity": source_identity} if source_identity else {}),
        **{f"aws:RequestTag/{key}": value for key, value in tags.items()},
        "aws:TagKeys": tuple(tags),
    }
    trust = lookup.trust_policy(role_arn)
    for action in needed:
        request = Request(
            principal=Principal(kind=PrincipalKind.FEDERATED, arn=provider_arn),
            action=action,
            resource=role_arn,
            resource_account=account,
            context=context,
        )
        if not evaluate(request, Policies(resource=trust, resource_must_allow=True)).allowed:
            raise ApiError(
                "AccessDenied",
                f"Not authorized to perform {action} on {role.name}: its trust policy does not "
                "allow it",
                status=403,
            )
    session = call.cloud.identities.add_session(
        role_arn=role_arn,
        session_name=session_name,
        now=call.cloud.clock.now(),
        duration=timedelta(seconds=int(call.params.get("DurationSeconds") or _DEFAULT_SECONDS)),
        source_identity=source_identity,
        tags=tags,
        transitive_tags=tuple(attributes.get(f"{_ATTRIBUTES}TransitiveTagKeys", ())),
        session_policies=(call.params["Policy"],) if call.params.get("Policy") else (),
    )
    return {
        **_answer(session),
        "Subject": session_name,
        "SubjectType": "persistent",
        "Issuer": provider_arn,
        "Audience": _AUDIENCE,
        **({"SourceIdentity": source_identity} if source_identity else {}),
    }


def _existing_role(call: Call, role_arn: str) -> Any:
    role = lookup.role_of(role_arn)
    if role is None:
        raise ApiError(
            "AccessDenied",
            f"User: {call.caller_arn} is not authorized to perform: {'sts:' + call.operation} "
            f"on resource: {role_arn} (the role does not exist)",
            status=403,
        )
    return role


def _saml_providers(account: str) -> set[str]:
    return {provider.arn for provider in iam_backends[account]["aws"].list_saml_providers()}


def _attributes(assertion: str) -> dict[str, tuple[str, ...]]:
    try:
        root = ET.fromstring(base64.b64decode(assertion, validate=True))  # noqa: S314 - our own user
    except (binascii.Error, ET.ParseError) as error:
        raise ApiError("InvalidIdentityToken", f"the assertion cannot be read: {error}") from error
    found: dict[str, tuple[str, ...]] = {}
    for attribute in root.iter(f"{_ASSERTION}Attribute"):
        values = tuple(
            (value.text or "").strip() for value in attribute.iter(f"{_ASSERTION}AttributeValue")
        )
        found[attribute.attrib["Name"]] = values
    return found


def _answer(session: Caller) -> dict[str, Any]:
    credentials = session.credentials
    role_id = lookup.role_of(session.principal.arn).id
    return {
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": credentials.expires,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{role_id}:{session.session_name}",
            "Arn": session.arn,
        },
        "PackedPolicySize": 0,
        **({"SourceIdentity": session.source_identity} if session.source_identity else {}),
    }
