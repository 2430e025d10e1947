"""Takes versions out of use for good, with the reason (MOD-01)."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlzone.errors import ConfigError
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model.lineage import UPDATING, Place
from mlzone_tools.services.model.registry import Version

ARCHIVED = "Archived"
"""The life-cycle stage of a version that is out of use."""
_LONGEST = 1024


@dataclass(frozen=True, kw_only=True)
class Retirement:
    """A version that is out of use."""

    model: str
    version: int
    arn: str
    person: str
    reason: str
    before: bool
    """Whether it was out of use already."""


def retire(
    registry: Session,
    items: Sequence[Version],
    places: Sequence[Place],
    *,
    person: str,
    reason: str,
) -> tuple[Retirement, ...]:
    """Take versions out of use, as the person of the session; they stay readable.

    Args:
        registry: the person's session in the registry.
        items: the versions.
        places: what serves where.
        person: who retires them.
        reason: kept with each version.

    Raises:
        ConfigError: a version serves, or may still: a release goes on. Then nothing is changed.
        GovernanceError: the person may not; the message is AWS's, with the deciding statement.
    """
    for place in places:
        if place.status == UPDATING:
            raise ConfigError(
                f"{place.endpoint} is being updated, and may go back to the version before",
                hint="try again when the release has ended",
            )
    for item in items:
        for place in places:
            if place.serves and place.version == item.version:
                raise ConfigError(
                    f"{item.model}:{item.version} serves in {place.name}",
                    hint=f"let another version serve, or stop it: mlzone model stop {item.model} "
                    f"--environment {place.name}",
                )
    return tuple(_retire(registry, item, person, reason) for item in items)


def _retire(registry: Session, item: Version, person: str, reason: str) -> Retirement:
    before = item.stage == ARCHIVED
    if not before:
        may = "an approver of the unit retires, who did not make the version"
        with denials(f"{item.model}:{item.version} stays", hint=may):
            registry.client("sagemaker").update_model_package(
                ModelPackageArn=item.arn,
                ModelApprovalStatus="Rejected",
                ApprovalDescription=reason[:_LONGEST],
                ModelLifeCycle={
                    "Stage": ARCHIVED,
                    "StageStatus": "Retired",
                    "StageDescription": f"{person}: {reason}"[:_LONGEST],
                },
            )
    return Retirement(
        model=item.model,
        version=item.version,
        arn=item.arn,
        person=person,
        reason=reason,
        before=before,
    )
