"""CodeBuild projects of the pipeline that deploys a unit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from constructs import Construct

from mlzone.change_policy import project_statements
from mlzone.surroundings import Statement
from mlzone_constructs.change.setting import ChangeSetting
from mlzone_constructs.delivery.action import SOURCE, action
from mlzone_constructs.foundation import GovernedLogGroup, GovernedLogGroupProps

HANDOVER = "Change"
"""The artefact that carries a plan and the templates that it is of."""
_QUEUED_MINUTES = 60
_ROOTS = ("access", "infra", "constructs", "stacks", "runtime", "local_cloud", "tooling")
_PREPARE = (
    'export PATH="$PWD/.venv/bin:$PWD/node_modules/.bin:$PATH"',
    # What runs is the commit's own code, also in an image that brings the tools.
    f'export PYTHONPATH="{":".join(f"$PWD/{root}" for root in _ROOTS)}"',
    "{ command -v mlzone && command -v cdk; } || make setup",
)


@dataclass(frozen=True, kw_only=True)
class ChangeProjectProps:
    """Properties of a ChangeProject."""

    setting: ChangeSetting
    """The unit's pipeline."""
    purpose: str
    """What it does, in a word; part of its name and its role's."""
    description: str
    """What it does, for people."""
    commands: Sequence[str]
    """What it runs, as a person would."""
    minutes: int
    """It is stopped after so many minutes."""
    hands_on: str | None = None
    """The folder that it hands on to later stages."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Its settings; never secrets."""
    statements: Sequence[Statement] = ()
    """What it may do beside running."""
    whole_policy: bool = False
    """Whether `statements` say all that it may do, also what running needs."""


class ChangeProject(Construct):
    """A CodeBuild project that runs the commands of the README in a clone of the repository.

    It stands in no network of ours, as the builds of images do: it needs a package index, and
    reaches no data of a unit.

    Guarantees:
        ENC-02: its artefacts and logs are encrypted with a key of ours.
        LOG-01: it writes to a log group that is kept.
        IAM-01: it has a role of its own, under the boundary.
        DEP-04: it has no secrets in its settings.

    Example:
        ChangeProject(self, "Check", ChangeProjectProps(
            setting=setting, purpose="check", description="Checks", minutes=30,
            commands=["mlzone validate"]))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ChangeProjectProps) -> None:
        super().__init__(scope, construct_id)
        setting, governance = props.setting, props.setting.governance
        self._hands_on = props.hands_on
        self.name = governance.naming.change_project(setting.unit.name, props.purpose)
        """The project's name."""
        log = GovernedLogGroup(
            self,
            "Log",
            GovernedLogGroupProps(
                governance=governance,
                log_group_name=f"/aws/codebuild/{self.name}",
                key=setting.key,
            ),
        )
        role = setting.role(
            self,
            "Role",
            purpose=props.purpose,
            service="codebuild.amazonaws.com",
            description=props.description,
            statements=[
                *(
                    ()
                    if props.whole_policy
                    else project_statements(setting.policy(self), project=self.name)
                ),
                *props.statements,
            ],
        )
        self.project = codebuild.CfnProject(
            self,
            "Resource",
            name=self.name,
            description=props.description,
            service_role=role.arn,
            encryption_key=setting.key.key_arn,
            timeout_in_minutes=props.minutes,
            queued_timeout_in_minutes=_QUEUED_MINUTES,
            artifacts=codebuild.CfnProject.ArtifactsProperty(type="CODEPIPELINE"),
            source=codebuild.CfnProject.SourceProperty(
                type="CODEPIPELINE", build_spec=self._buildspec(props)
            ),
            environment=codebuild.CfnProject.EnvironmentProperty(
                type="LINUX_CONTAINER",
                compute_type="BUILD_GENERAL1_MEDIUM",
                image="aws/codebuild/amazonlinux-x86_64-standard:5.0",
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
        )
        """The project."""
        self.project.node.add_dependency(role)

    def _buildspec(self, props: ChangeProjectProps) -> str:
        content = {
            "version": "0.2",
            "phases": {
                "install": {"commands": list(_PREPARE)},
                "build": {"commands": list(props.commands)},
            },
        }
        if props.hands_on:
            content["artifacts"] = {"base-directory": props.hands_on, "files": ["**/*"]}
        return cdk.Stack.of(self).to_json_string(content)

    def action(
        self,
        name: str,
        *,
        variables: Mapping[str, str] | None = None,
        takes_handover: bool = False,
        order: int = 1,
    ) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        """Return the pipeline action that runs the project on the commit.

        Args:
            name: the action's name.
            variables: settings that the pipeline gives, such as `#{variables.author}`.
            takes_handover: whether it works with what the plan has handed on.
            order: its place among the stage's actions.
        """
        configuration: dict[str, str] = {"ProjectName": self.name, "PrimarySource": SOURCE}
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
            inputs=[SOURCE, HANDOVER] if takes_handover else [SOURCE],
            output_artifact=HANDOVER if self._hands_on else None,
            order=order,
        )
