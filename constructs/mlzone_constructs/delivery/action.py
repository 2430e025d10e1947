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
    input_artifact: str | None = None,
    output_artifact: str | None = None,
    further_inputs: Sequence[str] = (),
    order: int = 1,
) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """Return an action of AWS's own providers.

    Args:
        name: the action's name.
        category: such as `Source`, `Build` or `Approval`.
        provider: such as `CodeBuild`.
        configuration: what the provider takes.
        input_artifact: what it works on.
        output_artifact: what it hands on; a source's variables come with it.
        further_inputs: what it works on beside.
        order: its place among the stage's actions.
    """
    pipeline = codepipeline.CfnPipeline
    return pipeline.ActionDeclarationProperty(
        name=name,
        action_type_id=pipeline.ActionTypeIdProperty(
            category=category, owner="AWS", provider=provider, version="1"
        ),
        configuration=dict(configuration),
        input_artifacts=[
            pipeline.InputArtifactProperty(name=name)
            for name in filter(None, (input_artifact, *further_inputs))
        ]
        or None,
        output_artifacts=(
            [pipeline.OutputArtifactProperty(name=output_artifact)] if output_artifact else None
        ),
        namespace=SOURCE_VARIABLES if category == "Source" else None,
        run_order=order,
    )
