"""The page of the monitor of bias."""

from collections.abc import Mapping
from html import escape
from typing import Any

from mlzone_runtime.analyzer.fairness import DESCRIPTIONS
from mlzone_runtime.analyzer.page import NONE, OUTCOMES, page, paragraphs, table
from mlzone_runtime.analyzer.quality_report import range_of
from mlzone_runtime.analyzer.wording import show, signed

_HEAD = (
    ("metric", False),
    ("baseline", True),
    ("95 %", True),
    ("now", True),
    ("95 %", True),
    ("rise", True),
    ("chance", True),
    ("worse", False),
)


def render(explanation: Mapping[str, Any]) -> str:
    """Return the page."""
    outcome = OUTCOMES[explanation["outcome"]]
    if explanation["findings"]:
        outcome = "groups are treated more differently"
    elif explanation["outcome"] == "no_drift":
        outcome = "no more than before"
    groups = "".join(_group(item) for item in explanation["bias"]["groups"])
    parts = [
        f'<p class="soft">Favourable decision: {escape(explanation["bias"]["favourable"])}.</p>',
        groups,
        _method(explanation["settings"]),
    ]
    return page(explanation, outcome, parts)


def _group(group: Mapping[str, Any]) -> str:
    rows = [
        (
            DESCRIPTIONS[item["metric"]],
            *_side(item["baseline"]),
            *_side(item["current"]),
            NONE if item["rise"] is None else signed(item["rise"]),
            NONE if item["p_adjusted"] is None else f"{item['p_adjusted']:.2g}",
            "yes" if item["holds"] else "no",
        )
        for item in group["metrics"]
    ]
    sizes = (
        f"{show(group['current']['group'])} records of the group, "
        f"{show(group['current']['others'])} of everybody else"
    )
    few = "" if group["outcome"] == "judged" else ": too few to judge"
    return (
        f"<section><h2>{escape(group['title'])}</h2>"
        f'<p class="soft">{sizes}{few}.</p>{table(_HEAD, rows)}</section>'
    )


def _side(item: Mapping[str, float] | None) -> tuple[str, str]:
    return (NONE, NONE) if item is None else (show(item["value"]), range_of(item))


def _method(settings: Mapping[str, float]) -> str:
    said = [
        (
            "Metrics are Clarify's, by its published formulae; the group is its group d, everybody "
            "else its group a. Intervals come from draws of both sides' confusion matrices."
        ),
        (
            f"A metric counts as worse if its distance from even treatment exceeds the baseline's "
            f"and {show(settings['max_bias'])} by at least {show(settings['max_bias_rise'])}, and "
            f"chance is ruled out at {show(settings['significance'])} for all metrics of all "
            "groups together (Holm's correction). The distance of a ratio is its logarithm."
        ),
        "A difference between groups does not prove discrimination; none does not rule it out.",
    ]
    return f"<h2>Method</h2>{paragraphs(said)}"
