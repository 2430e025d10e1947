"""What statements of guardrails are made from: the roles that they name, and how they forbid."""

from typing import Any

from mlzone.naming import ROLE_PATH, Naming
from mlzone.persona import Persona

Statement = dict[str, Any]

ACCESS_ROLE = "arn:*:iam::*:role/OrganizationAccountAccessRole"
"""Organizations' own role in each account; used once, to bootstrap."""
EXECUTION_ROLE = "arn:*:iam::*:role/cdk-*-cfn-exec-role-*"
"""CloudFormation's role: what it makes was checked before, by rules over the template."""
DEPLOYMENT_ROLES = "arn:*:iam::*:role/cdk-*"
"""The roles that deployments work in; CloudFormation's is one of them."""
LOOKUP_ROLES = "arn:*:iam::*:role/cdk-*-lookup-role-*"
"""The roles in which the CDK looks at an account: they only read."""
PLATFORM_ROLES = f"arn:*:iam::*:role{ROLE_PATH}*"
"""The roles of people and of the platform's machines."""


def approvers(naming: Naming) -> str:
    """Return the roles of model approvers."""
    return f"{PLATFORM_ROLES[:-1]}{naming.prefix}-*-{Persona.MODEL_APPROVER}"


def deny(sid: str, actions: tuple[str, ...] | str, **more: Any) -> Statement:
    """Return a statement that forbids actions on everything, under the conditions of `more`."""
    listed = [actions] if isinstance(actions, str) else sorted(actions)
    return {"Sid": sid, "Effect": "Deny", "Action": listed, "Resource": "*"} | more


def unless(*roles: str) -> dict[str, Any]:
    """Return the condition that the caller has none of some roles."""
    return {"ArnNotLike": {"aws:PrincipalArn": list(roles)}}


def platform_but(*roles: str) -> dict[str, Any]:
    """Return the condition that the caller has a role of the platform, but none of some."""
    platform = {"ArnLike": {"aws:PrincipalArn": PLATFORM_ROLES}}
    return {**platform, **unless(*roles)} if roles else platform
