"""What a rule is, and how all rules are run over the templates of an assembly."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

Outcome = Literal["PASS", "FAIL", "NOT_APPLICABLE", "ERROR"]

UNREADABLE = "MLZ-TEMPLATE-001"
"""The rule that every template can be read."""


@dataclass(frozen=True, kw_only=True)
class Resource:
    """A resource of a template."""

    template: str
    """The path of its template."""
    id: str
    """The logical id."""
    type: str
    properties: dict[str, Any]

    @property
    def tags(self) -> dict[str, Any]:
        """The resource's tags."""
        return {tag["Key"]: tag["Value"] for tag in self.properties.get("Tags", ())}

    @property
    def in_production(self) -> bool:
        """Whether its tags place it in production."""
        return self.tags.get("mlz:environment") == "prod"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What a rule says about a resource."""

    rule: str
    control: str
    outcome: Outcome
    template: str
    resource: str
    problem: str = ""


class Rule(ABC):
    """One rule; its docstring names the bad habit and the good one."""

    id: ClassVar[str]
    control: ClassVar[str]
    types: ClassVar[tuple[str, ...]]
    """The resource types that it looks at."""
    fix: ClassVar[str]

    def applies(self, resource: Resource) -> bool:
        """Whether a resource of the rule's types is meant."""
        del resource
        return True

    @abstractmethod
    def problems(self, resource: Resource, everything: list[Resource]) -> Iterable[str]:
        """Yield what is wrong with a resource among all resources of the assembly."""


def read(paths: Iterable[Path]) -> Iterator[Resource | Row]:
    """Yield the resources of templates; what cannot be read is an ERROR row."""
    for path in paths:
        try:
            template = json.loads(path.read_text(encoding="utf-8"))
            for logical_id, body in template.get("Resources", {}).items():
                yield Resource(
                    template=str(path),
                    id=logical_id,
                    type=body["Type"],
                    properties=dict(body.get("Properties", {})),
                )
        except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
            yield Row(
                rule=UNREADABLE,
                control="-",
                outcome="ERROR",
                template=str(path),
                resource="-",
                problem=f"not a CloudFormation template in JSON ({type(error).__name__}: {error})",
            )


def run(rules: Iterable[Rule], paths: Iterable[Path]) -> list[Row]:
    """Run rules over all templates at once; a rule that raises is an ERROR row."""
    found = list(read(paths))
    rows = [item for item in found if isinstance(item, Row)]
    everything = [item for item in found if isinstance(item, Resource)]
    for rule in rules:
        rows += [
            _row(rule, resource, everything)
            for resource in everything
            if resource.type in rule.types
        ]
    return rows


def _row(rule: Rule, resource: Resource, everything: list[Resource]) -> Row:
    outcome: Outcome = "NOT_APPLICABLE"
    problem = ""
    try:
        if rule.applies(resource):
            problem = "; ".join(rule.problems(resource, everything))
            outcome = "FAIL" if problem else "PASS"
    except Exception as error:  # noqa: BLE001 - fail closed, whatever the template holds
        outcome, problem = "ERROR", f"the rule broke: {type(error).__name__}: {error}"
    return Row(
        rule=rule.id,
        control=rule.control,
        outcome=outcome,
        template=resource.template,
        resource=resource.id,
        problem=problem,
    )
