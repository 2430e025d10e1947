"""Reminders of what waits for a person."""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.estate import BusinessUnit
from mlzone.serving_policy import announce
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.kpi_store import KpiStore
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus
from mlzone_constructs.platform.mailed_events import MailedEvents, mail_events

OVERDUE = "Decision Overdue"


@dataclass(frozen=True, kw_only=True)
class OverdueDecisionsProps:
    """Properties of OverdueDecisions."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts logs and messages."""
    bus: LifeCycleBus
    """Where overdue decisions are told of."""
    kept: KpiStore
    """The kept life-cycle events."""


class OverdueDecisions(Construct):
    """Reminds a unit's approvers of what waits for them, and its owner when they do not answer.

    Guarantees:
        MOD-03: no version waits for a decision without those who decide hearing of it again.
        MOD-02: what reminds can read the kept events, and decides nothing.
        ENC-01: messages are encrypted with a key of ours and sent over TLS alone.

    Example:
        OverdueDecisions(self, "Overdue", OverdueDecisionsProps(
            governance=governance, key=key, bus=bus, kept=kpi))
    """

    def __init__(self, scope: Construct, construct_id: str, props: OverdueDecisionsProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        governance, naming = props.governance, props.governance.naming
        limits = governance.estate.organization.decisions
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function("platform", "overdue-decisions"),
                role_name=naming.platform_role("overdue-decisions"),
                description="Reminds people of versions that wait for them",
                handler="overdue_decisions",
                key=props.key,
                environment={
                    "MLZONE_PLATFORM_BUS": props.bus.arn,
                    "MLZONE_KPI_TABLE": props.kept.table.ref,
                    "MLZONE_REMIND_AFTER_HOURS": str(limits.remind_after_hours),
                    "MLZONE_ESCALATE_AFTER_HOURS": str(limits.escalate_after_hours),
                },
                statements=[
                    iam.PolicyStatement(
                        sid="Read",
                        actions=["dynamodb:Scan"],
                        resources=[props.kept.table.attr_arn],
                    ),
                    announce(props.bus.arn),
                ],
            ),
        )
        FunctionRule(
            self,
            "Hourly",
            FunctionRuleProps(
                rule_name=naming.rule("platform", "overdue"),
                description="Looks by the hour for versions that wait too long",
                schedule="rate(1 hour)",
                function=function,
            ),
        )
        for unit in governance.estate.units:
            self._tell(unit, "reminder", unit.approvers, levels=["reminder", "escalation"])
            self._tell(unit, "escalation", (unit.owner,), levels=["escalation"])

    def _tell(
        self, unit: BusinessUnit, level: str, people: Iterable[str], *, levels: list[str]
    ) -> None:
        """Send what is overdue in a unit, and as urgent as that, to people."""
        props, naming = self._props, self._props.governance.naming
        mail_events(
            self,
            MailedEvents(
                topic_name=naming.topic(unit.name, level),
                rule_name=naming.rule(unit.name, level),
                people=people,
                pattern={
                    "detail-type": [OVERDUE],
                    "detail": {"unit": [unit.name], "facts": {"level": levels}},
                },
                paths={
                    "unit": "$.detail.unit",
                    "model": "$.detail.model",
                    "version": "$.detail.facts.version",
                    "hours": "$.detail.facts.hours",
                },
                text=(
                    '"<unit>/<model>:<version> has waited for a decision for <hours> '
                    'hours: mlzone model show <unit>/<model>"'
                ),
                suffix=f"-{unit.name}-{level}",
            ),
            governance=props.governance,
            key=props.key,
            bus=props.bus,
        )
