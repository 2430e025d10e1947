"""Waivers over rules' answers: what stays open, what is waived, which waivers waive nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from mlzone.control import Severity
from mlzone.estate.waiver import Waiver
from mlzone.rules.rule import Row, Verdict
from mlzone.waiving import matches

PREFIX = "MLZ-"
"""How names of our own rules begin."""


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """The answers of all rules, beside the estate's waivers."""

    rows: tuple[Row, ...]
    waived: tuple[tuple[Row, Waiver], ...]
    """Failures that a waiver acknowledges."""
    orphaned: tuple[Waiver, ...]
    """Waivers of our rules that acknowledge nothing."""

    @property
    def open(self) -> tuple[Row, ...]:
        """Failures and errors that nothing acknowledges."""
        acknowledged = {id(row) for row, _ in self.waived}
        return tuple(
            row
            for row in self.rows
            if row.verdict in (Verdict.FAIL, Verdict.ERROR) and id(row) not in acknowledged
        )


def acknowledge(rows: Sequence[Row], waivers: Sequence[Waiver]) -> Judgement:
    """Lay the estate's waivers over rules' answers.

    A waiver acknowledges failures alone: not what is fatal, and not what a rule could not tell.
    """
    ours = [waiver for waiver in waivers if waiver.rule.startswith(PREFIX)]
    waived = [
        (row, waiver)
        for row in rows
        if row.verdict is Verdict.FAIL and row.severity is not Severity.FATAL
        for waiver in ours
        if waiver.rule == row.rule and matches(waiver.resource, row.place)
    ]
    used = {waiver for _, waiver in waived}
    return Judgement(
        rows=tuple(rows),
        waived=tuple(waived),
        orphaned=tuple(waiver for waiver in ours if waiver not in used),
    )
