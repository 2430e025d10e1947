"""Where a model's project is kept, and how pipelines fetch it."""

from dataclasses import dataclass
from typing import Self

from aws_cdk import aws_codepipeline as codepipeline

from mlzone_constructs.delivery.action import source_action
from mlzone_constructs.delivery.setting import DeliverySetting

BRANCH = "main"
"""The branch whose commits are built."""


@dataclass(frozen=True, kw_only=True)
class ProjectSource:
    """The repository of a model's project: in CodeCommit, or at a provider behind a connection."""

    repository: str
    """The repository's name."""
    repository_id: str
    """Its name with its owner at a provider; the same in CodeCommit."""
    connection_arn: str | None
    """The connection to the provider; None for CodeCommit."""

    @classmethod
    def of(cls, setting: DeliverySetting) -> Self:
        """Return where the estate keeps the project of a model."""
        place = setting.place
        source = place.governance.estate.organization.source
        repository = place.naming.repository(place.unit.name, place.model.name)
        connection = None if source.provider == "codecommit" else source.connection_arn
        owned = "/".join(filter(None, (source.owner, repository)))
        return cls(
            repository=repository,
            repository_id=owned if connection else repository,
            connection_arn=connection,
        )

    def action(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        """Return the action with which a pipeline begins."""
        return source_action(self.repository_id, self.connection_arn, {"BranchName": BRANCH})
