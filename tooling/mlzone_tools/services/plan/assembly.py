"""Synthesizes the stacks that can differ, and remembers them by what they are made from."""

import hashlib
import json
import tempfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from mlzone.estate import Estate
from mlzone.plan import Assembly, OpenFinding, Template, stack_inputs
from mlzone.planning import PlannedStack, planned_stacks
from mlzone_tools.services.estate import write_text
from mlzone_tools.services.synthesis import Synthesis, synthesize

CACHE = Path(".mlzone/plan")


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


def assemble(revision: Revision, names: Collection[str]) -> Assembly:
    """Return the templates of some stacks of a revision; those it does not have are left out."""
    keys = _keys(revision)
    stacks = [stack for stack in planned_stacks(revision.estate) if stack.name in names]
    known = {stack.name: _read(keys[stack.name]) for stack in stacks}
    missing = sorted(name for name, content in known.items() if content is None)
    if missing:
        with tempfile.TemporaryDirectory(prefix="mlzone-plan-") as folder:
            made = synthesize(
                output=Path(folder),
                estate=revision.location,
                stacks=missing,
                code=revision.code,
                engine=False,
            )
            for name in missing:
                known[name] = _content(made, name)
                _write(keys[name], known[name])
    contents = {name: content for name, content in known.items() if content is not None}
    return Assembly(
        templates=tuple(
            Template(
                stack=stack.name,
                account=stack.account,
                region=stack.region,
                content=contents[stack.name]["template"],
            )
            for stack in stacks
        ),
        digests={stack.name: digest(stack, contents[stack.name]["template"]) for stack in stacks},
        findings=tuple(
            OpenFinding(**item) for content in contents.values() for item in content["findings"]
        ),
    )


def digest(stack: PlannedStack, template: Mapping[str, Any]) -> str:
    """Return a digest of a template and of where it goes."""
    text = json.dumps(template, sort_keys=True)
    place = f"{stack.name}\0{stack.account}\0{stack.region}\0"
    return hashlib.sha256((place + text).encode()).hexdigest()


def _keys(revision: Revision) -> dict[str, str]:
    """Return the name under which each stack is remembered: all that it is made from."""
    waivers = json.dumps(
        [
            waiver.model_dump(mode="json")
            for waiver in revision.estate.waivers
            if waiver.expires >= revision.today
        ],
        sort_keys=True,
    )
    return {
        name: hashlib.sha256(f"{revision.code_digest}\0{inputs}\0{waivers}".encode()).hexdigest()
        for name, inputs in stack_inputs(revision.estate).items()
    }


def _content(made: Synthesis, name: str) -> dict[str, Any]:
    path = made.folder / f"{name}.template.json"
    return {
        "template": json.loads(path.read_text(encoding="utf-8")),
        "findings": [asdict(item) for item in _findings(made, name)],
    }


def _findings(made: Synthesis, name: str) -> Iterator[OpenFinding]:
    for item in made.findings:
        if item.construct.partition("/")[0] == name:
            yield OpenFinding(rule=item.rule, where=item.construct, text=item.description)


def _read(key: str) -> dict[str, Any] | None:
    try:
        content: dict[str, Any] = json.loads((CACHE / f"{key}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return content


def _write(key: str, content: Any) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    write_text(CACHE / f"{key}.json", json.dumps(content, sort_keys=True))
