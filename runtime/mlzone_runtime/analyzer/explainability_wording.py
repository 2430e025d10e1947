"""Puts the features' importance into sentences; every number stands in the explanation."""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.quality_wording import left_out
from mlzone_runtime.analyzer.wording import show

ADVICE = (
    "read the report on data quality for the same window, and explain the decisions anew",
    "reasons that were given with the approved version no longer describe the decisions",
)


def sentences(explanation: Mapping[str, Any]) -> list[str]:
    """Return the explanation for people, the headline first."""
    said = [_headline(explanation)]
    said += [finding["sentence"] for finding in explanation["findings"]]
    if explanation["outcome"] == "drift":
        action, reason = ADVICE
        said.append(f"Recommended: {action}. Reason: {reason}.")
    return [*said, *left_out(explanation)]


def sentence(finding: Mapping[str, Any]) -> str:
    """Say how a feature's importance changed."""
    evidence = finding["evidence"]
    return (
        f"{finding['title']} went from place {evidence['baseline_rank']} to place "
        f"{evidence['current_rank']}: its mean absolute contribution went from "
        f"{show(evidence['baseline'])} to {show(evidence['current'])}."
    )


def _headline(explanation: Mapping[str, Any]) -> str:
    records = show(explanation["records"]["analysed"])
    order = explanation["attributions"]["order"]
    match explanation["outcome"]:
        case "no_records":
            return "There was no record to analyse: this says nothing about the features."
        case "too_few_records":
            least = show(explanation["settings"]["min_records"])
            return (
                f"Only {records} records were captured, fewer than the {least} that a judgement "
                "needs: this says nothing about the features."
            )
        case "no_drift":
            return (
                f"The answers to {records} records rest on the same features as in the baseline "
                f"(NDCG {show(order['ndcg'])}, at least {show(order['threshold'])})."
            )
    return (
        f"The answers to {records} records rest on other features than in the baseline: NDCG "
        f"{show(order['ndcg'])}, threshold {show(order['threshold'])}."
    )
