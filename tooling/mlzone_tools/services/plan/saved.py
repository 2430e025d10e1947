"""Keeps a plan in a file, and holds a deployment to it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from mlzone.errors import ConfigError, GovernanceError
from mlzone.estate import Estate
from mlzone.plan import Plan
from mlzone.plan.plan import FORMAT
from mlzone.planning import planned_stacks
from mlzone_tools.services.assembly.code import code_digest
from mlzone_tools.services.estate import write_text
from mlzone_tools.services.plan.assembly import digest
from mlzone_tools.services.plan.making import estate_digest


@dataclass(frozen=True, kw_only=True)
class SavedPlan:
    """What a deployment must know of a plan."""

    estate: str
    code: str
    stacks: Mapping[str, str]
    """The digest of each stack that is added or changed."""
    removals: tuple[tuple[str, str, str], ...]
    """The stacks that go, in this order: name, account and Region."""
    blockers: tuple[str, ...]
    approvals: Mapping[str, tuple[str, ...]]
    """Who must agree: people by their role in the change."""


def save(plan: Plan, path: Path) -> None:
    """Write a plan whole or not at all."""
    write_text(path, json.dumps(_plain(plan), indent=2, ensure_ascii=False) + "\n")


def read(path: Path) -> SavedPlan:
    """Read a saved plan.

    Raises:
        ConfigError: the file is no plan, or one of another version of this program.
    """
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        form = raw["format"]
        found = SavedPlan(
            estate=raw["head"]["estate"],
            code=raw["head"]["code"],
            stacks={item["stack"]: item["digest"] for item in raw["stacks"] if item["digest"]},
            removals=_removals(raw),
            blockers=tuple(item["what"] for item in raw["blockers"]),
            approvals={item["role"]: tuple(item["people"]) for item in raw["approvals"]},
        )
    except (OSError, ValueError, KeyError, TypeError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path} is no plan", hint="make one with `mlzone plan --base REVISION --out FILE`"
        ) from error
    if form != FORMAT:
        raise ConfigError(f"{path} has format {form}; expected {FORMAT}", hint="plan again")
    return found


def _removals(raw: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """Return the stacks that go; one that moves to another account keeps its name, and is not told.

    A plan has no account of the old place of those: they are removed by hand.
    """
    gone = {item["stack"]: item for item in raw["stacks"] if not item["digest"]}
    return tuple(
        (name, gone[name]["account"], gone[name]["region"])
        for name in raw["removals"]
        if name in gone
    )


def require_current(plan: SavedPlan, estate: Estate) -> None:
    """Check that a plan is of this estate and this code, and that nothing blocks it.

    Raises:
        GovernanceError: it is not, or something does.
    """
    if plan.blockers:
        listing = "\n".join(f"  {item}" for item in plan.blockers)
        raise GovernanceError(f"the plan is blocked:\n{listing}", hint="mend it and plan again")
    old = [
        name
        for name, planned, now in (
            ("estate", plan.estate, estate_digest(estate)),
            ("code", plan.code, code_digest(Path())),
        )
        if planned != now
    ]
    if old:
        raise GovernanceError(
            f"the plan is older than the {' and the '.join(old)}: what it promises is not what "
            "would be deployed",
            hint="plan again, and have the new plan approved",
        )


def require_same(plan: SavedPlan, estate: Estate, assembly: Path) -> None:
    """Check that an assembly is, byte for byte, what was planned.

    Raises:
        GovernanceError: a template differs.
    """
    for stack in planned_stacks(estate):
        path = assembly / f"{stack.name}.template.json"
        planned = plan.stacks.get(stack.name)
        if planned and path.exists():
            template = json.loads(path.read_text(encoding="utf-8"))
            if digest(stack, template) != planned:
                raise GovernanceError(
                    f"{stack.name} is not what was planned", hint="plan again on this machine"
                )


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, Enum) else value
