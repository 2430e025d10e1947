"""What evidence a risk tier demands of a version that leaves the registry (MOD-04, -06, -07).

Looked at three times: by the command that approves, before anything is decided; by the platform,
which takes an approval back; and by each environment that would pull the version. Access control
holds on its own that a validation is signed by an approver, and that somebody else approves.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

EXPLANATION, VALIDATION = "explanation", "validation"
"""What a tier can demand."""
_SIGNED = re.compile(r"(\S+) sha256:([0-9a-f]{64}) (.+)")
_LONGEST = 256
"""SageMaker's limit of a property."""


@dataclass(frozen=True, kw_only=True)
class Validation:
    """Who validated a version, and the report that says how it came out."""

    person: str
    sha256: str
    report: str
    """The report's name; it is kept where the second line keeps its reports."""

    def __str__(self) -> str:
        """Say it as the version's property `validation` does; access control reads the person."""
        return f"{self.person} sha256:{self.sha256} {self.report}"[:_LONGEST]


@dataclass(frozen=True, kw_only=True)
class Lack:
    """Evidence that a version lacks."""

    evidence: str
    how: str
    """How it is produced."""

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.evidence} ({self.how})"


def explanation_of(description: Mapping[str, Any]) -> str:
    """Return where the report lies that explains a version, or an empty text."""
    explained = (description.get("ModelMetrics") or {}).get("Explainability") or {}
    return str((explained.get("Report") or {}).get("S3Uri", ""))


def validation_of(description: Mapping[str, Any]) -> Validation | None:
    """Return who validated a version, or None."""
    metadata = description.get("CustomerMetadataProperties") or {}
    found = _SIGNED.fullmatch(metadata.get(VALIDATION, ""))
    return Validation(person=found[1], sha256=found[2], report=found[3]) if found else None


def lacking(
    description: Mapping[str, Any], demands: Collection[str], *, approver: str = ""
) -> tuple[Lack, ...]:
    """Return the evidence that a version lacks.

    Args:
        description: SageMaker's answer to DescribeModelPackage.
        demands: what its risk tier demands.
        approver: who approved it; nobody has unless given.
    """
    version = str(description.get("ModelPackageArn", "")).rpartition("/")[2] or "VERSION"
    lacks = []
    if EXPLANATION in demands and not explanation_of(description):
        lacks.append(
            Lack(
                evidence="an explainability report",
                how="the template's pipeline registers explanation.json with each version: train "
                "again with that step, mlzone model submit",
            )
        )
    if VALIDATION in demands:
        lacks += _validation(description, approver, version)
    return tuple(lacks)


def _validation(description: Mapping[str, Any], approver: str, version: str) -> list[Lack]:
    validation = validation_of(description)
    author = (description.get("CustomerMetadataProperties") or {}).get("author", "")
    if validation is None or validation.person.casefold() == author.casefold():
        return [
            Lack(
                evidence="evidence of an independent validation",
                how="an approver of the unit, not the one who will approve it, signs the report: "
                f"mlzone model validate MODEL:{version} --as PERSON --report FILE",
            )
        ]
    if validation.person.casefold() == approver.casefold():
        return [
            Lack(
                evidence=f"a second approver: {approver} validated it and approved it",
                how="another approver of the unit decides: "
                f"mlzone model approve MODEL:{version} --as PERSON --reason TEXT",
            )
        ]
    return []


def said(lacks: Collection[Lack]) -> str:
    """Say what is lacking in a line."""
    return "; ".join(map(str, lacks))
