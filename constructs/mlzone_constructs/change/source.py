"""How the pipelines of a unit get the estate, and the code that deploys it."""

from aws_cdk import aws_codepipeline as codepipeline

from mlzone.change_policy import Change
from mlzone_constructs.delivery.action import SOURCE, action

BRANCH = "main"
"""The branch whose commits are deployed."""


def source_action(policy: Change) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
    """Return the action that takes a commit of the estate's repository, with its history.

    Args:
        policy: the unit's pipeline.
    """
    more = {
        # A plan needs the history of the repository.
        "OutputArtifactFormat": "CODEBUILD_CLONE_REF",
        "BranchName": BRANCH,
    }
    if policy.connection_arn:
        return action(
            SOURCE,
            category="Source",
            provider="CodeStarSourceConnection",
            configuration={
                **more,
                "ConnectionArn": policy.connection_arn,
                "FullRepositoryId": policy.repository,
                "DetectChanges": "false",
            },
            output_artifact=SOURCE,
        )
    return action(
        SOURCE,
        category="Source",
        provider="CodeCommit",
        configuration={
            **more,
            "RepositoryName": policy.repository,
            "PollForSourceChanges": "false",
        },
        output_artifact=SOURCE,
    )
