"""Where is the shift? Finds one simple rule that separates the records that moved from the rest.

A rule is one value of a category, or one side of a quartile of a number. It is told only if a
feature moved inside it and nothing shows that it moved outside: a shift of all has no segment.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer import significance
from mlzone_runtime.analyzer.cause import Cause, Diagnosis
from mlzone_runtime.analyzer.sketch import Sketch
from mlzone_runtime.analyzer.table import FloatArray, NumberColumn, Table
from mlzone_runtime.analyzer.wording import show
from mlzone_runtime.tabular_schema import Feature

MOST_RECORDS = 5000
"""Records of the window that are looked at."""

_LEAST_SHARE = 0.05
_LEAST_RECORDS = 20
_QUARTILES = np.array([0.25, 0.5, 0.75])
_OUTSIDE_DISTANCE = 0.1
_OUTSIDE_P = 0.05

Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Segment:
    """The records that a feature's shift is in.

    Attributes:
        rule: The rule in words.
        feature: The feature that the rule looks at.
        value: What it is compared with.
        baseline_share: Part of the baseline's records that it holds for.
        current_share: Part of the window's records.
        distance_inside: How far apart baseline and window are where it holds, from 0 to 1.
        distance_outside: The same where it does not.
    """

    rule: str
    feature: str
    value: str | float
    baseline_share: float
    current_share: float
    distance_inside: float
    distance_outside: float


@dataclass(frozen=True)
class Rule:
    """A rule, and which records of the baseline and of the window it holds for."""

    words: str
    feature: str
    value: str | float
    before: Mask
    now: Mask


def find_segments(
    diagnoses: Mapping[str, Diagnosis], baseline: Table, current: Table, significant: float
) -> dict[str, dict[str, Any]]:
    """Find the segment of each feature that moved in one only.

    Args:
        diagnoses: The features that moved; rules on them would mix up cause and effect.
        baseline: A sample of the baseline.
        current: A sample of the window.
        significant: Probability of chance that is allowed for each feature.
    """
    rules = [
        rule
        for feature in current.features
        if feature.name not in diagnoses
        for rule in rules_of(feature, baseline, current)
        if large_enough(rule)
    ]
    found = {}
    for feature in current.features:
        if diagnosis := diagnoses.get(feature.name):
            pair = (
                _values(feature, diagnosis.cause, baseline),
                _values(feature, diagnosis.cause, current),
            )
            segment = _best(rules, *pair, significant)
            if segment:
                found[feature.name] = asdict(segment)
    return found


def rules_of(feature: Feature, baseline: Table, current: Table) -> Iterator[Rule]:
    """Yield the rules on a feature."""
    if feature.kind == "category":
        before, now = baseline.category(feature.name), current.category(feature.name)
        for value in before.labels:
            if value in now.labels:
                yield Rule(
                    f"{feature.label} is {value!r}",
                    feature.name,
                    value,
                    before.codes == before.labels.index(value),
                    now.codes == now.labels.index(value),
                )
        return
    then, today = baseline.number(feature.name).numbers, current.number(feature.name).numbers
    if np.isnan(then).all():
        return
    for cut in np.unique(np.nanquantile(then, _QUARTILES)).tolist():
        words = f"{feature.label} is at most {show(cut)}"
        yield Rule(words, feature.name, cut, then <= cut, today <= cut)
        words = f"{feature.label} is above {show(cut)}"
        yield Rule(words, feature.name, cut, then > cut, today > cut)


def large_enough(rule: Rule) -> bool:
    """Tell whether a rule splits both sides into parts that can be judged."""
    return all(
        min(mask.sum(), (~mask).sum()) >= max(_LEAST_RECORDS, _LEAST_SHARE * len(mask))
        for mask in (rule.before, rule.now)
    )


def _values(feature: Feature, cause: Cause, table: Table) -> FloatArray:
    """Return what moved, as numbers: values, codes of a common list, or what is missing."""
    column = table.columns[feature.name]
    if isinstance(column, NumberColumn):
        numbers = column.numbers
    else:
        # Positions in the model's list: the same in both tables. What is unknown comes last.
        known = {value: float(place) for place, value in enumerate(feature.categories)}
        codes = [known.get(label, float(len(known))) for label in column.labels]
        numbers = np.array([*codes, np.nan])[column.codes]
    if cause == Cause.MISSING_VALUES:
        return np.isnan(numbers).astype(np.float64)
    return np.asarray(numbers, dtype=np.float64)


def _best(
    rules: list[Rule], before: FloatArray, now: FloatArray, significant: float
) -> Segment | None:
    best = None
    for rule in rules:
        inside, chance = _distance(before[rule.before], now[rule.now])
        outside, chance_outside = _distance(before[~rule.before], now[~rule.now])
        if (
            chance * len(rules) < significant
            and outside < _OUTSIDE_DISTANCE
            and chance_outside > _OUTSIDE_P
            and inside > 2 * outside
            and (best is None or inside - outside > best.distance_inside - best.distance_outside)
        ):
            best = Segment(
                rule=rule.words,
                feature=rule.feature,
                value=rule.value,
                baseline_share=float(rule.before.mean()),
                current_share=float(rule.now.mean()),
                distance_inside=inside,
                distance_outside=outside,
            )
    return best


def _distance(before: FloatArray, now: FloatArray) -> tuple[float, float]:
    """Return the Kolmogorov-Smirnov distance and how probable it is by chance.

    With few distinct values the test errs on the side of chance.
    """
    before, now = np.sort(before[~np.isnan(before)]), np.sort(now[~np.isnan(now)])
    if min(len(before), len(now)) < _LEAST_RECORDS:
        return 0.0, 1.0
    distance = significance.kolmogorov_smirnov(Sketch.of(before), now)
    return distance, significance.kolmogorov_smirnov_p(distance, len(before), len(now))
