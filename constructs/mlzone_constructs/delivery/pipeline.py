"""Pipelines of a model."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlzone.delivery_policy import start_statements
from mlzone.surroundings import Statement
from mlzone_constructs.delivery.action import SOURCE
from mlzone_constructs.delivery.setting import DeliverySetting, statements
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps

_PLACEHOLDER = re.compile(r'"(<\w+>)"')


@dataclass(frozen=True, kw_only=True)
class DeliveryPipelineProps:
    """Properties of a DeliveryPipeline."""

    setting: DeliverySetting
    """The model's delivery."""
    stages: Mapping[str, Sequence[codepipeline.CfnPipeline.ActionDeclarationProperty]]
    """The actions of each stage, in order."""
    statements: Sequence[Statement]
    """What the pipeline may do."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """The pipeline's variables with their defaults."""
    triggers: Sequence[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty] = ()
    """What starts it beside events and people: pushes at a source provider."""
    name: str = ""
    """Its name; the setting's unless given."""
    role_purpose: str = "delivery"
    """What its role is for, in one word; part of the role's name."""
    execution_mode: str = "QUEUED"
    """Executions wait for each other unless they are `PARALLEL`."""
    rules_start: Sequence[str] = ()
    """CodeBuild projects that rules start beside it, in the same role; see `start_on`."""


class DeliveryPipeline(Construct):
    """A CodePipeline whose executions wait for each other, unless told otherwise; none is lost.

    Guarantees:
        ENC-02: what stages hand to each other is encrypted with a key of ours.
        IAM-01: it has a role of its own, under the boundary; the rules that start it have another.
        DEP-01: it starts by events or by people who may; nothing polls.

    Example:
        DeliveryPipeline(self, "Pipeline", DeliveryPipelineProps(
            setting=setting, stages={"Source": [...], "Test": [...]}, statements=[...]))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DeliveryPipelineProps) -> None:
        super().__init__(scope, construct_id)
        self._setting = setting = props.setting
        self._rules_start, name = props.rules_start, props.name or setting.pipeline_name
        self._starter: GovernedRole | None = None
        place = setting.place
        role = GovernedRole(
            self,
            "Role",
            GovernedRoleProps(
                governance=place.governance,
                role_name=place.role(props.role_purpose),
                description=f"Runs {name}",
                service="codepipeline.amazonaws.com",
                statements=statements(props.statements),
            ),
        )
        self.pipeline = codepipeline.CfnPipeline(
            self,
            "Resource",
            name=name,
            role_arn=role.arn,
            pipeline_type="V2",
            execution_mode=props.execution_mode,
            restart_execution_on_update=False,
            artifact_store=codepipeline.CfnPipeline.ArtifactStoreProperty(
                type="S3",
                location=place.naming.pipeline_bucket(place.unit.name, place.account),
                encryption_key=codepipeline.CfnPipeline.EncryptionKeyProperty(
                    type="KMS", id=setting.foundation.key_arn
                ),
            ),
            variables=[
                codepipeline.CfnPipeline.VariableDeclarationProperty(
                    name=name, default_value=default
                )
                for name, default in props.variables.items()
            ]
            or None,
            triggers=list(props.triggers) or None,
            stages=[
                codepipeline.CfnPipeline.StageDeclarationProperty(name=name, actions=list(actions))
                for name, actions in props.stages.items()
            ],
        )
        """The pipeline."""
        self.pipeline.node.add_dependency(role)

    def start_on(
        self,
        construct_id: str,
        *,
        rule_name: str,
        description: str,
        pattern: Mapping[str, Any],
        paths: Mapping[str, str],
        template: str,
        dead_letters: sqs.Queue,
        project_arn: str = "",
    ) -> events.CfnRule:
        """Start the pipeline, or a project beside it, by the events of a pattern.

        Args:
            construct_id: the rule's id.
            rule_name: the rule's name.
            description: which events start it.
            pattern: the events' pattern.
            paths: what is taken from the event, by name.
            template: the input of what is started, with `<name>` where the event's values go.
            dead_letters: keeps events that could not be delivered.
            project_arn: the CodeBuild project that starts instead of the pipeline: one of those
                that rules may start.
        """
        # The first rule brings the role; a queue's policy names no statement twice.
        further = construct_id if self._starter else ""
        starter = self._starter = self._starter or self._make_starter(construct_id)
        rule = events.CfnRule(
            self,
            construct_id,
            name=rule_name,
            description=description,
            event_pattern=dict(pattern),
            targets=[
                events.CfnRule.TargetProperty(
                    id="project" if project_arn else "pipeline",
                    arn=project_arn or self._arn,
                    role_arn=starter.arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map=dict(paths), input_template=template
                    ),
                    dead_letter_config=events.CfnRule.DeadLetterConfigProperty(
                        arn=dead_letters.queue_arn
                    ),
                )
            ],
        )
        dead_letters.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"StartsThatFail{further}",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[dead_letters.queue_arn],
                conditions={"ArnEquals": {"aws:SourceArn": rule.attr_arn}},
            )
        )
        return rule

    def _make_starter(self, construct_id: str) -> GovernedRole:
        """Make the role of the rules that start the pipeline, with the first of them."""
        place = self._setting.place
        return GovernedRole(
            self,
            f"{construct_id}Role",
            GovernedRoleProps(
                governance=place.governance,
                role_name=place.role("start"),
                description=f"Starts {self._setting.pipeline_name}",
                service="events.amazonaws.com",
                statements=statements(
                    start_statements(self._setting.policy(self), projects=self._rules_start)
                ),
            ),
        )

    @property
    def _arn(self) -> str:
        stack = cdk.Stack.of(self)
        # `Ref` of a pipeline is its name; it also orders rule and pipeline.
        return (
            f"arn:{stack.partition}:codepipeline:{stack.region}:{stack.account}:{self.pipeline.ref}"
        )


def start_template(*, revision: tuple[str, str], variables: Mapping[str, str]) -> str:
    """Return the input with which an event starts a pipeline.

    Args:
        revision: type and value of what the source action takes, so that each execution works on
            what started it, and not on what is newest by then.
        variables: the pipeline's variables.
    """
    kind, value = revision
    content: dict[str, Any] = {
        "sourceRevisions": [{"actionName": SOURCE, "revisionType": kind, "revisionValue": value}]
    }
    if variables:
        content["variables"] = [{"name": name, "value": value} for name, value in variables.items()]
    return _template(content)


def build_template(*, commit: str, variables: Mapping[str, str]) -> str:
    """Return the input with which an event starts a CodeBuild project.

    Args:
        commit: what is built.
        variables: settings of this build alone.
    """
    overrides = [
        {"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()
    ]
    return _template({"sourceVersion": commit, "environmentVariablesOverride": overrides})


def _template(content: Mapping[str, Any]) -> str:
    # EventBridge puts quotes around the values itself.
    return _PLACEHOLDER.sub(r"\1", json.dumps(content))
