"""How bad a finding is: its effect, times its importance, times what the tier puts at stake."""

from collections.abc import Mapping
from typing import Any

LEVELS = ("low", "medium", "high", "critical")
"""The severities, the least first."""

_FROM = {"critical": 0.5, "high": 0.25, "medium": 0.1}
_STAKES = {1: 1.0, 2: 0.6, 3: 0.3}
_FULL_EFFECT = 4
"""A distribution that moved by so many times its threshold has moved in full."""
_UNKNOWN_IMPORTANCE = 0.5


def score(explanation: Mapping[str, Any], tier: int) -> float:
    """Return how bad a finding is, from 0 to 1.

    Args:
        explanation: what the analyzer wrote. `effect` and `importance` are taken as they stand;
            without them, data quality is judged by how far its features moved against the
            threshold, and by their part of what moved the predictions.
        tier: the model's risk tier.
    """
    return round(_effect(explanation) * _importance(explanation) * _STAKES[tier], 3)


def level(value: float) -> str:
    """Return the severity of a score."""
    return next((name for name, least in _FROM.items() if value >= least), LEVELS[0])


def of_silence(tier: int) -> str:
    """Return how bad it is that a monitor does not run."""
    return {1: "high", 2: "medium", 3: "low"}[tier]


def reaches(severity: str, least: str) -> bool:
    """Tell whether a severity is at least another one."""
    return LEVELS.index(severity) >= LEVELS.index(least)


def _effect(explanation: Mapping[str, Any]) -> float:
    given = explanation.get("effect")
    if given is not None:
        return _within(given)
    outcome, findings = explanation["outcome"], explanation["findings"]
    threshold = (explanation.get("settings") or {}).get("max_psi")
    moved = [item["psi"] for item in findings if item.get("psi") is not None]
    # A fault leaves no doubt, and what cannot be measured is not taken lightly.
    if outcome == "data_fault" or not moved or not threshold:
        return 1.0
    return _within(max(moved) / threshold / _FULL_EFFECT)


def _importance(explanation: Mapping[str, Any]) -> float:
    given = explanation.get("importance")
    if given is not None:
        return _within(given)
    parts = [(item.get("contribution") or {}).get("movement") for item in explanation["findings"]]
    known = [part for part in parts if part is not None]
    return _within(sum(known)) if known else _UNKNOWN_IMPORTANCE


def _within(value: float) -> float:
    return min(1.0, max(0.0, float(value)))
