"""Condition keys of a symbolic request.

A key has as many values as any condition could tell apart: one if the catalogue says that it is
single-valued, else one for each use of it and one to spare. What a value is follows from the
operators that are used on the key: text, a number, a moment, an address or bytes.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from ipaddress import IPv4Address, IPv6Address
from typing import Any

import z3

from mlzone_access.catalogue import key_value_type
from mlzone_access.conditions import Qualifier
from mlzone_access.errors import UnencodableError
from mlzone_access.patterns import Variable
from mlzone_access.policy import Statement
from mlzone_access.prover.text import python_text

_LAST_MOMENT = 4_000_000_000_000_000  # microseconds after the epoch, in the year 2096


class Sort(StrEnum):
    """What the values of a key are."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    ADDRESS = "address"
    BYTES = "bytes"


def sort_of(operator: str) -> Sort:
    """Say what the values of a key are on which `operator` is used."""
    if operator.startswith("Numeric"):
        return Sort.NUMBER
    if operator.startswith("Date"):
        return Sort.MOMENT
    return {"IpAddress": Sort.ADDRESS, "BinaryEquals": Sort.BYTES}.get(operator, Sort.TEXT)


@dataclass(frozen=True)
class Value:
    """One value of a key: whether it is there, the term, and for a typed one whether it parses."""

    present: z3.BoolRef
    term: Any
    valid: z3.BoolRef
    v6: z3.BoolRef


@dataclass(frozen=True)
class Key:
    """A condition key of the symbolic request; its values are there from the first on."""

    name: str
    sort: Sort
    values: tuple[Value, ...]

    @property
    def absent(self) -> z3.BoolRef:
        """The key is not in the request."""
        return z3.Not(self.values[0].present)

    @property
    def single(self) -> z3.BoolRef:
        """The key has exactly one value."""
        more = [z3.Not(value.present) for value in self.values[1:2]]
        return z3.And(self.values[0].present, *more)

    def wellformed(self) -> list[z3.BoolRef]:
        """What holds of every request."""
        rules = [
            z3.Implies(later.present, earlier.present)
            for earlier, later in zip(self.values, self.values[1:], strict=False)
        ]
        for value in self.values:
            if self.sort is Sort.MOMENT:
                rules += [value.term >= 0, value.term <= _LAST_MOMENT]
            elif self.sort is Sort.BYTES:
                rules.append(z3.InRe(value.term, z3.Star(z3.Range("\x00", "\x7f"))))
            elif self.sort is Sort.ADDRESS:
                top = z3.If(value.v6, z3.IntVal(2**128 - 1), z3.IntVal(2**32 - 1))
                rules += [value.term >= 0, value.term <= top]
        return rules

    def concrete(self, model: z3.ModelRef) -> tuple[str, ...]:
        """Read the key's values out of a model."""
        return tuple(
            self._text(model, value)
            for value in self.values
            if z3.is_true(model.eval(value.present, model_completion=True))
        )

    def _text(self, model: z3.ModelRef, value: Value) -> str:
        term = model.eval(value.term, model_completion=True)
        if self.sort is Sort.TEXT:
            return python_text(term)
        if z3.is_false(model.eval(value.valid, model_completion=True)):
            return "unreadable!"
        if self.sort is Sort.NUMBER:
            return repr(float(Fraction(term.numerator_as_long(), term.denominator_as_long())))
        if self.sort is Sort.MOMENT:
            return f"{term.as_long() // 1_000_000}.{term.as_long() % 1_000_000:06d}"
        if self.sort is Sort.BYTES:
            return base64.b64encode(python_text(term).encode("latin-1")).decode()
        v6 = z3.is_true(model.eval(value.v6, model_completion=True))
        return str(IPv6Address(term.as_long()) if v6 else IPv4Address(term.as_long()))


def make_key(name: str, sort: Sort, count: int) -> Key:
    """Make a fresh key with room for `count` values."""
    values = []
    for index in range(count):
        label = f"{name}[{index}]"
        make = {Sort.TEXT: z3.String, Sort.BYTES: z3.String, Sort.NUMBER: z3.Real}.get(sort, z3.Int)
        values.append(
            Value(
                present=z3.Bool(f"{label} present"),
                term=make(label),
                valid=z3.Bool(f"{label} valid"),
                v6=z3.Bool(f"{label} v6"),
            )
        )
    return Key(name, sort, tuple(values))


def keys_of(statements: Sequence[Statement], *, at_least: int = 1) -> dict[str, Key]:
    """Make the keys that the statements mention, in conditions and in variables.

    Args:
        statements: All statements that bear on the request.
        at_least: Room for so many values in each key.

    Raises:
        UnencodableError: Operators of two types are used on one key.
    """
    uses: dict[str, _Use] = {}

    def use(name: str) -> _Use:
        return uses.setdefault(name, _Use(name))

    for statement in statements:
        for condition in statement.conditions:
            op = condition.operator
            use(condition.key).condition(op.name, op.qualifier)
        patterns = [p for condition in statement.conditions for p in condition.patterns]
        for tokens in (*statement.resource_patterns, *patterns):
            for token in tokens:
                if isinstance(token, Variable):
                    use(token.key).variable()
    return {name: made.key(at_least) for name, made in uses.items()}


@dataclass
class _Use:
    """How the statements use a key."""

    name: str
    sort: Sort | None = None
    count: int = 0
    qualified: bool = False
    counted: bool = False
    """Whether it matters how many values there are, not only which."""

    def condition(self, operator: str, qualifier: Qualifier) -> None:
        self.count += 1
        self.qualified = self.qualified or qualifier is not Qualifier.NONE
        self.counted = self.counted or qualifier is Qualifier.ALL
        if operator != "Null":
            self._is(sort_of(operator))

    def variable(self) -> None:
        self.count += 1
        self.counted = True
        self._is(Sort.TEXT)

    def _is(self, sort: Sort) -> None:
        if self.sort not in (None, sort):
            raise UnencodableError(f"the key {self.name} is used both as {self.sort} and as {sort}")
        self.sort = sort

    def key(self, at_least: int) -> Key:
        value_type = key_value_type(self.name)
        many = value_type.startswith("ArrayOf") or (not value_type and self.qualified)
        room = self.count + int(self.counted) if many else 1
        return make_key(self.name, self.sort or Sort.TEXT, max(room, at_least))
