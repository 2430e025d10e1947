"""What all pages for people share: their looks, and how tables and paragraphs are written.

A page needs nothing else: no script, no font, no picture from elsewhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from mlzone_runtime.analyzer.wording import show

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
.level { stroke: var(--then); stroke-width: 2; stroke-dasharray: 6 4 }
.course { stroke: var(--now); stroke-width: 2; fill: none }
dl { margin: .4rem 0 } dt { font-weight: 600; margin-top: .6rem } dd { margin: 0 }
.key span { display: inline-block; width: .8em; height: .8em; margin: 0 .3em 0 1em }
.key .then { background: var(--then) } .key .now { background: var(--now) }
@media (max-width: 30rem) { body { padding: 1rem .6rem } th, td { padding: .3rem .35rem } }
@media print { :root { --ink: #000; --paper: #fff; --soft: #444; --line: #bbb; --mark: #f5f5f5 }
  body { max-width: none } section, tr { break-inside: avoid }
  thead { display: table-header-group } }
"""

NONE = "\u2013"

OUTCOMES = {
    "no_records": "no records",
    "no_ground_truth": "no outcomes known",
    "too_few_records": "too few records",
    "no_drift": "nothing moved",
    "drift": "something moved",
    "data_fault": "the data are at fault",
}

PLACE_OF_ACTIONS = "<!-- what was done -->"
"""Where it can be told what was done about the finding: that comes after the page."""

Head = Sequence[tuple[str, bool]]
"""Titles of columns, and whether they hold numbers."""


def page(explanation: Mapping[str, Any], outcome: str, parts: Iterable[str]) -> str:
    """Return a page: what it is about, the story, then the parts."""
    monitor = explanation["monitor"]
    kind = monitor["kind"].replace("-", " ").capitalize()
    title = f"{kind} of {monitor['endpoint']}" if monitor["endpoint"] else kind
    body = [
        f"<h1>{escape(title)}: {escape(outcome)}</h1>",
        f'<p class="soft">{escape(_about(explanation))}</p>',
        _story(explanation),
        PLACE_OF_ACTIONS,
        *parts,
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body>{''.join(body)}</body></html>\n"
    )


def _story(explanation: Mapping[str, Any]) -> str:
    """Return what happened, why, since when, who is affected and what to do, as far as is known."""
    findings = explanation["findings"]
    sentences = list(explanation["sentences"])
    told: list[tuple[str, list[str]]] = [("What happened", sentences[:1])]
    why = [finding["sentence"] for finding in findings]
    since = [text for text in sentences if "has been so since about" in text]
    advice = [text for text in sentences if text.startswith("Recommended: ")]
    where = sorted({item["segment"]["rule"] for item in findings if item["segment"]})
    groups = [item["title"] for item in findings if item.get("group")]
    rest = [text for text in sentences[1:] if text not in (*why, *since, *advice)]
    told.append(("Why", [*why, *rest] if findings else rest))
    if findings:
        monitor = explanation["monitor"]
        begun = f"From the beginning of the window on, {monitor['start_time']}, or before it."
        told.append(("Since when", since or [begun]))
        whom = [f"Records where {rule}." for rule in where] or [f"{title}." for title in groups]
        told.append(("Who is affected", whom or ["All records alike, as far as can be told."]))
    told.append(("What to do", advice))
    body = "".join(f"<dt>{title}</dt><dd>{paragraphs(said)}</dd>" for title, said in told if said)
    return f'<section class="story"><dl>{body}</dl></section>'


def _about(explanation: Mapping[str, Any]) -> str:
    monitor, records = explanation["monitor"], explanation["records"]
    said = [f"{show(records['analysed'])} records"]
    if monitor["start_time"] and monitor["end_time"]:
        said.append(f"{monitor['start_time']} to {monitor['end_time']}")
    if monitor["release"]:
        said.append(f"release {monitor['release']}")
    return ", ".join(said)


def paragraphs(sentences: Iterable[str]) -> str:
    """Return sentences, each a paragraph."""
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def table(head: Head, rows: Iterable[Sequence[str]]) -> str:
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
