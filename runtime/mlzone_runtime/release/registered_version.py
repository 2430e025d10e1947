"""Whether a version may leave the registry (MOD-01, MOD-03, MOD-04, MOD-09).

Access control refuses self-approval already; this is the second line, where the version enters an
environment. Whatever cannot be established refuses: an unknown approver is no approver.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from mlzone_runtime.release import gate

MOST_CHARACTERS = 12
"""The stacks leave a release's id this much room in the names that it ends."""
_SORTED_TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


class ReleaseRefused(Exception):  # noqa: N818 - a decision, not a malfunction
    """A version may not be released; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a releasable version must belong to."""

    group_arn: str
    """The model's group in the registry."""
    artifact_bucket: str
    """The unit's bucket of training artefacts."""
    artifact_prefix: str
    """The model's part of it, without slashes at its ends."""
    image_repository: str
    """Where the image that serves the model must be from: the platform's, or the model's own."""
    evidence: tuple[str, ...]
    """What the model's risk tier demands of a version, as `gate` knows it."""

    def version_of(self, arn: str) -> int:
        """Return the version number in a model package's ARN.

        Raises:
            ReleaseRefused: the package is of another group.
        """
        prefix = self.group_arn.replace(":model-package-group/", ":model-package/") + "/"
        number = arn.removeprefix(prefix)
        if not arn.startswith(prefix) or not number.isdigit():
            raise ReleaseRefused(f"{arn or 'nothing'} is no version in {self.group_arn}")
        return int(number)


@dataclass(frozen=True, kw_only=True)
class RegisteredVersion:
    """A version that may be released."""

    arn: str
    version: int
    author: str
    approver: str
    approved: str
    """When it was approved, as text that sorts by time."""
    image: str
    """The server's image, by digest."""
    model_data: str
    """Key of the model's archive in the artefact bucket."""
    baseline: str
    """Key prefix of the baseline's folder there, with a slash at its end."""
    manifest_sha256: str
    """Pins every file of the baseline and the model."""
    explanation: str
    """Key of the report that explains it; empty where the risk tier demands none."""
    validation: gate.Validation | None
    """Who validated it, if anybody did."""

    @property
    def release(self) -> str:
        """The release's short id; the same whenever the same version is released."""
        whole = f"v{self.version}-{self.manifest_sha256[:6]}"
        return whole[:MOST_CHARACTERS].rstrip("-")


def examine(
    description: Mapping[str, Any], *, arn: str, surroundings: Surroundings
) -> RegisteredVersion:
    """Return what a release needs of a version.

    Args:
        description: SageMaker's answer to DescribeModelPackage.
        arn: the version's ARN, as the event told it.
        surroundings: what it must belong to.

    Raises:
        ReleaseRefused: it may not be released.
    """
    version = surroundings.version_of(arn)
    status = description.get("ModelApprovalStatus")
    if status != "Approved":
        raise ReleaseRefused(f"version {version} is {status}, not Approved")
    metadata = description.get("CustomerMetadataProperties") or {}
    author, approver = metadata.get("author", ""), approver_of(description)
    if not author:
        raise ReleaseRefused(f"version {version} does not say who made it")
    if not approver:
        raise ReleaseRefused(f"the registry does not say who approved version {version}")
    if author.casefold() == approver.casefold():
        raise ReleaseRefused(f"{author} made version {version} and approved it")
    lacks = gate.lacking(description, surroundings.evidence, approver=approver)
    if lacks:
        raise ReleaseRefused(f"version {version} lacks {gate.said(lacks)}")
    approved = description.get("LastModifiedTime")
    if not approved:
        raise ReleaseRefused(f"the registry does not say when version {version} was approved")
    container = _container(description, version)
    baseline = _location(
        _baseline_statistics(description), "the baseline", version, surroundings
    ).rpartition("/")[0]
    manifest = metadata.get("manifest_sha256", "")
    if not manifest:
        raise ReleaseRefused(f"version {version} has no manifest_sha256: nothing pins its files")
    return RegisteredVersion(
        arn=arn,
        version=version,
        author=author,
        approver=approver,
        approved=f"{approved.astimezone(UTC):{_SORTED_TIME}}",
        image=_pinned_image(container.get("Image", ""), version, surroundings),
        model_data=_location(container.get("ModelDataUrl", ""), "the model", version, surroundings),
        baseline=f"{baseline}/",
        manifest_sha256=manifest,
        explanation=_location(
            gate.explanation_of(description), "the explanation", version, surroundings
        )
        if gate.EXPLANATION in surroundings.evidence
        else "",
        validation=gate.validation_of(description),
    )


def approver_of(description: Mapping[str, Any]) -> str:
    """Return the person who changed the version last; after approval, that is the approver."""
    identity = (description.get("LastModifiedBy") or {}).get("IamIdentity") or {}
    session = str(identity.get("Arn", ""))
    return identity.get("SourceIdentity") or session.rpartition("/")[2]


def _container(description: Mapping[str, Any], version: int) -> Mapping[str, Any]:
    containers = (description.get("InferenceSpecification") or {}).get("Containers") or []
    if len(containers) != 1:
        raise ReleaseRefused(f"version {version} has {len(containers)} containers; releases have 1")
    container: Mapping[str, Any] = containers[0]
    return container


def _baseline_statistics(description: Mapping[str, Any]) -> str:
    baselines = description.get("DriftCheckBaselines") or {}
    statistics = (baselines.get("ModelDataQuality") or {}).get("Statistics") or {}
    return str(statistics.get("S3Uri", ""))


def _location(uri: str, what: str, version: int, surroundings: Surroundings) -> str:
    expected = f"s3://{surroundings.artifact_bucket}/{surroundings.artifact_prefix}/"
    if not uri.startswith(expected) or ".." in uri:
        raise ReleaseRefused(
            f"{what} of version {version} is at {uri or 'no place'}; it must be under {expected}"
        )
    return uri.removeprefix(f"s3://{surroundings.artifact_bucket}/")


def _pinned_image(image: str, version: int, surroundings: Surroundings) -> str:
    repository, _, digest = image.partition("@")
    expected = surroundings.image_repository
    if repository != expected and not repository.startswith(f"{expected}:"):
        raise ReleaseRefused(
            f"version {version} runs in {image or 'no image'}; images must be of {expected}"
        )
    if not digest.startswith("sha256:") or repository != expected:
        raise ReleaseRefused(f"version {version} names its image {image} by tag; give the digest")
    return image
