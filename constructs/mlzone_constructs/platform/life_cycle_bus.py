"""The platform's event bus, and the approvals that business units hear of."""

from dataclasses import dataclass

from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.estate import BusinessUnit, Stage
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps


@dataclass(frozen=True, kw_only=True)
class LifeCycleBusProps:
    """Properties of a LifeCycleBus."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts the events."""


class LifeCycleBus(Construct):
    """The bus on which every step of a model's way is told of.

    Guarantees:
        IAM-05: accounts of the organization put events, and nobody else.
        ENC-02: events are encrypted with a key of ours.
        MOD-01: an approval reaches the unit's own staging account.

    Example:
        bus = LifeCycleBus(self, "Events", LifeCycleBusProps(governance=governance, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: LifeCycleBusProps) -> None:
        super().__init__(scope, construct_id)
        self._governance = governance = props.governance
        naming = governance.naming
        self.name = naming.platform_bus()
        """The bus's name."""
        self.arn = governance.arn(self, "events", f"event-bus/{self.name}")
        """The bus's ARN."""
        self.bus = events.CfnEventBus(
            self,
            "Bus",
            name=self.name,
            kms_key_identifier=props.key.key_arn,
            description="Life-cycle events of all models",
        )
        """The bus."""
        events.CfnEventBusPolicy(
            self,
            "Policy",
            statement_id="organization",
            event_bus_name=self.bus.ref,
            statement={
                "Effect": "Allow",
                "Principal": "*",
                "Action": "events:PutEvents",
                "Resource": self.arn,
                "Condition": {
                    "StringEquals": {
                        "aws:PrincipalOrgID": governance.estate.organization.organization_id
                    }
                },
            },
        )
        self._role = GovernedRole(
            self,
            "ForwardRole",
            GovernedRoleProps(
                governance=governance,
                role_name=naming.platform_role("forward"),
                description="Passes approvals on to the business units' accounts",
                service="events.amazonaws.com",
                statements=[
                    iam.PolicyStatement(
                        actions=["events:PutEvents"],
                        resources=[
                            default_bus(self, governance, unit, Stage.STAGING)
                            for unit in governance.estate.units
                        ],
                    )
                ],
            ),
        )
        for unit in governance.estate.units:
            self._forward_approvals(unit)

    def _forward_approvals(self, unit: BusinessUnit) -> None:
        """Approvals come from SageMaker, on the account's default bus."""
        prefix = self._governance.naming.model_package_group_prefix(unit.name)
        events.CfnRule(
            self,
            f"Rule-{unit.name}-approved",
            name=self._governance.naming.rule(unit.name, "approved"),
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Model Package State Change"],
                "detail": {
                    "ModelPackageGroupName": [{"prefix": prefix}],
                    "ModelApprovalStatus": ["Approved"],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="unit",
                    arn=default_bus(self, self._governance, unit, Stage.STAGING),
                    role_arn=self._role.arn,
                )
            ],
        )


def default_bus(scope: Construct, governance: Governance, unit: BusinessUnit, stage: Stage) -> str:
    """Return the ARN of the default event bus of a unit's environment."""
    return governance.arn(
        scope,
        "events",
        "event-bus/default",
        account=unit.environments[stage].account,
        region=governance.estate.region(unit, stage),
    )
