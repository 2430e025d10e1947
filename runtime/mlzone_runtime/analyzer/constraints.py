"""`constraints.json` and `constraint_violations.json` in Model Monitor's published schemas."""

from collections.abc import Iterable, Mapping
from typing import Any

from mlzone_runtime.analyzer.comparison import CheckKind, Comparison
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.statistics import VERSION, NumberSummary, Summary

_SMALL_CARDINALITY = 1000

CHECK_TYPES = {
    CheckKind.MALFORMED: "data_type_check",
    CheckKind.MISSING: "completeness_check",
    CheckKind.UNKNOWN_VALUES: "categorical_values_check",
    CheckKind.SPECIAL_VALUE: "baseline_drift_check",
    CheckKind.DISTRIBUTION: "baseline_drift_check",
}
"""The published name of each check. A stand-in value is a change of the distribution."""


def suggest_constraints(summaries: Iterable[Summary], settings: Settings) -> dict[str, Any]:
    """Return the constraints that the summarised data suggest, with the monitor's settings."""
    return {
        "version": VERSION,
        "features": [_constraint(summary) for summary in summaries],
        **settings.to_constraints(),
    }


def _constraint(summary: Summary) -> dict[str, Any]:
    rows = summary.present + summary.missing
    kind = summary.render()["inferred_type"]
    constraint: dict[str, Any] = {
        "name": summary.name,
        "inferred_type": kind,
        "completeness": summary.present / rows if rows else 0.0,
    }
    if isinstance(summary, NumberSummary):
        constraint["num_constraints"] = {"is_non_negative": summary.low >= 0}
    elif summary.distinct <= _SMALL_CARDINALITY:
        constraint["string_constraints"] = {"domains": list(summary.counts)}
    return constraint


def violations(
    comparisons: Iterable[Comparison], missing: Iterable[str], extra: Mapping[str, int]
) -> list[dict[str, str]]:
    """Return the violations of a window.

    Args:
        comparisons: The judged features.
        missing: Features that no record of the window has.
        extra: Columns that the model does not know, with the number of records that have them.
    """
    absent = set(missing)
    found = [
        _violation(name, "missing_column_check", "no record of the window has this feature")
        for name in sorted(absent)
    ]
    found += [
        _violation(name, "extra_column_check", f"{count} records have a field the model lacks")
        for name, count in sorted(extra.items())
    ]
    for comparison in comparisons:
        if comparison.feature.name in absent:
            continue
        found += [
            _violation(comparison.feature.name, CHECK_TYPES[kind], _describe(comparison, kind))
            for kind, check in comparison.checks.items()
            if check.holds
        ]
    return found


def _violation(name: str, check_type: str, description: str) -> dict[str, str]:
    return {"feature_name": name, "constraint_check_type": check_type, "description": description}


def _describe(comparison: Comparison, kind: CheckKind) -> str:
    check = comparison.checks[kind]
    size = {
        CheckKind.DISTRIBUTION: f"population stability index {check.effect:.3f}",
        CheckKind.MISSING: f"share of missing values rose by {check.effect:.3f}",
        CheckKind.MALFORMED: f"share of values that are no numbers: {check.effect:.3f}",
        CheckKind.UNKNOWN_VALUES: f"share of values unknown to the baseline: {check.effect:.3f}",
        CheckKind.SPECIAL_VALUE: (
            f"share of the value {comparison.special!r} rose by {check.effect:.3f}"
        ),
    }[kind]
    return (
        f"{size}, threshold {check.threshold:.3f}; {check.statistic} {check.value:.4f}, "
        f"adjusted p-value {check.p_adjusted:.2g}"
    )
