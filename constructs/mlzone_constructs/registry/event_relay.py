"""What the platform's bus passes on to a business unit."""

import json
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.estate import BusinessUnit, Stage
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.registry.default_bus import default_bus

_PASSED_ON = (
    (Stage.STAGING, "mlzone.delivery", "Release Validated"),
    (Stage.PROD, "mlzone.monitoring", "Retraining Requested"),
)
"""Which environment tells of what that another one acts on."""
_TARGETS = (Stage.PROD, Stage.DEV)
"""Production hears of validated releases, development of requests for retraining."""


@dataclass(frozen=True, kw_only=True)
class EventRelayProps:
    """Properties of an EventRelay."""

    governance: Governance
    """The organization's rules."""
    unit: BusinessUnit
    """Whose accounts hear of the events."""
    key: kms.IKey
    """Encrypts logs and settings."""


class EventRelay(Construct):
    """The function that passes events on from one account of a unit to another.

    A rule cannot do it: EventBridge sends nothing on to a third account.

    Guarantees:
        MOD-01: a validated release reaches the unit's production account if its staging account
            told of it, a request for retraining its development account if production did.
        IAM-01: it can put events on the default buses of these accounts and nowhere else.

    Example:
        EventRelay(self, "Relay", EventRelayProps(
            governance=governance, unit=unit, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: EventRelayProps) -> None:
        super().__init__(scope, construct_id)
        governance, naming, unit = props.governance, props.governance.naming, props.unit
        places = {
            unit.name: {
                stage.value: f"{governance.estate.region(unit, stage)}:"
                f"{unit.environments[stage].account}"
                for stage in Stage
            }
        }
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function(unit.name, "relay"),
                role_name=naming.registry_role(unit.name, "relay"),
                description=f"Passes events of {unit.name} on to the account that acts on them",
                handler="relay",
                key=props.key,
                environment={
                    "MLZONE_PLACES": json.dumps(places, separators=(",", ":")),
                    "MLZONE_PARTITION": cdk.Stack.of(self).partition,
                },
                statements=[
                    iam.PolicyStatement(
                        sid="PassOn",
                        actions=["events:PutEvents"],
                        resources=[
                            default_bus(self, governance, unit, stage) for stage in _TARGETS
                        ],
                    )
                ],
            ),
        )
        for origin, source, kind in _PASSED_ON:
            what = kind.rpartition(" ")[0]
            FunctionRule(
                self,
                what,
                FunctionRuleProps(
                    rule_name=naming.rule(unit.name, f"relay-{what.lower()}"),
                    description=f"{kind}, told of by {origin.value}",
                    pattern={
                        "source": [source],
                        "detail-type": [kind],
                        "detail": {"unit": [unit.name], "environment": [origin.value]},
                    },
                    function=function,
                    bus_name=naming.platform_bus(),
                ),
            )
