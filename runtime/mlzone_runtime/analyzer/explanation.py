"""`explanation.json`: what moved, why it matters, and what to do; ranked, for people and programs.

`docs/monitoring.md` describes it, `explanation.schema.json` beside this module fixes its shape.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import wording
from mlzone_runtime.analyzer.attribution import Attribution
from mlzone_runtime.analyzer.cause import Diagnosis, Kind
from mlzone_runtime.analyzer.comparison import CheckKind, Comparison
from mlzone_runtime.analyzer.intake import Intake
from mlzone_runtime.analyzer.settings import PREDICTION, Settings
from mlzone_runtime.analyzer.statistics import NumberSummary
from mlzone_runtime.analyzer.timeline import fault_rows, timelines

VERSION = "1"

_DIFFERENT = 1e-3
_MANY = 0.01


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """Everything that an analysis found, before it is put into words.

    Attributes:
        monitor: Which endpoint, schedule, release and window.
        settings: The thresholds that were used.
        intake: What was read.
        comparisons: The judged features; the model's answers are the one named `prediction`.
        diagnoses: Causes, by feature.
        attribution: Decomposition of the shift of the mean prediction, if it could be made.
        no_attribution: Why not, if it was not.
        segments: Where a feature's shift is, by feature, of those that moved in one segment only.
        differing_answers: Share of sampled records that the baseline's model answers differently.
        repetition: How many records repeat another one; none where a sample is judged.
    """

    monitor: Mapping[str, str]
    settings: Settings
    intake: Intake
    comparisons: Sequence[Comparison] = ()
    diagnoses: Mapping[str, Diagnosis] = field(default_factory=dict)
    attribution: Attribution | None = None
    no_attribution: str = ""
    segments: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    differing_answers: float | None = None
    repetition: Mapping[str, Any] | None = None

    @property
    def features(self) -> list[Comparison]:
        """The model's inputs."""
        return [item for item in self.comparisons if item.feature.name != PREDICTION]

    @property
    def prediction(self) -> Comparison | None:
        """The model's answers, if they were captured."""
        return next((item for item in self.comparisons if item.feature.name == PREDICTION), None)

    @property
    def outcome(self) -> str:
        """The result in one word."""
        if not self.intake.table.rows:
            return "no_records"
        if self.intake.table.rows < self.settings.min_records:
            return "too_few_records"
        if any(diagnosis.kind == Kind.DATA_FAULT for diagnosis in self.diagnoses.values()):
            return "data_fault"
        moved = bool(self.diagnoses) or bool(self.prediction and self.prediction.moved)
        return "drift" if moved else "no_drift"


def explain(analysis: Analysis, violations: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Put an analysis into the shape of `explanation.json`."""
    findings = _findings(analysis)
    prediction = _prediction(analysis)
    explanation: dict[str, Any] = {
        "version": VERSION,
        "outcome": analysis.outcome,
        "monitor": dict(analysis.monitor),
        "settings": asdict(analysis.settings),
        "records": analysis.intake.records,
        "repetition": dict(analysis.repetition) if analysis.repetition else None,
        "violations": len(violations),
        "drifted_features": len(findings),
        "prediction_shift": prediction["shift"] if prediction else None,
        "prediction": prediction,
        "attribution": _attribution(analysis),
        "findings": findings,
        "timelines": timelines(
            {item.feature.name: item for item in analysis.features},
            analysis.diagnoses,
            analysis.intake,
        ),
        "fault_rows": fault_rows(
            analysis.diagnoses,
            analysis.intake,
            frozenset(item.name for item in analysis.intake.table.features if item.sensitive),
        ),
        "features": [_feature(item, analysis) for item in analysis.features],
    }
    explanation["sentences"] = _sentences(explanation, analysis)
    return explanation


def _prediction(analysis: Analysis) -> dict[str, Any] | None:
    """Describe the model's answers: those captured, else those of the model on a sample."""
    comparison = analysis.prediction
    if comparison and isinstance(comparison.current, NumberSummary) and comparison.current.present:
        before, now = comparison.baseline, comparison.current
        if not isinstance(before, NumberSummary):
            raise TypeError("predictions are no numbers")
        means = (before.mean, now.mean)
        source, moved = "captured", comparison.moved
    elif analysis.attribution:
        found = analysis.attribution
        means = (found.baseline_probability, found.current_probability)
        source, moved = "model", found.clear
    else:
        return None
    return {
        "source": source,
        "baseline_mean": means[0],
        "current_mean": means[1],
        "shift": means[1] - means[0],
        "moved": moved,
        "checks": _checks(comparison) if comparison else {},
        "differing_answers": analysis.differing_answers,
    }


def _attribution(analysis: Analysis) -> dict[str, Any]:
    found = analysis.attribution
    if found is None:
        return {"available": False, "reason": analysis.no_attribution}
    return {
        "available": True,
        "quantity": (
            "mean log odds of the positive class" if found.unit == "log odds" else "mean answer"
        ),
        "unit": found.unit,
        "method": f"difference of mean {found.method} values",
        "baseline_records": found.baseline_records,
        "current_records": found.current_records,
        "baseline_log_odds": found.baseline_log_odds,
        "current_log_odds": found.current_log_odds,
        "baseline_probability": found.baseline_probability,
        "current_probability": found.current_probability,
        "shift": found.shift,
        "standard_error": found.standard_error,
        "clear": found.clear,
        "contributions": [asdict(part) for part in found.contributions],
    }


def _findings(analysis: Analysis) -> list[dict[str, Any]]:
    by_name = {item.feature.name: item for item in analysis.features}
    found = []
    for name, diagnosis in analysis.diagnoses.items():
        comparison = by_name[name]
        contribution = analysis.attribution.of(name) if analysis.attribution else None
        action, reason = wording.advice(diagnosis.cause)
        segment = analysis.segments.get(name)
        finding: dict[str, Any] = {
            "feature": name,
            "title": comparison.feature.label,
            "kind": str(diagnosis.kind),
            "cause": str(diagnosis.cause),
            "evidence": dict(diagnosis.evidence),
            "psi": comparison.psi,
            "contribution": asdict(contribution) if contribution else None,
            "segment": dict(segment) if segment else None,
            "action": action,
            "reason": reason,
        }
        finding["sentence"] = wording.sentence(finding)
        found.append(finding)
    if analysis.attribution:
        found.sort(key=lambda item: -abs(item["contribution"]["log_odds"]))
    else:
        found.sort(key=lambda item: -(item["psi"] or float("inf")))
    return [{"rank": rank, **finding} for rank, finding in enumerate(found, start=1)]


def _checks(comparison: Comparison) -> dict[str, Any]:
    return {
        str(kind): {key: value for key, value in asdict(check).items() if key != "kind"}
        for kind, check in comparison.checks.items()
    }


def _feature(comparison: Comparison, analysis: Analysis) -> dict[str, Any]:
    baseline, current = comparison.baseline, comparison.current
    judged = CheckKind.DISTRIBUTION in comparison.checks
    return {
        "name": comparison.feature.name,
        "title": comparison.feature.label,
        "type": comparison.feature.kind,
        "moved": comparison.feature.name in analysis.diagnoses,
        "outcome": "judged" if judged else "too_few_values",
        "psi": comparison.psi,
        "sizes": dict(comparison.sizes),
        "baseline": {"present": baseline.present, "missing": baseline.missing},
        "current": {
            "present": current.present,
            "missing": current.missing,
            "malformed": comparison.malformed,
        },
        "checks": _checks(comparison),
    }


def _sentences(explanation: Mapping[str, Any], analysis: Analysis) -> list[str]:
    said = [wording.headline(explanation)]
    said += [finding["sentence"] for finding in explanation["findings"]]
    prediction = explanation["prediction"]
    if explanation["outcome"] == "drift" and not explanation["findings"]:
        said.append(
            "The predictions moved although no input did by itself: inputs moved together, or the "
            "endpoint serves another model than the baseline's."
        )
    if prediction and (prediction["differing_answers"] or 0) > _MANY:
        said.append(
            f"The baseline's model answers {wording.percent(prediction['differing_answers'])} of "
            "the sampled records differently: another version served them."
        )
    said += wording.beginnings(explanation) + wording.repetition(explanation)
    if explanation["findings"] and not explanation["attribution"]["available"]:
        said.append(
            f"What each feature did to the predictions is not known: {analysis.no_attribution}."
        )
    if explanation["findings"]:
        first = explanation["findings"][0]
        said.append(f"Recommended: {first['action']}. Reason: {first['reason']}.")
    elif explanation["outcome"] == "drift":
        action, reason = wording.advice(PREDICTION)
        said.append(f"Recommended: {action}. Reason: {reason}.")
    return [*said, *wording.problems(explanation)]


def differs(answers: Any, expected: Any) -> float | None:
    """Return the share of answers that differ from the expected ones; none if there are none."""
    there = ~np.isnan(answers)
    if not there.any():
        return None
    asked = expected[there]
    # Numbers that are large are told apart by what they differ in proportion.
    allowed = _DIFFERENT * np.maximum(1, np.abs(asked))
    return float((np.abs(answers[there] - asked) > allowed).mean())
