"""How the pipelines of a unit get the estate, and the code that deploys it."""

from aws_cdk import aws_codepipeline as codepipeline

from mlzone.change_policy import Change
from mlzone_constructs.delivery.action import source_action

BRANCH = "main"
"""The branch whose commits are deployed."""


def estate_source(policy: Change) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """Return the action that takes a commit of the estate's repository, with its history.

    Args:
        policy: the unit's pipeline.
    """
    configuration = {
        # A plan needs the history of the repository.
        "OutputArtifactFormat": "CODEBUILD_CLONE_REF",
        "BranchName": BRANCH,
    }
    return source_action(policy.repository, policy.connection_arn, configuration)
