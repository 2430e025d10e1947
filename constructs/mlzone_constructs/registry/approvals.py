"""The approvals that a business unit hears of."""

from dataclasses import dataclass

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.estate import BusinessUnit, Stage
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps
from mlzone_constructs.registry.default_bus import default_bus


@dataclass(frozen=True, kw_only=True)
class ForwardedApprovalsProps:
    """Properties of ForwardedApprovals."""

    governance: Governance
    """The organization's rules."""
    unit: BusinessUnit
    """Whose staging account hears of them."""


class ForwardedApprovals(Construct):
    """Passes what a unit's approvers approved on to the unit's staging account.

    Guarantees:
        MOD-01: an approval reaches the unit's own staging account.
        IAM-01: what passes it on can put events on that account's default bus and nowhere else.

    Example:
        ForwardedApprovals(self, "Approvals", ForwardedApprovalsProps(
            governance=governance, unit=unit))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ForwardedApprovalsProps) -> None:
        super().__init__(scope, construct_id)
        governance, unit = props.governance, props.unit
        naming = governance.naming
        target = default_bus(self, governance, unit, Stage.STAGING)
        role = GovernedRole(
            self,
            "Role",
            GovernedRoleProps(
                governance=governance,
                role_name=naming.registry_role(unit.name, "forward"),
                description=f"Passes approvals on to the staging account of {unit.title}",
                service="events.amazonaws.com",
                statements=[iam.PolicyStatement(actions=["events:PutEvents"], resources=[target])],
            ),
        )
        # Approvals come from SageMaker, on the account's default bus.
        events.CfnRule(
            self,
            "Rule",
            name=naming.rule(unit.name, "approved"),
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [
                        {"prefix": naming.model_package_group_prefix(unit.name)}
                    ],
                    "ModelApprovalStatus": ["Approved"],
                },
            },
            targets=[events.CfnRule.TargetProperty(id="unit", arn=target, role_arn=role.arn)],
        )
