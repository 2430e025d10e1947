"""Actions of pipelines."""

from collections.abc import Mapping, Sequence

from aws_cdk import aws_codepipeline as codepipeline

SOURCE = "Source"
"""The stage, the action and the artefact with which every pipeline begins."""
SOURCE_VARIABLES = "SourceVariables"
"""Under this name later actions find what the source action tells."""


def action(
    name: str,
    *,
    category: str,
    provider: str,
    configuration: Mapping[str, str],
    inputs: Sequence[str] = (),
    output_artifact: str | None = None,
    namespace: str | None = None,
    order: int = 1,
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """Return an action of AWS's own providers.

    Args:
        name: the action's name.
        category: such as `Source`, `Build` or `Approval`.
        provider: such as `CodeBuild`.
        configuration: what the provider takes.
        inputs: the artefacts that it works on, the first one before others.
        output_artifact: what it hands on; a source's variables come with it.
        namespace: under which name later actions find what it tells; a source has its own.
        order: its place among the stage's actions.
    """
    pipeline = codepipeline.CfnPipeline
    return pipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=pipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=dict(configuration),
        input_artifacts=[pipeline.InputArtifactProperty(name=name) for name in inputs] or None,
        output_artifacts=(
            [pipeline.OutputArtifactProperty(name=output_artifact)] if output_artifact else None
        ),
        namespace=SOURCE_VARIABLES if category == "Source" else namespace,
        run_order=order,
    )


def source_action(
    repository: str, connection_arn: str | None, configuration: Mapping[str, str]
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """Return the action with which a pipeline takes a commit; what starts the pipeline is its own.

    Args:
        repository: the repository's name; with its owner at a provider.
        connection_arn: the connection to the provider; None for CodeCommit.
        configuration: what both take, such as the branch.
    """
    if connection_arn:
        return action(
            SOURCE,
            category="Source",
            provider="CodeStarSourceConnection",
            configuration={
                **configuration,
                "ConnectionArn": connection_arn,
                "FullRepositoryId": repository,
                "DetectChanges": "false",
            },
            output_artifact=SOURCE,
        )
    return action(
        SOURCE,
        category="Source",
        provider="CodeCommit",
        configuration={
            **configuration,
            "RepositoryName": repository,
            "PollForSourceChanges": "false",
        },
        output_artifact=SOURCE,
    )
