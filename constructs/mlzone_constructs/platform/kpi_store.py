"""The store of life-cycle events, and what fills it."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus


@dataclass(frozen=True, kw_only=True)
class KpiStoreProps:
    """Properties of a KpiStore."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts the events that are kept."""
    bus: LifeCycleBus
    """Where the events come from."""


class KpiStore(Construct):
    """Every life-cycle event of every model, in one table.

    Guarantees:
        LOG-01: every event of the platform's bus is kept, once.
        ENC-02: the table is encrypted with a key of ours.
        DAT-05: it can be brought back to any moment of the last weeks, and outlives its stack.

    Example:
        KpiStore(self, "Kpi", KpiStoreProps(governance=governance, key=key, bus=bus))
    """

    def __init__(self, scope: Construct, construct_id: str, props: KpiStoreProps) -> None:
        super().__init__(scope, construct_id)
        self.table = table = self._table(props)
        """Every life-cycle event."""
        naming = props.governance.naming
        collector = GovernedFunction(
            self,
            "Collector",
            GovernedFunctionProps(
                governance=props.governance,
                function_name=naming.function("platform", "kpi-collector"),
                role_name=naming.platform_role("kpi-collector"),
                description="Keeps every life-cycle event",
                handler="kpi_collector",
                key=props.key,
                environment={"MLZONE_KPI_TABLE": table.ref},
                statements=[
                    iam.PolicyStatement(
                        sid="Keep", actions=["dynamodb:PutItem"], resources=[table.attr_arn]
                    )
                ],
            ),
        )
        FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=naming.rule("platform", "kpi"),
                description="Every life-cycle event of every model",
                pattern={"source": [{"prefix": "mlzone."}]},
                function=collector,
                bus_name=props.bus.bus.ref,
            ),
        )

    def _table(self, props: KpiStoreProps) -> dynamodb.CfnTable:
        table = dynamodb.CfnTable(
            self,
            "Events",
            table_name=props.governance.naming.kpi_table(),
            billing_mode="PAY_PER_REQUEST",
            attribute_definitions=[
                dynamodb.CfnTable.AttributeDefinitionProperty(
                    attribute_name=name, attribute_type="S"
                )
                for name in ("model", "event")
            ],
            key_schema=[
                dynamodb.CfnTable.KeySchemaProperty(attribute_name="model", key_type="HASH"),
                dynamodb.CfnTable.KeySchemaProperty(attribute_name="event", key_type="RANGE"),
            ],
            point_in_time_recovery_specification=(
                dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
                    point_in_time_recovery_enabled=True
                )
            ),
            sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS", kms_master_key_id=props.key.key_arn
            ),
            deletion_protection_enabled=True,
        )
        table.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        return table
