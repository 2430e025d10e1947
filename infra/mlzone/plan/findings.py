"""Which findings and waivers a change adds, and which it resolves."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mlzone.estate import Estate
from mlzone.plan.change import Danger, FindingChange, Verb


@dataclass(frozen=True, kw_only=True, order=True)
class OpenFinding:
    """A finding that no waiver acknowledges."""

    rule: str
    where: str
    text: str


def finding_difference(
    base: Iterable[OpenFinding], head: Iterable[OpenFinding]
) -> tuple[FindingChange, ...]:
    """Compare the open findings of two assemblies."""
    before, after = set(base), set(head)
    return (
        *(_finding(item, Verb.ADDED, Danger.DANGER) for item in sorted(after - before)),
        *(_finding(item, Verb.REMOVED, Danger.NOTE) for item in sorted(before - after)),
    )


def _finding(item: OpenFinding, verb: Verb, danger: Danger) -> FindingChange:
    return FindingChange(
        danger=danger, what="finding", verb=verb, rule=item.rule, where=item.where, text=item.text
    )


def waiver_difference(base: Estate, head: Estate) -> tuple[FindingChange, ...]:
    """Compare the waivers of two estates."""
    return tuple(sorted(_waivers(base, head), key=lambda c: (c.danger.rank, c.rule, c.where)))


def _waivers(base: Estate, head: Estate) -> Iterator[FindingChange]:
    before = {(item.rule, item.resource): item for item in base.waivers}
    after = {(item.rule, item.resource): item for item in head.waivers}
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if new is None:
            verb, danger, text = Verb.REMOVED, Danger.NOTE, "the finding must be mended"
        elif old is None:
            verb, danger = Verb.ADDED, Danger.CAUTION
            text = f"until {new.expires}, {new.ticket}, {new.owner}: {new.reason}"
        else:
            longer = new.expires > old.expires
            verb, danger = Verb.CHANGED, Danger.CAUTION if longer else Danger.NOTE
            text = f"until {new.expires} (before: {old.expires}), {new.ticket}, {new.owner}"
        yield FindingChange(
            danger=danger, what="waiver", verb=verb, rule=key[0], where=key[1], text=text
        )
