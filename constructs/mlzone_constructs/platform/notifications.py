"""Tells people what needs a person."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus

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
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=naming.topic("notifications"),
            master_key=props.key,
            enforce_ssl=True,
        )
        for person in estate.organization.people.platform_admins:
            sns.CfnSubscription(
                self,
                f"To-{person}",
                topic_arn=topic.topic_arn,
                protocol="email",
                endpoint=estate.email(person),
            )
        rule_name = naming.rule("platform", "notify")
        allowed = topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="EventsOfTheBus",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={
                    "ArnEquals": {
                        "aws:SourceArn": cdk.Stack.of(self).format_arn(
                            service="events",
                            resource="rule",
                            resource_name=f"{props.bus.name}/{rule_name}",
                        )
                    }
                },
            )
        )
        rule = events.CfnRule(
            self,
            "Rule",
            name=rule_name,
            event_bus_name=props.bus.bus.ref,
            event_pattern={"detail-type": list(NOTIFIED)},
            targets=[
                events.CfnRule.TargetProperty(
                    id="topic",
                    arn=topic.topic_arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={
                            "kind": "$.detail-type",
                            "unit": "$.detail.unit",
                            "model": "$.detail.model",
                            "environment": "$.detail.environment",
                            "actor": "$.detail.actor",
                        },
                        input_template='"<kind>: <unit>/<model> in <environment>, by <actor>"',
                    ),
                )
            ],
        )
        assert allowed.policy_dependable is not None  # noqa: S101 - the topic is our own
        rule.node.add_dependency(allowed.policy_dependable)
