"""What all actions have in common: their role, their artefacts, how they end."""

import functools
import json
import secrets
import string
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute.artifact_store import ArtifactStore
from mlzone_cloud.compute.codepipeline.state import (
    SERVICE,
    ActionRun,
    Artifact,
    Execution,
    Json,
    Place,
)
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_PIPELINE_LETTERS, _ARTIFACT_LETTERS, _RANDOM_LETTERS = 20, 10, 7
_SESSION_LETTERS = 64


class ActionFailure(Exception):  # noqa: N818 - an outcome more than an error of ours
    """An action failed; code and message as GetPipelineState shows them."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, kw_only=True)
class Done:
    """An action succeeded."""

    variables: dict[str, str] = field(default_factory=dict)
    outputs: list[Artifact] = field(default_factory=list)


Outcome = Done | ActionFailure


@dataclass(kw_only=True)
class Session:
    """One action at work: who it is and what it may touch."""

    cloud: "Cloud"
    place: Place
    execution: Execution
    run: ActionRun

    @property
    def configuration(self) -> dict[str, str]:
        """The action's configuration, its variables filled in."""
        return self.run.configuration

    @property
    def region(self) -> str:
        """Where the action acts."""
        return str(self.run.declaration.get("region") or self.place.region)

    @functools.cached_property
    def role(self) -> ArtifactStore:
        """The action's role, which the pipeline's role has assumed if it is another.

        Raises:
            ActionFailure: a role is not trusting or missing.
        """
        own = self.execution.declaration["roleArn"]
        try:
            trusted_role(self.cloud, own, SERVICE)
        except ApiError as error:
            raise ActionFailure(
                "PermissionError", f"CodePipeline cannot assume the role {own}: {error.message}"
            ) from error
        acting = self.run.declaration.get("roleArn") or own
        if acting != own:
            sts = self._view(own).client("sts")
            sts.assume_role(RoleArn=acting, RoleSessionName=self.execution.id)
        return self._view(acting)

    def _view(self, role: str) -> ArtifactStore:
        return ArtifactStore(
            cloud=self.cloud,
            account=role.split(":")[4],
            region=self.region,
            role=role,
            # The same for all executions, so that clients are shared.
            session_name=self.place.name[:_SESSION_LETTERS],
        )

    # --- artefacts --------------------------------------------------------------------------

    @property
    def store(self) -> Json:
        """The declaration of the bucket that holds the pipeline's artefacts."""
        declared = self.execution.declaration
        found: Json = declared.get("artifactStore") or declared["artifactStores"][self.region]
        return found

    @property
    def kms_key(self) -> str:
        """The key for artefacts; empty for the bucket's own."""
        return str((self.store.get("encryptionKey") or {}).get("id", ""))

    @property
    def source_revision(self) -> str:
        """The version of the source that the first input artefact comes from."""
        return next((item.revision for item in self.run.inputs if item.revision), "")

    def new_output(self, name: str, revision: str = "") -> Artifact:
        """Return where an output artefact goes."""
        letters = string.ascii_letters + string.digits
        tail = "".join(secrets.choice(letters) for _ in range(_RANDOM_LETTERS))
        head = f"{self.place.name[:_PIPELINE_LETTERS]}/{name[:_ARTIFACT_LETTERS]}"
        return Artifact(
            name=name,
            bucket=self.store["location"],
            key=f"{head}/{tail}",
            revision=revision or self.source_revision,
        )

    def new_outputs(self, revision: str = "") -> list[Artifact]:
        """Return where the output artefacts go."""
        declared = self.run.declaration["outputArtifacts"]
        return [self.new_output(item["name"], revision) for item in declared]

    def write(self, artifact: Artifact, body: bytes) -> None:
        """Write an artefact into its bucket."""
        self.role.put(artifact.bucket, artifact.key, body, kms_key=self.kms_key)

    def read(self, artifact: Artifact) -> bytes:
        """Return an artefact from its bucket."""
        return self.role.get(artifact.bucket, artifact.key)


def permission(error: ClientError) -> ActionFailure:
    """Word a service's refusal as CodePipeline does."""
    found: dict[str, Any] = error.response["Error"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    what = f"{found['Message']} (Error Code: {found['Code']}; Status Code: {status})"
    if "Denied" in found["Code"] or "Unauthorized" in found["Code"]:
        return ActionFailure(
            "PermissionError",
            "The provided role does not have sufficient permissions to perform the action. "
            f"Underlying error: {what}",
        )
    return ActionFailure("ConfigurationError", what)


def parse_json(text: str, what: str) -> Any:
    """Read a part of the configuration that is JSON.

    Raises:
        ActionFailure: it is not.
    """
    try:
        return json.loads(text)
    except ValueError as error:
        raise ActionFailure("ConfigurationError", f"{what} is not valid JSON: {error}") from error
