"""Puts findings into sentences; every number in them stands in `explanation.json`."""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.cause import Cause

_THOUSAND = 1000.0
_ADVICE: dict[str, tuple[str, str]] = {
    Cause.MISSING_COLUMN: (
        "ask the sender of the requests to restore the field; do not retrain",
        "a model trained without it would learn the fault",
    ),
    Cause.MISSING_VALUES: (
        "check the source of the feature for an outage or a changed join; do not retrain yet",
        "the model answers as if it knew nothing of this feature",
    ),
    Cause.MALFORMED_VALUES: (
        "correct the format at the source; do not retrain",
        "values that are no numbers reach the model as missing",
    ),
    Cause.SWAPPED_COLUMNS: (
        "correct the order of the columns at the source; do not retrain",
        "each of the two columns looks like the past of the other",
    ),
    Cause.CONSTANT_VALUE: (
        "check the source of the feature; do not retrain",
        "one value for everybody tells the model nothing",
    ),
    Cause.SENTINEL_VALUE: (
        "send missing values as missing; do not retrain",
        "the model takes the stand-in value for a measured one",
    ),
    Cause.UNIT_CHANGE: (
        "correct the unit at the source, or version the feature; do not retrain",
        "the values fit the baseline again once the change of unit is undone",
    ),
    Cause.SIGN_CHANGE: (
        "correct the sign at the source; do not retrain",
        "the values fit the baseline again once the sign is turned",
    ),
    Cause.RESPELLED_VALUES: (
        "restore the spelling at the source; do not retrain",
        "the model knows these values under another spelling and treats them as missing",
    ),
    Cause.NEW_CATEGORY: (
        "ask the owner of the feature what the new values mean; retrain once there are labels",
        "the model treats a value that it does not know as missing",
    ),
    Cause.VANISHED_CATEGORY: (
        "ask the owner of the feature whether the values are gone for good; if so, retrain",
        "the records that the model learned from no longer occur",
    ),
    Cause.SHIFT: (
        "check the model's quality on recent labels, and retrain with recent data",
        "no trace of a fault of the data was found: the population itself moved",
    ),
    "prediction": (
        "check the model's quality on recent labels before the decisions are relied on",
        "the answers moved",
    ),
}


def show(number: float) -> str:
    """Write a number for people: three digits that count, thousands apart."""
    if number == 0:
        return "0"
    if abs(number) >= _THOUSAND:
        return f"{number:,.0f}"
    text = f"{number:.3g}"
    if "e" in text:
        return text if abs(number) < 1e-4 else f"{number:.4f}"  # noqa: PLR2004
    return text


def percent(share: float) -> str:
    """Write a share in percent."""
    digits = 0 if abs(share) >= 0.1 else 1  # noqa: PLR2004 - 0.1 % matters only if shares are small
    return f"{100 * share:.{digits}f} %"


def signed(number: float) -> str:
    """Write a change with its sign."""
    return f"{'+' if number > 0 else ''}{show(number)}"


def advice(cause: str) -> tuple[str, str]:
    """Return the recommended action for a cause, and its reason."""
    return _ADVICE[cause]


def headline(explanation: Mapping[str, Any]) -> str:
    """Say in one sentence how the window compares with the baseline."""
    records = explanation["records"]
    analysed, least = records["analysed"], explanation["settings"]["min_records"]
    match explanation["outcome"]:
        case "no_records":
            return "There was no record to analyse: this says nothing about drift."
        case "too_few_records":
            return (
                f"Only {show(analysed)} records were captured, fewer than the {show(least)} that a "
                "judgement needs: this says nothing about drift."
            )
        case "no_drift":
            return (
                f"None of {len(explanation['features'])} features moved in {show(analysed)} "
                f"records{_prediction(explanation, '; the mean prediction is')}."
            )
    moved = explanation["drifted_features"]
    return (
        f"{moved} of {len(explanation['features'])} features moved in {show(analysed)} "
        f"records{_prediction(explanation, '; the mean prediction went')}."
    )


def _prediction(explanation: Mapping[str, Any], words: str) -> str:
    prediction = explanation["prediction"]
    if prediction is None:
        return ""
    before, now = prediction["baseline_mean"], prediction["current_mean"]
    return f"{words} from {show(before)} to {show(now)} ({signed(prediction['shift'])})"


def beginnings(explanation: Mapping[str, Any]) -> list[str]:
    """Say when what moved began, where it began within the window."""
    titles = {finding["feature"]: finding["title"] for finding in explanation["findings"]}
    said = []
    for line in explanation["timelines"]:
        first, last = line["points"][0], line["points"][-1]
        if line["since"] != first["start"]:
            said.append(
                f"{titles[line['feature']]} has been so since about {line['since']}: its "
                f"{line['quantity']} was {show(first['value'])} at first and "
                f"{show(last['value'])} at last."
            )
    return said


def repetition(explanation: Mapping[str, Any]) -> list[str]:
    """Say that records are there more than once, if that is new."""
    found = explanation["repetition"]
    if not found or not found["risen"]:
        return []
    before, now = percent(found["baseline_share"]), percent(found["share"])
    said = f"{now} of the records repeat another one in every feature, up from {before}"
    return [f"{said}: requests may have been sent more than once."]


def problems(explanation: Mapping[str, Any]) -> list[str]:
    """Say what was left out of the analysis."""
    records = explanation["records"]
    said = {
        "unreadable": "lines could not be read",
        "misshapen": "rows had the wrong number of fields",
        "outside_window": "records were from outside the window",
    }
    found = [f"{show(records[key])} {words}." for key, words in said.items() if records[key]]
    if records["captured"] > records["analysed"] and "without_outcome" not in records:
        found.append(
            f"Judged is a uniform sample of {show(records['captured'])} records: every "
            f"{show(records['captured'] / records['analysed'])}th."
        )
    return found


def sentence(finding: Mapping[str, Any]) -> str:
    """Say what happened to a feature, how large it is, and what it did to the predictions."""
    what = _WHAT[finding["cause"]](finding["title"], finding["evidence"])
    size = f" (population stability index {show(finding['psi'])})" if finding["psi"] else ""
    return f"{what}{size}{_effect(finding['contribution'])}{_where(finding['segment'])}."


def _effect(contribution: Mapping[str, Any] | None) -> str:
    if contribution is None:
        return ""
    unit = contribution["unit"]
    if contribution["share"] is None:
        return (
            f"; it moved the mean {unit} by {signed(contribution['log_odds'])}, "
            "which the other features balanced or which could be chance"
        )
    told = (
        f"; it accounts for {percent(contribution['share'])} of the shift of the mean {unit} "
        f"({signed(contribution['log_odds'])})"
    )
    if unit != "log odds":
        return told
    return f"{told}, about {signed(contribution['probability'])} in probability"


def _where(segment: Mapping[str, Any] | None) -> str:
    if segment is None:
        return ""
    return (
        f"; the shift is in the {percent(segment['current_share'])} of records where "
        f"{segment['rule']}"
    )


def _shift(title: str, evidence: Mapping[str, Any]) -> str:
    if "value" in evidence:
        before, now = evidence["baseline_share"], evidence["current_share"]
        return (
            f"{title} moved: the share of {evidence['value']!r} went from {percent(before)} to "
            f"{percent(now)}"
        )
    before, now = evidence["baseline_mean"], evidence["current_mean"]
    factor = evidence["factor"]
    scaled = f", as if all values were multiplied by {show(factor)}" if factor else ""
    return f"{title} moved: its mean went from {show(before)} to {show(now)}{scaled}"


def _unit(title: str, evidence: Mapping[str, Any]) -> str:
    share = "" if evidence["share"] == 1 else f" in {percent(evidence['share'])} of the records"
    name = f", {evidence['name']}" if evidence["name"] else ""
    offset = f" plus {show(evidence['offset'])}" if evidence["offset"] else ""
    return (
        f"{title} changed its unit{share}: values are the old ones times "
        f"{show(evidence['factor'])}{offset}{name}"
    )


def _repeated(title: str, evidence: Mapping[str, Any]) -> str:
    before, now = evidence["baseline_share"], evidence["current_share"]
    return (
        f"{title} has the value {show(evidence['value'])} in {percent(now)} of its values, "
        f"up from {percent(before)}"
    )


def _new(title: str, evidence: Mapping[str, Any]) -> str:
    names = ", ".join(repr(value) for value in evidence["values"])
    return (
        f"{title} has values that the model does not know, such as {names}, in "
        f"{percent(evidence['share'])} of its values"
    )


def _respelled(title: str, evidence: Mapping[str, Any]) -> str:
    pairs = ", ".join(f"{new!r} for {old!r}" for new, old in evidence["meant"].items())
    return f"{title} is spelled differently, {pairs}, in {percent(evidence['share'])} of its values"


def _vanished(title: str, evidence: Mapping[str, Any]) -> str:
    names = ", ".join(
        f"{value!r} ({percent(share)} before)" for value, share in evidence["values"].items()
    )
    return f"{_shift(title, evidence)}; it no longer has {names}"


def _missing(title: str, evidence: Mapping[str, Any]) -> str:
    before, now = evidence["baseline_share"], evidence["current_share"]
    return f"{title} is missing in {percent(now)} of the records, up from {percent(before)}"


def _malformed(title: str, evidence: Mapping[str, Any]) -> str:
    examples = ", ".join(repr(value) for value in evidence["examples"])
    return f"{title} has {show(evidence['values'])} values that are no numbers, such as {examples}"


_WHAT: dict[str, Any] = {
    Cause.MISSING_COLUMN: lambda title, _: f"{title} is in no record any more",
    Cause.MISSING_VALUES: _missing,
    Cause.MALFORMED_VALUES: _malformed,
    Cause.SWAPPED_COLUMNS: lambda title, evidence: f"{title} and {evidence['partner']} are swapped",
    Cause.CONSTANT_VALUE: _repeated,
    Cause.SENTINEL_VALUE: _repeated,
    Cause.UNIT_CHANGE: _unit,
    Cause.SIGN_CHANGE: lambda title, _: f"{title} has turned its sign",
    Cause.RESPELLED_VALUES: _respelled,
    Cause.NEW_CATEGORY: _new,
    Cause.VANISHED_CATEGORY: _vanished,
    Cause.SHIFT: _shift,
}
