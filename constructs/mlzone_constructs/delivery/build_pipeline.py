"""From a commit to a registered version."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlzone.delivery_policy import build_pipeline_statements, train_statements
from mlzone_constructs.delivery.action import SOURCE, SOURCE_VARIABLES
from mlzone_constructs.delivery.pipeline import (
    DeliveryPipeline,
    DeliveryPipelineProps,
    start_template,
)
from mlzone_constructs.delivery.project import DeliveryProject, DeliveryProjectProps
from mlzone_constructs.delivery.setting import DeliverySetting
from mlzone_constructs.delivery.source import BRANCH, ProjectSource

TEST_MINUTES = 30
JOBS_IN_A_ROW = 4
"""Training waits for so many jobs, one after the other, each of at most the model's run time."""
LONGEST_BUILD_MINUTES = 2160
"""CodeBuild's own limit."""


@dataclass(frozen=True, kw_only=True)
class BuildPipelineProps:
    """Properties of a BuildPipeline."""

    setting: DeliverySetting
    """The model's delivery."""
    parameter_name: str
    """The SSM parameter that tells the build of the platform."""
    team_key: kms.IKey
    """Encrypts the team's repositories."""
    app_arn: str
    """The team's MLflow App."""
    dead_letters: sqs.Queue
    """Keeps commits whose event could not be delivered."""
    rules_start: Sequence[str] = ()
    """Projects that rules start beside the pipeline; see DeliveryPipelineProps."""


class BuildPipeline(Construct):
    """A model's repository, and the pipeline that tests, trains and registers each commit.

    Guarantees:
        MOD-08: what is trained is a commit; its author comes from the event, not from the commit.
        ENC-04: the repository is encrypted with the team's key, and retained.
        DAT-05: the repository outlives its stack.
        DEP-01: what it may do ends at the registry: it deploys nothing.

    Example:
        BuildPipeline(self, "Build", BuildPipelineProps(
            setting=setting, parameter_name=parameter.name, team_key=key, app_arn=arn,
            dead_letters=queue))
    """

    def __init__(self, scope: Construct, construct_id: str, props: BuildPipelineProps) -> None:
        super().__init__(scope, construct_id)
        self._props, self._setting = props, props.setting
        place = self._setting.place
        self._tags = place.model.build.tags
        source = ProjectSource.of(self._setting)
        self._repository, self._connection = source.repository, source.connection_arn
        test, train = self._test(), self._train()
        self.pipeline = DeliveryPipeline(
            self,
            "Pipeline",
            DeliveryPipelineProps(
                setting=self._setting,
                # A push at a provider starts it without any variable.
                variables={
                    "author": "unknown",
                    "trigger": "commit" if self._connection else "manual",
                },
                triggers=self._triggers(),
                statements=build_pipeline_statements(
                    self._setting.policy(self, props.team_key.key_arn),
                    projects=[test.name, train.name],
                    connection_arn=self._connection,
                    repository_id=source.repository_id,
                ),
                rules_start=props.rules_start,
                stages={
                    SOURCE: [source.action()],
                    "Test": [test.action("Test", SOURCE, variables=self._variables())],
                    "Train": [train.action("Train", SOURCE, variables=self._variables())],
                },
            ),
        )
        """The pipeline."""
        if not self._connection:
            self._make_repository()
            self._start_on(
                "commit",
                description=f"A commit to {BRANCH} is built",
                event=["referenceCreated", "referenceUpdated"],
                kind="branch",
                names=[BRANCH],
            )
            if self._tags:
                self._start_on(
                    "tag",
                    description="The commit of a tag is built",
                    # A tag that is moved would build something else under the same name.
                    event=["referenceCreated"],
                    kind="tag",
                    names=[{"wildcard": name} if "*" in name else name for name in self._tags],
                )

    def _test(self) -> DeliveryProject:
        return DeliveryProject(
            self,
            "Test",
            DeliveryProjectProps(
                setting=self._setting,
                purpose="test",
                role_purpose="test",
                description=f"Unit tests of {self._setting.place.model.name}",
                buildspec="buildspec-test.yml",
                minutes=TEST_MINUTES,
                environment=self._settings(),
            ),
        )

    def _train(self) -> DeliveryProject:
        place = self._setting.place
        training_role = place.governance.role_arn(
            self,
            place.account,
            place.naming.service_role(place.unit.name, place.team.name, place.stage, "pipeline"),
        )
        jobs = JOBS_IN_A_ROW * place.model.training.max_runtime_minutes
        return DeliveryProject(
            self,
            "Train",
            DeliveryProjectProps(
                setting=self._setting,
                purpose="train",
                role_purpose="build",
                description=f"Trains and registers {place.model.name}",
                buildspec="buildspec-train.yml",
                minutes=min(jobs + TEST_MINUTES, LONGEST_BUILD_MINUTES),
                environment=self._settings()
                | {
                    # As MLflow's own client knows them.
                    "MLFLOW_EXPERIMENT_NAME": f"{place.unit.name}/{place.model.name}",
                    "MLFLOW_TRACKING_URI": self._props.app_arn,
                },
                statements=train_statements(
                    self._setting.policy(self),
                    role_arn=training_role,
                    app_arn=self._props.app_arn,
                ),
            ),
        )

    def _settings(self) -> dict[str, str]:
        return {"MLZONE_DELIVERY_PARAMETER": self._props.parameter_name}

    def _variables(self) -> dict[str, str]:
        """Return who started the build and why, as the pipeline tells its projects."""
        author = f"#{{{SOURCE_VARIABLES}.AuthorId}}" if self._connection else "#{variables.author}"
        return {
            "MLZONE_AUTHOR": author,
            "MLZONE_EXECUTION": "#{codepipeline.PipelineExecutionId}",
            "MLZONE_TRIGGER": "#{variables.trigger}",
        }

    def _triggers(self) -> list[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty]:
        pipeline = codepipeline.CfnPipeline
        if not self._connection:
            return []
        return [
            pipeline.PipelineTriggerDeclarationProperty(
                provider_type="CodeStarSourceConnection",
                git_configuration=pipeline.GitConfigurationProperty(
                    source_action_name=SOURCE,
                    push=[
                        pipeline.GitPushFilterProperty(
                            branches=pipeline.GitBranchFilterCriteriaProperty(includes=[BRANCH])
                        ),
                        *(
                            [
                                pipeline.GitPushFilterProperty(
                                    tags=pipeline.GitTagFilterCriteriaProperty(
                                        includes=list(self._tags)
                                    )
                                )
                            ]
                            if self._tags
                            else []
                        ),
                    ],
                ),
            )
        ]

    def _make_repository(self) -> None:
        model = self._setting.place.model
        repository = codecommit.CfnRepository(
            self,
            "Repository",
            repository_name=self._repository,
            repository_description=f"{model.title}: the project of the model",
            kms_key_id=self._props.team_key.key_arn,
        )
        repository.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.pipeline.node.add_dependency(repository)

    def _start_on(
        self, what: str, *, description: str, event: list[str], kind: str, names: list[Any]
    ) -> None:
        """Start the pipeline where a branch or tag begins to name a commit, on that commit.

        Args:
            what: what starts it, as versions say it.
            description: the same in a sentence.
            event: CodeCommit's names of what happens to the reference.
            kind: `branch` or `tag`.
            names: the references, as EventBridge matches them.
        """
        place = self._setting.place
        self.pipeline.start_on(
            f"On{what.title()}",
            rule_name=place.rule(what),
            description=description,
            pattern={
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Repository State Change"],
                "resources": [place.governance.arn(self, "codecommit", self._repository)],
                "detail": {"event": event, "referenceType": [kind], "referenceName": names},
            },
            paths={"author": "$.detail.callerUserArn", "commit": "$.detail.commitId"},
            template=start_template(
                revision=("COMMIT_ID", "<commit>"),
                variables={"author": "<author>", "trigger": what},
            ),
            dead_letters=self._props.dead_letters,
        )
