"""AWS STS: who am I, and sessions of roles with tags and SourceIdentity."""

import json
import re
from datetime import timedelta
from typing import Any

from moto.iam.models import iam_backends

from mlzone_access import Policies, Principal, PrincipalKind, Request, evaluate
from mlzone_cloud.authorization import policies as lookup
from mlzone_cloud.authorization.context import condition_context
from mlzone_cloud.errors import ApiError
from mlzone_cloud.identity import Caller
from mlzone_cloud.operations import Call, after, operation
from mlzone_cloud.saml import Assertion

_DEFAULT_SECONDS = 3600
_CHAINED_SECONDS = 3600
_SHORTEST_SECONDS = 900
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")


@operation("sts", "GetCallerIdentity")
def get_caller_identity(call: Call) -> dict[str, Any]:
    """Tell who calls."""
    caller = call.caller
    if caller is None:
        return {"UserId": call.account, "Account": call.account, "Arn": call.caller_arn}
    user_id = caller.principal.unique_id or caller.account
    if caller.session_name:
        user_id = f"{user_id}:{caller.session_name}"
    return {"UserId": user_id, "Account": caller.account, "Arn": caller.arn}


@operation("sts", "AssumeRole")
def assume_role(call: Call) -> dict[str, Any]:
    """Begin a session of a role; the front door has asked its trust policy already."""
    params = call.params
    role = _existing_role(call, params["RoleArn"])
    caller = call.caller
    chained = caller is not None and caller.principal.kind is PrincipalKind.ROLE
    tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags") or ()}
    inherited = _inherited_tags(caller)
    clash = next((key for key in tags if key in inherited), None)
    if clash:
        raise ApiError(
            "InvalidParameterValue", f"the session tag {clash} is transitive and cannot be changed"
        )
    session = call.cloud.identities.add_session(
        role_arn=role.arn,
        session_name=params["RoleSessionName"],
        now=call.cloud.clock.now(),
        duration=_duration(call, role, chained=chained),
        source_identity=_source_identity(call, caller),
        tags={**inherited, **tags},
        transitive_tags=(*inherited, *(params.get("TransitiveTagKeys") or ())),
        session_policies=_session_policies(call, role.arn),
        chained=chained,
        role_id=role.id,
    )
    return _answer(session)


@operation("sts", "AssumeRoleWithSAML")
def assume_role_with_saml(call: Call) -> dict[str, Any]:
    """Begin a session for somebody whom a SAML identity provider vouches for.

    The assertion's signature is not checked: whoever reaches this loopback socket is the machine's
    own user, who plays the identity provider. The role's trust policy is checked in full.
    """
    provider_arn = call.params["PrincipalArn"]
    role = _existing_role(call, call.params["RoleArn"])
    if provider_arn not in _saml_providers(role.arn.split(":")[4]):
        raise ApiError("InvalidIdentityToken", f"there is no SAML provider {provider_arn}")
    assertion = Assertion.parse(call.params["SAMLAssertion"])
    if not assertion.names(role.arn, provider_arn):
        raise ApiError(
            "InvalidIdentityToken", f"the assertion does not name {role.arn} with {provider_arn}"
        )
    if not _SESSION_NAME.fullmatch(assertion.session_name):
        raise ApiError("InvalidIdentityToken", f"{assertion.session_name!r} cannot name a session")
    _ask_trust_policy(call, role, provider_arn, assertion)
    session = call.cloud.identities.add_session(
        role_arn=role.arn,
        session_name=assertion.session_name,
        now=call.cloud.clock.now(),
        duration=_duration(call, role, chained=False),
        source_identity=assertion.source_identity,
        tags=assertion.tags,
        transitive_tags=assertion.transitive_tags,
        session_policies=_session_policies(call, role.arn),
        role_id=role.id,
        federated_by=provider_arn,
    )
    return {
        **_answer(session),
        "Subject": assertion.subject,
        "SubjectType": "persistent",
        "Issuer": provider_arn,
        "Audience": assertion.audience,
    }


@operation("sts", "AssumeRoleWithWebIdentity")
def assume_role_with_web_identity(call: Call) -> dict[str, Any]:
    """Refuse: there is no OpenID provider whose tokens could be checked here."""
    account = call.params["RoleArn"].split(":")[4]
    providers = list(iam_backends[account]["aws"].open_id_providers)
    known = f"the account has {', '.join(providers)}, but" if providers else "the account has none;"
    raise ApiError(
        "InvalidIdentityToken",
        f"no OpenID Connect provider found for the token: {known} the embedded cloud checks no "
        "tokens; use AssumeRole or AssumeRoleWithSAML",
    )


@after("iam", "CreateAccessKey")
def accept_user_key(call: Call, result: dict[str, Any]) -> None:
    """Let an IAM user act with a new access key."""
    key = result["AccessKey"]
    user = iam_backends[call.account]["aws"].get_user(key["UserName"])
    call.cloud.identities.add_user_key(
        key["AccessKeyId"], key["SecretAccessKey"], arn=user.arn, user_id=user.id
    )


@after("iam", "DeleteAccessKey")
def refuse_user_key(call: Call, result: dict[str, Any]) -> None:
    """Refuse a deleted access key."""
    del result
    call.cloud.identities.remove_key(call.params["AccessKeyId"])


def _ask_trust_policy(call: Call, role: Any, provider_arn: str, assertion: Assertion) -> None:
    """Ask for the right to begin the session, to tag it and to say who is behind it."""
    needed = ["sts:AssumeRoleWithSAML"]
    needed += ["sts:TagSession"] if assertion.tags else []
    needed += ["sts:SetSourceIdentity"] if assertion.source_identity else []
    context = {
        **condition_context(call),
        "SAML:aud": assertion.audience,
        "SAML:iss": provider_arn,
        "SAML:sub": assertion.subject,
        "aws:FederatedProvider": provider_arn,
        "sts:RoleSessionName": assertion.session_name,
        **{f"aws:RequestTag/{key}": value for key, value in assertion.tags.items()},
        "aws:TagKeys": tuple(assertion.tags),
        "sts:TransitiveTagKeys": assertion.transitive_tags,
    }
    if assertion.source_identity:
        context["sts:SourceIdentity"] = assertion.source_identity
    account = role.arn.split(":")[4]
    policies = Policies(resource=lookup.trust_policy(role.arn), resource_must_allow=True)
    for action in needed:
        request = Request(
            principal=Principal(kind=PrincipalKind.FEDERATED, arn=provider_arn),
            action=action,
            resource=role.arn,
            resource_account=account,
            context=context,
        )
        decision = evaluate(request, policies)
        if not decision.allowed:
            call.cloud.record_denial(assertion.session_name, action, role.arn, decision)
            raise ApiError(
                "AccessDenied",
                f"Not authorized to perform {action} on {role.arn}: {decision.reason}",
                status=403,
            )


def _inherited_tags(caller: Caller | None) -> dict[str, str]:
    if caller is None:
        return {}
    return {key: caller.tags[key] for key in caller.transitive_tags if key in caller.tags}


def _source_identity(call: Call, caller: Caller | None) -> str:
    """Return who is behind the session; once set it stays through all chained roles."""
    wanted = call.params.get("SourceIdentity") or ""
    inherited = caller.source_identity if caller else ""
    if inherited and wanted and wanted != inherited:
        raise ApiError(
            "AccessDenied", "SourceIdentity cannot be changed by role chaining", status=403
        )
    return str(inherited or wanted)


def _duration(call: Call, role: Any, *, chained: bool) -> timedelta:
    seconds = int(call.params.get("DurationSeconds") or _DEFAULT_SECONDS)
    longest = int(role.max_session_duration or _DEFAULT_SECONDS)
    if chained and seconds > _CHAINED_SECONDS:
        raise ApiError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining",
        )
    if not _SHORTEST_SECONDS <= seconds <= longest:
        raise ApiError(
            "ValidationError",
            f"The requested DurationSeconds {seconds} is not between {_SHORTEST_SECONDS} and the "
            f"MaxSessionDuration {longest} set for this role.",
        )
    return timedelta(seconds=seconds)


def _session_policies(call: Call, role_arn: str) -> tuple[str, ...]:
    """Return the policies that narrow the session, given as text or named."""
    documents = []
    inline = call.params.get("Policy")
    if inline:
        try:
            json.loads(inline)
        except ValueError as error:
            raise ApiError("MalformedPolicyDocument", f"the session policy: {error}") from error
        documents.append(inline)
    backend = iam_backends[role_arn.split(":")[4]]["aws"]
    for item in call.params.get("PolicyArns") or ():
        policy = backend.managed_policies.get(item.get("arn"))
        if policy is None:
            raise ApiError("NoSuchEntity", f"there is no policy {item.get('arn')}", status=404)
        documents.append(lookup.default_version(policy) or "{}")
    return tuple(documents)


def _existing_role(call: Call, role_arn: str) -> Any:
    role = lookup.role_of(role_arn)
    if role is None or role.arn != role_arn:
        raise ApiError(
            "AccessDenied",
            f"User: {call.caller_arn} is not authorized to perform: sts:{call.operation} "
            f"on resource: {role_arn} (the role does not exist)",
            status=403,
        )
    return role


def _saml_providers(account: str) -> set[str]:
    return {provider.arn for provider in iam_backends[account]["aws"].list_saml_providers()}


def _answer(session: Caller) -> dict[str, Any]:
    credentials = session.credentials
    return {
        "Credentials": {
            "AccessKeyId": credentials.access_key_id,
            "SecretAccessKey": credentials.secret_access_key,
            "SessionToken": credentials.session_token,
            "Expiration": credentials.expires,
        },
        "AssumedRoleUser": {
            "AssumedRoleId": f"{session.principal.unique_id}:{session.session_name}",
            "Arn": session.arn,
        },
        "PackedPolicySize": 0,
        **({"SourceIdentity": session.source_identity} if session.source_identity else {}),
    }
