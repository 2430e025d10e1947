"""Events of the platform's bus that people get as mail."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class MailedEvents:
    """Which events go to whom, and what they say."""

    topic_name: str
    rule_name: str
    people: Iterable[str]
    """Who gets them."""
    pattern: Mapping[str, Any]
    """The events, as EventBridge matches them."""
    paths: Mapping[str, str]
    """Where the words of `text` stand in an event."""
    text: str
    """What people read, as an input template of EventBridge."""
    suffix: str = ""
    """What the ids of the resources end in, where a scope has several."""


def mail_events(
    scope: Construct,
    mailed: MailedEvents,
    *,
    governance: Governance,
    key: kms.IKey,
) -> events.CfnRule:
    """Make a topic that people hear and the rule of the platform's bus that fills it (ENC-01).

    Args:
        scope: where they are made.
        mailed: the events and the people.
        governance: the organization's rules.
        key: encrypts the messages.

    Returns:
        The rule; the bus must be there before it.
    """
    bus_name = governance.naming.platform_bus()
    topic = sns.Topic(
        scope,
        f"Topic{mailed.suffix}",
        topic_name=mailed.topic_name,
        master_key=key,
        enforce_ssl=True,
    )
    for person in mailed.people:
        sns.CfnSubscription(
            scope,
            f"To-{person}{mailed.suffix}",
            topic_arn=topic.topic_arn,
            protocol="email",
            endpoint=governance.estate.email(person),
        )
    rule_arn = cdk.Stack.of(scope).format_arn(
        service="events", resource="rule", resource_name=f"{bus_name}/{mailed.rule_name}"
    )
    allowed = topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EventsOfTheBus",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
        )
    )
    rule = events.CfnRule(
        scope,
        f"Rule{mailed.suffix}",
        name=mailed.rule_name,
        event_bus_name=bus_name,
        event_pattern=dict(mailed.pattern),
        targets=[
            events.CfnRule.TargetProperty(
                id="topic",
                arn=topic.topic_arn,
                input_transformer=events.CfnRule.InputTransformerProperty(
                    input_paths_map=dict(mailed.paths), input_template=mailed.text
                ),
            )
        ],
    )
    assert allowed.policy_dependable is not None  # noqa: S101 - the topic is our own
    rule.node.add_dependency(allowed.policy_dependable)
    return rule
