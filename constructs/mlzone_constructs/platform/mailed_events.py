"""Events that people get as mail."""

from collections.abc import Iterable, Mapping, Sequence
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
class FurtherEvents:
    """Events of the account's own bus that go to the same people."""

    rule_name: str
    pattern: Mapping[str, Any]
    """The events, as EventBridge matches them."""
    paths: Mapping[str, str]
    """Where the words of `text` stand in an event."""
    text: str
    """What people read, as an input template of EventBridge."""


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
    further: Sequence[FurtherEvents] = ()
    """What these people get beside the events of the platform's bus."""


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
    rule_arns = [
        cdk.Stack.of(scope).format_arn(service="events", resource="rule", resource_name=name)
        for name in (
            f"{bus_name}/{mailed.rule_name}",
            *(item.rule_name for item in mailed.further),
        )
    ]
    allowed = topic.add_to_resource_policy(
        iam.PolicyStatement(
            sid="EventsOfTheBus",
            principals=[iam.ServicePrincipal("events.amazonaws.com")],
            actions=["sns:Publish"],
            resources=[topic.topic_arn],
            conditions={
                "ArnEquals": {"aws:SourceArn": rule_arns if mailed.further else rule_arns[0]}
            },
        )
    )
    rule = _rule(scope, f"Rule{mailed.suffix}", mailed, topic, bus_name)
    assert allowed.policy_dependable is not None  # noqa: S101 - the topic is our own
    rule.node.add_dependency(allowed.policy_dependable)
    for number, item in enumerate(mailed.further, start=2):
        more = _rule(scope, f"Rule{mailed.suffix}{number}", item, topic, None)
        more.node.add_dependency(allowed.policy_dependable)
    return rule


def _rule(
    scope: Construct,
    construct_id: str,
    said: MailedEvents | FurtherEvents,
    topic: sns.Topic,
    bus_name: str | None,
) -> events.CfnRule:
    return events.CfnRule(
        scope,
        construct_id,
        name=said.rule_name,
        event_bus_name=bus_name,
        event_pattern=dict(said.pattern),
        targets=[
            events.CfnRule.TargetProperty(
                id="topic",
                arn=topic.topic_arn,
                input_transformer=events.CfnRule.InputTransformerProperty(
                    input_paths_map=dict(said.paths), input_template=said.text
                ),
            )
        ],
    )
