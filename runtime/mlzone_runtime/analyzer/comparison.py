"""Compares a window's features with the baseline: checks, each with a p-value and an effect."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from mlzone_runtime.analyzer import divergence, parallel, significance
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.statistics import CategorySummary, NumberSummary, Summary
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.tabular_schema import Feature

_MANY_VALUES = 100
_LEAST_PRESENT = 30


class CheckKind(StrEnum):
    """What a check looks at."""

    DISTRIBUTION = "distribution"
    MISSING = "missing"
    MALFORMED = "malformed"
    UNKNOWN_VALUES = "unknown_values"
    SPECIAL_VALUE = "special_value"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question to one feature.

    Attributes:
        kind: What is looked at.
        statistic: Name of the test statistic.
        value: The statistic's value.
        p_value: How probable at least so large a difference is if nothing moved.
        p_adjusted: The same, corrected for all checks of the window.
        effect: How large the difference is, in the unit of its threshold.
        threshold: Effect from which a difference counts.
        holds: The difference is significant and large enough.
    """

    kind: CheckKind
    statistic: str
    value: float
    p_value: float
    effect: float
    threshold: float
    p_adjusted: float = 1.0
    holds: bool = False


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One feature, then and now.

    Attributes:
        feature: The feature.
        baseline: Summary of the baseline.
        current: Summary of the window.
        checks: The questions that could be asked, by kind.
        malformed: Values of the window that are no numbers.
        examples: Some of them.
        special: The exact value whose share rose most, if one did.
        unknown: Values of the window that the baseline does not know, with their counts.
        sizes: How far apart the two are by other measures than the checks', by name.
    """

    feature: Feature
    baseline: Summary
    current: Summary
    checks: Mapping[CheckKind, Check] = field(default_factory=dict)
    malformed: int = 0
    examples: tuple[str, ...] = ()
    special: float | None = None
    unknown: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[str, float] = field(default_factory=dict)

    def found(self, kind: CheckKind) -> bool:
        """Tell whether a check found something."""
        return kind in self.checks and self.checks[kind].holds

    @property
    def moved(self) -> bool:
        """Some check found something."""
        return any(check.holds for check in self.checks.values())

    @property
    def psi(self) -> float | None:
        """The population stability index, if there were enough values to compare."""
        check = self.checks.get(CheckKind.DISTRIBUTION)
        return check.effect if check else None


def compare(
    baseline: Mapping[str, Summary],
    table: Table,
    current: Mapping[str, Summary],
    settings: Settings,
) -> list[Comparison]:
    """Compare each feature that both sides have, and correct for the number of checks."""
    comparisons = [
        *parallel.ordered(
            lambda feature: _compare(
                feature, baseline[feature.name], current[feature.name], table, settings
            ),
            [feature for feature in table.features if feature.name in baseline],
        )
    ]
    places = [(at, kind) for at, comparison in enumerate(comparisons) for kind in comparison.checks]
    adjusted = significance.holm([comparisons[at].checks[kind].p_value for at, kind in places])
    judged: list[dict[CheckKind, Check]] = [{} for _ in comparisons]
    for (at, kind), p_adjusted in zip(places, adjusted, strict=True):
        check = comparisons[at].checks[kind]
        holds = p_adjusted < settings.significance and check.effect >= check.threshold
        judged[at][kind] = replace(check, p_adjusted=p_adjusted, holds=holds)
    return [
        replace(comparison, checks=checks)
        for comparison, checks in zip(comparisons, judged, strict=True)
    ]


def _compare(
    feature: Feature, baseline: Summary, current: Summary, table: Table, settings: Settings
) -> Comparison:
    comparison = Comparison(feature=feature, baseline=baseline, current=current)
    checks = [_missing(comparison, table.rows, settings)]
    if isinstance(baseline, NumberSummary) and isinstance(current, NumberSummary):
        column = table.number(feature.name)
        comparison = replace(comparison, malformed=column.malformed, examples=column.examples)
        checks.append(_malformed(comparison, table.rows, settings))
        if _comparable(baseline, current):
            ordered = column.ordered
            checks.append(number_distribution(baseline, current, ordered, settings))
            special, check = _special_value(baseline, ordered, settings)
            comparison = replace(comparison, special=special)
            checks.append(check)
            comparison = replace(comparison, sizes=_number_sizes(baseline, current, ordered))
    if (
        isinstance(baseline, CategorySummary)
        and isinstance(current, CategorySummary)
        and _comparable(baseline, current)
    ):
        unknown = _unknown_values(feature, baseline, current)
        comparison = replace(comparison, unknown=unknown)
        checks.append(_category_distribution(baseline, current, settings))
        checks.append(_unknown(baseline, current, unknown, settings))
        distance = divergence.jensen_shannon(*category_counts(baseline, current))
        comparison = replace(comparison, sizes={"jensen_shannon": distance})
    return replace(comparison, checks={check.kind: check for check in checks})


def _number_sizes(
    baseline: NumberSummary, current: NumberSummary, ordered: FloatArray
) -> dict[str, float]:
    """Measure a shift: by the buckets, in the number's own unit, and beyond the old range."""
    inside = np.searchsorted(ordered, baseline.high, side="right")
    inside -= np.searchsorted(ordered, baseline.low, side="left")
    return {
        "jensen_shannon": divergence.jensen_shannon(baseline.counts, current.counts),
        "wasserstein": divergence.wasserstein(baseline.sketch, current.sketch),
        "outside_range": 1 - float(inside) / len(ordered),
    }


def _comparable(baseline: Summary, current: Summary) -> bool:
    return min(baseline.present, current.present) >= _LEAST_PRESENT


def _missing(comparison: Comparison, rows: int, settings: Settings) -> Check:
    baseline, current = comparison.baseline, comparison.current
    before = baseline.present + baseline.missing
    rise = current.missing / max(rows, 1) - baseline.missing / max(before, 1)
    return Check(
        kind=CheckKind.MISSING,
        statistic="share_of_missing_values",
        value=current.missing / max(rows, 1),
        p_value=significance.fisher_rise(baseline.missing, before, current.missing, rows),
        effect=rise,
        threshold=settings.min_missing_increase,
    )


def _malformed(comparison: Comparison, rows: int, settings: Settings) -> Check:
    share = comparison.malformed / max(rows, 1)
    return Check(
        kind=CheckKind.MALFORMED,
        statistic="share_of_malformed_values",
        value=share,
        p_value=significance.fisher_rise(
            0, comparison.baseline.present, comparison.malformed, rows
        ),
        effect=share,
        threshold=1 - settings.datatype_threshold,
    )


def number_distribution(
    baseline: NumberSummary, current: NumberSummary, ordered: FloatArray, settings: Settings
) -> Check:
    """Compare a number's distribution: Kolmogorov-Smirnov for chance, PSI for size."""
    distance = significance.kolmogorov_smirnov(baseline.sketch, ordered)
    return Check(
        kind=CheckKind.DISTRIBUTION,
        statistic="kolmogorov_smirnov",
        value=distance,
        p_value=significance.kolmogorov_smirnov_p(distance, baseline.present, current.present),
        effect=divergence.population_stability_index(baseline.counts, current.counts),
        threshold=settings.max_psi,
    )


def _special_value(
    baseline: NumberSummary, ordered: FloatArray, settings: Settings
) -> tuple[float | None, Check]:
    """Find the exact value whose share rose most, such as -1 or 9999 for "not known".

    Any of the window's values could have been the one, so the p-value is multiplied by their
    number. Only values outside the baseline's range, or of a number with many values, qualify: of
    a number with few, each value is a bucket of the distribution already.
    """
    starts = np.flatnonzero(np.diff(ordered, prepend=np.nan) != 0)
    counts = np.diff(starts, append=len(ordered))
    values = ordered[starts]
    wanted = counts / len(ordered) >= settings.min_special_share
    if len(np.unique(baseline.sketch.points)) < _MANY_VALUES:
        wanted &= (values < baseline.low) | (values > baseline.high)
    best, rise, p_value = None, 0.0, 1.0
    for value, count in zip(values[wanted].tolist(), counts[wanted].tolist(), strict=True):
        before = baseline.sketch.count_of(value)
        increase = count / len(ordered) - before / baseline.present
        if increase > rise:
            best, rise = value, increase
            chance = significance.fisher_rise(round(before), baseline.present, count, len(ordered))
            p_value = min(1.0, chance * len(values))
    return best, Check(
        kind=CheckKind.SPECIAL_VALUE,
        statistic="share_rise_of_one_value",
        value=rise,
        p_value=p_value,
        effect=rise,
        threshold=settings.min_special_share,
    )


def _category_distribution(
    baseline: CategorySummary, current: CategorySummary, settings: Settings
) -> Check:
    before, now = divergence.pool_rare(*category_counts(baseline, current))
    statistic, p_value = significance.chi_squared(before, now)
    return Check(
        kind=CheckKind.DISTRIBUTION,
        statistic="chi_squared",
        value=statistic,
        p_value=p_value,
        effect=divergence.population_stability_index(before, now),
        threshold=settings.max_psi,
    )


def category_counts(
    baseline: CategorySummary, current: CategorySummary
) -> tuple[FloatArray, FloatArray]:
    """Line up the counts of all values of either side; what was not kept by name comes last."""
    values = list(dict.fromkeys((*baseline.counts, *current.counts)))
    rows = [
        [*(summary.counts.get(value, 0) for value in values), 0.0]
        for summary in (baseline, current)
    ]
    for row, summary in zip(rows, (baseline, current), strict=True):
        row[-1] = summary.present - sum(row)
    return np.array(rows[0], dtype=np.float64), np.array(rows[1], dtype=np.float64)


def _unknown_values(
    feature: Feature, baseline: CategorySummary, current: CategorySummary
) -> dict[str, int]:
    if baseline.distinct > len(baseline.counts):  # free text: the baseline kept only a part
        return {}
    known = {*baseline.counts, *feature.categories}
    return {value: count for value, count in current.counts.items() if value not in known}


def _unknown(
    baseline: CategorySummary,
    current: CategorySummary,
    unknown: Mapping[str, int],
    settings: Settings,
) -> Check:
    # How often the next record is of an unseen value, the baseline tells itself: as often as one of
    # its own records is the only one of its value (Good, 1953).
    lonely = sum(count == 1 for count in baseline.counts.values())
    count = sum(unknown.values())
    share = count / current.present
    return Check(
        kind=CheckKind.UNKNOWN_VALUES,
        statistic="share_of_unknown_values",
        value=share,
        p_value=significance.fisher_rise(lonely, baseline.present, count, current.present),
        effect=share,
        threshold=1 - settings.domain_threshold,
    )
