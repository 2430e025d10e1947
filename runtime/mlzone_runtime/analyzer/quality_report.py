"""The page of the monitor of model quality."""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.interval_figure import intervals
from mlzone_runtime.analyzer.page import NONE, OUTCOMES, page, paragraphs, table
from mlzone_runtime.analyzer.quality_wording import NAMES
from mlzone_runtime.analyzer.wording import percent, show, signed

_HEAD = (
    ("measure", False),
    ("baseline", True),
    ("95 %", True),
    ("now", True),
    ("95 %", True),
    ("loss", True),
    ("chance", True),
    ("worse", False),
)


def render(explanation: Mapping[str, Any]) -> str:
    """Return the page."""
    outcome = OUTCOMES[explanation["outcome"]]
    if explanation["findings"]:
        outcome = "the answers got worse"
    elif explanation["outcome"] == "no_drift":
        outcome = "as good as before"
    parts = [
        _metrics(explanation["performance"]),
        _reasons(explanation["performance"]["decomposition"]),
        _segment(explanation),
        _estimate(explanation["performance"]["estimated"]),
        _method(explanation["settings"]),
    ]
    return page(explanation, outcome, parts)


def range_of(item: Mapping[str, float]) -> str:
    """Write an interval."""
    return f"{show(item['low'])} to {show(item['high'])}"


def _metrics(performance: Mapping[str, Any]) -> str:
    metrics = performance["metrics"]
    if not metrics:
        return ""
    rows = [
        (
            NAMES[item["metric"]],
            show(item["baseline"]["value"]),
            range_of(item["baseline"]),
            show(item["current"]["value"]),
            range_of(item["current"]),
            signed(item["loss"]),
            f"{item['p_adjusted']:.2g}",
            "yes" if item["holds"] else "no",
        )
        for item in metrics
    ]
    told = performance.get("told", {})
    rows += [
        (
            NAMES[name],
            *_value(performance["baseline"].get(name)),
            *_value(now),
            *(NONE, NONE, "not judged"),
        )
        for name, now in told.items()
    ]
    figure = intervals(
        [(NAMES[item["metric"]], item["baseline"], item["current"]) for item in metrics],
        shares=not told,
    )
    return f"<h2>Performance</h2>{figure}{table(_HEAD, rows)}"


def _value(found: Mapping[str, float] | None) -> tuple[str, str]:
    return (show(found["value"]), range_of(found)) if found else (NONE, NONE)


def _reasons(parts: Mapping[str, Any] | None) -> str:
    if parts is None:
        return ""
    if "positive_rate" not in parts:
        rows = [
            ("baseline", show(parts["baseline"]), "held-out records"),
            ("the cases", signed(parts["population"]), "as the baseline's errors lead to expect"),
            ("the relation", signed(parts["concept"]), "what the cases do not explain"),
            ("now", show(parts["current"]), "as it turned out"),
        ]
        head = (("mean absolute error", False), ("size", True), ("which is", False))
        return f"<h2>Why</h2>{table(head, rows)}"
    rows = [
        ("baseline", percent(parts["baseline"]), "held-out records"),
        ("the cases", signed(100 * parts["population"]), "as the baseline's relation expects"),
        ("the relation", signed(100 * parts["concept"]), "what the cases do not explain"),
        ("now", percent(parts["current"]), "as it turned out"),
    ]
    head = (("wrong decisions", False), ("share or points", True), ("which is", False))
    return f"<h2>Why</h2>{table(head, rows)}"


def _segment(explanation: Mapping[str, Any]) -> str:
    found = next((item["segment"] for item in explanation["findings"]), None)
    if found is None:
        return ""
    rows = [
        ("inside", percent(found["current_share"]), signed(found["excess_inside"])),
        ("outside", percent(1 - found["current_share"]), signed(found["excess_outside"])),
    ]
    head = ((found["rule"], False), ("records", True), ("seen less expected", True))
    return f"<h2>Who is affected</h2>{table(head, rows)}"


def _estimate(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    rows = [
        (name.replace("_", " "), show(found[name]["value"]), range_of(found[name]))
        for name in ("accuracy", "positive_rate", "mae")
        if name in found
    ]
    head = ((f"of {show(found['records'])} records", False), ("estimate", True), ("95 %", True))
    return f"<h2>Estimated, not measured</h2>{table(head, rows)}"


def _method(settings: Mapping[str, float]) -> str:
    numbers = "max_error_rise" in settings
    chance = (
        f"chance is ruled out at {show(settings['significance'])} for all measures together "
        "(tests with the errors of both sides; Holm's correction)"
    )
    if numbers:
        limit = percent(settings["max_error_rise"])
        said = [
            (
                f"An error counts as worse if it rose by at least {limit} of the baseline's, and "
                f"{chance}. The mean error counts if it moved by so much of the baseline's mean "
                "absolute error."
            ),
            (
                "What the cases explain is the error that the held-out records lead to expect of "
                "such answers; the rest is a change of the relation of answers and outcomes. "
                "Requests that are alike with the same outcome count as one case."
            ),
        ]
    else:
        limit = show(settings["max_quality_loss"])
        said = [
            f"A measure counts as worse if it lost at least {limit} and {chance}.",
            (
                "What the cases explain is the share of wrong decisions that the answers lead to "
                "expect, calibrated on the held-out records; the rest is a change of the relation "
                "of answers and outcomes. Records count as independent."
            ),
        ]
    said.append(
        "Estimates hold only as long as outcomes follow the answers as they did for the held-out "
        "records; they cannot see concept drift."
    )
    return f"<h2>Method</h2>{paragraphs(said)}"
