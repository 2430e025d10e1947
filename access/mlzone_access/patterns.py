"""Text patterns of the policy language: wildcards, policy variables, and how each matches.

A pattern is parsed once into tokens. If no variable occurs in it, it is compiled at once; else the
variables are filled in for each request, as plain text: a `*` that comes out of a tag's value is a
star, not a wildcard.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

Lookup = Callable[[str], tuple[str, ...] | None]
"""Gives the values of a condition key (lower case) in the request, or None if it is absent."""

_VARIABLE = re.compile(r"\$\{\s*(?:([*?$])|([^\s{}',*?$][^{}',]*?)\s*(?:,\s*'([^']*)'\s*)?)\}")
ARN_PARTS = 6


class Wild(Enum):
    """The two wildcards of the policy language."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """A reference such as `${aws:PrincipalTag/team, 'none'}`."""

    key: str
    default: str | None

    def resolve(self, lookup: Lookup) -> str | None:
        """Give the text to put in, or None when the request has no single value for the key."""
        values = lookup(self.key)
        if values is not None and len(values) == 1:
            return values[0]
        return self.default if values is None else None


Token = str | Wild | Variable
Tokens = tuple[Token, ...]


def tokenize(text: str, *, variables: bool, wildcards: bool) -> Tokens:
    """Split `text` into literal runs, wildcards and variables.

    Raises:
        ValueError: A `${` is not followed by a well-formed variable.
    """
    tokens: list[Token] = []
    position = 0
    while position < len(text):
        start = text.find("${", position) if variables else -1
        stop = len(text) if start < 0 else start
        _literal(text[position:stop], tokens, wildcards=wildcards)
        if start < 0:
            break
        match = _VARIABLE.match(text, start)
        if match is None:
            raise ValueError(f"{text[start : start + 40]!r} is not a policy variable")
        escaped, key, default = match.groups()
        _append(tokens, escaped or Variable(key.lower(), default))
        position = match.end()
    return tuple(tokens)


def _literal(text: str, tokens: list[Token], *, wildcards: bool) -> None:
    if not wildcards:
        _append(tokens, text)
        return
    for piece in re.split(r"([*?])", text):
        _append(tokens, Wild(piece) if piece in {"*", "?"} else piece)


def _append(tokens: list[Token], token: Token) -> None:
    if token == "" or (token is Wild.ANY and tokens and tokens[-1] is Wild.ANY):
        return
    if isinstance(token, str) and tokens and isinstance(tokens[-1], str):
        tokens[-1] += token
    else:
        tokens.append(token)


def has_variable(tokens: Tokens) -> bool:
    """Say whether the pattern depends on the request."""
    return any(isinstance(token, Variable) for token in tokens)


def fill(tokens: Tokens, lookup: Lookup) -> Tokens | None:
    """Put the variables' values in as literal text; None if one of them has no value."""
    filled: list[Token] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = token.resolve(lookup)
            if value is None:
                return None
            _append(filled, value)
        else:
            _append(filled, token)
    return tuple(filled)


Match = Callable[[str], bool]
Compile = Callable[[Tokens], Match]


def _always(_: str) -> bool:
    return True


def _never(_: str) -> bool:
    return False


@lru_cache(maxsize=16384)
def compile_text(tokens: Tokens) -> Match:
    """Match the whole text; wildcards reach across anything."""
    if not tokens:
        return "".__eq__
    if tokens == (Wild.ANY,):
        return _always
    if len(tokens) == 1 and isinstance(tokens[0], str):
        return tokens[0].__eq__
    if len(tokens) == 2 and isinstance(tokens[0], str) and tokens[1] is Wild.ANY:  # noqa: PLR2004
        prefix = tokens[0]
        return lambda text: text.startswith(prefix)
    return _fullmatch(_regex(tokens, any_="[\\s\\S]*", one="[\\s\\S]"))


def compile_folded(tokens: Tokens) -> Match:
    """Match the whole text without regard to case."""
    lowered = tuple(t.lower() if isinstance(t, str) else t for t in tokens)
    match = compile_text(lowered)
    return lambda text: match(text.lower())


@lru_cache(maxsize=16384)
def compile_arn(tokens: Tokens) -> Match:
    """Match as `ArnLike` does: each of the six parts on its own, wildcards stay in their part."""
    if tokens == (Wild.ANY,):
        return _always
    parts = split_arn(tokens)
    if len(parts) < ARN_PARTS:
        return _never
    head = [_regex(part, any_="[^:]*", one="[^:]") for part in parts[:-1]]
    return _fullmatch(":".join([*head, _regex(parts[-1], any_="[\\s\\S]*", one="[\\s\\S]")]))


@lru_cache(maxsize=16384)
def compile_resource(tokens: Tokens) -> Match:
    """Match as the `Resource` element does.

    A `*` that ends a part of the ARN reaches across the colons that follow; any other one stays in
    its part. In the last part, the resource's own name, wildcards reach everything.
    """
    parts = split_arn(tokens)
    if not any(isinstance(token, Wild) for part in parts[:-1] for token in part):
        return compile_text(tokens)
    head = [
        _regex(part[:-1], any_="[^:]*", one="[^:]") + "[\\s\\S]*"
        if part and part[-1] is Wild.ANY
        else _regex(part, any_="[^:]*", one="[^:]")
        for part in parts[:-1]
    ]
    return _fullmatch(":".join([*head, _regex(parts[-1], any_="[\\s\\S]*", one="[\\s\\S]")]))


def split_arn(tokens: Tokens) -> list[Tokens]:
    """Split at the first five colons of the pattern's literal text."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        pieces = token.split(":", ARN_PARTS - len(parts))
        _append(parts[-1], pieces[0])
        for piece in pieces[1:]:
            parts.append([])
            _append(parts[-1], piece)
    return [tuple(part) for part in parts]


def _regex(tokens: Sequence[Token], *, any_: str, one: str) -> str:
    out = []
    for token in tokens:
        if token is Wild.ANY:
            out.append(any_)
        elif token is Wild.ONE:
            out.append(one)
        elif isinstance(token, str):
            out.append(re.escape(token))
    return "".join(out)


def _fullmatch(regex: str) -> Match:
    match = re.compile(regex).fullmatch
    return lambda text: match(text) is not None


@dataclass(frozen=True, slots=True)
class Patterns:
    """A list of patterns, of which one must match: an element's value list."""

    exact: frozenset[str]
    fixed: tuple[Match, ...]
    variable: tuple[Tokens, ...]
    compiler: Compile

    @classmethod
    def of(cls, patterns: Sequence[Tokens], compiler: Compile) -> "Patterns":
        """Compile what does not depend on the request."""
        constant = [p for p in patterns if not has_variable(p)]
        plain = compiler in (compile_text, compile_resource)
        exact = [p for p in constant if plain and len(p) == 1 and isinstance(p[0], str)]
        return cls(
            exact=frozenset(str(p[0]) for p in exact),
            fixed=tuple(compiler(p) for p in constant if p not in exact),
            variable=tuple(p for p in patterns if has_variable(p)),
            compiler=compiler,
        )

    def match(self, text: str, lookup: Lookup) -> bool:
        """Say whether any pattern matches; one whose variable has no value matches nothing."""
        if text in self.exact or any(match(text) for match in self.fixed):
            return True
        for tokens in self.variable:
            filled = fill(tokens, lookup)
            if filled is not None and self.compiler(filled)(text):
                return True
        return False
