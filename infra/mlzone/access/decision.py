"""Decides a request of one of the estate's roles, under everything that binds it."""

from collections.abc import Mapping

from mlzone.access.role import PARTITION, Role
from mlzone.theorem.guardrails import FULL_ACCESS, Guardrails
from mlzone_access import (
    ContextValue,
    Decision,
    Policies,
    Policy,
    Request,
    Statement,
    catalogue,
    evaluate,
)
from mlzone_access.patterns import Tokens, Variable

PRIVATE: Mapping[str, ContextValue] = {
    "sagemaker:VpcSubnets": ("subnet-1",),
    "sagemaker:VpcSecurityGroupIds": ("sg-1",),
    "sagemaker:VolumeKmsKey": "key",
    "sagemaker:OutputKmsKey": "key",
    "sagemaker:InterContainerTrafficEncryption": "true",
    "sagemaker:NetworkIsolation": "true",
    "sagemaker:AppNetworkAccessType": "VpcOnly",
    "sagemaker:DirectInternetAccess": "Disabled",
}
"""How a request looks that keeps to what everything that computes must have."""

PERSON = "any.person"
"""Who makes a request that says nothing of a person."""


def request_of(
    guardrails: Guardrails,
    role: Role,
    action: str,
    resource: str,
    *,
    person: str = PERSON,
    context: Mapping[str, ContextValue] | None = None,
    resource_account: str = "",
) -> Request:
    """Return a request as a session of the role would make it.

    Args:
        guardrails: the estate's.
        role: the caller.
        action: such as `s3:GetObject`.
        resource: its ARN, or `*`.
        person: who is behind the session, where it is a person's role.
        context: condition keys that differ from those of a plain request.
        resource_account: who owns the resource, where its ARN does not say.
    """
    values: dict[str, ContextValue] = {
        "aws:PrincipalOrgID": guardrails.estate.organization.organization_id,
        "aws:RequestedRegion": role.region or guardrails.estate.organization.home_region,
        "aws:SecureTransport": "true",
        **PRIVATE,
    }
    if role.persona:
        values["aws:SourceIdentity"] = person
    for key, value in role.tags.items():
        values[f"aws:PrincipalTag/{key}"] = value
    return Request(
        principal=role.principal,
        action=action,
        resource=resource,
        resource_account=resource_account,
        context=values | dict(context or {}),
    )


def policies_of(guardrails: Guardrails, role: Role, *, resource: Policy | None = None) -> Policies:
    """Return everything that binds a role, and the policy of what it asks for."""
    managed = role.account == guardrails.estate.organization.accounts.management
    return Policies(
        identity=role.policies,
        boundary=guardrails.boundary if role.bounded else None,
        scps=() if managed else ((FULL_ACCESS, *guardrails.scps(role.account)),),
        rcps=(guardrails.rcps(role.account),),
        resource=resource,
        management_account=guardrails.estate.organization.accounts.management,
    )


def decide(
    guardrails: Guardrails, role: Role, request: Request, *, resource: Policy | None = None
) -> Decision:
    """Decide a request of a role."""
    return evaluate(request, policies_of(guardrails, role, resource=resource))


def example_request(
    guardrails: Guardrails, role: Role, statement: Statement, pattern: str
) -> Request | None:
    """Return a request that a statement of the role is meant for; None if it is not plain.

    Args:
        guardrails: the estate's.
        role: whose statement it is.
        statement: the statement.
        pattern: one of its actions.
    """
    action = _named(pattern)
    if action is None:
        return None
    context: dict[str, ContextValue] = {}
    for condition in statement.conditions:
        absent = condition.operator.name == "Null" and condition.values[0] == "true"
        if not condition.operator.negated and not absent:
            context[condition.key] = example_value(condition.values[0], role)
    tokens = statement.resource_patterns[0] if statement.resource_patterns else ("*",)
    resource = example_resource(tokens, role)
    request = request_of(guardrails, role, action, resource, context=context)
    return request if statement.applies(request.resource, request.values) else None


def _named(pattern: str) -> str | None:
    return next(iter(catalogue.actions(pattern)), None)


def example_resource(tokens: Tokens, role: Role) -> str:
    """Return a resource that fits a pattern of a statement of a role."""
    texts = [
        token if isinstance(token, str) else _value(token, role)
        if isinstance(token, Variable) else "any"
        for token in tokens
    ]  # fmt: skip
    text = "".join(texts)
    return "*" if text == "any" else text.replace("arn:any:", f"arn:{PARTITION}:", 1)


def _value(variable: Variable, role: Role) -> str:
    if variable.key == "aws:sourceidentity":
        return PERSON
    tags = {f"aws:principaltag/{key}": value for key, value in role.tags.items()}
    return tags.get(variable.key, variable.default or "any")


def example_value(text: str, role: Role) -> str:
    """Return a value that fits a condition's pattern in a statement of a role."""
    for key, value in role.tags.items():
        text = text.replace(f"${{aws:PrincipalTag/{key}}}", value)
    return text.replace("*", "any")
