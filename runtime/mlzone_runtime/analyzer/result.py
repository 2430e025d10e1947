"""What a monitor's run found, before it is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlzone_runtime.analyzer.job import Job
from mlzone_runtime.analyzer.settings import Settings


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


def of_answers(
    job: Job,
    settings: Settings,
    *,
    outcome: str,
    limits: Sequence[str],
    records: Mapping[str, Any],
    violations: int,
    effect: float,
    drifted_features: int = 0,
) -> dict[str, Any]:
    """Begin the explanation of a monitor of answers, as all three have it.

    Args:
        job: What ran.
        settings: How it judged.
        outcome: What came out.
        limits: The names of the monitor's own settings.
        records: What was read.
        violations: How many there are.
        effect: How large the largest is, from 0 to 1.
        drifted_features: How many features are named.
    """
    return {
        "version": "1",
        "outcome": outcome,
        "monitor": dict(job.about),
        "settings": {
            name: getattr(settings, name) for name in ("min_records", "significance", *limits)
        },
        "records": dict(records),
        "violations": violations,
        "drifted_features": drifted_features,
        "prediction_shift": None,
        "effect": effect,
        "importance": 1.0,
    }
