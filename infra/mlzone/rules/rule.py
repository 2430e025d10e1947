"""What a rule is, and what it answers.

A rule is a class: its docstring says what goes wrong without it and what to do instead; its answers
for every resource that it is about are evidence, also where nothing is wrong.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import ClassVar

from mlzone.control import Severity, controls
from mlzone.rules.assembly import Assembly, Resource


class Verdict(StrEnum):
    """What a rule says of a resource."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    NOT_APPLICABLE = "not-applicable"
    """There is nothing that the rule is about."""
    ERROR = "error"
    """The rule could not tell; this fails as well."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """A rule's answer for one resource."""

    rule: str
    control: str
    severity: Severity
    verdict: Verdict
    stack: str = ""
    logical_id: str = ""
    type: str = ""
    message: str = ""
    """What is wrong; empty where nothing is."""
    fix: str = ""

    @property
    def place(self) -> str:
        """Where, as waivers name it: `stack/LogicalId`."""
        return f"{self.stack}/{self.logical_id}"


class Rule(ABC):
    """One rule over templates."""

    id: ClassVar[str]
    """`MLZ-SUBJECT-NNN`, never used for another rule."""
    control: ClassVar[str]
    """The control that it holds."""
    types: ClassVar[tuple[str, ...]]
    """The types of resource that it is about."""
    fix: ClassVar[str]
    """What to do."""

    def __init__(self, today: date) -> None:
        self.today = today
        """For rules that look at dates."""

    @abstractmethod
    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Return what is wrong with a resource, or None."""

    def applies(self, resource: Resource, assembly: Assembly) -> bool:
        """Tell whether the rule is about a resource of its types."""
        del resource, assembly
        return True

    def judge(self, assembly: Assembly) -> Iterator[Row]:
        """Answer for every resource."""
        answered = False
        for resource in assembly.of(*self.types):
            row = self._row(resource, assembly)
            if row:
                answered = True
                yield row
        if not answered:
            yield self._answer(Verdict.NOT_APPLICABLE)

    def _row(self, resource: Resource, assembly: Assembly) -> Row | None:
        try:
            if not self.applies(resource, assembly):
                return None
            problem = self.problem(resource, assembly)
        except Exception as error:  # noqa: BLE001 - whatever a rule cannot read must not pass
            return self._answer(Verdict.ERROR, resource, f"the rule failed: {error!r}")
        if problem is None:
            return self._answer(Verdict.PASS, resource)
        return self._answer(Verdict.FAIL, resource, problem)

    def _answer(self, verdict: Verdict, resource: Resource | None = None, message: str = "") -> Row:
        return Row(
            rule=self.id,
            control=self.control,
            severity=controls()[self.control].severity,
            verdict=verdict,
            stack=resource.template.name if resource else "",
            logical_id=resource.logical_id if resource else "",
            type=resource.type if resource else "",
            message=message,
            fix=self.fix if message else "",
        )
