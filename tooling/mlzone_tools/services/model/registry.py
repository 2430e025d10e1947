"""Versions in the central registry: find and read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Model
from mlzone.naming import Naming
from mlzone_runtime.release import gate
from mlzone_tools.cloud.session import Session

WAITING = "PendingManualApproval"


@dataclass(frozen=True, kw_only=True)
class Version:
    """A version of a model in the registry."""

    model: str
    """`unit/model`."""
    version: int
    arn: str
    status: str
    """Approval status: PendingManualApproval, Approved or Rejected."""
    stage: str
    """Life-cycle stage, or an empty text."""
    author: str
    decided_by: str
    """Who decided, or an empty text."""
    validation: str
    """Who validated it, with the report's hash and name; or an empty text."""
    waits_for: str
    """`validation` or `approval`; `production` where that was asked for; or an empty text."""
    created: datetime
    metadata: Mapping[str, str]
    """What the training recorded: commit, data hash, metrics."""


def versions(
    registry: Session, estate: Estate, *, model: str | None = None, waiting: bool = False
) -> tuple[Version, ...]:
    """Return the versions of all models or of one, newest first.

    Args:
        registry: a session in the registry's account.
        estate: which models there are.
        model: `unit/model`, or the model's name where it is unique.
        waiting: only those that wait for a decision.

    Raises:
        ConfigError: there is no such model.
    """
    naming = Naming(prefix=estate.organization.prefix)
    chosen = [estate.model(model)] if model else list(estate.models())
    sagemaker = registry.client("sagemaker")
    found = [
        _version(
            f"{unit.name}/{item.name}",
            item,
            sagemaker.describe_model_package(ModelPackageName=arn),
        )
        for unit, _, item in chosen
        for arn in _arns(sagemaker, naming.model_package_group(unit.name, item.name))
    ]
    return tuple(
        sorted(
            (item for item in found if not waiting or item.status == WAITING),
            key=lambda item: item.created,
            reverse=True,
        )
    )


def version(registry: Session, estate: Estate, reference: str) -> Version:
    """Return one version: the newest of `unit/model`, or the one of `unit/model:number`.

    Raises:
        ConfigError: there is no such model or version.
    """
    model, _ = _parted(reference)
    return pick(versions(registry, estate, model=model), reference)


def pick(found: Sequence[Version], reference: str) -> Version:
    """Return one of a model's versions: the newest, or the one of `unit/model:number`.

    Raises:
        ConfigError: there is no such version.
    """
    model, number = _parted(reference)
    chosen = next((item for item in found if number in ("", str(item.version))), None)
    if chosen is None:
        known = ", ".join(str(item.version) for item in found) or "none"
        raise ConfigError(
            f"{model} has no version {number}".rstrip(), hint=f"registered versions: {known}"
        )
    return chosen


def _parted(reference: str) -> tuple[str, str]:
    model, _, number = reference.partition(":")
    if number and not number.isdigit():
        raise ConfigError(f'got version "{number}"', hint="use a number: unit/model:3")
    return model, number


def describe(registry: Session, item: Version) -> dict[str, Any]:
    """Return all that the registry holds of a version."""
    answer: dict[str, Any] = registry.client("sagemaker").describe_model_package(
        ModelPackageName=item.arn
    )
    answer.pop("ResponseMetadata", None)
    return answer


def _arns(sagemaker: Any, group: str) -> Iterator[str]:
    try:
        for page in sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group
        ):
            for summary in page["ModelPackageSummaryList"]:
                yield summary["ModelPackageArn"]
    except ClientError as error:
        if "does not exist" not in error.response["Error"]["Message"]:
            raise


def _version(name: str, model: Model, raw: Mapping[str, Any]) -> Version:
    metadata = raw.get("CustomerMetadataProperties", {})
    decided = raw["ModelApprovalStatus"] != WAITING
    validation = gate.validation_of(raw)
    validated = validation is not None or gate.VALIDATION not in model.controls.evidence
    decider = raw.get("LastModifiedBy", {}).get("IamIdentity", {}).get("Arn", "")
    return Version(
        model=name,
        version=raw["ModelPackageVersion"],
        arn=raw["ModelPackageArn"],
        status=raw["ModelApprovalStatus"],
        stage=raw.get("ModelLifeCycle", {}).get("Stage", ""),
        author=metadata.get("author", ""),
        decided_by=decider.rpartition("/")[2] if decided else "",
        validation=str(validation or ""),
        waits_for="" if decided else "approval" if validated else gate.VALIDATION,
        created=raw["CreationTime"],
        metadata=metadata,
    )
