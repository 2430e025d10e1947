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

from mlzone_runtime.analyzer import divergence, significance
from mlzone_runtime.analyzer.comparison import CheckKind, Comparison, category_counts, values_of
from mlzone_runtime.analyzer.statistics import CategorySummary, NumberSummary
from mlzone_runtime.analyzer.table import FloatArray, Table
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

_UNITS: tuple[tuple[float, float, str], ...] = (
    (1.8, 32.0, "degrees Celsius to Fahrenheit"),
    (5 / 9, -160 / 9, "degrees Fahrenheit to Celsius"),
    (1.0, 273.15, "degrees Celsius to Kelvin"),
    (1.0, -273.15, "Kelvin to degrees Celsius"),
    (12.0, 0.0, "years to months"),
    (1 / 12, 0.0, "months to years"),
    (1 / 100, 0.0, "a hundredth, such as cents to whole units or percent to shares"),
    (100.0, 0.0, "a hundredfold, such as whole units to cents or shares to percent"),
    (1000.0, 0.0, "a thousandfold"),
    (1 / 1000, 0.0, "a thousandth"),
)
"""Known changes of unit: factor, offset, name. Factors near one are left out: a constant factor
such as that of miles and kilometres cannot be told from a general rise of prices."""

_ALIKE_PSI = 0.1
_ALIKE_SHARE = 0.25
_NEAR = 0.05
_LARGE_FACTOR = 3.0
_SEPARATING_FACTOR = 50.0
_MOSTLY = 0.95
_VANISHED_SHARE = 0.05
_PARTIAL_SHARE = 0.05
_ALIKE_DISTANCE = 0.1
_TENTHS = np.arange(1, 10) / 10


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
    ordered = values_of(table.number(comparison.feature.name))
    if comparison.found(CheckKind.SPECIAL_VALUE) and comparison.special is not None:
        special = _special(comparison.special, baseline, ordered)
        if special is not None:
            return special
    if comparison.found(CheckKind.DISTRIBUTION):
        unit = _unit_change(baseline, ordered, comparison.psi or 0.0)
        if unit is not None:
            return unit
    if comparison.found(CheckKind.MISSING):
        return _missing(comparison)
    factor = _common_factor(baseline, ordered, comparison.psi or 0.0)
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
        return Diagnosis(cause=Cause.VANISHED_CATEGORY, evidence={"values": vanished})
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


def _psi_against(baseline: NumberSummary, ordered: FloatArray) -> float:
    places = np.searchsorted(ordered, baseline.cuts, side="left")
    counts = np.diff(places, prepend=0, append=len(ordered)).astype(np.float64)
    return divergence.population_stability_index(baseline.counts, counts)


def _alike(baseline: NumberSummary, ordered: FloatArray, before: float) -> bool:
    """Tell whether values fit the baseline, much better than they did before a correction."""
    psi = _psi_against(baseline, ordered)
    return (
        psi < min(_ALIKE_PSI, _ALIKE_SHARE * before)
        and significance.kolmogorov_smirnov(baseline.sketch, ordered) < _ALIKE_DISTANCE
    )


def _special(value: float, baseline: NumberSummary, ordered: FloatArray) -> Diagnosis | None:
    share = float((ordered == value).mean())
    before = baseline.sketch.count_of(value) / baseline.present
    evidence = {"value": value, "baseline_share": before, "current_share": share}
    if share >= _MOSTLY:
        return Diagnosis(cause=Cause.CONSTANT_VALUE, evidence=evidence)
    others = ordered[ordered != value]
    psi = _psi_against(baseline, others)
    gap = float(np.abs(others - value).min())
    # The others are as they were, or far away; else the value is only one of many that are new.
    if psi < _ALIKE_PSI or gap > baseline.high - baseline.low:
        return Diagnosis(cause=Cause.SENTINEL_VALUE, evidence=evidence)
    return None


def _unit_change(baseline: NumberSummary, ordered: FloatArray, psi: float) -> Diagnosis | None:
    for factor, offset, name in _candidates(baseline, ordered):
        if _alike(baseline, np.sort((ordered - offset) / factor), psi):
            cause = Cause.SIGN_CHANGE if factor == -1 else Cause.UNIT_CHANGE
            evidence = {"factor": factor, "offset": offset, "share": 1.0, "name": name}
            return Diagnosis(cause=cause, evidence=evidence)
    return _partial_unit_change(baseline, ordered, psi)


def _candidates(baseline: NumberSummary, ordered: FloatArray) -> list[tuple[float, float, str]]:
    """Return the changes of unit that could be, the measured factor last."""
    before = baseline.sketch.quantile(_TENTHS)
    now = np.quantile(ordered, _TENTHS)
    usable = before != 0
    found = [(-1.0, 0.0, "")]
    if not usable.any():
        return found
    measured = float(np.median(now[usable] / before[usable]))
    for factor, offset, name in _UNITS:
        # An offset that is small beside the spread cannot be told from none.
        if abs(offset) > baseline.deviation or (not offset and abs(measured / factor - 1) < _NEAR):
            found.append((factor, offset, name))
    if measured > 0 and not 1 / _LARGE_FACTOR < measured < _LARGE_FACTOR:
        found.append((measured, 0.0, ""))
    return found


def _common_factor(baseline: NumberSummary, ordered: FloatArray, psi: float) -> float | None:
    """Return the factor by which all values seem multiplied, if they do."""
    before = baseline.sketch.quantile(_TENTHS)
    now = np.quantile(ordered, _TENTHS)
    if not (before > 0).all():
        return None
    factor = float(np.median(now / before))
    return factor if factor > 0 and _alike(baseline, ordered / factor, psi) else None


def _partial_unit_change(
    baseline: NumberSummary, ordered: FloatArray, psi: float
) -> Diagnosis | None:
    """Find records whose values lie outside the baseline's range and fit once they are divided."""
    outside = (ordered < baseline.low) | (ordered > baseline.high)
    for factor, offset, name in _UNITS:
        if not outside.any() or 1 / _SEPARATING_FACTOR < factor < _SEPARATING_FACTOR:
            continue
        corrected = (ordered[outside] - offset) / factor
        fits = float(((corrected >= baseline.low) & (corrected <= baseline.high)).mean())
        # A value that was changed may still lie within the range: nearer to the changed median
        # than to the old one, on a scale of ratios, it counts as changed.
        if fits < _MOSTLY or baseline.low < 0:
            continue
        border = float(baseline.sketch.quantile(np.array([0.5]))[0]) * np.sqrt(factor)
        changed = ordered > border if factor > 1 else ordered < border
        share = float(changed.mean())
        whole = np.sort(np.concatenate((ordered[~changed], ordered[changed] / factor)))
        if share >= _PARTIAL_SHARE and _alike(baseline, whole, psi):
            evidence = {"factor": factor, "offset": offset, "share": share, "name": name}
            return Diagnosis(cause=Cause.UNIT_CHANGE, evidence=evidence)
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
        values = values_of(table.number(other.name))
        return bool(len(values)) and _alike(baseline, values, comparison.psi or 0.0)
    swapped = CategorySummary.of(baseline.name, table.category(other.name))
    if not swapped.present:
        return False
    counts = divergence.pool_rare(*category_counts(baseline, swapped))
    return divergence.population_stability_index(*counts) < _ALIKE_PSI
