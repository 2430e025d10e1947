"""IAM's wildcards and policy variables.

`*` matches any run of characters and `?` one character. In policies of version 2012-10-17,
`${key}` stands for a value of the request, `${key, 'default'}` has a default, and `${*}`, `${?}`
and `${$}` are the characters themselves. Source: IAM User Guide, "IAM policy elements: Variables".
"""

import re
from collections.abc import Mapping
from functools import lru_cache

ContextValue = str | tuple[str, ...]

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_DEFAULT = re.compile(r"(?P<key>[^,]+?)\s*,\s*'(?P<default>[^']*)'")
_LITERALS = ("*", "?", "$")


class Pattern:
    """A compiled pattern: exact text, a wildcard expression, or one with policy variables."""

    __slots__ = ("_exact", "_ignore_case", "_regex", "_text", "has_variables")

    def __init__(self, text: str, *, variables: bool, ignore_case: bool = False) -> None:
        self._text = text
        self._ignore_case = ignore_case
        self.has_variables = variables and "${" in text
        self._exact: str | None = None
        self._regex: re.Pattern[str] | None = None
        if not self.has_variables:
            if "*" in text or "?" in text:
                self._regex = _compile(text, ignore_case=ignore_case)
            else:
                self._exact = text.lower() if ignore_case else text

    def matches(self, value: str, context: Mapping[str, ContextValue]) -> bool:
        """Tell whether a value matches; a variable without a value matches nothing."""
        if self._exact is not None:
            return (value.lower() if self._ignore_case else value) == self._exact
        regex = self._regex or self._resolve(context)
        return regex is not None and regex.fullmatch(value) is not None

    def resolved(self, context: Mapping[str, ContextValue]) -> str | None:
        """Return the text with variables replaced, or None if one has no value."""
        if not self.has_variables:
            return self._text
        missing = False

        def replace(match: re.Match[str]) -> str:
            nonlocal missing
            value = _variable(match[1], context)
            if value is None:
                missing = True
                return ""
            return value

        text = _VARIABLE.sub(replace, self._text)
        return None if missing else text

    def _resolve(self, context: Mapping[str, ContextValue]) -> re.Pattern[str] | None:
        parts: list[str] = []
        position = 0
        for match in _VARIABLE.finditer(self._text):
            value = _variable(match[1], context)
            if value is None:
                return None
            parts.append(_expression(self._text[position : match.start()]))
            parts.append(re.escape(value))
            position = match.end()
        parts.append(_expression(self._text[position:]))
        return _cached("".join(parts), ignore_case=self._ignore_case)

    def __repr__(self) -> str:
        return f"Pattern({self._text!r})"


def _variable(expression: str, context: Mapping[str, ContextValue]) -> str | None:
    if expression in _LITERALS:
        return expression
    default = _DEFAULT.fullmatch(expression)
    key = default["key"] if default else expression
    value = context.get(key.lower())
    if isinstance(value, str):
        return value
    return default["default"] if default else None


def _expression(text: str) -> str:
    return re.escape(text).replace(r"\*", ".*").replace(r"\?", ".")


def _compile(text: str, *, ignore_case: bool) -> re.Pattern[str]:
    return _cached(_expression(text), ignore_case=ignore_case)


@lru_cache(maxsize=8192)
def _cached(expression: str, *, ignore_case: bool) -> re.Pattern[str]:
    return re.compile(expression, re.DOTALL | (re.IGNORECASE if ignore_case else 0))
