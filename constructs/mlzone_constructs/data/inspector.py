"""What looks into data that arrive."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.data_policy import inspector_role, inspector_statements
from mlzone.estate import Team
from mlzone.estate.team import LANDING
from mlzone.serving_policy import announce, platform_bus_arn
from mlzone_constructs.data.zones import DataZones
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedFunction,
    GovernedFunctionProps,
)
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance

_MINUTES = 15


@dataclass(frozen=True, kw_only=True)
class DataInspectorProps:
    """Properties of a DataInspector."""

    governance: Governance
    """The organization's rules."""
    team: Team
    """Whose data it is."""
    zones: DataZones
    """Where they lie."""
    key: kms.IKey
    """Encrypts them; the team's own."""
    foundation: FoundationReferences
    """The key of the environment, for the function's log and settings."""


class DataInspector(Construct):
    """The function that masks what identifies people in what arrives, before anybody reads it.

    Guarantees:
        DAT-04: every new object of the landing is looked into; it reaches its data zone without
            what identifies people, or stays where nobody reads it. Either is told of on the
            platform's bus, with what was masked and how often.
        IAM-06: it reaches one team's data.

    Example:
        DataInspector(self, "Inspector", DataInspectorProps(
            governance=governance, team=team, zones=zones, key=key, foundation=foundation))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DataInspectorProps) -> None:
        super().__init__(scope, construct_id)
        governance, team, naming = props.governance, props.team, props.governance.naming
        unit, stage = governance.of_unit()
        bucket = props.zones.bucket
        bus = platform_bus_arn(
            naming,
            governance.place(self).partition,
            governance.home_region,
            governance.shared_services,
        )
        statements = inspector_statements(team, bucket_arn=bucket.arn, key_arn=props.key.key_arn)
        self.function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function(unit.name, team.name, stage, "inspector"),
                role_name=inspector_role(naming, unit, team, stage),
                description=f"Masks what identifies people in data of {team.title}"[:256],
                handler="data_inspector",
                key=props.foundation.key,
                timeout=cdk.Duration.minutes(_MINUTES),
                environment={
                    "MLZONE_UNIT": unit.name,
                    "MLZONE_TEAM": team.name,
                    "MLZONE_ENVIRONMENT": stage.value,
                    "MLZONE_DATA_ZONES": ",".join(zone.name for zone in team.data_zones),
                    "MLZONE_PLATFORM_BUS": bus,
                },
                statements=(*statements, announce(bus)),
            ),
        )
        """The function."""
        account = unit.environments[stage].account
        FunctionRule(
            self,
            "Landed",
            FunctionRuleProps(
                rule_name=naming.rule(unit.name, team.name, stage, "landed"),
                description=f"Data of {team.title} arrive"[:512],
                pattern={
                    "source": ["aws.s3"],
                    "detail-type": ["Object Created"],
                    "detail": {
                        "bucket": {"name": [naming.data_bucket(unit.name, team.name, account)]},
                        "object": {"key": [{"prefix": f"{LANDING}/"}]},
                    },
                },
                function=self.function,
            ),
        )
