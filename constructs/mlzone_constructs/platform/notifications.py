"""Tells people what needs a person."""

from dataclasses import dataclass

from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus
from mlzone_constructs.platform.mailed_events import MailedEvents, mail_events

NOTIFIED = (
    "Approval Reverted",
    "Batch Failed",
    "Data Refused",
    "Drift Detected",
    "Glass Broken",
    "Glass Used",
    "Model Stop Failed",
    "Model Stopped",
    "Release Failed",
    "Release Refused",
)
"""The events that somebody must look at."""


@dataclass(frozen=True, kw_only=True)
class NotificationsProps:
    """Properties of Notifications."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts the messages."""
    bus: LifeCycleBus
    """Where the events are put."""


class Notifications(Construct):
    """A topic that the platform's administrators hear, and the rule that fills it.

    Guarantees:
        MON-03: drift, failed releases and reverted approvals reach a person.
        ENC-01: messages are encrypted with a key of ours and sent over TLS alone.

    Example:
        Notifications(self, "Notifications", NotificationsProps(
            governance=governance, key=key, bus=bus))
    """

    def __init__(self, scope: Construct, construct_id: str, props: NotificationsProps) -> None:
        super().__init__(scope, construct_id)
        governance = props.governance
        estate, naming = governance.estate, governance.naming
        rule = mail_events(
            self,
            MailedEvents(
                topic_name=naming.topic("notifications"),
                rule_name=naming.rule("platform", "notify"),
                people=estate.organization.people.platform_admins,
                pattern={"detail-type": list(NOTIFIED)},
                paths={
                    "kind": "$.detail-type",
                    "unit": "$.detail.unit",
                    "model": "$.detail.model",
                    "environment": "$.detail.environment",
                    "actor": "$.detail.actor",
                },
                text='"<kind>: <unit>/<model> in <environment>, by <actor>"',
            ),
            governance=governance,
            key=props.key,
        )
        rule.node.add_dependency(props.bus.bus)
