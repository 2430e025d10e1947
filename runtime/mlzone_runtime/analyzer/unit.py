"""Finds changes of unit: values that fit the baseline again once a factor and offset are undone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import divergence, significance
from mlzone_runtime.analyzer.statistics import NumberSummary
from mlzone_runtime.analyzer.table import FloatArray

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
_ALIKE_DISTANCE = 0.1
_NEAR = 0.05
_LARGE_FACTOR = 3.0
_SEPARATING_FACTOR = 50.0
_MOSTLY = 0.95
_PARTIAL_SHARE = 0.05
_TENTHS = np.arange(1, 10) / 10

Change = Mapping[str, Any]
"""Factor, offset, share of the records and name of a change of unit."""


def psi_against(baseline: NumberSummary, ordered: FloatArray) -> float:
    """Return the population stability index of sorted values, in the baseline's buckets."""
    places = np.searchsorted(ordered, baseline.cuts, side="left")
    counts = np.diff(places, prepend=0, append=len(ordered)).astype(np.float64)
    return divergence.population_stability_index(baseline.counts, counts)


def alike(baseline: NumberSummary, ordered: FloatArray, before: float) -> bool:
    """Tell whether sorted values fit the baseline, much better than before a correction.

    Args:
        baseline: What they should look like.
        ordered: The corrected values.
        before: The population stability index of the uncorrected values.
    """
    return (
        psi_against(baseline, ordered) < min(_ALIKE_PSI, _ALIKE_SHARE * before)
        and significance.kolmogorov_smirnov(baseline.sketch, ordered) < _ALIKE_DISTANCE
    )


def unit_change(baseline: NumberSummary, ordered: FloatArray, psi: float) -> Change | None:
    """Return the change of unit that explains sorted values, if one does; -1 is a turned sign."""
    for factor, offset, name in _candidates(baseline, ordered):
        corrected = (ordered - offset) / factor
        if alike(baseline, corrected if factor > 0 else corrected[::-1], psi):
            return {"factor": factor, "offset": offset, "share": 1.0, "name": name}
    return _partial_change(baseline, ordered, psi)


def common_factor(baseline: NumberSummary, ordered: FloatArray, psi: float) -> float | None:
    """Return the factor by which all sorted values seem multiplied, if they do."""
    before = baseline.sketch.quantile(_TENTHS)
    now = np.quantile(ordered, _TENTHS)
    if not (before > 0).all():
        return None
    factor = float(np.median(now / before))
    return factor if factor > 0 and alike(baseline, ordered / factor, psi) else None


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


def _partial_change(baseline: NumberSummary, ordered: FloatArray, psi: float) -> Change | None:
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
        parts = (ordered[~changed], ordered[changed] / factor)
        # Both are sorted, and a stable sort only merges them.
        whole = np.sort(np.concatenate(parts), kind="stable")
        if share >= _PARTIAL_SHARE and alike(baseline, whole, psi):
            return {"factor": factor, "offset": offset, "share": share, "name": name}
    return None
