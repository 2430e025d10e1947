"""Estates that differ in one thing, and the plans between them."""

import copy
from collections.abc import Callable, Collection
from datetime import date
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

import aws_cdk as cdk
import pytest
import yaml

from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone.plan import Assembly, Plan, Side, Template, make_plan, stack_inputs, touched
from mlzone.planning import planned_stacks
from mlzone_constructs.governance import Governance
from mlzone_stacks.landing_zone import FEATURE_FLAGS, Selection, build
from mlzone_tools.services.plan.assembly import digest
from mlzone_tools.services.plan.making import assemble_both, estate_digest, replacing

HERE = Path(__file__).parent
TODAY = date(2026, 11, 27)


Edit = list[Any]
"""A path such as `business_units.0.owner` and a value: null removes, `+` at the end adds."""


def edited(document: Any, edits: list[Edit]) -> Any:
    result = copy.deepcopy(document)
    for path, value in edits:
        *parents, last = path.split(".")
        target = result
        for part in parents:
            target = target[int(part)] if isinstance(target, list) else target.setdefault(part, {})
        if last == "+":
            target.append(value)
        elif value is None:
            del target[int(last) if isinstance(target, list) else last]
        else:
            target[int(last) if isinstance(target, list) else last] = value
    return result


def synthesized(estate: Estate, names: Collection[str]) -> dict[str, Any]:
    app = cdk.App(
        analytics_reporting=False,
        tree_metadata=False,
        stack_traces=False,
        builtin_cloud_formation_validation=False,
        context=FEATURE_FLAGS,
    )
    here = [stack.name for stack in planned_stacks(estate) if stack.name in names]
    if not here:
        return {}
    build(app, Governance(estate=estate), Selection(stacks=frozenset(here)))
    assembly = app.synth()
    return {name: assembly.get_stack_by_name(name).template for name in here}


@pytest.fixture(scope="session")
def changed() -> Callable[[Any, list[Edit]], Any]:
    """Return a function that edits a copy of a document."""
    return edited


@pytest.fixture(scope="session")
def document() -> Any:
    return yaml.safe_load((HERE / "estate.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def estate_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], Estate]:
    """Load an estate from a document, beside the identity provider's metadata."""

    def load(document: Any) -> Estate:
        folder = tmp_path_factory.mktemp("estate")
        (folder / "identity").symlink_to(HERE / "identity")
        path = folder / "estate.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return load_estate(path, today=TODAY)

    return load


@pytest.fixture(scope="session")
def templates_of() -> Callable[[Estate, Collection[str]], Assembly]:
    """Synthesize stacks; each is made once, whatever the number of cases that need it."""
    known: dict[tuple[str, str], Any] = {}
    one_at_a_time = Lock()  # jsii has one kernel a process.

    def assemble(estate: Estate, names: Collection[str]) -> Assembly:
        keys = stack_inputs(estate)
        missing = {name for name in names if name in keys and (name, keys[name]) not in known}
        with one_at_a_time:
            for name, template in synthesized(estate, missing).items():
                known[name, keys[name]] = template
        stacks = [stack for stack in planned_stacks(estate) if stack.name in names]
        return Assembly(
            templates=tuple(
                Template(
                    stack=stack.name,
                    account=stack.account,
                    region=stack.region,
                    content=known[stack.name, keys[stack.name]],
                )
                for stack in stacks
            ),
            digests={
                stack.name: digest(stack, known[stack.name, keys[stack.name]]) for stack in stacks
            },
            findings=(),
        )

    return assemble


@pytest.fixture(scope="session")
def plan_of(
    estate_of: Callable[[Any], Estate],
    templates_of: Callable[[Estate, Collection[str]], Assembly],
) -> Callable[[Any, Any], Plan]:
    """Plan the change from one document to another."""

    def plan(before: Any, after: Any) -> Plan:
        old, new = estate_of(before), estate_of(after)
        before, after = assemble_both(
            (old, partial(templates_of, old)),
            (new, partial(templates_of, new)),
            touched(stack_inputs(old), stack_inputs(new)),
        )
        return make_plan(
            base=(_side("base", old), old, before),
            head=(_side("head", new), new, after),
            replacing=replacing,
            today=TODAY,
        )

    return plan


def _side(name: str, estate: Estate) -> Side:
    return Side(revision=name, estate=estate_digest(estate), code="same")
