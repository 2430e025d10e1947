"""Where do answers turn out other than expected? Finds one simple rule, as for shifts."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mlzone_runtime.analyzer.baseline import SAMPLE
from mlzone_runtime.analyzer.cases import Cases
from mlzone_runtime.analyzer.job import Job
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.segment import Rule, large_enough, rules_of
from mlzone_runtime.analyzer.significance import normal_rise
from mlzone_runtime.analyzer.table import FloatArray

_MOST_SHARE = 0.75
"""What holds for more of the records is no segment, but nearly all."""
_OUTSIDE = 0.2
"""Outside, at most this part of the excess inside is left."""


def of_errors(
    job: Job,
    cases: Cases,
    excesses: Sequence[FloatArray],
    significant: float,
) -> dict[str, Any] | None:
    """Return the segment that the excess is in, or nothing if it is everywhere.

    Args:
        job: Where the baseline is: its sample gives the rules their bounds.
        cases: The window's requests.
        excesses: By kind, what was seen less what was expected, a value for each usable record. The
            kind whose rule is clearest is told.
        significant: Probability of chance that is allowed.
    """
    if not (job.baseline / SAMPLE).is_file():
        return None
    table = cases.intake.table.select(np.flatnonzero(cases.usable))
    sample = read_training(job.baseline / SAMPLE, table.features)
    rules = [
        rule
        for feature in table.features
        for rule in rules_of(feature, sample, table)
        if large_enough(rule) and rule.now.mean() <= _MOST_SHARE
    ]
    found: list[tuple[float, Mapping[str, Any]]] = []
    for excess in excesses:
        for rule in rules:
            judged = _judge(rule, excess, significant / max(1, len(rules) * len(excesses)))
            if judged:
                found.append(judged)
    return dict(max(found, key=lambda pair: pair[0])[1]) if found else None


def _judge(
    rule: Rule, excess: FloatArray, significant: float
) -> tuple[float, dict[str, Any]] | None:
    inside, outside = excess[rule.now], excess[~rule.now]
    mean_in, mean_out = float(inside.mean()), float(outside.mean())
    error = float(np.sqrt(inside.var() / len(inside) + outside.var() / len(outside)))
    difference = abs(mean_in) - abs(mean_out)
    if normal_rise(difference, error) >= significant or abs(mean_out) > _OUTSIDE * abs(mean_in):
        return None
    return difference / max(error, 1e-12), {
        "rule": rule.words,
        "feature": rule.feature,
        "value": rule.value,
        "current_share": float(rule.now.mean()),
        "excess_inside": mean_in,
        "excess_outside": mean_out,
    }
