"""The groups whose treatment is compared: who belongs to them, as the model's project says it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.table import FloatArray

Members: TypeAlias = NDArray[np.float64]
"""Of each record 1 if it belongs to the group, 0 if not, NaN if that is not known."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """A group that is compared with everybody else: Clarify's group d of a facet.

    Attributes:
        name: Its name.
        title: Its name for people.
        column: What tells who belongs to it.
        values: Who has one of these belongs to it.
        at_most: Or, who has at most so much.
    """

    name: str
    title: str
    column: str
    values: tuple[str, ...] = ()
    at_most: float | None = None

    @classmethod
    def parse(cls, document: Mapping[str, Any]) -> Self:
        """Read a group as projects write it.

        Raises:
            AnalysisError: It is none.
        """
        try:
            at_most = document.get("at_most")
            group = cls(
                name=str(document["name"]),
                title=str(document.get("title") or document["name"]),
                column=str(document["column"]),
                values=tuple(str(value) for value in document.get("values", ())),
                at_most=None if at_most is None else float(at_most),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise AnalysisError(
                f"a group needs name, column and values or at_most: {error!r}"
            ) from error
        if not group.values and group.at_most is None:
            raise AnalysisError(f"the group {group.name} says neither values nor at_most")
        return group

    def render(self) -> dict[str, Any]:
        """Return it as it is parsed."""
        document: dict[str, Any] = {
            "name": self.name,
            "title": self.title,
            "column": self.column,
        }
        if self.values:
            return {**document, "values": list(self.values)}
        return {**document, "at_most": self.at_most}

    @property
    def described(self) -> str:
        """What Clarify calls value or threshold."""
        return ", ".join(self.values) if self.values else f"up to {self.at_most:g}"

    def members(self, values: Sequence[str | None]) -> Members:
        """Tell who belongs to it, by the values of its column."""
        return np.array([self._member(value) for value in values], dtype=np.float64)

    def _member(self, value: str | None) -> float:
        if value is None or value == "":
            return np.nan
        if self.values:
            return float(value in self.values)
        try:
            return float(float(value) <= (self.at_most or 0.0))
        except ValueError:
            return np.nan


def intersections(members: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Return the groups, and of each two of them those who belong to both."""
    found = dict(members)
    for first, second in combinations(members, 2):
        found[f"{first} & {second}"] = members[first] * members[second]
    return found
