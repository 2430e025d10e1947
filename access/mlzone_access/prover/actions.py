"""The kinds of actions that a theorem has to look at.

Two actions that fall under the same statements are treated alike by every policy, so one of each
kind is enough, whether it is in the catalogue or not. The kinds are found by running all patterns
over all names at once, as one automaton; names of the catalogue stand for their kind where there
are some.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from types import MappingProxyType

from mlzone_access import catalogue
from mlzone_access.evaluation import OWN_BUCKET_POLICY, RCP_SERVICES
from mlzone_access.patterns import Wild, tokenize
from mlzone_access.policy import Statement

_SPECIAL = frozenset(
    {"s3:*", "kms:*", "sts:assumerole*", "sts:getcalleridentity"}
    | {f"{service}:*" for service in RCP_SERVICES}
    | OWN_BUCKET_POLICY
)
"""What the evaluation itself treats specially."""

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_TRIED = 2_000
"""So many names of the catalogue are tried until one is of a kind."""

Patterns = frozenset[str]


def action_kinds(statements: Sequence[Statement], claims: Sequence[Statement]) -> tuple[str, ...]:
    """Give one action of each kind that all claims cover.

    Args:
        statements: The statements of all policies.
        claims: What the actions have to fall under.
    """
    everything = (*statements, *claims)
    patterns = frozenset(p for statement in everything for p in statement.action_patterns)
    kinds: dict[tuple[object, ...], str] = {}
    for matched, name in _matchable(patterns | _SPECIAL).items():
        if all(_covers(claim, matched) for claim in claims):
            covering = tuple(_covers(statement, matched) for statement in statements)
            kinds.setdefault((covering, matched & _SPECIAL), _listed(matched, name, patterns))
    return tuple(sorted(kinds.values()))


def _covers(statement: Statement, matched: Patterns) -> bool:
    return matched.isdisjoint(statement.action_patterns) == statement.not_action


def _listed(matched: Patterns, name: str, patterns: Patterns) -> str:
    """Give a name of the catalogue that matches the same patterns; the given one if none does."""
    literal = next((p for p in sorted(matched) if "*" not in p and "?" not in p), "")
    if literal:
        return _spelling(literal)
    wanted = max(matched, key=len, default="*")
    for candidate in islice(_candidates(wanted), _TRIED):
        found = _matched(candidate.lower(), patterns | _SPECIAL)
        if found == matched:
            return candidate
    return name


@lru_cache(maxsize=4096)
def _spelling(name: str) -> str:
    try:
        return catalogue.action(name).name
    except catalogue.CatalogueError:
        return name


def _candidates(pattern: str) -> Iterator[str]:
    yield from catalogue.actions(pattern if ":" in pattern else "*")


class _Automaton:
    """All patterns at once; a state is the set of places in patterns that are reached."""

    def __init__(self, patterns: Patterns) -> None:
        self.patterns = sorted(patterns)
        self.items: list[str | Wild | None] = []
        self.ends: dict[int, str] = {}
        starts = []
        for pattern in self.patterns:
            starts.append(len(self.items))
            for token in tokenize(pattern, variables=False, wildcards=True):
                self.items.extend(token if isinstance(token, str) else [token])  # type: ignore[list-item]
            self.ends[len(self.items)] = pattern
            self.items.append(None)
        self.start = self._closed(starts)

    def _closed(self, places: Sequence[int]) -> frozenset[int]:
        closed = set(places)
        for place in places:
            following = place
            while self.items[following] is Wild.ANY:
                following += 1
                closed.add(following)
        return frozenset(closed)

    def wanted(self, state: frozenset[int]) -> set[str]:
        """Give the letters that some pattern waits for."""
        return {item for place in state if isinstance(item := self.items[place], str)}

    def step(self, state: frozenset[int], letter: str) -> frozenset[int]:
        places = []
        for place in state:
            item = self.items[place]
            if item is Wild.ANY:
                places.append(place)
            elif item is Wild.ONE or item == letter:
                places.append(place + 1)
        return self._closed(places)

    def matched(self, state: frozenset[int]) -> Patterns:
        return frozenset(self.ends[place] for place in state if place in self.ends)


@lru_cache(maxsize=64)
def _matchable(patterns: Patterns) -> Mapping[Patterns, str]:
    """Give every set of patterns that some action matches and no other, with such an action."""
    automaton = _Automaton(patterns)
    found: dict[Patterns, str] = {}
    # What stands before the colon, whether a letter stands after it, and the places.
    first = (False, False, automaton.start)
    seen = {first}
    queue = deque([(first, "")])
    while queue:
        (past_colon, complete, places), text = queue.popleft()
        if complete:
            found.setdefault(automaton.matched(places), text)
        wanted = automaton.wanted(places)
        alphabet = _LETTERS if past_colon else _LETTERS + "-"
        letters = [letter for letter in alphabet if letter in wanted]
        other = next((letter for letter in alphabet if letter not in wanted), None)
        if other:
            # Letters that no pattern waits for lead all to the same place.
            letters.append(other)
        if not past_colon and text:
            letters.append(":")
        for letter in letters:
            colon = past_colon or letter == ":"
            reached = (colon, past_colon, automaton.step(places, letter))
            if reached not in seen:
                seen.add(reached)
                queue.append((reached, text + letter))
    return MappingProxyType(found)


def _matched(name: str, patterns: Patterns) -> Patterns:
    automaton = _automaton(patterns)
    state = automaton.start
    for letter in name:
        state = automaton.step(state, letter)
    return automaton.matched(state)


@lru_cache(maxsize=64)
def _automaton(patterns: Patterns) -> _Automaton:
    return _Automaton(patterns)
