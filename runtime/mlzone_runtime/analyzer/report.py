"""`report.html`: the explanation as one page that needs nothing else, for a risk officer."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from mlzone_runtime.analyzer import figure
from mlzone_runtime.analyzer.comparison import Comparison
from mlzone_runtime.analyzer.page import NONE, page, paragraphs, table
from mlzone_runtime.analyzer.settings import PREDICTION
from mlzone_runtime.analyzer.timeline_figure import timeline
from mlzone_runtime.analyzer.wording import percent, show, signed

_OUTCOMES = {
    "no_records": "No records",
    "too_few_records": "Too few records",
    "no_drift": "Nothing moved",
    "drift": "The population moved",
    "data_fault": "The data are at fault",
}


def render(explanation: Mapping[str, Any], comparisons: Sequence[Comparison]) -> str:
    """Return the page."""
    outcome = _OUTCOMES[explanation["outcome"]]
    moved = {finding["feature"] for finding in explanation["findings"]}
    if explanation["prediction"] and explanation["prediction"]["moved"]:
        moved.add(PREDICTION)
    order = [PREDICTION, *(finding["feature"] for finding in explanation["findings"])]
    shown = sorted(
        (item for item in comparisons if item.feature.name in moved),
        key=lambda item: order.index(item.feature.name),
    )
    parts = [
        _ranking(explanation),
        _over_time(explanation),
        _charts(shown),
        _segments(explanation),
        _faults(explanation),
        _features(explanation),
        _method(explanation),
    ]
    return page(explanation, outcome.lower(), parts)


def _ranking(explanation: Mapping[str, Any]) -> str:
    findings = explanation["findings"]
    if not findings:
        return ""
    parts = [item["contribution"] for item in findings if item["contribution"]]
    numbers = bool(parts) and parts[0]["unit"] == "answer"
    head = (
        ("", True),
        ("feature", False),
        ("cause", False),
        ("PSI", True),
        ("answer" if numbers else "log odds", True),
        ("share of the shift", True),
        ("what to do", False),
    )
    rows = []
    for finding in findings:
        part = finding["contribution"]
        share = part["share"] if part else None
        rows.append(
            (
                str(finding["rank"]),
                finding["title"],
                finding["cause"].replace("_", " "),
                NONE if finding["psi"] is None else show(finding["psi"]),
                signed(part["log_odds"]) if part else NONE,
                NONE if share is None else percent(share),
                finding["action"],
            )
        )
    return f"<h2>What moved, by its effect on the predictions</h2>{table(head, rows)}"


def _charts(shown: Sequence[Comparison]) -> str:
    if not shown:
        return ""
    key = (
        '<p class="key soft">Share of records by value:<span class="then"></span>baseline'
        '<span class="now"></span>this window</p>'
    )
    charts = "".join(
        f"<section><h3>{escape(item.feature.label)}</h3>{figure.distribution(item)}</section>"
        for item in shown
    )
    return f"<h2>Then and now</h2>{key}{charts}"


def _over_time(explanation: Mapping[str, Any]) -> str:
    titles = {finding["feature"]: finding["title"] for finding in explanation["findings"]}
    lines = {line["feature"]: line for line in explanation["timelines"]}
    charts = "".join(
        f"<section><h3>{escape(title)}: {escape(lines[name]['quantity'])}</h3>"
        f"{timeline(lines[name], title)}</section>"
        for name, title in titles.items()
        if name in lines
    )
    key = '<p class="soft">Solid: this window, in equal parts; dashed: the baseline.</p>'
    return f"<h2>Over the window</h2>{key}{charts}" if charts else ""


def _segments(explanation: Mapping[str, Any]) -> str:
    rows = [
        (
            finding["title"],
            finding["segment"]["rule"],
            percent(finding["segment"]["current_share"]),
            show(finding["segment"]["distance_inside"]),
            show(finding["segment"]["distance_outside"]),
        )
        for finding in explanation["findings"]
        if finding["segment"]
    ]
    head = (
        ("feature", False),
        ("moved where", False),
        ("records", True),
        ("distance there", True),
        ("elsewhere", True),
    )
    return f"<h2>Segments</h2>{table(head, rows)}" if rows else ""


def _faults(explanation: Mapping[str, Any]) -> str:
    rows = [
        (item["feature"], str(item["record"]), item["time"] or NONE, item["value"], item["others"])
        for item in explanation["fault_rows"]
    ]
    head = (
        ("feature", False),
        ("record", True),
        ("answered at", False),
        ("value", False),
        ("other fields", False),
    )
    return f"<h2>Records that show the faults</h2>{table(head, rows)}" if rows else ""


def _features(explanation: Mapping[str, Any]) -> str:
    head = (
        ("feature", False),
        ("moved", False),
        ("PSI", True),
        ("adjusted p-value", True),
        ("Jensen-Shannon", True),
        ("Wasserstein", True),
        ("out of range", True),
        ("missing before", True),
        ("missing now", True),
    )
    rows = []
    for feature in explanation["features"]:
        check, sizes = feature["checks"].get("distribution"), feature["sizes"]
        shares = [
            feature[side]["missing"] / max(feature[side]["present"] + feature[side]["missing"], 1)
            for side in ("baseline", "current")
        ]
        rows.append(
            (
                feature["title"],
                "yes" if feature["moved"] else "no",
                show(check["effect"]) if check else "too few values",
                f"{check['p_adjusted']:.2g}" if check else NONE,
                *(
                    say(sizes[name]) if name in sizes else NONE
                    for name, say in (
                        ("jensen_shannon", show),
                        ("wasserstein", show),
                        ("outside_range", percent),
                    )
                ),
                *(percent(share) for share in shares),
            )
        )
    return f"<h2>All features</h2>{table(head, rows)}" if rows else ""


def _method(explanation: Mapping[str, Any]) -> str:
    settings, attribution = explanation["settings"], explanation["attribution"]
    said = [
        (
            "A feature counts as moved if its population stability index is at least "
            f"{show(settings['max_psi'])} and chance is ruled out at "
            f"{show(settings['significance'])} for all checks of the window together "
            "(Kolmogorov-Smirnov for numbers, chi-squared for categories, Fisher's exact test for "
            "missing values; Holm's correction)."
        ),
    ]
    if attribution["available"]:
        adds_up = (
            "answer."
            if attribution["unit"] == "answer"
            else "log odds; parts in probability are approximations."
        )
        said.append(
            f"A feature's effect is the {attribution['method']} between "
            f"{show(attribution['baseline_records'])} records of the baseline and "
            f"{show(attribution['current_records'])} of this window. The effects of all features "
            f"add up to the change of the mean {adds_up} "
            "Features that depend on each other share the effect."
        )
    else:
        said.append(f"Effects on the predictions are not told: {attribution['reason']}.")
    said.append(
        "Inputs and answers alone cannot show whether the answers are still right: that needs "
        "the true outcomes."
    )
    return f"<h2>Method</h2>{paragraphs(said)}"
