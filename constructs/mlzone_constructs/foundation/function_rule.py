"""Events that call a function."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from mlzone_constructs.foundation.function import GovernedFunction

_LONGEST_RETRY_SECONDS = 3600
_RETRIES = 8


@dataclass(frozen=True, kw_only=True)
class FunctionRuleProps:
    """Properties of a FunctionRule."""

    rule_name: str
    """The rule's name."""
    description: str
    """Which events call the function."""
    function: GovernedFunction
    """What is called."""
    pattern: Mapping[str, Any] | None = None
    """The events' pattern; none where a schedule calls."""
    schedule: str | None = None
    """The schedule's expression; none where events call."""
    bus_name: str | None = None
    """The bus; the account's default bus unless given."""


class FunctionRule(Construct):
    """A rule that calls a function with the events of a pattern, or by a schedule.

    Guarantees:
        IAM-05: only this rule may call the function by its permission.
        MON-03: an event that cannot be delivered is kept with the function's dead letters.

    Example:
        FunctionRule(self, "OnApproval", FunctionRuleProps(
            rule_name=..., description=..., pattern={"source": ["aws.sagemaker"]}, function=puller))
    """

    def __init__(self, scope: Construct, construct_id: str, props: FunctionRuleProps) -> None:
        super().__init__(scope, construct_id)
        function = props.function
        where = f"{props.bus_name}/" if props.bus_name else ""
        # Written out, not asked of the rule: an event may come as soon as the rule is there, and
        # what lets it call the function must be there before.
        rule_arn = cdk.Stack.of(self).format_arn(
            service="events", resource="rule", resource_name=f"{where}{props.rule_name}"
        )
        function.dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                # A function may have several rules, a policy no statement of the same name twice.
                sid=f"EventsThatFail{construct_id}",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[function.dead_letters.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule_arn}},
            )
        )
        permission = lambda_.CfnPermission(
            self,
            "Permission",
            action="lambda:InvokeFunction",
            function_name=function.arn,
            principal="events.amazonaws.com",
            source_arn=rule_arn,
        )
        rule = events.CfnRule(
            self,
            "Resource",
            name=props.rule_name,
            description=props.description,
            event_bus_name=props.bus_name,
            event_pattern=dict(props.pattern) if props.pattern else None,
            schedule_expression=props.schedule,
            targets=[
                events.CfnRule.TargetProperty(
                    id="function",
                    arn=function.arn,
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=function.dead_letters.queue_arn
                    ),
                    retry_policy=events.CfnRule.RetryPolicyProperty(
                        maximum_event_age_in_seconds=_LONGEST_RETRY_SECONDS,
                        maximum_retry_attempts=_RETRIES,
                    ),
                )
            ],
        )
        rule.add_dependency(permission)
        rule.node.add_dependency(function.dead_letters)
