"""What a monitor's run found, before it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Result:
    """What is written of a run, whichever monitor it is of.

    Attributes:
        explanation: `explanation.json`.
        violations: The entries of `constraint_violations.json`.
        left_out: What could not be used, counted by its name.
        files: Other files by name, in published schemas.
        page: `report.html`.
        analysed: There was something to analyse.
        version: The version of the published schema of violations, where it has one.
    """

    explanation: Mapping[str, Any]
    violations: Sequence[Mapping[str, str]]
    left_out: Mapping[str, int]
    page: str
    analysed: bool
    files: Mapping[str, Any] = field(default_factory=dict)
    version: str | None = None
