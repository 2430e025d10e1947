"""A plan in words, part by part; text and Markdown lay out the same lines."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlzone.access import AccessChange
from mlzone.plan import Danger, Effect, EstateChange, Plan, ResourceChange, Verb
from mlzone.plan.change import CostLine, FindingChange

SIGNS = {Danger.DANGER: "!!", Danger.CAUTION: "!", Danger.NOTE: "-"}


@dataclass(frozen=True, kw_only=True)
class Section:
    """One part of a plan."""

    title: str
    lines: tuple[str, ...]
    open: bool = False
    """Whether it is read without being asked for."""


def sections(plan: Plan) -> Iterator[Section]:
    """Yield the parts of a plan that have something to say, the dangerous first."""
    candidates = (
        Section(
            title="Blocked",
            lines=tuple(f"!! {item.what}; {item.fix}" for item in plan.blockers),
            open=True,
        ),
        Section(
            title="Data that is lost",
            lines=tuple(_resource(item) for item in plan.resources if _loses(item)),
            open=True,
        ),
        Section(
            title="Who must approve",
            lines=tuple(
                f"{item.role} ({' or '.join(item.people) or 'nobody is named'}): "
                f"{'; '.join(_first(item.reasons, 6))}"
                for item in plan.approvals
            ),
            open=True,
        ),
        Section(title="Estate", lines=tuple(map(_estate, plan.estate)), open=True),
        Section(
            title="Access",
            lines=(
                *_access("gained", plan.access.gained),
                *_access("lost", plan.access.lost),
            ),
        ),
        Section(title="Findings and waivers", lines=tuple(map(_finding, plan.findings))),
        Section(title=_cost_title(plan), lines=_cost(plan)),
        Section(
            title="Quotas to raise first",
            lines=tuple(
                f"{item.quota} in {item.account} ({item.region}): {item.needed} needed, "
                f"{item.limit} by default; ask: {item.request}"
                for item in plan.quotas
            ),
            open=True,
        ),
        Section(title="Removal, in this order", lines=_removals(plan)),
        Section(
            title="Resources",
            lines=tuple(_resource(item) for item in plan.resources if not _loses(item)),
        ),
        Section(
            title="Stacks, in the order of deployment",
            lines=tuple(
                f"{item.verb.value} {item.stack} in {item.account} ({item.region})"
                for item in plan.stacks
            ),
        ),
    )
    return (section for section in candidates if section.lines)


def summary(plan: Plan) -> str:
    """Return a plan in one sentence."""
    if not plan.changed:
        return f"nothing changes against {plan.base.revision[:12]}"
    counts = dict.fromkeys(Effect, 0)
    for resource in plan.resources:
        counts[resource.effect] += 1
    resources = ", ".join(f"{count} {effect.value}" for effect, count in counts.items() if count)
    verdict = (
        f"blocked for {_counted(len(plan.blockers), 'reason')}" if plan.blockers else "not blocked"
    )
    return (
        f"{verdict}; {_counted(len(plan.estate), 'change')} of the estate, "
        f"{_counted(len(plan.stacks), 'stack')}; resources: {resources or 'none'}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' if number != 1 else ''}"


def _loses(change: ResourceChange) -> bool:
    return change.effect in (Effect.DELETED, Effect.REPLACED) and bool(change.loss)


def _first(items: tuple[str, ...], most: int) -> tuple[str, ...]:
    if len(items) <= most:
        return items
    return (*items[:most], f"and {len(items) - most} more reasons")


def _estate(change: EstateChange) -> str:
    what = f"{SIGNS[change.danger]} {change.kind} {change.subject} {change.verb.value}"
    if change.field:
        what += f": {change.field}"
    if change.verb in (Verb.ADDED, Verb.REMOVED) and (change.before or change.after):
        what += f": {change.before or change.after}"
    elif change.before or change.after:
        what += f" from {change.before or 'nothing'} to {change.after or 'nothing'}"
    return f"{what}; {change.note}" if change.note else what


def _resource(change: ResourceChange) -> str:
    text = (
        f"{SIGNS[change.danger]} {change.effect.value} {change.type} "
        f"{change.stack}/{change.logical_id}"
    )
    if change.properties:
        text += f" by {', '.join(change.properties)}"
    if change.loss:
        text += f"; lost: {change.loss}"
    return f"{text}; allowed by {change.allowed}" if change.allowed else text


def _access(word: str, changes: tuple[AccessChange, ...]) -> Iterator[str]:
    """Yield one line for each subject and what it can do, whatever the number of places."""
    places: dict[tuple[str, str, str], list[str]] = {}
    for change in changes:
        places.setdefault((change.kind.value, change.subject, change.what), []).append(change.where)
    sign = "+" if word == "gained" else "-"
    for (kind, subject, what), where in places.items():
        at = f" in {', '.join(item for item in where if item)}" if any(where) else ""
        yield f"{sign} {kind} {subject} {word}: {what}{at}"


def _finding(change: FindingChange) -> str:
    return (
        f"{SIGNS[change.danger]} {change.what} {change.verb.value}: {change.rule} on "
        f"{change.where}: {change.text}"
    )


def _cost_title(plan: Plan) -> str:
    cost = plan.cost
    missing = "" if cost.complete else ", without what has no price"
    return (
        f"Cost per month: {cost.before:,.0f} to {cost.after:,.0f} USD "
        f"({cost.after - cost.before:+,.0f}){missing}"
    )


def _cost(plan: Plan) -> tuple[str, ...]:
    if not plan.cost.lines:
        return ()
    return (
        *map(_cost_line, plan.cost.lines),
        *(f"assumed: {text}" for text in plan.cost.assumptions),
        plan.cost.priced,
    )


def _cost_line(line: CostLine) -> str:
    if line.problem:
        return f"!! {line.scope}: {line.item}: not known: {line.problem}"
    before, after = line.before or 0, line.after or 0
    return f"{line.scope}: {line.item}: {before:,.2f} to {after:,.2f} ({after - before:+,.2f})"


def _removals(plan: Plan) -> tuple[str, ...]:
    kept: dict[str, int] = {}
    for change in plan.resources:
        if change.effect is Effect.KEPT:
            kept[change.stack] = kept.get(change.stack, 0) + 1
    return tuple(
        f"{stack}" + (f"; {kept[stack]} resources with data or evidence are kept" if stack in kept
                      else "")
        for stack in plan.removals
    )  # fmt: skip
