"""Puts the quality of answers into sentences; every number in them stands in the explanation."""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.wording import percent, problems, show, signed

NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "true_negative_rate": "true negative rate",
    "auc": "area under the ROC curve",
    "brier": "Brier score",
    "mae": "mean absolute error",
    "mse": "mean squared error",
    "rmse": "root mean squared error",
    "mean_error": "mean error",
    "r2": "R2",
    "wape": "error in parts of the outcomes",
    "mape": "mean error in parts of each outcome",
    "error_ratio": "error in parts of that of a forecast of no change",
    "calibration_gap": "gap between the expected and the true rate of the positive class",
}
ADVICE = {
    "changed_relation": (
        "have the model's owner look at the segment, and retrain with the new outcomes",
        "outcomes no longer follow the answers as they did when the version was registered",
    ),
    "other_cases": (
        "check the report on data quality, and retrain if the population has changed for good",
        "the cases are harder ones; the relation of answers and outcomes shows no change",
    ),
}


def sentences(explanation: Mapping[str, Any]) -> list[str]:
    """Return the explanation for people, the headline first."""
    said = [_headline(explanation)]
    said += [finding["sentence"] for finding in explanation["findings"]]
    parts = explanation["performance"]["decomposition"]
    if parts and explanation["findings"] and "positive_rate" not in parts:
        said.append(
            f"The mean absolute error went from {show(parts['baseline'])} to "
            f"{show(parts['current'])}: the cases account for {signed(parts['population'])}, "
            f"a changed relation of answers and outcomes for {signed(parts['concept'])}."
        )
    elif parts and explanation["findings"]:
        said.append(
            f"Wrong decisions went from {percent(parts['baseline'])} to "
            f"{percent(parts['current'])}: the cases account for {_points(parts['population'])}, "
            f"a changed relation of answers and outcomes for {_points(parts['concept'])}."
        )
    ratio = explanation["performance"].get("told", {}).get("error_ratio")
    if ratio and ratio["value"] > 1:
        said.append(
            "A forecast of no change would have been better: the error is "
            f"{show(ratio['value'])} times as large ({show(ratio['low'])} to "
            f"{show(ratio['high'])})."
        )
    estimate = explanation["performance"]["estimated"]
    if estimate and explanation["outcome"] in {"no_ground_truth", "too_few_records"}:
        said.append(_estimate(estimate))
    if explanation["findings"]:
        first = explanation["findings"][0]
        said.append(f"Recommended: {first['action']}. Reason: {first['reason']}.")
    return [*said, *left_out(explanation)]


def _estimate(estimate: Mapping[str, Any]) -> str:
    """Say how good answers will turn out, marked as an estimate."""
    start, end = "Estimate, from the answers alone:", "if outcomes follow the answers as they did."
    records = show(estimate["records"])
    if "mae" in estimate:
        size = estimate["mae"]
        return (
            f"{start} {records} answers will be off by {show(size['value'])} on average "
            f"({show(size['low'])} to {show(size['high'])}), {end}"
        )
    right = estimate["accuracy"]
    return (
        f"{start} {percent(right['value'])} of the decisions on {records} records will turn out "
        f"right ({percent(right['low'])} to {percent(right['high'])}), {end}"
    )


def left_out(explanation: Mapping[str, Any]) -> list[str]:
    """Say what was left out of the analysis."""
    said = problems(explanation)
    unknown = explanation["records"]["unknown_ground_truth"]
    if unknown:
        said.append(f"{show(unknown)} outcomes belong to no request of the window.")
    return said


def nothing_judged(explanation: Mapping[str, Any]) -> str | None:
    """Say why nothing was judged, if nothing was."""
    records = explanation["records"]
    match explanation["outcome"]:
        case "no_records":
            return "There was no record to analyse: this says nothing about the answers."
        case "no_ground_truth":
            return (
                f"Nothing became known of the {show(records['captured'])} records: this says "
                "nothing about the answers."
            )
        case "too_few_records":
            return (
                f"Only {show(records['analysed'])} of {show(records['captured'])} records have an "
                f"answer and an outcome, fewer than the "
                f"{show(explanation['settings']['min_records'])} that a judgement needs: this says "
                "nothing about the answers."
            )
    return None


def sentence(finding: Mapping[str, Any]) -> str:
    """Say what got worse, and where."""
    evidence = finding["evidence"]
    name = finding["title"]
    if finding["metrics"][0] == "calibration_gap":
        what = (
            f"The positive class came true in {percent(evidence['positive_rate'])} of the records; "
            f"the answers lead to expect {percent(evidence['expected_positive_rate'])}"
        )
    else:
        what = f"The {name} went from {show(evidence['baseline'])} to {show(evidence['current'])}"
    segment = finding["segment"]
    if segment:
        what += (
            f"; the change is in the {percent(segment['current_share'])} of records where "
            f"{segment['rule']}"
        )
    return f"{what}."


def _headline(explanation: Mapping[str, Any]) -> str:
    if nothing := nothing_judged(explanation):
        return nothing
    analysed = show(explanation["records"]["analysed"])
    if explanation["outcome"] == "no_drift":
        return f"The answers to {analysed} records were as good as the baseline's."
    worse = sum(item["holds"] for item in explanation["performance"]["metrics"])
    of = len(explanation["performance"]["metrics"])
    return f"The answers got worse: {worse} of {of} measures, over {analysed} records."


def _points(part: float) -> str:
    return f"{'+' if part > 0 else ''}{100 * part:.1f} points"
