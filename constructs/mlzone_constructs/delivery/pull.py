"""Pulls approved versions into an environment."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone.delivery_policy import puller_statements
from mlzone.estate import Stage
from mlzone.serving_policy import announce
from mlzone_constructs.delivery.setting import DeliverySetting, statements
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps

ROLE = "release"
"""The role's purpose; the unit's artefact bucket knows it by this name."""


@dataclass(frozen=True, kw_only=True)
class ReleasePullProps:
    """Properties of a ReleasePull."""

    setting: DeliverySetting
    """The model's delivery."""


class ReleasePull(Construct):
    """The function that checks an approved version and brings it into the environment.

    Guarantees:
        MOD-01: only versions of the model's own group in the registry come in, once approved.
        MOD-03: a version that its author approved is refused.
        MOD-04, MOD-06, MOD-07: so is one without the evidence that the risk tier demands.
        MOD-08: every file is what the version pins.
        DEP-02: the platform hears that a promotion waits for a person, and what was answered.
        DEP-01: production hears of a release from the platform alone, after staging validated it.

    Example:
        ReleasePull(self, "Pull", ReleasePullProps(setting=setting))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ReleasePullProps) -> None:
        super().__init__(scope, construct_id)
        self._setting = setting = props.setting
        self._place = place = setting.place
        governance, naming, unit = place.governance, place.naming, place.unit.name
        group = naming.model_package_group(unit, place.model.name)
        self.function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=place.function("release"),
                role_name=place.role(ROLE),
                description="Brings approved versions of the model into the environment",
                handler="release_puller",
                key=setting.foundation.key,
                timeout=cdk.Duration.minutes(10),
                environment={
                    **place.settings(self),
                    "MLZONE_MODEL_PACKAGE_GROUP": governance.arn(
                        self,
                        "sagemaker",
                        f"model-package-group/{group}",
                        account=governance.shared_services,
                        region=governance.home_region,
                    ),
                    "MLZONE_ARTIFACT_BUCKET": naming.artifact_bucket(
                        unit, governance.shared_services
                    ),
                    "MLZONE_IMAGE_REPOSITORY": setting.repository,
                    "MLZONE_RELEASE_BUCKET": naming.release_bucket(unit, place.account),
                    "MLZONE_RELEASE_KEY": setting.foundation.key_arn,
                    "MLZONE_ANALYZER_IMAGE": setting.image("analyzer"),
                    "MLZONE_EVIDENCE": " ".join(place.model.controls.evidence) or "none",
                },
                statements=statements(
                    puller_statements(setting.policy(self)), [announce(place.bus_arn(self))]
                ),
            ),
        )
        """The function."""
        FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=place.rule("release"),
                description="A version of the model may come into this environment",
                pattern=self._approved(group)
                if place.stage is Stage.STAGING
                else self._validated(),
                function=self.function,
            ),
        )
        if place.asks:
            FunctionRule(
                self,
                "OnQuestion",
                FunctionRuleProps(
                    rule_name=place.rule("asks"),
                    description="A promotion of the model waits for a person, or was answered",
                    pattern={
                        "source": ["aws.codepipeline"],
                        "detail-type": ["CodePipeline Action Execution State Change"],
                        "detail": {
                            "pipeline": [setting.pipeline_name],
                            "type": {"category": ["Approval"]},
                        },
                    },
                    function=self.function,
                ),
            )

    def _approved(self, group: str) -> dict[str, Any]:
        """Staging takes what the registry approved."""
        return {
            "source": ["aws.sagemaker"],
            "account": [self._place.governance.shared_services],
            "detail-type": ["SageMaker Model Package State Change"],
            "detail": {"ModelPackageGroupName": [group], "ModelApprovalStatus": ["Approved"]},
        }

    def _validated(self) -> dict[str, Any]:
        """Production takes what the platform passes on: it lets staging alone say so."""
        place = self._place
        return {
            "source": ["mlzone.delivery"],
            "account": [place.governance.shared_services],
            "detail-type": ["Release Validated"],
            "detail": {
                "unit": [place.unit.name],
                "model": [place.model.name],
                "environment": [Stage.STAGING.value],
            },
        }
