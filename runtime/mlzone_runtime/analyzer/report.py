"""`report.html`: the explanation as one page that needs nothing else, for a risk officer."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from mlzone_runtime.analyzer import figure
from mlzone_runtime.analyzer.comparison import Comparison
from mlzone_runtime.analyzer.settings import PREDICTION
from mlzone_runtime.analyzer.wording import percent, show, signed

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --soft: #57606a; --line: #d0d7de;
  --then: #9aa4b0; --now: #b4530a; --mark: #fff4e5; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #0d1117; --soft: #9198a1;
  --line: #30363d; --then: #6e7681; --now: #f0883e; --mark: #2b1d0e; } }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 60rem; margin: 0 auto; padding: 1.5rem 1rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem }
h3 { font-size: 1rem; margin: 1.5rem 0 .25rem } p { margin: .4rem 0 }
.soft, .value { color: var(--soft) } .story { background: var(--mark); padding: .75rem 1rem;
  border-left: 4px solid var(--now); } .story p:first-child { font-weight: 600 }
.scroll { overflow-x: auto } table { border-collapse: collapse; width: 100%; font-size: .9rem }
th, td { text-align: left; padding: .35rem .6rem; border-bottom: 1px solid var(--line) }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
svg { width: 100%; max-width: 40rem; height: auto; display: block }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
svg .label { text-anchor: end } svg .value { font-size: 10px; fill: var(--soft) }
.then { fill: var(--then) } .now { fill: var(--now) }
.key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
.key .then { background: var(--then) } .key .now { background: var(--now) }
@media print { body { max-width: none } section { break-inside: avoid } }
"""

_NONE = "\u2013"

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
    monitor = explanation["monitor"]
    title = f"Monitor of {monitor['endpoint']}" if monitor["endpoint"] else "Monitor"
    parts = [
        f"<h1>{escape(title)}: {outcome.lower()}</h1>",
        f'<p class="soft">{escape(_about(explanation))}</p>',
        f'<section class="story">{_paragraphs(explanation["sentences"])}</section>',
        _ranking(explanation),
        _charts(shown),
        _features(explanation),
        _method(explanation),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(parts)}</body></html>\n"
    )


def _about(explanation: Mapping[str, Any]) -> str:
    monitor, records = explanation["monitor"], explanation["records"]
    said = [f"{show(records['analysed'])} records"]
    if monitor["start_time"] and monitor["end_time"]:
        said.append(f"{monitor['start_time']} to {monitor['end_time']}")
    if monitor["release"]:
        said.append(f"release {monitor['release']}")
    return ", ".join(said)


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def _table(head: Sequence[tuple[str, bool]], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; the head tells of each column whether it holds numbers."""
    styles = [' class="number"' if number else "" for _, number in head]
    titles = "".join(
        f"<th{style}>{escape(text)}</th>" for (text, _), style in zip(head, styles, strict=True)
    )
    lines = "".join(
        "<tr>"
        + "".join(
            f"<td{style}>{escape(cell)}</td>" for cell, style in zip(row, styles, strict=True)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def _ranking(explanation: Mapping[str, Any]) -> str:
    findings = explanation["findings"]
    if not findings:
        return ""
    head = (
        ("", True),
        ("feature", False),
        ("cause", False),
        ("PSI", True),
        ("log odds", True),
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
                _NONE if finding["psi"] is None else show(finding["psi"]),
                signed(part["log_odds"]) if part else _NONE,
                _NONE if share is None else percent(share),
                finding["action"],
            )
        )
    return f"<h2>What moved, by its effect on the predictions</h2>{_table(head, rows)}"


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


def _features(explanation: Mapping[str, Any]) -> str:
    head = (
        ("feature", False),
        ("moved", False),
        ("PSI", True),
        ("adjusted p-value", True),
        ("missing before", True),
        ("missing now", True),
    )
    rows = []
    for feature in explanation["features"]:
        check = feature["checks"].get("distribution")
        shares = [
            feature[side]["missing"] / max(feature[side]["present"] + feature[side]["missing"], 1)
            for side in ("baseline", "current")
        ]
        rows.append(
            (
                feature["title"],
                "yes" if feature["moved"] else "no",
                show(check["effect"]) if check else "too few values",
                f"{check['p_adjusted']:.2g}" if check else _NONE,
                *(percent(share) for share in shares),
            )
        )
    return f"<h2>All features</h2>{_table(head, rows)}" if rows else ""


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
        said.append(
            "A feature's effect is the change of its mean exact TreeSHAP value between "
            f"{show(attribution['baseline_records'])} records of the baseline and "
            f"{show(attribution['current_records'])} of this window. The effects of all features "
            "add up to the change of the mean log odds; parts in probability are approximations. "
            "Features that depend on each other share the effect."
        )
    else:
        said.append(f"Effects on the predictions are not told: {attribution['reason']}.")
    said.append(
        "Inputs and answers alone cannot show whether the answers are still right: that needs "
        "the true outcomes."
    )
    return f"<h2>Method</h2>{_paragraphs(said)}"
