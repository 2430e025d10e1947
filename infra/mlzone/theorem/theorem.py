"""A theorem over an estate: something that its guardrails never let happen."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mlzone.theorem.guardrails import Guardrails
from mlzone_access.prover import Theorem


@dataclass(frozen=True, kw_only=True)
class EstateTheorem:
    """What holds of every estate of ours, for every request and every identity policy."""

    id: str
    """Short and stable, such as `authors-do-not-approve`."""
    statement: str
    """What it says, in one plain sentence."""
    controls: tuple[str, ...]
    """The controls that it proves."""
    cases: Callable[[Guardrails], Iterable[Theorem]]
    """Returns what has to be proved for one estate."""
