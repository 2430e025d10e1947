"""What finds out which decisions are overdue."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.serving_policy import announce
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.kpi_store import KpiStore
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus

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
    """Says on the platform's bus what has waited too long for a decision; units mail it.

    Guarantees:
        MOD-02: what reminds can read the kept events, and decides nothing.

    Example:
        OverdueDecisions(self, "Overdue", OverdueDecisionsProps(
            governance=governance, key=key, bus=bus, kept=kpi))
    """

    def __init__(self, scope: Construct, construct_id: str, props: OverdueDecisionsProps) -> None:
        super().__init__(scope, construct_id)
        governance, naming = props.governance, props.governance.naming
        limits = governance.estate.organization.decisions
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function("platform", "overdue-decisions"),
                role_name=naming.platform_role("overdue-decisions"),
                description="Reminds people of what waits for them",
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
                description="Looks by the hour for decisions that wait too long",
                schedule="rate(1 hour)",
                function=function,
            ),
        )
