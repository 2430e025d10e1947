"""A model's delivery in one environment."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.estate import Model, Stage, Team
from mlzone_constructs.delivery import (
    BuildPipeline,
    BuildPipelineProps,
    BuildProgress,
    BuildProgressProps,
    DeliveryParameter,
    DeliveryParameterProps,
    DeliverySetting,
    PromotionPipeline,
    PromotionPipelineProps,
    ProposalTest,
    ProposalTestProps,
    ReleasePull,
    ReleasePullProps,
    Retraining,
    RetrainingProps,
)
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.governance import Governance
from mlzone_constructs.serving import ModelPlace


class DeliveryStack(cdk.Stack):
    """In development from a commit to the registry; elsewhere from an approval to the endpoint."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        governance: Governance,
        team: Team,
        model: Model,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        self._setting = DeliverySetting(
            place=ModelPlace(governance=governance, team=team, model=model),
            foundation=FoundationReferences(self, "Foundation", governance),
        )
        if self._setting.place.stage is Stage.DEV:
            self._development()
        else:
            self._promotion()
        governance.tag(self, team=team, model=model)

    def _development(self) -> None:
        place = self._setting.place
        key_arn = ssm.StringParameter.value_for_string_parameter(
            self, place.naming.team_key_parameter(place.team.name)
        )
        parameter = DeliveryParameter(
            self,
            "Parameter",
            DeliveryParameterProps(setting=self._setting, volume_key_arn=key_arn),
        )
        progress = BuildProgress(
            self, "Progress", BuildProgressProps(setting=self._setting, team_key_arn=key_arn)
        )
        team_key = kms.Key.from_key_arn(self, "TeamKey", key_arn)
        proposals = self._proposals(team_key)
        build = BuildPipeline(
            self,
            "Build",
            BuildPipelineProps(
                setting=self._setting,
                parameter_name=parameter.name,
                team_key=team_key,
                app_arn=ssm.StringParameter.value_for_string_parameter(
                    self, place.naming.experiments_parameter(place.team.name)
                ),
                dead_letters=progress.function.dead_letters,
                rules_start=[proposals.project.name] if proposals else [],
            ),
        )
        if proposals:
            proposals.start_with(build.pipeline, dead_letters=progress.function.dead_letters)
        if place.model.retraining.on_drift:
            Retraining(self, "Retraining", RetrainingProps(setting=self._setting))

    def _proposals(self, team_key: kms.IKey) -> ProposalTest | None:
        """Test pull requests, if the estate has them tested."""
        if not self._setting.place.model.build.pull_requests:
            return None
        return ProposalTest(
            self, "Proposals", ProposalTestProps(setting=self._setting, team_key=team_key)
        )

    def _promotion(self) -> None:
        pull = ReleasePull(self, "Pull", ReleasePullProps(setting=self._setting))
        PromotionPipeline(
            self,
            "Promotion",
            PromotionPipelineProps(setting=self._setting, dead_letters=pull.function.dead_letters),
        )
