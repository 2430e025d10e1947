"""String patterns of the policy language as z3 terms, without quantifiers.

A constant pattern becomes an equality, a prefix test or a regular expression. A pattern with policy
variables is matched piece by piece between its stars: the first piece is a prefix, the last a
suffix, and each piece between them is sought from where the one before it ended. Taking the first
place where a piece occurs is exact, since what follows only gets more room.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any

import z3

from mlzone_access.errors import UnencodableError
from mlzone_access.patterns import (
    ARN_PARTS,
    Compile,
    Token,
    Tokens,
    Variable,
    Wild,
    compile_arn,
    compile_folded,
    compile_resource,
    has_variable,
    split_arn,
)

VariableTerm = Callable[[Variable], tuple[z3.BoolRef, z3.SeqRef]]
"""Gives, for a policy variable, whether it has a value, and the value."""

_ESCAPE = re.compile(r"\\u\{([0-9a-fA-F]+)\}")
TIMEOUT_SECONDS = 20.0
_SEEDS = (0, 7, 42)
_ANY_CHAR = z3.AllChar(z3.ReSort(z3.StringSort()))
_NO_COLON = z3.Diff(_ANY_CHAR, z3.Re(":"))


def any_of(terms: list[z3.BoolRef]) -> z3.BoolRef:
    """Join by or; nothing is false."""
    return z3.Or(*terms) if terms else z3.BoolVal(False)


def python_text(term: Any) -> str:
    """Turn a z3 string into a Python one; z3 writes what is not printable as `\\u{hex}`."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), term.as_string())


def literal(text: str) -> z3.SeqRef:
    """Make a z3 string of exactly this text, in which z3 would read `\\u{41}` as an A."""
    return z3.StringVal(text.replace("\\", "\\u{5c}"))


def solve(
    constraints: Sequence[z3.BoolRef], timeout: float, *, seeds: int = len(_SEEDS)
) -> tuple[z3.CheckSatResult, z3.ModelRef | None]:
    """Ask z3, with other seeds if it gives up."""
    verdict: z3.CheckSatResult = z3.unknown
    for seed in _SEEDS[:seeds]:
        solver = z3.Solver()
        solver.set("timeout", int(timeout * 1000))
        solver.set("random_seed", seed)
        solver.add(*constraints)
        verdict = solver.check()
        if verdict == z3.sat:
            return verdict, solver.model()
        if verdict == z3.unsat:
            break
    return verdict, None


def matches(
    value: z3.SeqRef, pattern: Tokens, compiler: Compile, resolve: VariableTerm
) -> z3.BoolRef:
    """Say in z3 that `value` matches `pattern` in the way of `compiler`.

    Raises:
        UnencodableError: The pattern has no exact encoding.
    """
    if has_variable(pattern):
        return _with_variables(value, pattern, compiler, resolve)
    if compiler is compile_folded:
        return z3.InRe(value, _concat([_folded(token) for token in pattern]))
    if pattern == (Wild.ANY,):
        return z3.BoolVal(True)
    if compiler is compile_arn:
        return _arn(value, pattern)
    if compiler is compile_resource and _wild_head(pattern):
        return z3.InRe(value, _parted(split_arn(pattern), crossing=True))
    return constant_match(value, pattern)


def constant_match(value: z3.SeqRef, pattern: Tokens) -> z3.BoolRef:
    """Say that `value` matches a pattern without variables, wildcards reaching across anything."""
    literals = [token for token in pattern if isinstance(token, str)]
    if not pattern:
        return value == z3.StringVal("")
    if len(literals) == len(pattern):
        return value == literal("".join(literals))
    if pattern[-1:] == (Wild.ANY,) and len(literals) == len(pattern) - 1:
        return z3.PrefixOf(literal("".join(literals)), value)
    return z3.InRe(value, _concat([_regex(token, _ANY_CHAR) for token in pattern]))


def _arn(value: z3.SeqRef, pattern: Tokens) -> z3.BoolRef:
    parts = split_arn(pattern)
    if len(parts) < ARN_PARTS:
        return z3.BoolVal(False)
    if not _wild_head(pattern):
        return constant_match(value, pattern)
    return z3.InRe(value, _parted(parts, crossing=False))


def _wild_head(pattern: Tokens) -> bool:
    """Whether a wildcard stands before the resource's own name."""
    return any(isinstance(token, Wild) for part in split_arn(pattern)[:-1] for token in part)


def _parted(parts: Sequence[Tokens], *, crossing: bool) -> z3.ReRef:
    pieces: list[z3.ReRef] = []
    for part in parts[:-1]:
        for index, token in enumerate(part):
            open_end = crossing and token is Wild.ANY and index == len(part) - 1
            pieces.append(_regex(token, _ANY_CHAR if open_end else _NO_COLON))
        pieces.append(z3.Re(":"))
    return _concat(pieces + [_regex(token, _ANY_CHAR) for token in parts[-1]])


def _regex(token: Token, char: z3.ReRef) -> z3.ReRef:
    if token is Wild.ANY:
        return z3.Star(char)
    return char if token is Wild.ONE else z3.Re(literal(str(token)))


def _folded(token: Token) -> z3.ReRef:
    if isinstance(token, Wild):
        return _regex(token, _ANY_CHAR)
    chars = [
        z3.Union(z3.Re(c.lower()), z3.Re(c.upper())) if c.lower() != c.upper() else z3.Re(c)
        for c in str(token)
    ]
    return _concat(chars)


def _concat(pieces: list[z3.ReRef]) -> z3.ReRef:
    if not pieces:
        return z3.Re("")
    return pieces[0] if len(pieces) == 1 else z3.Concat(*pieces)


def _with_variables(
    value: z3.SeqRef, pattern: Tokens, compiler: Compile, resolve: VariableTerm
) -> z3.BoolRef:
    _check(pattern, compiler)
    known: list[z3.BoolRef] = []
    pieces: list[list[z3.SeqRef]] = [[]]
    for token in pattern:
        if token is Wild.ANY:
            pieces.append([])
        elif isinstance(token, Variable):
            has_value, term = resolve(token)
            known.append(has_value)
            pieces[-1].append(term)
        else:
            pieces[-1].append(literal(str(token)))
    texts = [_joined(piece) for piece in pieces]
    if len(texts) == 1:
        return z3.And(*known, value == texts[0])
    first, *middle, last = texts
    found = [*known, z3.PrefixOf(first, value), z3.SuffixOf(last, value)]
    position = z3.Length(first)
    for text in middle:
        start = z3.IndexOf(value, text, position)
        found.append(start >= 0)
        position = start + z3.Length(text)
    found.append(position + z3.Length(last) <= z3.Length(value))
    return z3.And(*found)


def _check(pattern: Tokens, compiler: Compile) -> None:
    if compiler is compile_folded or Wild.ONE in pattern:
        raise UnencodableError("a policy variable beside ? or without regard to case")
    parts = split_arn(pattern)
    if compiler is compile_arn and len(parts) < ARN_PARTS:
        raise UnencodableError("an ARN pattern with a policy variable that may bring in its colons")
    for part in parts[:-1]:
        inner = part if compiler is compile_arn else part[:-1]
        if compiler in (compile_arn, compile_resource) and Wild.ANY in inner:
            raise UnencodableError("a policy variable in an ARN whose earlier part has a wildcard")


def _joined(pieces: list[z3.SeqRef]) -> z3.SeqRef:
    if not pieces:
        return z3.StringVal("")
    return pieces[0] if len(pieces) == 1 else z3.Concat(*pieces)
