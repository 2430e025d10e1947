"""Tests of what pull requests propose."""

from dataclasses import dataclass, replace

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlzone.delivery_policy import (
    build_pipeline_statements,
    proposal_source_statements,
)
from mlzone.naming import PROPOSAL
from mlzone_constructs.delivery.action import SOURCE
from mlzone_constructs.delivery.build_pipeline import TEST_MINUTES
from mlzone_constructs.delivery.pipeline import (
    DeliveryPipeline,
    DeliveryPipelineProps,
    build_template,
)
from mlzone_constructs.delivery.project import DeliveryProject, DeliveryProjectProps
from mlzone_constructs.delivery.setting import DeliverySetting
from mlzone_constructs.delivery.source import BRANCH, ProjectSource

_EVENTS = ["pullRequestCreated", "pullRequestSourceBranchUpdated"]


@dataclass(frozen=True, kw_only=True)
class ProposalTestProps:
    """Properties of a ProposalTest."""

    setting: DeliverySetting
    """The model's delivery."""
    team_key: kms.IKey
    """Encrypts the team's repositories."""


class ProposalTest(Construct):
    """Runs the project's own tests on each commit that a pull request to `main` proposes.

    What is proposed is code that nobody has let in yet. Its tests get the project and nothing else:
    no data, no registry, no artefacts of other builds, no settings, no secret.

    Guarantees:
        IAM-01: its role reads the model's project and writes its own log.
        DEP-01: it can train, register and deploy nothing, and start nothing that does.
        NET-02: it runs in the private network, without privileged mode.

    Example:
        proposals = ProposalTest(self, "Proposals", ProposalTestProps(
            setting=setting, team_key=key))
        proposals.start_with(build.pipeline, dead_letters=queue)
    """

    def __init__(self, scope: Construct, construct_id: str, props: ProposalTestProps) -> None:
        super().__init__(scope, construct_id)
        self._setting = setting = props.setting
        place = setting.place
        self._source = source = ProjectSource.of(setting)
        name = place.naming.proposal_pipeline(place.unit.name, place.model.name)
        policy = replace(setting.policy(self), pipeline=name)
        own = None if source.connection_arn else source.repository
        self.project = DeliveryProject(
            self,
            "Test",
            DeliveryProjectProps(
                setting=setting,
                purpose=PROPOSAL,
                role_purpose=PROPOSAL,
                description=f"Tests pull requests of {place.model.name}",
                buildspec="buildspec-test.yml",
                minutes=TEST_MINUTES,
                repository=own or "",
                source_statements=proposal_source_statements(
                    policy,
                    repository=own,
                    key=props.team_key.key_arn if own else setting.foundation.key_arn,
                ),
            ),
        )
        """The project that tests them."""
        if source.connection_arn:
            self._follow_provider(name)

    def start_with(self, pipeline: DeliveryPipeline, *, dead_letters: sqs.Queue) -> None:
        """Test what is proposed in CodeCommit; at a provider, a pipeline's trigger does already.

        Args:
            pipeline: the model's build, whose rules may start the project, too.
            dead_letters: keeps events that could not be delivered.
        """
        if self._source.connection_arn:
            return
        place = self._setting.place
        pipeline.start_on(
            "OnProposal",
            rule_name=place.rule(PROPOSAL),
            description=f"What a pull request to {BRANCH} proposes is tested",
            pattern={
                "source": ["aws.codecommit"],
                "detail-type": ["CodeCommit Pull Request State Change"],
                "resources": [place.governance.arn(self, "codecommit", self._source.repository)],
                "detail": {
                    "event": _EVENTS,
                    # CodeCommit's documentation has the short name, its events the long one.
                    "destinationReference": [BRANCH, f"refs/heads/{BRANCH}"],
                },
            },
            paths={
                "number": "$.detail.pullRequestId",
                "proposed": "$.detail.sourceCommit",
                "destination": "$.detail.destinationCommit",
            },
            template=build_template(
                commit="<proposed>",
                variables={
                    "MLZONE_PULL_REQUEST": "<number>",
                    "MLZONE_DESTINATION_COMMIT": "<destination>",
                },
            ),
            dead_letters=dead_letters,
            project_arn=self.project.project.attr_arn,
        )

    def _follow_provider(self, name: str) -> None:
        """Fetch what is proposed through the connection: the private network knows no provider."""
        declared, source = codepipeline.CfnPipeline, self._source
        DeliveryPipeline(
            self,
            "Pipeline",
            DeliveryPipelineProps(
                setting=self._setting,
                name=name,
                role_purpose=f"{PROPOSAL}-pipeline",
                # Pull requests do not wait for each other.
                execution_mode="PARALLEL",
                triggers=[
                    declared.PipelineTriggerDeclarationProperty(
                        provider_type="CodeStarSourceConnection",
                        git_configuration=declared.GitConfigurationProperty(
                            source_action_name=SOURCE,
                            pull_request=[
                                declared.GitPullRequestFilterProperty(
                                    events=["OPEN", "UPDATED"],
                                    branches=declared.GitBranchFilterCriteriaProperty(
                                        includes=[BRANCH]
                                    ),
                                )
                            ],
                        ),
                    )
                ],
                statements=build_pipeline_statements(
                    replace(self._setting.policy(self), pipeline=name),
                    projects=[self.project.name],
                    connection_arn=source.connection_arn,
                    repository_id=source.repository_id,
                ),
                stages={SOURCE: [source.action()], "Test": [self.project.action("Test", SOURCE)]},
            ),
        )
