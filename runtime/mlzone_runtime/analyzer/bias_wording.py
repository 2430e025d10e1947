"""Puts the treatment of groups into sentences; every number in them stands in the explanation."""

from collections.abc import Mapping
from typing import Any

from mlzone_runtime.analyzer.fairness import DESCRIPTIONS
from mlzone_runtime.analyzer.quality_wording import left_out, nothing_judged
from mlzone_runtime.analyzer.wording import show

ADVICE = (
    "have a person of the second line look at the group's decisions before more are taken",
    "the group is treated more differently than when the version was approved",
)


def sentences(explanation: Mapping[str, Any]) -> list[str]:
    """Return the explanation for people, the headline first."""
    said = [_headline(explanation)]
    said += [finding["sentence"] for finding in explanation["findings"]]
    few = [
        item["title"]
        for item in explanation["bias"]["groups"]
        if item["outcome"] == "too_few_records"
    ]
    if few and explanation["outcome"] in {"drift", "no_drift"}:
        said.append(f"Too few records to judge: {', '.join(few)}.")
    if explanation["findings"]:
        first = explanation["findings"][0]
        said.append(f"Recommended: {first['action']}. Reason: {first['reason']}.")
    return [*said, *left_out(explanation)]


def sentence(finding: Mapping[str, Any]) -> str:
    """Say which metric of a group got worse, and by how much."""
    evidence, metrics = finding["evidence"], finding["metrics"]
    also = f"; so did {', '.join(metrics[1:])}" if metrics[1:] else ""
    return (
        f"{finding['title']}, compared with everybody else: {DESCRIPTIONS[metrics[0]]} went from "
        f"{show(evidence['baseline'])} to {show(evidence['current'])}{also}."
    )


def _headline(explanation: Mapping[str, Any]) -> str:
    groups = explanation["bias"]["groups"]
    judged = [item for item in groups if item["outcome"] == "judged"]
    analysed = show(explanation["records"]["analysed"])
    if explanation["outcome"] == "too_few_records" and not judged:
        enough = explanation["records"]["analysed"] >= explanation["settings"]["min_records"]
        if enough:
            return (
                f"No group has enough of the {analysed} records for a judgement: this says nothing "
                "about bias."
            )
    if nothing := nothing_judged(explanation):
        return nothing
    if explanation["outcome"] == "no_drift":
        return (
            f"None of {len(judged)} groups is treated more differently than in the baseline, over "
            f"{analysed} records."
        )
    return (
        f"{len(explanation['findings'])} of {len(judged)} groups are treated more differently than "
        f"in the baseline, over {analysed} records."
    )
