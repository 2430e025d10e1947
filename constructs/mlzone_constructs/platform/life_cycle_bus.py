"""The platform's event bus."""

from dataclasses import dataclass

from aws_cdk import aws_events as events
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone_constructs.governance import Governance


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

    Example:
        bus = LifeCycleBus(self, "Events", LifeCycleBusProps(governance=governance, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: LifeCycleBusProps) -> None:
        super().__init__(scope, construct_id)
        governance = props.governance
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
