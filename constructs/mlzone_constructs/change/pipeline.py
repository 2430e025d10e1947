"""The CodePipeline of a unit's changes, and of the look for changes by hand."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.change_policy import pipeline_statements
from mlzone_constructs.change.project import ChangeProject
from mlzone_constructs.change.setting import ChangeSetting

Actions: TypeAlias = Sequence[codepipeline.CfnPipeline.ActionDeclarationProperty]


def change_pipeline(  # noqa: PLR0913 - that much differs between the two
    scope: Construct,
    setting: ChangeSetting,
    *,
    name: str,
    purpose: str,
    projects: Sequence[ChangeProject],
    bucket: s3.IBucket,
    mode: Literal["QUEUED", "SUPERSEDED"],
    variable: codepipeline.CfnPipeline.VariableDeclarationProperty,
    stages: Mapping[str, Actions],
    triggers: list[codepipeline.CfnPipeline.PipelineTriggerDeclarationProperty] | None = None,
) -> codepipeline.CfnPipeline:
    """Make a pipeline and the role in which it runs.

    Args:
        scope: where it is made.
        setting: the unit, and where its pipelines run.
        name: the pipeline's name.
        purpose: what the role is for; part of its name.
        projects: what it runs.
        bucket: keeps what its stages hand to each other.
        mode: what becomes of an execution when the next one begins.
        variable: what an execution is told.
        stages: its actions by stage.
        triggers: what starts it at a source provider; nothing unless given.
    """
    kind = codepipeline.CfnPipeline
    role = setting.role(
        scope,
        "Role",
        purpose=purpose,
        service="codepipeline.amazonaws.com",
        description=f"Runs {name}",
        statements=pipeline_statements(
            setting.policy(scope), projects=[project.name for project in projects]
        ),
    )
    pipeline = kind(
        scope,
        "Resource",
        name=name,
        role_arn=role.arn,
        pipeline_type="V2",
        execution_mode=mode,
        restart_execution_on_update=False,
        artifact_store=kind.ArtifactStoreProperty(
            type="S3",
            location=bucket.bucket_name,
            encryption_key=kind.EncryptionKeyProperty(type="KMS", id=setting.key.key_arn),
        ),
        variables=[variable],
        triggers=triggers,
        stages=[
            kind.StageDeclarationProperty(name=stage, actions=list(actions))
            for stage, actions in stages.items()
        ],
    )
    pipeline.node.add_dependency(role)
    return pipeline
