"""From a merged pull request to the deployed environments of a unit."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.change_policy import (
    APPROVE,
    deploy_statements,
    plan_statements,
    start_statements,
    verify_statements,
)
from mlzone.estate import Stage
from mlzone_constructs.change.pipeline import Actions, change_pipeline
from mlzone_constructs.change.project import HANDOVER, ChangeProject, ChangeProjectProps
from mlzone_constructs.change.setting import ChangeSetting
from mlzone_constructs.change.source import BRANCH, estate_source
from mlzone_constructs.delivery.action import SOURCE, SOURCE_VARIABLES, action
from mlzone_constructs.delivery.pipeline import start_template
from mlzone_constructs.foundation import GovernedBucket, GovernedBucketProps

_FOLDER = "change"
"""Where the plan and its templates lie in a build."""
_TAKEN = f"$CODEBUILD_SRC_DIR_{HANDOVER}"
_CHECK_MINUTES, _DEPLOY_MINUTES = 60, 180
_KEPT_DAYS = 90


@dataclass(frozen=True, kw_only=True)
class EnvironmentPipelineProps:
    """Properties of an EnvironmentPipeline."""

    setting: ChangeSetting
    """The unit, and where its pipeline runs."""


class EnvironmentPipeline(Construct):
    """The pipeline that checks, plans and deploys each commit into a unit's three environments.

    Executions of a unit wait for each other; units do not wait for other units. Stacks of the
    organization, and this pipeline itself, are out of its reach.

    Guarantees:
        DEP-01: what checks and plans can deploy nothing; each environment has a role of its own,
            which reaches that account's bootstrap roles alone.
        DEP-02: staging and production wait for people whom the plan names, not for the author.
        IAM-01: every role is under the boundary.
        ENC-02: what its stages hand to each other is encrypted with a key of ours.

    Example:
        EnvironmentPipeline(self, "Pipeline", EnvironmentPipelineProps(setting=setting))
    """

    def __init__(
        self, scope: Construct, construct_id: str, props: EnvironmentPipelineProps
    ) -> None:
        super().__init__(scope, construct_id)
        self._setting = setting = props.setting
        self._policy = setting.policy(self)
        self.bucket = self._bucket()
        """What its stages hand to each other."""
        self.approvals = tuple(_approval(stage) for stage in Stage if stage is not Stage.DEV)
        """The stages in which it waits for a person."""
        check, plan, verify = self._check(), self._plan(), self._verify()
        deploys = {stage: self._deploy(stage) for stage in Stage}
        stages: dict[str, Actions] = {
            SOURCE: [estate_source(self._policy)],
            "Check": [check.action("Check")],
            "Plan": [plan.action("Plan")],
        }
        for stage, deploy in deploys.items():
            if stage is not Stage.DEV:
                stages[_approval(stage)] = [self._approve(stage)]
            stages[stage.title()] = [
                deploy.action("Deploy", variables=self._run(), takes_handover=True),
                verify.action(
                    "Verify",
                    variables={"MLZONE_ENVIRONMENT": stage.value},
                    takes_handover=True,
                    order=2,
                ),
            ]
        self.pipeline = change_pipeline(
            self,
            setting,
            name=self._policy.pipeline,
            purpose="pipeline",
            projects=[check, plan, verify, *deploys.values()],
            bucket=self.bucket,
            mode="QUEUED",
            variable=codepipeline.CfnPipeline.VariableDeclarationProperty(
                name="author", default_value="unknown"
            ),
            stages=stages,
            triggers=self._triggers(),
        )
        """The pipeline."""
        if not self._policy.connection_arn:
            self._start_on_commit()

    # --- what it runs -------------------------------------------------------------------------

    def _check(self) -> ChangeProject:
        unit = self._setting.unit.name
        return self._project(
            "check",
            description=f"Checks changes of {unit}",
            commands=["mlzone validate", f"mlzone check --unit {unit}", "mlzone access prove"],
        )

    def _plan(self) -> ChangeProject:
        unit = self._setting.unit.name
        return ChangeProject(
            self,
            "Plan",
            ChangeProjectProps(
                setting=self._setting,
                purpose="plan",
                description=f"Plans changes of {unit}; deploys nothing",
                minutes=_CHECK_MINUTES,
                commands=[f"mlzone change plan {unit} --out {_FOLDER}"],
                hands_on=_FOLDER,
                statements=plan_statements(self._policy),
            ),
        )

    def _deploy(self, stage: Stage) -> ChangeProject:
        unit = self._setting.unit.name
        account, region = self._setting.place(stage)
        return ChangeProject(
            self,
            f"Deploy{stage.title()}",
            ChangeProjectProps(
                setting=self._setting,
                purpose=f"deploy-{stage}",
                description=f"Deploys planned changes into {stage} of {unit}",
                minutes=_DEPLOY_MINUTES,
                commands=[f'mlzone change deploy {unit} --environment {stage} --from "{_TAKEN}"'],
                statements=deploy_statements(self._policy, account=account, region=region),
            ),
        )

    def _verify(self) -> ChangeProject:
        unit = self._setting.unit.name
        places = [self._setting.place(stage) for stage in Stage]
        environment = '--environment "$MLZONE_ENVIRONMENT"'
        return ChangeProject(
            self,
            "Verify",
            ChangeProjectProps(
                setting=self._setting,
                purpose="verify",
                description=f"Compares environments of {unit} with what was to be deployed",
                minutes=_CHECK_MINUTES,
                commands=[f'mlzone change verify {unit} --from "{_TAKEN}" {environment}'],
                statements=verify_statements(self._policy, places=places),
            ),
        )

    def _project(self, purpose: str, *, description: str, commands: list[str]) -> ChangeProject:
        return ChangeProject(
            self,
            purpose.title(),
            ChangeProjectProps(
                setting=self._setting,
                purpose=purpose,
                description=description,
                minutes=_CHECK_MINUTES,
                commands=commands,
            ),
        )

    def _run(self) -> dict[str, str]:
        """Return who began the execution, and which one it is, as the pipeline tells its builds."""
        author = (
            f"#{{{SOURCE_VARIABLES}.AuthorId}}"
            if self._policy.connection_arn
            else "#{variables.author}"
        )
        return {
            "MLZONE_AUTHOR": author,
            "MLZONE_PIPELINE_EXECUTION": "#{codepipeline.PipelineExecutionId}",
        }

    def _bucket(self) -> s3.Bucket:
        setting, naming = self._setting, self._setting.governance.naming
        shared = setting.governance.shared_services
        return GovernedBucket(
            self,
            "Handover",
            GovernedBucketProps(
                governance=setting.governance,
                bucket_name=naming.change_bucket(setting.unit.name, shared),
                key=setting.key,
                access_logs=s3.Bucket.from_bucket_name(
                    self, "AccessLogs", naming.platform_log_bucket(shared)
                ),
                lifecycle_rules=[
                    s3.LifecycleRule(id="handed-on", expiration=cdk.Duration.days(_KEPT_DAYS))
                ],
            ),
        ).bucket

    def _approve(self, stage: Stage) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        question = (
            f"Deploy this change of {self._setting.unit.title} into {stage}? The log of the stage "
            "Plan says what it does, and who must agree; the deployment refuses anybody else."
        )
        return action(
            APPROVE,
            category="Approval",
            provider="Manual",
            configuration={"CustomData": question},
        )

    def _triggers(self) -> list[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty] | None:
        kind = codepipeline.CfnPipeline
        if not self._policy.connection_arn:
            return None
        return [
            kind.PipelineTriggerDeclarationProperty(
                provider_type="CodeStarSourceConnection",
                git_configuration=kind.GitConfigurationProperty(
                    source_action_name=SOURCE,
                    push=[
                        kind.GitPushFilterProperty(
                            branches=kind.GitBranchFilterCriteriaProperty(includes=[BRANCH])
                        )
                    ],
                ),
            )
        ]

    def _start_on_commit(self) -> None:
        setting, policy = self._setting, self._policy
        role = setting.role(
            self,
            "StartRole",
            purpose="start",
            service="events.amazonaws.com",
            description=f"Starts {policy.pipeline}",
            statements=start_statements(policy, policy.pipeline),
        )
        # A start that is lost loses nothing: the next plan begins at what was deployed last.
        events.CfnRule(
            self,
            "OnCommit",
            name=setting.governance.naming.rule(setting.unit.name, "change"),
            description=f"A commit to {BRANCH} is deployed",
            event_pattern={
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Repository State Change"],
                "resources": [policy.surroundings.arn("codecommit", policy.repository)],
                "detail": {
                    "event": ["referenceCreated", "referenceUpdated"],
                    "referenceType": ["branch"],
                    "referenceName": [BRANCH],
                },
            },
            targets=[
                events.CfnRule.TargetProperty(
                    id="pipeline",
                    # `Ref` of a pipeline is its name; it also orders rule and pipeline.
                    arn=policy.surroundings.arn("codepipeline", self.pipeline.ref),
                    role_arn=role.arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={
                            "author": "$.detail.callerUserArn",
                            "commit": "$.detail.commitId",
                        },
                        input_template=start_template(
                            revision=("COMMIT_ID", "<commit>"), variables={"author": "<author>"}
                        ),
                    ),
                )
            ],
        )


def _approval(stage: Stage) -> str:
    return f"{APPROVE}{stage.title()}"
