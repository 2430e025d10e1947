"""Synthesizes the stacks of one side of a comparison that can differ."""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mlzone import rules
from mlzone.estate import Estate
from mlzone.plan import Assembly, OpenFinding, Template
from mlzone.planning import PlannedStack, planned_stacks
from mlzone.rules.waived import acknowledge
from mlzone_tools.services import synthesis
from mlzone_tools.services.assembly import Source, parts_of
from mlzone_tools.services.assembly.part import report_of


@dataclass(frozen=True, kw_only=True)
class Revision:
    """One side of a comparison, where it lies."""

    estate: Estate
    location: Path
    """The estate's folder or file."""
    code: Path | None
    """The folder of the code; None for the code that runs."""
    code_digest: str
    today: date
    """The day against which waivers expire."""


def assemble(
    revision: Revision, names: Collection[str], *, talk: Callable[[str], None] = lambda _: None
) -> Assembly:
    """Return the templates of some stacks of a revision; those it does not have are left out."""
    stacks = [stack for stack in planned_stacks(revision.estate) if stack.name in names]
    if not stacks:
        return Assembly(templates=(), digests={}, findings=())
    source = Source(
        estate=revision.estate,
        location=revision.location,
        code=revision.code,
        code_digest=revision.code_digest,
    )
    frame, parts = parts_of(source, [stack.name for stack in stacks], talk=talk)
    contents = {name: part.template(name) for name, part in parts.items()}
    report = report_of(frame, parts.values())
    found = [*synthesis.reported_findings(report), *_own(revision, contents)]
    return Assembly(
        templates=tuple(
            Template(
                stack=stack.name,
                account=stack.account,
                region=stack.region,
                content=contents[stack.name],
            )
            for stack in stacks
        ),
        digests={stack.name: digest(stack, contents[stack.name]) for stack in stacks},
        findings=tuple(
            OpenFinding(rule=item.rule, where=item.construct, text=item.description)
            for item in found
        ),
    )


def digest(stack: PlannedStack, template: Mapping[str, Any]) -> str:
    """Return a digest of a template and of where it goes."""
    text = json.dumps(template, sort_keys=True)
    place = f"{stack.name}\0{stack.account}\0{stack.region}\0"
    return hashlib.sha256((place + text).encode()).hexdigest()


def _own(revision: Revision, contents: Mapping[str, dict[str, Any]]) -> Iterator[synthesis.Finding]:
    """Yield what our own rules find; code of another revision asks its own rules itself."""
    if revision.code is None:
        assembly = rules.Assembly(
            tuple(
                rules.Template(name=name, path=Path(f"{name}.template.json"), body=body)
                for name, body in contents.items()
            )
        )
        judgement = acknowledge(
            rules.judge(assembly, today=revision.today), revision.estate.waivers
        )
        yield from synthesis.own_findings(judgement)
