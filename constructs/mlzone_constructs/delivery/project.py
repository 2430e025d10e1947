"""CodeBuild projects of a model."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from constructs import Construct

from mlzone.delivery_policy import handing_on, project_statements
from mlzone.surroundings import Statement
from mlzone_constructs.delivery.action import action
from mlzone_constructs.delivery.setting import DeliverySetting, statements
from mlzone_constructs.foundation import GovernedLogGroup, GovernedLogGroupProps
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps

_QUEUED_MINUTES = 60


@dataclass(frozen=True, kw_only=True)
class DeliveryProjectProps:
    """Properties of a DeliveryProject."""

    setting: DeliverySetting
    """The model's delivery."""
    purpose: str
    """What it does, in one word; part of its name."""
    role_purpose: str
    """What its role is for, in one word; part of the role's name."""
    description: str
    """What it does, for people."""
    buildspec: str
    """The buildspec: a file of the model's project, or its text."""
    minutes: int
    """It is stopped after so many minutes."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Its settings; never secrets."""
    statements: Sequence[Statement] = ()
    """What it may do beside running."""
    repository: str = ""
    """The CodeCommit repository that it clones; a pipeline brings its source unless given."""
    source_statements: Sequence[Statement] | None = None
    """How it gets its source; as part of a pipeline, whose artefacts it reads and writes, unless
    given."""


class DeliveryProject(Construct):
    """A CodeBuild project that runs in the private network, in the platform's build image.

    Guarantees:
        NET-02: it runs in the private network, without privileged mode.
        ENC-02: its artefacts and logs are encrypted with a key of ours.
        LOG-01: it writes to a log group that is kept.
        IAM-01: it has a role of its own, under the boundary.
        MOD-09: its image comes from the platform's registry.
        DEP-04: it has no secrets in its settings.

    Example:
        DeliveryProject(self, "Test", DeliveryProjectProps(
            setting=setting, purpose="test", role_purpose="test", description="Unit tests",
            buildspec="buildspec-test.yml", minutes=30))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DeliveryProjectProps) -> None:
        super().__init__(scope, construct_id)
        setting = props.setting
        place, foundation = setting.place, setting.foundation
        self.name = setting.project_name(props.purpose)
        """The project's name."""
        log = GovernedLogGroup(
            self,
            "Log",
            GovernedLogGroupProps(
                governance=place.governance,
                log_group_name=f"/aws/codebuild/{self.name}",
                key=foundation.key,
            ),
        )
        policy = setting.policy(self)
        fetching = props.source_statements
        role = GovernedRole(
            self,
            "Role",
            GovernedRoleProps(
                governance=place.governance,
                role_name=place.role(props.role_purpose),
                description=props.description,
                service="codebuild.amazonaws.com",
                statements=statements(
                    handing_on(policy) if fetching is None else fetching,
                    project_statements(policy, project=self.name),
                    props.statements,
                ),
            ),
        )
        self.project = codebuild.CfnProject(
            self,
            "Resource",
            name=self.name,
            description=props.description,
            service_role=role.arn,
            encryption_key=foundation.key_arn,
            timeout_in_minutes=props.minutes,
            queued_timeout_in_minutes=_QUEUED_MINUTES,
            artifacts=codebuild.CfnProject.ArtifactsProperty(
                type="NO_ARTIFACTS" if props.repository else "CODEPIPELINE"
            ),
            source=self._source(props),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_MEDIUM",
                image=setting.image("build"),
                image_pull_credentials_type="SERVICE_ROLE",
                privileged_mode=False,
                environment_variables=[
                    codebuild.CfnProject.EnvironmentVariableProperty(
                        name=name, value=value, type="PLAINTEXT"
                    )
                    for name, value in sorted(props.environment.items())
                ],
            ),
            logs_config=codebuild.CfnProject.LogsConfigProperty(
                cloud_watch_logs=codebuild.CfnProject.CloudWatchLogsConfigProperty(
                    status="ENABLED", group_name=log.log_group.log_group_name
                )
            ),
            vpc_config=codebuild.CfnProject.VpcConfigProperty(
                vpc_id=foundation.vpc_id,
                subnets=foundation.subnet_ids,
                security_group_ids=foundation.security_group_ids,
            ),
        )
        """The project."""
        # CodeBuild checks the network with the role when the project is made.
        self.project.node.add_dependency(role)

    def _source(self, props: DeliveryProjectProps) -> codebuild.CfnProject.SourceProperty:
        if not props.repository:
            return codebuild.CfnProject.SourceProperty(
                type="CODEPIPELINE", build_spec=props.buildspec
            )
        stack = cdk.Stack.of(self)
        host = f"git-codecommit.{stack.region}.{stack.url_suffix}"
        return codebuild.CfnProject.SourceProperty(
            type="CODECOMMIT",
            location=f"https://{host}/v1/repos/{props.repository}",
            build_spec=props.buildspec,
        )

    def action(
        self,
        name: str,
        source: str,
        *,
        variables: Mapping[str, str] | None = None,
        namespace: str | None = None,
    ) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        """Return the pipeline action that runs the project.

        Args:
            name: the action's name.
            source: the artefact that it works on.
            variables: settings that the pipeline gives, such as `#{variables.author}`.
            namespace: under which name later actions find the variables that it exports.
        """
        configuration: dict[str, str] = {"ProjectName": self.name}
        if variables:
            configuration["EnvironmentVariables"] = cdk.Stack.of(self).to_json_string(
                [
                    {"name": key, "value": value, "type": "PLAINTEXT"}
                    for key, value in sorted(variables.items())
                ]
            )
        return action(
            name,
            category="Build",
            provider="CodeBuild",
            configuration=configuration,
            inputs=[source],
            namespace=namespace,
        )
