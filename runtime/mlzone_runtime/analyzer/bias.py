"""The monitor of bias: are groups treated more differently than when the version was registered?

A metric counts when it is further from even treatment than the baseline's and than what is let be,
by enough, and chance is ruled out given the errors of both sides. Intersections of two groups are
looked at as well; they are told where both sides have enough records.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import bias_report, bias_wording, fairness
from mlzone_runtime.analyzer.baseline import CONSTRAINTS
from mlzone_runtime.analyzer.cases import Cases, outcome_of, read_cases
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.evaluation import GROUPS, Evaluation
from mlzone_runtime.analyzer.fairness import Gap, Sides
from mlzone_runtime.analyzer.group import intersections
from mlzone_runtime.analyzer.job import Job
from mlzone_runtime.analyzer.model import ARCHIVE, read_schema
from mlzone_runtime.analyzer.result import Result, of_answers
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.significance import holm, normal_rise
from mlzone_runtime.analyzer.table import FloatArray
from mlzone_runtime.tabular_schema import Schema

ANALYSIS = "analysis.json"
CLARIFY_VERSION = "1.0"
JUDGED = ("DPPL", "DI", "DCAcc", "DCR", "SD", "RD", "DAR", "DRR", "AD")
"""The metrics that a violation can be of; the others are told."""

_LEAST_MEMBERS = 30
_LEAST_CELL = 5
_FULL_EFFECT = 4


@dataclass(frozen=True, kw_only=True)
class Rise:
    """One metric of one group, then and now; distances are from even treatment, signed."""

    group: str
    metric: str
    baseline: Gap
    current: Gap
    rise: float
    p_adjusted: float
    holds: bool


def monitor(job: Job, settings: Settings) -> Result:
    """Compare how groups are treated in a window with the baseline.

    Raises:
        AnalysisError: A file of the baseline is not what it must be, or it names no group.
    """
    schema = read_schema(job.baseline / ARCHIVE)
    if schema.numeric:
        raise AnalysisError(f"{schema.model} is a {schema.task}; bias is judged of decisions alone")
    evaluation = Evaluation.load(job.baseline)
    if not evaluation.groups:
        raise AnalysisError(f"{job.baseline / GROUPS} names no group")
    cases = read_cases(job, schema, evaluation)
    before = sides_of(evaluation.outcomes, evaluation.probabilities, evaluation.members, schema)
    now = _current(cases, schema)
    outcome = outcome_of(cases, settings)
    rises = [] if outcome else judge(before, now, settings)
    worse = sorted((item for item in rises if item.holds), key=lambda item: -item.rise)
    if not outcome:
        judged = {item.group for item in rises}
        outcome = "drift" if worse else "no_drift" if judged else "too_few_records"
    titles = titles_of(evaluation)
    explanation = {
        **of_answers(
            job,
            settings,
            outcome=outcome,
            limits=("max_bias", "max_bias_rise"),
            records=cases.records,
            violations=len(worse),
            effect=min(1.0, worse[0].rise / settings.max_bias_rise / _FULL_EFFECT)
            if worse
            else 0.0,
        ),
        "bias": {
            "favourable": schema.decisions[0],
            "groups": [_group(name, titles[name], before, now, rises) for name in before],
        },
        "findings": _findings(worse, titles),
    }
    explanation["sentences"] = bias_wording.sentences(explanation)
    found = {name: fairness.gaps(sides) for name, sides in now.items() if min(sides.sizes)}
    return Result(
        explanation=explanation,
        violations=_violations(worse, evaluation),
        left_out=cases.left_out,
        files={
            ANALYSIS: analysis(found, evaluation, schema),
            CONSTRAINTS: analysis(found, evaluation, schema),
        },
        page=bias_report.render(explanation),
        analysed=outcome not in {"no_records", "no_ground_truth"},
        version=CLARIFY_VERSION,
    )


def sides_of(
    outcomes: FloatArray, answers: FloatArray, members: Mapping[str, FloatArray], schema: Schema
) -> dict[str, Sides]:
    """Count answers and outcomes of each group and each intersection of two."""
    decisions = (answers >= schema.threshold).astype(np.float64)
    return {
        name: Sides.of(outcomes, decisions, belonging)
        for name, belonging in intersections(members).items()
    }


def titles_of(evaluation: Evaluation) -> dict[str, str]:
    """Return the groups' names for people, of intersections as well."""
    titles = {group.name: group.title for group in evaluation.groups}
    for name in intersections(evaluation.members):
        if name not in titles:
            first, _, second = name.partition(" & ")
            titles[name] = f"{titles[first]} and {titles[second]}"
    return titles


def analysis(
    found: Mapping[str, Mapping[str, Gap]], evaluation: Evaluation, schema: Schema
) -> dict[str, Any]:
    """Return metrics as Clarify's `analysis.json` has them."""
    favourable = f"not {schema.positive_class}"
    described = {group.name: group.described for group in evaluation.groups}
    document: dict[str, Any] = {"version": CLARIFY_VERSION}
    for part, names in (
        ("pre_training_bias_metrics", fairness.PRE_TRAINING),
        ("post_training_bias_metrics", fairness.POST_TRAINING),
    ):
        document[part] = {
            "label": schema.target,
            "label_value_or_threshold": favourable,
            "facets": {
                name: [
                    {
                        "value_or_threshold": described[name],
                        "metrics": fairness.metrics(gaps, names),
                    }
                ]
                for name, gaps in found.items()
                if name in described
            },
        }
    return document


def _current(cases: Cases, schema: Schema) -> dict[str, Sides]:
    usable = cases.usable
    members = {name: belonging[usable] for name, belonging in cases.members.items()}
    return sides_of(cases.outcomes[usable], cases.intake.predictions[usable], members, schema)


def judge(before: Mapping[str, Sides], now: Mapping[str, Sides], settings: Settings) -> list[Rise]:
    """Judge the metrics of each group that has enough records on both sides."""
    pairs: list[tuple[str, str, Gap, Gap, float, float]] = []
    for group, then in before.items():
        if not _enough(then) or not _enough(now[group]):
            continue
        gaps_then, gaps_now = fairness.gaps(then), fairness.gaps(now[group])
        for metric in JUDGED:
            baseline, current = gaps_then[metric], gaps_now[metric]
            rise, error = _rise(metric, baseline, current, settings)
            pairs.append((group, metric, baseline, current, rise, normal_rise(rise, error)))
    adjusted = holm([pair[-1] for pair in pairs])
    return [
        Rise(
            group=group,
            metric=metric,
            baseline=baseline,
            current=current,
            rise=rise,
            p_adjusted=chance,
            holds=rise >= settings.max_bias_rise and chance < settings.significance,
        )
        for (group, metric, baseline, current, rise, _), chance in zip(pairs, adjusted, strict=True)
    ]


def _enough(sides: Sides) -> bool:
    return min(sides.sizes) >= _LEAST_MEMBERS and sides.least >= _LEAST_CELL


def _rise(metric: str, baseline: Gap, current: Gap, settings: Settings) -> tuple[float, float]:
    """Return how much further from even treatment it is now, and the error of that."""
    if baseline.value is None or current.value is None:
        return 0.0, 1.0
    then, today = (fairness.from_even(metric, gap.value or 0.0) for gap in (baseline, current))
    # The error of a logarithm is that of the value, relative to it.
    errors = [
        (gap.error or 0.0) / (max(gap.value or 0.0, 1e-9) if metric in fairness.RATIOS else 1.0)
        for gap in (baseline, current)
    ]
    # What is let be, and a baseline on the same side, is no rise.
    allowed = max(settings.max_bias, then * np.sign(today))
    return float(abs(today) - allowed), float(np.hypot(errors[0], errors[1]))


def _group(
    name: str,
    title: str,
    before: Mapping[str, Sides],
    now: Mapping[str, Sides],
    rises: list[Rise],
) -> dict[str, Any]:
    judged = {item.metric: item for item in rises if item.group == name}
    sides = (before[name], now[name])
    then, today = (fairness.gaps(side) if min(side.sizes) else {} for side in sides)
    return {
        "group": name,
        "title": title,
        "outcome": "judged" if judged else "too_few_records",
        "baseline": {"group": sides[0].sizes[0], "others": sides[0].sizes[1]},
        "current": {"group": sides[1].sizes[0], "others": sides[1].sizes[1]},
        "metrics": [
            {
                "metric": metric,
                "baseline": _gap(then.get(metric)),
                "current": _gap(today.get(metric)),
                "rise": judged[metric].rise if metric in judged else None,
                "p_adjusted": judged[metric].p_adjusted if metric in judged else None,
                "holds": metric in judged and judged[metric].holds,
            }
            for metric in (*fairness.PRE_TRAINING, *fairness.POST_TRAINING)
        ],
    }


def _gap(gap: Gap | None) -> dict[str, float] | None:
    if gap is None or gap.value is None or gap.interval is None:
        return None
    return {"value": gap.value, "low": gap.interval[0], "high": gap.interval[1]}


def _findings(worse: list[Rise], titles: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for group in dict.fromkeys(item.group for item in worse):
        metrics = [item for item in worse if item.group == group]
        first = metrics[0]
        action, reason = bias_wording.ADVICE
        finding: dict[str, Any] = {
            "rank": len(found) + 1,
            "group": group,
            "title": titles[group],
            "kind": "bias_drift",
            "cause": "uneven_treatment",
            "metrics": [item.metric for item in metrics],
            "evidence": {"baseline": first.baseline.value, "current": first.current.value},
            "segment": None,
            "action": action,
            "reason": reason,
        }
        finding["sentence"] = bias_wording.sentence(finding)
        found.append(finding)
    return found


def _violations(worse: list[Rise], evaluation: Evaluation) -> list[dict[str, str]]:
    described = {group.name: group.described for group in evaluation.groups}
    found = []
    for item in worse:
        names = item.group.split(" & ")
        found.append(
            {
                "facet": item.group,
                "facet_value": " & ".join(described[name] for name in names),
                "metric_name": item.metric,
                "constraint_check_type": "bias_drift_check",
                "description": (
                    f"Value {item.current.value:.4f} does not meet the constraint requirement: "
                    f"the baseline's is {item.baseline.value:.4f}, the distance from even "
                    f"treatment rose by {item.rise:.4f}, adjusted p-value {item.p_adjusted:.2g}"
                ),
            }
        )
    return found
