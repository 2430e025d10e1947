"""Summaries of a table's columns, and `statistics.json` in Model Monitor's published schema.

A number's buckets are the tenths of the baseline (or its single values, if they are few); the
summary of a window uses the baseline's buckets, so that the two files can be compared bucket by
bucket. The outer bounds are each file's own minimum and maximum.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np

from mlzone_runtime.analyzer import parallel
from mlzone_runtime.analyzer.repetition import Repetition
from mlzone_runtime.analyzer.sketch import Sketch
from mlzone_runtime.analyzer.table import CategoryColumn, FloatArray, NumberColumn, Table
from mlzone_runtime.tabular_schema import Feature

VERSION = 0.0
"""The version of the published schema."""

_BUCKETS = 10
_FEW_VALUES = 20
_MOST_CATEGORIES = 1000


@dataclass(frozen=True, kw_only=True)
class NumberSummary:
    """What is kept of a number's values.

    Attributes:
        name: Column name.
        present: Values that are there and are numbers.
        missing: Values that are not there.
        integral: All values are whole.
        total: Sum of the values.
        deviation: Standard deviation, of the values as the whole population.
        cuts: Inner bounds of the buckets; a value equal to a bound belongs to the bucket above.
        counts: Values by bucket: one more than there are cuts.
    """

    name: str
    present: int
    missing: int
    integral: bool
    mean: float
    total: float
    deviation: float
    low: float
    high: float
    cuts: FloatArray
    counts: FloatArray
    sketch: Sketch

    @classmethod
    def of(cls, name: str, column: NumberColumn, cuts: FloatArray | None = None) -> Self:
        """Summarise a column, into the given buckets or into its own."""
        ordered = column.ordered
        if cuts is None:
            cuts = bucket_cuts(ordered)
        places = np.searchsorted(ordered, cuts, side="left")
        counts = np.diff(places, prepend=0, append=len(ordered)).astype(np.float64)
        some = len(ordered) > 0
        return cls(
            name=name,
            present=len(ordered),
            missing=column.missing,
            integral=bool(some and (np.floor(ordered) == ordered).all()),
            mean=float(ordered.mean()) if some else 0.0,
            total=float(ordered.sum()),
            deviation=float(ordered.std()) if some else 0.0,
            low=float(ordered[0]) if some else 0.0,
            high=float(ordered[-1]) if some else 0.0,
            cuts=cuts,
            counts=counts,
            sketch=Sketch.of(ordered),
        )

    @classmethod
    def parse(cls, feature: Mapping[str, Any]) -> Self:
        """Read the summary from `statistics.json`."""
        numbers = feature["numerical_statistics"]
        buckets = numbers["distribution"]["kll"]["buckets"]
        return cls(
            name=feature["name"],
            present=numbers["common"]["num_present"],
            missing=numbers["common"]["num_missing"],
            integral=feature["inferred_type"] == "Integral",
            mean=numbers["mean"],
            total=numbers["sum"],
            deviation=numbers["std_dev"],
            low=numbers["min"],
            high=numbers["max"],
            cuts=np.array([bucket["lower_bound"] for bucket in buckets[1:]], dtype=np.float64),
            counts=np.array([bucket["count"] for bucket in buckets], dtype=np.float64),
            sketch=Sketch.parse(numbers["distribution"]["kll"]["sketch"]),
        )

    def render(self) -> dict[str, Any]:
        """Return the feature's part of `statistics.json`."""
        cuts = self.cuts.tolist()
        lower = [min([self.low, *cuts[:1]]), *cuts]
        upper = [*cuts, max([self.high, *cuts[-1:]])]
        buckets = [
            {"lower_bound": low, "upper_bound": high, "count": count}
            for low, high, count in zip(lower, upper, self.counts.tolist(), strict=True)
        ]
        kind = "Integral" if self.integral else "Fractional"
        return {
            "name": self.name,
            "inferred_type": kind if self.present else "Unknown",
            "numerical_statistics": {
                "common": {"num_present": self.present, "num_missing": self.missing},
                "mean": self.mean,
                "sum": self.total,
                "std_dev": self.deviation,
                "min": self.low,
                "max": self.high,
                "distribution": {"kll": {"buckets": buckets, "sketch": self.sketch.render()}},
            },
        }


@dataclass(frozen=True, kw_only=True)
class CategorySummary:
    """What is kept of a category's values: how often each occurs, the most frequent first."""

    name: str
    present: int
    missing: int
    distinct: int
    counts: Mapping[str, int]

    @classmethod
    def of(cls, name: str, column: CategoryColumn) -> Self:
        """Summarise a column."""
        present = column.codes[column.codes >= 0]
        found = np.bincount(present, minlength=len(column.labels)).tolist()
        pairs = [pair for pair in zip(column.labels, found, strict=True) if pair[1]]
        pairs.sort(key=lambda pair: (-pair[1], pair[0]))
        return cls(
            name=name,
            present=len(present),
            missing=column.missing,
            distinct=len(pairs),
            counts=dict(pairs),
        )

    @classmethod
    def parse(cls, feature: Mapping[str, Any]) -> Self:
        """Read the summary from `statistics.json`."""
        strings = feature["string_statistics"]
        buckets = strings["distribution"]["categorical"]["buckets"]
        return cls(
            name=feature["name"],
            present=strings["common"]["num_present"],
            missing=strings["common"]["num_missing"],
            distinct=int(strings["distinct_count"]),
            counts={bucket["value"]: bucket["count"] for bucket in buckets},
        )

    def render(self) -> dict[str, Any]:
        """Return the feature's part of `statistics.json`; of many categories the most frequent."""
        buckets = [{"value": value, "count": count} for value, count in self.counts.items()]
        return {
            "name": self.name,
            "inferred_type": "String" if self.present else "Unknown",
            "string_statistics": {
                "common": {"num_present": self.present, "num_missing": self.missing},
                "distinct_count": self.distinct,
                "distribution": {"categorical": {"buckets": buckets[:_MOST_CATEGORIES]}},
            },
        }


Summary: TypeAlias = NumberSummary | CategorySummary


def bucket_cuts(ordered: FloatArray) -> FloatArray:
    """Choose inner bounds of buckets for sorted values: tenths, or each value if they are few."""
    distinct: FloatArray = ordered[np.flatnonzero(np.diff(ordered, prepend=np.nan) != 0)]
    if len(distinct) <= _FEW_VALUES:
        return distinct[1:]
    tenths = np.quantile(ordered, np.arange(1, _BUCKETS) / _BUCKETS)
    cuts: FloatArray = np.unique(tenths)
    inner: FloatArray = cuts[cuts > ordered[0]]
    return inner


def summarise(table: Table, baseline: Mapping[str, Summary] | None = None) -> list[Summary]:
    """Summarise all columns, into the baseline's buckets if there is one."""
    known = baseline or {}
    return [*parallel.ordered(lambda feature: summary_of(feature, table, known), table.features)]


def summary_of(feature: Feature, table: Table, baseline: Mapping[str, Summary]) -> Summary:
    """Summarise one column."""
    if feature.kind == "category":
        return CategorySummary.of(feature.name, table.category(feature.name))
    known = baseline.get(feature.name)
    cuts = known.cuts if isinstance(known, NumberSummary) else None
    return NumberSummary.of(feature.name, table.number(feature.name), cuts)


def render_statistics(
    summaries: list[Summary], rows: int, repetition: Repetition | None
) -> dict[str, Any]:
    """Return `statistics.json`."""
    return {
        "version": VERSION,
        "dataset": {"item_count": rows},
        "features": [summary.render() for summary in summaries],
        **(repetition.render() if repetition else {}),
    }


def parse_statistics(statistics: Mapping[str, Any]) -> dict[str, Summary]:
    """Read `statistics.json`; columns of unknown type are left out."""
    summaries: dict[str, Summary] = {}
    for feature in statistics["features"]:
        if "numerical_statistics" in feature:
            summaries[feature["name"]] = NumberSummary.parse(feature)
        elif "string_statistics" in feature:
            summaries[feature["name"]] = CategorySummary.parse(feature)
    return summaries
