"""What a check found: an answer for every rule and resource, also where nothing is wrong."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path


class Verdict(StrEnum):
    """What is said of a resource."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    WAIVED = "waived"
    """It fails, and a waiver of the estate acknowledges that."""
    NOT_APPLICABLE = "not-applicable"
    ERROR = "error"
    """The rule could not tell."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one rule says of one resource."""

    pack: str
    """Whose rule: `mlzone`, or a pack of cdk-nag."""
    rule: str
    control: str
    """The control that it holds; empty for rules of others."""
    severity: str
    verdict: Verdict
    place: str
    """`stack/LogicalId`, or the path of the construct."""
    file: str
    """The template, where it is known."""
    message: str
    fix: str
    waiver: str
    """Why it is waived, by which ticket, until when, and who answers for it."""


@dataclass(frozen=True, kw_only=True)
class WaiverCount:
    """How many waivers there are, and how old they grow."""

    waivers: int
    per_hundred_resources: float
    oldest_days: int
    """How long ago the oldest was granted, in days."""
    next_expiry: date | None


@dataclass(frozen=True, kw_only=True)
class Check:
    """All answers."""

    folder: Path
    stacks: tuple[str, ...]
    resources: int
    seconds: float
    answers: tuple[Answer, ...]
    waivers: WaiverCount

    @property
    def open(self) -> tuple[Answer, ...]:
        """What fails the check."""
        failing = (Verdict.FAIL, Verdict.ERROR)
        return tuple(answer for answer in self.answers if answer.verdict in failing)

    @property
    def counts(self) -> Mapping[str, int]:
        """How many answers there are of each verdict."""
        found = Counter(answer.verdict for answer in self.answers)
        return {verdict.value: found[verdict] for verdict in Verdict}
