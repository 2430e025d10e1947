"""What kind of change is it: a fault of the data, or the world that moved?

Each rule looks for the trace that a fault leaves and nothing else does: numbers that are the old
ones times a constant, two columns that fit each other's past, one value that stands for "unknown".
What no rule explains is a covariate shift.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import divergence
from mlzone_runtime.analyzer.comparison import CheckKind, Comparison, category_counts
from mlzone_runtime.analyzer.statistics import CategorySummary, NumberSummary
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.analyzer.unit import alike, common_factor, psi_against, unit_change
from mlzone_runtime.tabular_schema import Feature


class Kind(StrEnum):
    """Who can put it right: the owner of the data, or the owner of the model."""

    DATA_FAULT = "data_fault"
    COVARIATE_SHIFT = "covariate_shift"
    PREDICTION_SHIFT = "prediction_shift"


class Cause(StrEnum):
    """What happened to a feature."""

    MISSING_COLUMN = "missing_column"
    MISSING_VALUES = "missing_values"
    MALFORMED_VALUES = "malformed_values"
    SWAPPED_COLUMNS = "swapped_columns"
    CONSTANT_VALUE = "constant_value"
    SENTINEL_VALUE = "sentinel_value"
    UNIT_CHANGE = "unit_change"
    SIGN_CHANGE = "sign_change"
    RESPELLED_VALUES = "respelled_values"
    NEW_CATEGORY = "new_category"
    VANISHED_CATEGORY = "vanished_category"
    SHIFT = "shift"


FAULTS = frozenset(Cause) - {Cause.NEW_CATEGORY, Cause.VANISHED_CATEGORY, Cause.SHIFT}
"""The causes that are faults of the data."""

_ALIKE_PSI = 0.1
_MOSTLY = 0.95
_VANISHED_SHARE = 0.05


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The cause of a feature's change, with the numbers that show it."""

    cause: Cause
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        """Whether the data are at fault."""
        return Kind.DATA_FAULT if self.cause in FAULTS else Kind.COVARIATE_SHIFT


def diagnose(
    comparisons: Sequence[Comparison], table: Table, missing_columns: Sequence[str]
) -> dict[str, Diagnosis]:
    """Tell the cause of each change that was found, by feature."""
    moved = [comparison for comparison in comparisons if comparison.moved]
    swapped = _swapped(moved, table)
    found: dict[str, Diagnosis] = {
        name: Diagnosis(cause=Cause.MISSING_COLUMN) for name in missing_columns
    }
    for comparison in moved:
        name = comparison.feature.name
        if name in found:
            continue
        if name in swapped:
            evidence = {"partner": swapped[name]}
            found[name] = Diagnosis(cause=Cause.SWAPPED_COLUMNS, evidence=evidence)
        elif comparison.feature.kind == "number":
            found[name] = _of_number(comparison, table)
        else:
            found[name] = _of_category(comparison)
    return found


def _of_number(comparison: Comparison, table: Table) -> Diagnosis:
    baseline, current = comparison.baseline, comparison.current
    if not isinstance(baseline, NumberSummary) or not isinstance(current, NumberSummary):
        raise TypeError(f"{comparison.feature.name} is no number")
    if comparison.found(CheckKind.MALFORMED):
        evidence = {"values": comparison.malformed, "examples": list(comparison.examples)}
        return Diagnosis(cause=Cause.MALFORMED_VALUES, evidence=evidence)
    ordered = table.number(comparison.feature.name).ordered
    if comparison.found(CheckKind.SPECIAL_VALUE) and comparison.special is not None:
        special = _special(comparison.special, baseline, ordered)
        if special is not None:
            return special
    if comparison.found(CheckKind.DISTRIBUTION):
        change = unit_change(baseline, ordered, comparison.psi or 0.0)
        if change is not None:
            cause = Cause.SIGN_CHANGE if change["factor"] == -1 else Cause.UNIT_CHANGE
            return Diagnosis(cause=cause, evidence=change)
    if comparison.found(CheckKind.MISSING):
        return _missing(comparison)
    factor = common_factor(baseline, ordered, comparison.psi or 0.0)
    evidence = {**_direction(baseline, current), "factor": factor}
    return Diagnosis(cause=Cause.SHIFT, evidence=evidence)


def _of_category(comparison: Comparison) -> Diagnosis:
    baseline, current = comparison.baseline, comparison.current
    if not isinstance(baseline, CategorySummary) or not isinstance(current, CategorySummary):
        raise TypeError(f"{comparison.feature.name} is no category")
    unknown = dict(sorted(comparison.unknown.items(), key=lambda item: (-item[1], item[0]))[:5])
    if comparison.found(CheckKind.UNKNOWN_VALUES):
        known = {_folded(value): value for value in baseline.counts}
        respelled = {value: known[_folded(value)] for value in unknown if _folded(value) in known}
        share = sum(comparison.unknown.values()) / current.present
        evidence: dict[str, Any] = {"values": unknown, "share": share}
        count = sum(unknown[value] for value in respelled)
        if respelled and count >= _MOSTLY * sum(unknown.values()):
            evidence["meant"] = respelled
            return Diagnosis(cause=Cause.RESPELLED_VALUES, evidence=evidence)
        return Diagnosis(cause=Cause.NEW_CATEGORY, evidence=evidence)
    if comparison.found(CheckKind.MISSING):
        return _missing(comparison)
    vanished = {
        value: count / baseline.present
        for value, count in baseline.counts.items()
        if count >= _VANISHED_SHARE * baseline.present and not current.counts.get(value)
    }
    if vanished:
        evidence = {**_largest_change(baseline, current), "values": vanished}
        return Diagnosis(cause=Cause.VANISHED_CATEGORY, evidence=evidence)
    return Diagnosis(cause=Cause.SHIFT, evidence=_largest_change(baseline, current))


def _folded(value: str) -> str:
    return "".join(letter for letter in value.casefold() if letter.isalnum())


def _missing(comparison: Comparison) -> Diagnosis:
    baseline, check = comparison.baseline, comparison.checks[CheckKind.MISSING]
    before = baseline.missing / (baseline.present + baseline.missing)
    return Diagnosis(
        cause=Cause.MISSING_VALUES,
        evidence={"baseline_share": before, "current_share": check.value},
    )


def _direction(baseline: NumberSummary, current: NumberSummary) -> dict[str, Any]:
    return {
        "baseline_mean": baseline.mean,
        "current_mean": current.mean,
        "baseline_median": float(baseline.sketch.quantile(np.array([0.5]))[0]),
        "current_median": float(current.sketch.quantile(np.array([0.5]))[0]),
        "baseline_deviation": baseline.deviation,
        "current_deviation": current.deviation,
    }


def _largest_change(baseline: CategorySummary, current: CategorySummary) -> dict[str, Any]:
    shares = {
        value: (
            baseline.counts.get(value, 0) / baseline.present,
            current.counts.get(value, 0) / current.present,
        )
        for value in {**baseline.counts, **current.counts}
    }
    value, (before, now) = max(shares.items(), key=lambda item: abs(item[1][1] - item[1][0]))
    return {"value": value, "baseline_share": before, "current_share": now}


def _special(value: float, baseline: NumberSummary, ordered: FloatArray) -> Diagnosis | None:
    share = float((ordered == value).mean())
    before = baseline.sketch.count_of(value) / baseline.present
    evidence = {"value": value, "baseline_share": before, "current_share": share}
    if share >= _MOSTLY:
        return Diagnosis(cause=Cause.CONSTANT_VALUE, evidence=evidence)
    others = ordered[ordered != value]
    psi = psi_against(baseline, others)
    gap = float(np.abs(others - value).min())
    # The others are as they were, or far away; else the value is only one of many that are new.
    if psi < _ALIKE_PSI or gap > baseline.high - baseline.low:
        return Diagnosis(cause=Cause.SENTINEL_VALUE, evidence=evidence)
    return None


def _swapped(moved: Sequence[Comparison], table: Table) -> dict[str, str]:
    """Pair features each of which looks like the other's past."""
    found: dict[str, str] = {}
    candidates = [item for item in moved if item.found(CheckKind.DISTRIBUTION)]
    for at, first in enumerate(candidates):
        for second in candidates[at + 1 :]:
            names = (first.feature.name, second.feature.name)
            if found.keys() & set(names) or first.feature.kind != second.feature.kind:
                continue
            if _fits(first, second.feature, table) and _fits(second, first.feature, table):
                found |= {names[0]: names[1], names[1]: names[0]}
    return found


def _fits(comparison: Comparison, other: Feature, table: Table) -> bool:
    """Tell whether another feature's values now look like this feature's values then."""
    baseline = comparison.baseline
    if isinstance(baseline, NumberSummary):
        values = table.number(other.name).ordered
        return bool(len(values)) and alike(baseline, values, comparison.psi or 0.0)
    swapped = CategorySummary.of(baseline.name, table.category(other.name))
    if not swapped.present:
        return False
    counts = divergence.pool_rare(*category_counts(baseline, swapped))
    return divergence.population_stability_index(*counts) < _ALIKE_PSI
