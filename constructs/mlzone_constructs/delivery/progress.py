"""Tells the platform how builds go on."""

from dataclasses import dataclass

from constructs import Construct

from mlzone.delivery_policy import progress_statements, proposal_comment_statements
from mlzone.naming import PROPOSAL
from mlzone.serving_policy import announce
from mlzone.surroundings import Statement
from mlzone_constructs.delivery.setting import DeliverySetting, statements
from mlzone_constructs.delivery.source import ProjectSource
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps


@dataclass(frozen=True, kw_only=True)
class BuildProgressProps:
    """Properties of a BuildProgress."""

    setting: DeliverySetting
    """The model's delivery."""
    team_key_arn: str
    """Encrypts the team's repositories."""


class BuildProgress(Construct):
    """The function that tells of started builds, registered versions and tested pull requests.

    Guarantees:
        MOD-08: each build leaves an event with its author, its trigger and its execution.
        IAM-01: it has a role of its own that reads this model's builds and versions alone, and
            comments on the pull requests of this model's project.

    Example:
        BuildProgress(self, "Progress", BuildProgressProps(setting=setting, team_key_arn=arn))
    """

    def __init__(self, scope: Construct, construct_id: str, props: BuildProgressProps) -> None:
        super().__init__(scope, construct_id)
        setting, place = props.setting, props.setting.place
        source = ProjectSource.of(setting)
        comments = place.model.build.pull_requests and not source.connection_arn
        commenting: list[Statement] = []
        settings = place.settings(self)
        if comments:
            settings["MLZONE_REPOSITORY"] = source.repository
            commenting = proposal_comment_statements(
                setting.policy(self), repository=source.repository, key=props.team_key_arn
            )
        naming, unit, model = place.naming, place.unit.name, place.model.name
        self.function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.function("progress"),
                role_name=place.role("progress"),
                description="Tells the platform how builds of the model go on",
                handler="build_progress",
                key=setting.foundation.key,
                environment=settings,
                statements=statements(
                    progress_statements(setting.policy(self)),
                    commenting,
                    [announce(place.bus_arn(self))],
                ),
            ),
        )
        """The function."""
        FunctionRule(
            self,
            "OnStart",
            FunctionRuleProps(
                rule_name=place.rule("build-started"),
                description="A build of the model has started",
                pattern={
                    "source": ["aws.codepipeline"],
                    "detail-type": ["CodePipeline Pipeline Execution State Change"],
                    "detail": {"pipeline": [setting.pipeline_name], "state": ["STARTED"]},
                },
                function=self.function,
            ),
        )
        training = naming.sagemaker_pipeline(unit, model)
        FunctionRule(
            self,
            "OnTraining",
            FunctionRuleProps(
                rule_name=place.rule("trained"),
                description="A training pipeline of the model has succeeded",
                pattern={
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Model Building Pipeline Execution Status Change"],
                    "detail": {
                        "pipelineArn": [
                            place.governance.arn(self, "sagemaker", f"pipeline/{training}")
                        ],
                        "currentPipelineExecutionStatus": ["Succeeded"],
                    },
                },
                function=self.function,
            ),
        )
        if comments:
            self._tell_of_proposals(setting)

    def _tell_of_proposals(self, setting: DeliverySetting) -> None:
        FunctionRule(
            self,
            "OnProposalTested",
            FunctionRuleProps(
                rule_name=setting.place.rule("pull-request-tested"),
                description="The tests of a pull request have ended",
                pattern={
                    "source": ["aws.codebuild"],
                    "detail-type": ["CodeBuild Build State Change"],
                    "detail": {
                        "project-name": [setting.project_name(PROPOSAL)],
                        "build-status": [{"anything-but": "IN_PROGRESS"}],
                    },
                },
                function=self.function,
            ),
        )
