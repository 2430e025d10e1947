"""May an AWS service act as a role?"""

from typing import TYPE_CHECKING, Any

from mlzone_access import Policies, Principal, PrincipalKind, Request, evaluate
from mlzone_cloud.authorization import policies as lookup
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def trusted_role(cloud: "Cloud", role_arn: str, service: str) -> Any:
    """Return the role that a service wants to act as.

    Args:
        cloud: the cloud.
        role_arn: the role.
        service: the service's principal; empty if nobody has to be asked.

    Raises:
        ApiError: the role does not exist or does not trust the service.
    """
    role = lookup.role_of(role_arn)
    if role is None:
        raise ApiError("ValidationException", f"the role {role_arn} does not exist")
    if not service:
        return role
    account = role_arn.split(":")[4]
    request = Request(
        principal=Principal(kind=PrincipalKind.SERVICE, arn=service),
        action="sts:AssumeRole",
        resource=role_arn,
        resource_account=account,
        context={
            "aws:SourceAccount": account,
            "aws:SourceOrgID": cloud.organization_id,
            "aws:SecureTransport": "true",
        },
    )
    policies = Policies(resource=lookup.trust_policy(role_arn), resource_must_allow=True)
    decision = evaluate(request, policies)
    if not decision.allowed:
        cloud.record_denial(service, "sts:AssumeRole", role_arn, decision)
        raise ApiError(
            "ValidationException",
            f"{service} cannot assume the role {role_arn}: {decision.reason}",
        )
    return role
