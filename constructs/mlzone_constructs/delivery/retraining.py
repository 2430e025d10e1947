"""Retraining when a model drifts."""

from dataclasses import dataclass

from constructs import Construct

from mlzone.delivery_policy import retraining_statements
from mlzone.serving_policy import announce
from mlzone_constructs.delivery.setting import DeliverySetting, statements
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps


@dataclass(frozen=True, kw_only=True)
class RetrainingProps:
    """Properties of a Retraining."""

    setting: DeliverySetting
    """The model's delivery."""


class Retraining(Construct):
    """The function that starts a new training when one is asked for, within the cooldown.

    Guarantees:
        MON-03: a request for retraining starts the build pipeline or says why not.
        DEP-01: what is retrained waits for an approver like any other version.

    Example:
        Retraining(self, "Retraining", RetrainingProps(setting=setting))
    """

    def __init__(self, scope: Construct, construct_id: str, props: RetrainingProps) -> None:
        super().__init__(scope, construct_id)
        setting, place = props.setting, props.setting.place
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.function("retrain"),
                role_name=place.role("retrain"),
                description="Starts a training of the model when it drifts",
                handler="retrain",
                key=setting.foundation.key,
                environment={
                    **place.settings(self),
                    "MLZONE_BUILD_PIPELINE": setting.pipeline_name,
                    "MLZONE_COOLDOWN_HOURS": str(place.model.retraining.cooldown_hours),
                    "MLZONE_MAX_PER_MONTH": str(place.model.retraining.max_per_month),
                },
                statements=statements(
                    retraining_statements(setting.policy(self)), [announce(place.bus_arn(self))]
                ),
            ),
        )
        FunctionRule(
            self,
            "OnRequest",
            FunctionRuleProps(
                rule_name=place.rule("retraining"),
                description="Retraining of the model was asked for",
                pattern={
                    "source": ["mlzone.monitoring"],
                    "account": [place.governance.shared_services],
                    "detail-type": ["Retraining Requested"],
                    "detail": {"unit": [place.unit.name], "model": [place.model.name]},
                },
                function=function,
            ),
        )
