"""When did it begin? What moved, by equal parts of the window; records that show a fault."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mlzone_runtime.analyzer.cause import Cause, Diagnosis
from mlzone_runtime.analyzer.comparison import Comparison
from mlzone_runtime.analyzer.intake import Intake
from mlzone_runtime.analyzer.statistics import NumberSummary
from mlzone_runtime.analyzer.table import CategoryColumn, FloatArray, NumberColumn

SLICES = 12

_LEAST_RECORDS = 20
_EXAMPLES = 3
_HALF_WAY = 0.5
_MASK = "\u2022\u2022\u2022"


def timelines(
    comparisons: Mapping[str, Comparison], diagnoses: Mapping[str, Diagnosis], intake: Intake
) -> list[dict[str, Any]]:
    """Return for each feature that moved how it went over the window, where times are told."""
    times = intake.times
    if np.isnan(times).all() or np.nanmin(times) == np.nanmax(times):
        return []
    edges = np.linspace(np.nanmin(times), np.nanmax(times), SLICES + 1)
    places = np.clip(np.searchsorted(edges, times, side="right") - 1, 0, SLICES - 1)
    found = []
    for name, diagnosis in diagnoses.items():
        measured = _measure(comparisons[name], diagnosis, intake)
        if measured is None:
            continue
        quantity, before, values = measured
        points = []
        for part in range(SLICES):
            part_values = values[(places == part) & ~np.isnan(values) & ~np.isnan(times)]
            if len(part_values) >= _LEAST_RECORDS:
                points.append(
                    {
                        "start": _stamp(float(edges[part])),
                        "value": float(part_values.mean()),
                        "records": len(part_values),
                    }
                )
        if len(points) > 1:
            found.append(
                {
                    "feature": name,
                    "quantity": quantity,
                    "baseline": before,
                    "points": points,
                    "since": _since(before, points),
                }
            )
    return found


def fault_rows(
    diagnoses: Mapping[str, Diagnosis], intake: Intake, sensitive: frozenset[str]
) -> list[dict[str, Any]]:
    """Return some records that show each fault: the faulty field alone, all others masked."""
    found = []
    for name, diagnosis in diagnoses.items():
        column = intake.table.columns.get(name)
        if diagnosis.kind != "data_fault" or column is None:
            continue
        for row in _faulty(column, diagnosis)[:_EXAMPLES].tolist():
            time = float(intake.times[row])
            found.append(
                {
                    "feature": name,
                    "record": row + 1,
                    "time": "" if np.isnan(time) else _stamp(time),
                    "value": _MASK if name in sensitive else _value(column, row),
                    "others": _MASK,
                }
            )
    return found


def _measure(
    comparison: Comparison, diagnosis: Diagnosis, intake: Intake
) -> tuple[str, float, FloatArray] | None:
    """Return what is followed over time: its name, the baseline's value, and each record's."""
    column = intake.table.columns[comparison.feature.name]
    baseline, evidence = comparison.baseline, diagnosis.evidence
    if diagnosis.cause in {Cause.MISSING_VALUES, Cause.MALFORMED_VALUES, Cause.MISSING_COLUMN}:
        gone = _gone(column).astype(np.float64)
        all_before = max(1, baseline.present + baseline.missing)
        return "share of missing values", baseline.missing / all_before, gone
    if isinstance(column, NumberColumn) and isinstance(baseline, NumberSummary):
        return "mean", baseline.mean, column.numbers
    if isinstance(column, CategoryColumn) and "value" in evidence:
        value = str(evidence["value"])
        code = column.labels.index(value) if value in column.labels else -2
        return f"share of {value!r}", evidence["baseline_share"], (column.codes == code) * 1.0
    return None


def _gone(column: NumberColumn | CategoryColumn) -> Any:
    return np.isnan(column.numbers) if isinstance(column, NumberColumn) else column.codes < 0


def _since(before: float, points: list[dict[str, Any]]) -> str:
    """Return the start of the first part from which on all are beyond half of the way."""
    last = float(points[-1]["value"])
    beyond = [
        (float(point["value"]) - before) * np.sign(last - before) > _HALF_WAY * abs(last - before)
        for point in points
    ]
    first = len(points) - 1
    while first and beyond[first - 1]:
        first -= 1
    return str(points[first]["start"])


def _faulty(column: NumberColumn | CategoryColumn, diagnosis: Diagnosis) -> Any:
    gone = _gone(column)
    if diagnosis.cause in {Cause.MISSING_VALUES, Cause.MALFORMED_VALUES, Cause.MISSING_COLUMN}:
        return np.flatnonzero(gone)
    if isinstance(column, NumberColumn) and "value" in diagnosis.evidence:
        return np.flatnonzero(column.numbers == diagnosis.evidence["value"])
    if isinstance(column, CategoryColumn) and "meant" in diagnosis.evidence:
        codes = [column.labels.index(value) for value in diagnosis.evidence["meant"]]
        return np.flatnonzero(np.isin(column.codes, codes))
    return np.flatnonzero(~gone)


def _value(column: NumberColumn | CategoryColumn, row: int) -> str:
    if isinstance(column, NumberColumn):
        value = column.numbers[row]
        return "no number" if np.isnan(value) else f"{value:g}"
    code = int(column.codes[row])
    return "missing" if code < 0 else column.labels[code]


def _stamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
