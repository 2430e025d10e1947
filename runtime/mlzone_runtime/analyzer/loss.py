"""A metric of quality that got worse, whatever the answers are; and what a judgement hands on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlzone_runtime.analyzer import quality_wording
from mlzone_runtime.analyzer.quality import Measure

_FULL_EFFECT = 4


@dataclass(frozen=True, kw_only=True)
class Loss:
    """One metric, then and now.

    Attributes:
        metric: Its published name.
        baseline: Its value for the held-out records.
        current: Its value for the window.
        loss: How much worse it is now.
        p_adjusted: How probable so much is by chance, corrected for all metrics.
        holds: The loss is significant and large enough.
    """

    metric: str
    baseline: Measure
    current: Measure
    loss: float
    p_adjusted: float
    holds: bool


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What is to be told of the quality of answers.

    Attributes:
        losses: The judged metrics; none if nothing was judged.
        limit: The least loss that counts.
        performance: The part of the explanation with all numbers.
        findings: What follows, for people.
        violations: The entries of `constraint_violations.json`.
        statistics: `statistics.json` in the published schema.
        constraints: `constraints.json` in the published schema.
    """

    losses: Sequence[Loss] = ()
    limit: float
    performance: Mapping[str, Any]
    findings: Sequence[Mapping[str, Any]] = ()
    violations: Sequence[Mapping[str, str]] = ()
    statistics: Mapping[str, Any] = field(default_factory=dict)
    constraints: Mapping[str, Any] = field(default_factory=dict)

    @property
    def effect(self) -> float:
        """How large the largest loss is, from 0 to 1."""
        worst = violated(self.losses)
        return min(1.0, worst[0].loss / self.limit / _FULL_EFFECT) if worst else 0.0


def violated(losses: Sequence[Loss]) -> list[Loss]:
    """Return the metrics that got worse, the one that lost most first."""
    return sorted((item for item in losses if item.holds), key=lambda item: -item.loss)


def render(losses: Sequence[Loss]) -> list[dict[str, Any]]:
    """Return the judged metrics as explanations have them."""
    return [
        {
            "metric": item.metric,
            "baseline": interval(item.baseline),
            "current": interval(item.current),
            "loss": item.loss,
            "p_adjusted": item.p_adjusted,
            "holds": item.holds,
        }
        for item in losses
    ]


def findings(
    losses: Sequence[Loss],
    evidence: Mapping[str, float],
    *,
    concept: bool,
    segment: Mapping[str, Any] | None,
) -> list[dict[str, Any]]:
    """Return what explanations find: nothing, or the worst loss with those beside it.

    Args:
        losses: The judged metrics.
        evidence: Which numbers speak for the cause, beside the metric's own.
        concept: The relation of answers and outcomes itself changed.
        segment: Where that change is, if it is in one segment only.
    """
    worse = violated(losses)
    if not worse:
        return []
    worst = worse[0]
    finding: dict[str, Any] = {
        "rank": 1,
        "title": quality_wording.NAMES[worst.metric],
        "kind": "concept_drift" if concept else "covariate_shift",
        "cause": "changed_relation" if concept else "other_cases",
        "metrics": [item.metric for item in worse],
        "evidence": {
            "baseline": worst.baseline.value,
            "current": worst.current.value,
            **evidence,
        },
        "segment": segment,
    }
    action, reason = quality_wording.ADVICE[finding["cause"]]
    finding |= {"action": action, "reason": reason}
    finding["sentence"] = quality_wording.sentence(finding)
    return [finding]


def interval(found: Measure) -> dict[str, float]:
    """Return a metric with its 95 % interval."""
    low, high = found.interval
    return {"value": found.value, "low": low, "high": high}


def violation(item: Loss, threshold: float, *, less_is_better: bool) -> dict[str, str]:
    """Return an entry of `constraint_violations.json`."""
    operator = "GreaterThanThreshold" if less_is_better else "LessThanThreshold"
    return {
        "metric_name": item.metric,
        "constraint_check_type": operator,
        "description": (
            f"Metric {item.metric} with {item.current.value:.4f} +/- "
            f"{item.current.error:.4f} was {operator} '{threshold:.4f}'"
        ),
    }
