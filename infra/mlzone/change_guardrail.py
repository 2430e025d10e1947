"""Which roles of deployments the pipelines of units may take, whatever their policies say."""

from mlzone.change_policy import LOOKING
from mlzone.estate import Estate
from mlzone.guardrail_statement import LOOKUP_ROLES, Statement
from mlzone.naming import ROLE_PATH


def environment_pipelines(estate: Estate) -> tuple[str, ...]:
    """Return the roles in which pipelines deploy units and look at what they have deployed."""
    if not estate.organization.source.repository:
        return ()
    return (f"{_roles(estate)}-deploy-*", *lookers(estate))


def lookers(estate: Estate) -> tuple[str, ...]:
    """Return the roles in which pipelines look at what is deployed."""
    if not estate.organization.source.repository:
        return ()
    return tuple(f"{_roles(estate)}-{purpose}" for purpose in LOOKING)


def looking(estate: Estate) -> list[Statement]:
    """Return what keeps those that look from any role but the bootstrap's for reading."""
    roles = lookers(estate)
    if not roles:
        return []
    return [
        {
            "Sid": "LookersOnlyLook",
            "Effect": "Deny",
            "Action": ["sts:AssumeRole"],
            "NotResource": LOOKUP_ROLES,
            "Condition": {"ArnLike": {"aws:PrincipalArn": list(roles)}},
        }
    ]


def _roles(estate: Estate) -> str:
    shared = estate.organization.accounts.shared_services
    return f"arn:*:iam::{shared}:role{ROLE_PATH}{estate.organization.prefix}-*-change"
