"""What the second line does with a version: validate it, approve or reject it, let it in."""

import dataclasses
import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mlzone.errors import ConfigError, GovernanceError
from mlzone.estate import Estate
from mlzone_runtime.release import gate
from mlzone_tools.cloud.denial import denials
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model.registry import WAITING, Version, describe

Status = Literal["Approved", "Rejected"]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a person decided on a version."""

    arn: str
    status: Status
    person: str
    reason: str
    validation: str
    """Who validated the version, and the report's hash and name; or an empty text."""


@dataclass(frozen=True, kw_only=True)
class SignedValidation:
    """A report of validation that a person signed."""

    arn: str
    person: str
    report: str
    sha256: str


def decide(
    registry: Session, estate: Estate, item: Version, status: Status, *, person: str, reason: str
) -> Decision:
    """Approve or reject a version, as the person of the session.

    Raises:
        GovernanceError: the version lacks evidence, or the person may not; then the message is
            AWS's, with the deciding statement.
    """
    unit, _, model = estate.model(item.model)
    description = describe(registry, item) if person in unit.approvers else {}
    if status == "Approved" and description:
        lacks = gate.lacking(description, model.controls.evidence)
        if lacks:
            raise GovernanceError(
                f"{item.model}:{item.version} is of risk tier {model.risk_tier} and lacks "
                + "; and ".join(lack.evidence for lack in lacks),
                hint="\n      ".join(_how(lack, item) for lack in lacks),
            )
    _update(
        registry,
        item,
        {"ModelApprovalStatus": status, "ApprovalDescription": reason},
        "an approver of the unit decides, who neither made the version nor validated it",
    )
    return Decision(
        arn=item.arn,
        status=status,
        person=person,
        reason=reason,
        validation=str(gate.validation_of(description) or ""),
    )


def validate(
    registry: Session, item: Version, *, person: str, report: str, content: bytes
) -> SignedValidation:
    """Sign a report of validation, as the person of the session.

    Args:
        registry: the person's session.
        item: the version.
        person: who signs.
        report: the report's name.
        content: the report; its hash is kept with the version.

    Raises:
        ConfigError: the version is decided already, or the report is empty.
        GovernanceError: the person may not; the message is AWS's, with the deciding statement.
    """
    if item.status != WAITING:
        raise ConfigError(
            f"{item.model}:{item.version} is {item.status} already",
            hint="a validation comes before the decision",
        )
    if not content.strip():
        raise ConfigError(f"the report {report} is empty", hint="give the report of the validation")
    digest = hashlib.sha256(content).hexdigest()
    signed = gate.Validation(person=person, sha256=digest, report=report)
    _update(
        registry,
        item,
        {"CustomerMetadataProperties": {gate.VALIDATION: str(signed)}},
        "an approver of the unit validates, in their own name",
    )
    return SignedValidation(arn=item.arn, person=person, report=report, sha256=digest)


def waiting_for(
    found: Iterable[Version],
    estate: Estate,
    person: str,
    is_asked: Callable[[str], bool],
) -> Iterator[Version]:
    """Yield what a person can bring on: what to validate, to decide, or to let into production.

    Args:
        found: versions of all models, newest first.
        estate: who approves for which unit.
        person: the person.
        is_asked: tells whether the promotion of a model to production waits for an answer.
    """
    approved: set[str] = set()
    for item in found:
        unit, _, model = estate.model(item.model)
        if person not in unit.approvers or person == item.author:
            continue
        if item.waits_for == gate.VALIDATION or (
            item.waits_for and not item.validation.startswith(f"{person} ")
        ):
            yield item
        if item.status == "Approved" and item.model not in approved:
            approved.add(item.model)
            asks = model.controls.production_approval and person != item.decided_by
            if asks and is_asked(item.model):
                yield dataclasses.replace(item, waits_for="production")


def _how(lack: gate.Lack, item: Version) -> str:
    return lack.how.replace("MODEL:", f"{item.model}:")


def _update(registry: Session, item: Version, change: dict[str, Any], hint: str) -> None:
    with denials(f"{item.model}:{item.version} stays {item.status}", hint=hint):
        registry.client("sagemaker").update_model_package(ModelPackageArn=item.arn, **change)
