"""The page of the monitor of explainability."""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.interval_figure import bars
from mlzone_runtime.analyzer.page import OUTCOMES, page, paragraphs, table
from mlzone_runtime.analyzer.wording import percent, show

_MOST = 15


def render(explanation: Mapping[str, Any]) -> str:
    """Return the page."""
    outcome = OUTCOMES[explanation["outcome"]]
    if explanation["outcome"] == "drift":
        outcome = "the answers rest on other features"
    elif explanation["outcome"] == "no_drift":
        outcome = "the same features as before"
    found = explanation["attributions"]
    parts = [_features(found), _segments(found), _method(explanation)]
    return page(explanation, outcome, parts)


def _features(found: Mapping[str, Any]) -> str:
    if not found["features"]:
        return ""
    head = (
        ("place", True),
        ("before", True),
        ("feature", False),
        ("baseline", True),
        ("now", True),
        ("chance", True),
    )
    rows = [
        (
            str(item["current_rank"]),
            str(item["baseline_rank"]),
            item["title"],
            show(item["baseline"]),
            show(item["current"]),
            f"{item['p_adjusted']:.2g}",
        )
        for item in found["features"]
    ]
    figure = bars(
        [(item["title"], item["baseline"], item["current"]) for item in found["features"][:_MOST]]
    )
    return f"<h2>What the answers rest on</h2>{figure}{table(head, rows)}"


def _segments(found: Mapping[str, Any]) -> str:
    if not found["segments"]:
        return ""
    head = (("records where", False), ("share", True), ("order kept (NDCG)", True))
    rows = [
        (item["rule"], percent(item["current_share"]), show(item["ndcg"]))
        for item in found["segments"]
    ]
    return f"<h2>Segments whose order is kept worst</h2>{table(head, rows)}"


def _method(explanation: Mapping[str, Any]) -> str:
    settings, found = explanation["settings"], explanation["attributions"]
    said = [
        (
            f"A feature's importance is its {found['quantity']}, over "
            f"{show(found['baseline_records'])} records of the baseline and "
            f"{show(found['current_records'])} of this window."
        ),
        (
            "The order counts as lost if the normalized discounted cumulative gain of the "
            f"baseline's importance is below {show(settings['min_attribution_ndcg'])}, together "
            f"with its upper bound at {show(settings['significance'])}. Changes of single features "
            "are normal tests with Holm's correction."
        ),
        "What a model's answers rest on is no cause of what happens in the world.",
    ]
    return f"<h2>Method</h2>{paragraphs(said)}"
