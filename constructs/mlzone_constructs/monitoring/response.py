"""What answers the alarms of a model's monitors."""

import json
from dataclasses import dataclass

from aws_cdk import aws_sns as sns
from constructs import Construct

from mlzone.response_policy import response_statements
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedFunction,
    GovernedFunctionProps,
)
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.monitoring.alarms import MonitorAlarms
from mlzone_constructs.serving import ModelPlace


@dataclass(frozen=True, kw_only=True)
class FindingResponseProps:
    """Properties of a FindingResponse."""

    place: ModelPlace
    """The model in production."""
    foundation: FoundationReferences
    """The key of the environment."""
    alarms: MonitorAlarms
    """The alarms that are answered."""


class FindingResponse(Construct):
    """Does by itself what the estate says when an alarm of a monitor rises.

    Guarantees:
        MON-03: a finding in production reaches a person of the team, and leads to training or to
            the release before without anybody's doing, if the estate says so.
        MON-04: it stops the model by itself only where the estate and the risk tier say so.
        DEP-01: it changes nothing that serves; it can ask the model's promotion to bring back what
            was approved and served before, and ask for no other.
        ENC-01: messages are encrypted with a key of ours and sent over TLS alone.

    Example:
        FindingResponse(self, "Response", FindingResponseProps(
            place=place, foundation=foundation, alarms=alarms))
    """

    def __init__(self, scope: Construct, construct_id: str, props: FindingResponseProps) -> None:
        super().__init__(scope, construct_id)
        self._place, self._foundation = props.place, props.foundation
        place = props.place
        actions = {action.do for action in place.model.actions}
        topic = self._topic() if "notify" in actions else None
        ticketing = place.governance.estate.organization.monitoring.ticketing
        secret_arn = ticketing.secret_arn if ticketing and "ticket" in actions else ""
        pipeline = place.naming.promotion_pipeline(place.unit.name, place.model.name, place.stage)
        falls_back = "fall-back" in actions
        stop = place.stop_function if "stop" in actions else ""
        environment = {
            **place.settings(self),
            "MLZONE_RISK_TIER": str(place.model.risk_tier),
            "MLZONE_REPORTS": place.reports_uri,
            "MLZONE_LEDGER": place.actions_uri,
            "MLZONE_POLICY": json.dumps(
                {
                    "actions": [action.model_dump(mode="json") for action in place.model.actions],
                    "alarms": props.alarms.meanings,
                    "repeat_hours": place.model.monitoring.repeat_hours,
                },
                separators=(",", ":"),
            ),
            **({"MLZONE_TOPIC": topic.topic_arn} if topic else {}),
            **({"MLZONE_PROMOTION_PIPELINE": pipeline} if falls_back else {}),
            **({"MLZONE_STOP_FUNCTION": stop} if stop else {}),
        }
        if ticketing and secret_arn:
            environment |= {
                "MLZONE_TICKET_URL": ticketing.url,
                "MLZONE_TICKET_SECRET": secret_arn,
            }
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.function("finding-response"),
                role_name=place.role("finding-response"),
                description=f"Answers what the monitors of {place.model.title} find"[:256],
                handler="finding_response",
                key=props.foundation.key,
                environment=environment,
                statements=response_statements(
                    place.surroundings(self, props.foundation.key_arn),
                    model=place.model.name,
                    bus_arn=place.bus_arn(self),
                    topic_arn=topic.topic_arn if topic else "",
                    secret_arn=secret_arn,
                    pipeline=pipeline if falls_back else "",
                    stop_function=stop,
                ),
            ),
        )
        rule = FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=place.rule("finding-response"),
                description=f"An alarm of a monitor of {place.model.title} rises"[:512],
                pattern={
                    "source": ["aws.cloudwatch"],
                    "detail-type": ["CloudWatch Alarm State Change"],
                    "detail": {
                        "alarmName": list(props.alarms.meanings),
                        "state": {"value": ["ALARM"]},
                    },
                },
                function=function,
            ),
        )
        rule.node.add_dependency(props.alarms)

    def _topic(self) -> sns.Topic:
        """Return the topic of the model's findings; the team and the webhook hear it."""
        place, estate = self._place, self._place.governance.estate
        topic = sns.Topic(
            self,
            "Topic",
            topic_name=place.naming.topic(
                place.unit.name, place.model.name, place.stage, "findings"
            ),
            master_key=self._foundation.key,
            enforce_ssl=True,
        )
        members = place.team.members
        for person in (*members.lead_data_scientists, *members.ml_engineers):
            sns.CfnSubscription(
                self,
                f"To-{person}",
                topic_arn=topic.topic_arn,
                protocol="email",
                endpoint=estate.email(person),
            )
        if webhook := estate.organization.monitoring.webhook_url:
            sns.CfnSubscription(
                self,
                "Webhook",
                topic_arn=topic.topic_arn,
                protocol="https",
                endpoint=webhook,
            )
        return topic
