"""The rules of composite alarms, such as `ALARM("a") AND NOT (OK(b) OR FALSE)`.

Source: Amazon CloudWatch API Reference, PutCompositeAlarm. Nothing here knows a cloud.
"""

import functools
import re
from collections.abc import Callable

StateOf = Callable[[str], str]
"""From an alarm's name or ARN to its state."""
Condition = Callable[[StateOf], bool]

_TOKEN = re.compile(
    r"\s*(?:"
    r"(?P<state>ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:\"(?P<quoted>[^\"]*)\"|(?P<name>[^\s()]+))\s*\)"
    r"|(?P<word>AND|OR|NOT|TRUE|FALSE)\b"
    r"|(?P<bracket>[()])"
    r")"
)


class RuleError(ValueError):
    """The text is no rule."""


@functools.lru_cache(maxsize=256)
def parse(rule: str) -> Condition:
    """Return what a rule asks.

    Raises:
        RuleError: it is none.
    """
    tokens = _tokens(rule)
    condition = _either(tokens, rule)
    if tokens:
        raise RuleError(f"the alarm rule {rule!r} cannot be read beyond {tokens[0]}")
    return condition


def _tokens(rule: str) -> list[str | tuple[str, str]]:
    found: list[str | tuple[str, str]] = []
    place = 0
    text = rule.rstrip()
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise RuleError(f"the alarm rule {rule!r} cannot be read at {text[place:]!r}")
        place = match.end()
        if match["state"]:
            found.append((match["state"], match["quoted"] or match["name"] or ""))
        else:
            found.append(match["word"] or match["bracket"])
    return found


def _either(tokens: list[str | tuple[str, str]], rule: str) -> Condition:
    choices = [_all(tokens, rule)]
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        choices.append(_all(tokens, rule))
    return lambda state_of: any(choice(state_of) for choice in choices)


def _all(tokens: list[str | tuple[str, str]], rule: str) -> Condition:
    parts = [_one(tokens, rule)]
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        parts.append(_one(tokens, rule))
    return lambda state_of: all(part(state_of) for part in parts)


def _one(tokens: list[str | tuple[str, str]], rule: str) -> Condition:
    if not tokens:
        raise RuleError(f"the alarm rule {rule!r} ends too early")
    first = tokens.pop(0)
    if isinstance(first, tuple):
        state, alarm = first
        return lambda state_of: state_of(alarm) == state
    if first in ("TRUE", "FALSE"):
        return lambda _: first == "TRUE"
    if first == "NOT":
        inner = _one(tokens, rule)
        return lambda state_of: not inner(state_of)
    if first == "(":
        inner = _either(tokens, rule)
        if not tokens or tokens.pop(0) != ")":
            raise RuleError(f"a bracket of the alarm rule {rule!r} does not close")
        return inner
    raise RuleError(f"the alarm rule {rule!r} cannot be read at {first}")
