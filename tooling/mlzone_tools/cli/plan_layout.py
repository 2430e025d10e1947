"""Lays out a plan: as text for a terminal, as Markdown for one comment on a pull request."""

import html

from mlzone.plan import Plan
from mlzone_tools.cli.plan_words import Section, sections, summary

LONGEST_COMMENT = 60_000
"""GitHub refuses a comment of more than 65,536 characters."""
MARK = "<!-- mlzone plan -->"
"""By which the comment is found again, to be updated in place."""


def text(plan: Plan) -> str:
    """Return a plan for a terminal."""
    parts = [
        f"{section.title}\n" + "\n".join(f"  {line}" for line in section.lines)
        for section in sections(plan)
    ]
    return "\n\n".join((*parts, summary(plan)))


def markdown(plan: Plan) -> str:
    """Return a plan as one comment of a pull request, shortened where it would be too long."""
    found = list(sections(plan))
    most = max((len(section.lines) for section in found), default=0)
    while True:
        comment = "\n".join((_head(plan), *(_folded(section, most) for section in found)))
        if len(comment.encode()) < LONGEST_COMMENT or most <= 1:
            return comment
        most = max(most * 3 // 4, 1)


def _head(plan: Plan) -> str:
    verdict = "⛔" if plan.blockers else "⚠️" if plan.changed else "✅"
    return f"{MARK}\n### {verdict} Plan: {summary(plan)}\n"


def _folded(section: Section, most: int) -> str:
    lines = [f"- {_escaped(line)}" for line in section.lines[:most]]
    if len(section.lines) > most:
        lines.append(f"- … and {len(section.lines) - most} more; see `mlzone plan`")
    opened = " open" if section.open else ""
    body = "\n".join(lines)
    return (
        f"<details{opened}><summary><b>{section.title}</b> ({len(section.lines)})</summary>\n\n"
        f"{body}\n\n</details>\n"
    )


def _escaped(line: str) -> str:
    """Keep what people wrote from becoming markup, mentions or links."""
    line = html.escape(line.removeprefix("- ").removeprefix("+ "), quote=False)
    for sign in "\\`*_{}[]|":
        line = line.replace(sign, f"\\{sign}")
    return line.replace("@", "@\u200b")
