"""Rules about templates as a whole: CloudFormation's limits, and references that lead somewhere."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mlzone.rules.assembly import Assembly, Resource, Template
from mlzone.rules.rule import Row, Rule, Verdict

_MOST_RESOURCES = 450
_MOST_BYTES = 900_000
_MOST_DYNAMIC_REFERENCES = 60
_IN_TEXT = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")
_FUNCTIONS = frozenset(
    f"Fn::{name}"
    for name in (
        *("And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals"),
        *("FindInMap", "GetAZs", "GetAtt", "GetStackOutput", "If", "ImportValue", "Join"),
        *("Length", "Not", "Or", "RefAll", "Select", "Split", "Sub", "ToJsonString"),
        *("Transform", "ValueOf", "ValueOfAll"),
    )
)
"""CloudFormation's functions, but the loop `Fn::ForEach::Name`."""


class TemplateRule(Rule):
    """A rule about a template; it answers once a template."""

    types = ()

    def judge(self, assembly: Assembly) -> Iterator[Row]:
        """Answer for every template."""
        for template in assembly.templates:
            place = Resource(template, "-", {"Type": "Template"})
            try:
                problem = self.problem(place, assembly)
            except Exception as error:  # noqa: BLE001 - whatever a rule cannot read must not pass
                yield self._answer(Verdict.ERROR, place, f"the rule failed: {error!r}")
                continue
            verdict = Verdict.FAIL if problem else Verdict.PASS
            yield self._answer(verdict, place, problem or "")


class TemplatesFit(TemplateRule):
    """A stack that has grown to CloudFormation's limit cannot be mended.

    Anti-pattern: one stack for everything.
    Best practice: room to grow: 450 of 500 resources, 900 kB of 1 MB, 60 dynamic references.
    """

    id = "MLZ-TEMPLATE-001"
    control = "GOV-01"
    fix = "split the stack along teams or models"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Count."""
        del assembly
        template = resource.template
        written = json.dumps(template.body, default=str)
        for what, count, most in (
            ("resources", len(template.resources), _MOST_RESOURCES),
            ("bytes", _size(template), _MOST_BYTES),
            ("dynamic references", written.count("{{resolve:"), _MOST_DYNAMIC_REFERENCES),
        ):
            if count > most:
                return f"{count} {what}; at most {most}"
        return None


def _size(template: Template) -> int:
    """Return the size of a template as the CDK writes it, though it may not be written yet."""
    if template.path.exists():
        return template.path.stat().st_size
    return len(json.dumps(template.body, indent=1, default=str))


class ReferencesLeadSomewhere(TemplateRule):
    """A reference to what is not there fails when somebody deploys.

    Anti-pattern: a logical id that was renamed in one place.
    Best practice: let the CDK write references.
    """

    id = "MLZ-TEMPLATE-002"
    control = "GOV-01"
    fix = "refer to a resource or parameter of the template, as CloudFormation writes it"

    def problem(self, resource: Resource, assembly: Assembly) -> str | None:
        """Follow every reference of the resources."""
        del assembly
        template = resource.template
        known = {
            *(item.logical_id for item in template.resources),
            *(template.body.get("Parameters") or {}),
        }
        for item in template.resources:
            if not isinstance(item.raw.get("Type"), str):
                return f"{item.logical_id} has no type"
            for found in broken(item.raw.get("Properties"), known):
                return f"{item.logical_id}: {found}"
        return None


def broken(value: Any, known: set[str]) -> Iterator[str]:
    """Yield what is wrong with the functions in a value."""
    if isinstance(value, list):
        for item in value:
            yield from broken(item, known)
    if not isinstance(value, dict):
        return
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name in _CHECKS:
            yield from _CHECKS[name](argument, known)
            return
        unknown = str(name).startswith("Fn::") and name not in _FUNCTIONS
        if unknown and not name.startswith("Fn::ForEach::"):
            yield f"{name} is no function of CloudFormation"
    for item in value.values():
        yield from broken(item, known)


def _reference(argument: Any, known: set[str]) -> Iterator[str]:
    if not isinstance(argument, str):
        yield f"Ref has {argument!r}; it takes a name"
    elif argument not in known and not argument.startswith("AWS::"):
        yield f"{argument} is neither a resource nor a parameter"


def _substitution(argument: Any, known: set[str]) -> Iterator[str]:
    pattern, own = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})
    if not isinstance(pattern, str) or not isinstance(own, dict):
        yield f"Fn::Sub has {argument!r}; it takes a text, and values for its names"
        return
    for name in _IN_TEXT.findall(pattern):
        yield from _reference(name.split(".")[0], known | set(own))
    yield from broken(own, known)


def _attribute(argument: Any, known: set[str]) -> Iterator[str]:
    parts = argument if isinstance(argument, list) else str(argument).split(".", 1)
    if len(parts) != 2 or not isinstance(parts[0], str):  # noqa: PLR2004
        yield f"Fn::GetAtt has {argument!r}; it takes a resource and an attribute"
    else:
        yield from _reference(parts[0], known)


_CHECKS: Mapping[str, Callable[[Any, set[str]], Iterator[str]]] = {
    "Ref": _reference,
    "Fn::GetAtt": _attribute,
    "Fn::Sub": _substitution,
}

RULES: tuple[type[Rule], ...] = (TemplatesFit, ReferencesLeadSomewhere)
"""The rules of this subject."""
