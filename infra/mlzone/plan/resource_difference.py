"""Compares the templates of two assemblies by what an update does to each resource."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlzone.plan.change import Danger, Effect, ResourceChange
from mlzone.plan.stateful import HOLDS

Json = Mapping[str, Any]

Replacing = Callable[[str, str, Json, Json], tuple[str, ...]]
"""Given a type, a Region and a resource's properties before and after: the properties whose change
replaces it. The official resource schemas know."""

Parameter = tuple[str, str, str]
"""A parameter of Systems Manager: its account, Region and name."""

_IGNORED = frozenset({"AWS::CDK::Metadata"})
_ASPECTS = ("Condition", "DeletionPolicy", "UpdateReplacePolicy", "UpdatePolicy")


@dataclass(frozen=True, kw_only=True)
class Template:
    """A stack's template, in its Region."""

    stack: str
    account: str
    region: str
    content: Json

    @property
    def place(self) -> tuple[str, str, str]:
        """What makes it the same stack: a name in another account is another stack."""
        return self.stack, self.account, self.region

    @property
    def resources(self) -> dict[str, Json]:
        """The resources that cost or do something."""
        return {
            name: resource
            for name, resource in self.content.get("Resources", {}).items()
            if resource["Type"] not in _IGNORED
        }


def resource_difference(
    base: Iterable[Template], head: Iterable[Template], replacing: Replacing
) -> tuple[ResourceChange, ...]:
    """Return what deploying the head over the base does, the dangerous first."""
    before = {template.place: template for template in base}
    after = {template.place: template for template in head}
    changes: list[ResourceChange] = []
    moved = moved_parameters(before.values(), after.values(), replacing)
    for place in sorted({*before, *after}):
        old, new = before.get(place), after.get(place)
        changes += _come_and_gone(place[0], old, new)
        if old and new:
            changes += _staying(old, new, replacing, moved)
    return tuple(sorted(changes, key=lambda c: (c.danger.rank, c.stack, c.type, c.logical_id)))


def moved_parameters(
    base: Iterable[Template], head: Iterable[Template], replacing: Replacing
) -> frozenset[Parameter]:
    """Return the parameters that will hold another resource's id.

    Stacks know each other by parameters: what is replaced in one reaches the others through them.
    """
    before = {template.place: template for template in base}
    pairs = [(before[item.place], item) for item in head if item.place in before]
    moved: frozenset[Parameter] = frozenset()
    while True:
        found = moved | {
            parameter
            for old, new in pairs
            for parameter in _written(new, _replaced(old, new, replacing, moved))
        }
        if found == moved:
            return moved
        moved = found


def _written(template: Template, replaced: Iterable[str]) -> Iterator[Parameter]:
    names = set(replaced)
    for resource in template.resources.values():
        if resource["Type"] != "AWS::SSM::Parameter":
            continue
        name, value = (_properties(resource).get(key) for key in ("Name", "Value"))
        if isinstance(name, str) and names & set(_references(value)):
            yield template.account, template.region, name


def _read(template: Template, moved: Iterable[Parameter]) -> set[str]:
    """Return the template's own names of the moved parameters that it reads."""
    names = {
        name
        for account, region, name in moved
        if (account, region) == (template.account, template.region)
    }
    return {
        own
        for own, parameter in template.content.get("Parameters", {}).items()
        if str(parameter.get("Type")).startswith("AWS::SSM::Parameter::Value")
        and parameter.get("Default") in names
    }


def _come_and_gone(
    stack: str, base: Template | None, head: Template | None
) -> Iterator[ResourceChange]:
    old = base.resources if base else {}
    new = head.resources if head else {}
    for name in sorted(old.keys() - new.keys()):
        yield _deleted(stack, name, old[name])
    for name in sorted(new.keys() - old.keys()):
        yield ResourceChange(
            danger=Danger.NOTE,
            effect=Effect.ADDED,
            stack=stack,
            type=new[name]["Type"],
            logical_id=name,
        )


def _staying(
    base: Template, head: Template, replacing: Replacing, moved: Iterable[Parameter]
) -> Iterator[ResourceChange]:
    causes = _replaced(base, head, replacing, moved)
    other = {*causes, *_read(head, moved)}
    for name, (was, now) in _both(base, head).items():
        if name in causes:
            yield _replacement(head.stack, name, was, now, causes[name])
            continue
        properties = tuple(_changed(was, now))
        properties += tuple(sorted(_users(now, other) - set(properties)))
        if properties:
            yield ResourceChange(
                danger=Danger.NOTE,
                effect=Effect.CHANGED,
                stack=head.stack,
                type=now["Type"],
                logical_id=name,
                properties=properties,
            )


def _both(base: Template, head: Template) -> dict[str, tuple[Json, Json]]:
    old, new = base.resources, head.resources
    return {name: (old[name], new[name]) for name in sorted(old.keys() & new.keys())}


def _replaced(
    base: Template, head: Template, replacing: Replacing, moved: Iterable[Parameter]
) -> dict[str, tuple[str, ...]]:
    """Return the replaced resources with what replaces them.

    A replaced resource has another physical id: whoever names it in a property that cannot change
    is replaced in its turn.
    """
    both, region = _both(base, head), head.region
    causes: dict[str, tuple[str, ...]] = {}
    for name, (was, now) in both.items():
        if was["Type"] != now["Type"]:
            causes[name] = ("Type",)
        elif found := replacing(now["Type"], region, _properties(was), _properties(now)):
            causes[name] = found
    spreading = {*causes, *_read(head, moved)}
    while spreading:
        marked: set[str] = set()
        for name, (_, now) in both.items():
            if name in causes or not _users(now, spreading):
                continue
            other = _other_ids(_properties(now), spreading)
            if found := replacing(now["Type"], region, _properties(now), other):
                causes[name] = found
                marked.add(name)
        spreading = marked
    return causes


def _other_ids(value: Any, replaced: Iterable[str]) -> Any:
    """Return properties in which the ids of replaced resources differ."""
    names = set(replaced)
    if isinstance(value, dict):
        if _reference(value) in names:
            return {"Ref": "another physical id"}
        return {key: _other_ids(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_other_ids(item, names) for item in value]
    return value


def _users(resource: Json, replaced: Iterable[str]) -> set[str]:
    """Return the properties of a resource that name one of the replaced."""
    names = set(replaced)
    if not names:
        return set()
    return {key for key, value in _properties(resource).items() if names & set(_references(value))}


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if name := _reference(value):
            yield name
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _reference(value: Json) -> str:
    if isinstance(value.get("Ref"), str):
        return str(value["Ref"])
    target = value.get("Fn::GetAtt")
    if isinstance(target, list):
        return str(target[0])
    return str(target).partition(".")[0] if isinstance(target, str) else ""


def _changed(was: Json, now: Json) -> Iterator[str]:
    before, after = _properties(was), _properties(now)
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield key
    for aspect in _ASPECTS:
        if was.get(aspect) != now.get(aspect):
            yield aspect


def _properties(resource: Json) -> Json:
    properties: Json = resource.get("Properties") or {}
    return properties


def _replacement(
    stack: str, name: str, was: Json, now: Json, causes: tuple[str, ...]
) -> ResourceChange:
    holds = HOLDS.get(was["Type"], "")
    kept = was.get("UpdateReplacePolicy", "Delete").startswith("Retain")
    loss = f"the new one begins empty; the old one stays, with {holds}" if kept else holds
    return ResourceChange(
        danger=Danger.DANGER if holds else Danger.CAUTION,
        effect=Effect.REPLACED,
        stack=stack,
        type=now["Type"],
        logical_id=name,
        properties=causes,
        loss=loss if holds else "",
    )


def _deleted(stack: str, name: str, resource: Json) -> ResourceChange:
    holds = HOLDS.get(resource["Type"], "")
    kept = resource.get("DeletionPolicy", "Delete").startswith("Retain")
    danger = Danger.CAUTION if kept else Danger.DANGER if holds else Danger.NOTE
    return ResourceChange(
        danger=danger,
        effect=Effect.KEPT if kept else Effect.DELETED,
        stack=stack,
        type=resource["Type"],
        logical_id=name,
        loss="" if kept else holds,
    )
