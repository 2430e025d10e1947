"""May an AWS service do something to a resource on behalf of another, by the resource's policy?"""

from typing import TYPE_CHECKING

from mlzone_access import Decision, Policies, Principal, PrincipalKind, Request, evaluate
from mlzone_cloud.authorization import policies as lookup
from mlzone_cloud.authorization.resource_policies import owner_of, resource_policy
from mlzone_cloud.errors import ApiError
from mlzone_cloud.identity import service_principal
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def admit(
    cloud: "Cloud",
    service: str,
    action: str,
    resource: str,
    *,
    source: str,
    source_account: str = "",
) -> None:
    """Refuse what the resource's policy does not allow.

    Args:
        cloud: the cloud.
        service: who acts, such as `events.amazonaws.com`.
        action: such as `lambda:InvokeFunction`.
        resource: the ARN of the resource.
        source: the ARN of what makes the service act, such as a rule.
        source_account: its account, where the ARN does not tell.

    Raises:
        ApiError: the policy does not let the service.
    """
    account = source_account or source.split(":")[4]
    decision = decide(cloud, service_principal(service), action, resource, source, account)
    if not decision.allowed:
        cloud.record_denial(f"{service} for {source}", action, resource, decision)
        raise ApiError(
            "AccessDeniedException",
            f"{service} is not authorized to perform {action} on {resource} for {source}: "
            f"{decision.reason}",
            status=403,
        )


def decide(
    cloud: "Cloud", principal: Principal, action: str, resource: str, source: str, account: str
) -> Decision:
    """Decide by a resource's policy alone."""
    owner = owner_of(resource, account)
    with tracking.reading(), cloud.lock:
        hanging = resource_policy(cloud, resource, owner)
        rcps = lookup.control_policies(cloud, owner, lookup.RCP)
    is_service = principal.kind is PrincipalKind.SERVICE
    return evaluate(
        Request(
            principal=principal,
            action=action,
            resource=resource,
            resource_account=owner,
            context={
                "aws:SourceArn": source,
                "aws:SourceAccount": account,
                "aws:SourceOwner": account,
                "aws:SourceOrgID": cloud.organization_id,
                "aws:SecureTransport": "true",
                "aws:PrincipalIsAWSService": str(is_service).lower(),
                **({"aws:PrincipalServiceName": principal.arn} if is_service else {}),
            },
        ),
        Policies(
            resource=hanging,
            rcps=rcps,
            management_account=cloud.management_account,
            resource_must_allow=True,
        ),
    )
