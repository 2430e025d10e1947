"""Compares the working tree, or a revision, with another revision."""

import hashlib
import json
import subprocess
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path

import yaml

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.loading import EstateError, load_estate
from mlzone.loading.load import WAIVERS_FILE
from mlzone.plan import (
    Assembly,
    Plan,
    Side,
    make_plan,
    moved_parameters,
    stack_inputs,
    touched,
)
from mlzone.planning import planned_stacks
from mlzone.waiving import matches
from mlzone_cloud.cfn.schema import find_schema
from mlzone_tools.services import estate as estates
from mlzone_tools.services.assembly.code import code_digest
from mlzone_tools.services.plan.assembly import Revision, assemble
from mlzone_tools.services.revision import at_revision

WORKING_TREE = "working tree"


def plan_against(location: Path, *, base: str, today: date | None = None) -> Plan:
    """Compare an estate, as it lies on the disk, with a revision of its repository.

    Args:
        location: the estate's folder or file.
        base: a commit, branch or tag.
        today: the day against which allowances are judged; the current day unless given.

    Raises:
        ConfigError: one of the estates is invalid, or the revision is missing or unrelated.
    """
    today = today or date.today()  # noqa: DTZ011 - an expiry is a day of the calendar
    head = estates.load(location)
    commit, day = _commit(location, base)
    with _code_at(location, base) as (code, before), at_revision(location, base) as place:
        now = code_digest(Path())
        old_estate = _valid_base(place, base, day)
        _drop_expired(place, today)
        old = Revision(
            estate=old_estate,
            location=place,
            code=code if before != now else None,
            code_digest=before,
            today=today,
        )
        new = Revision(estate=head, location=location, code=None, code_digest=now, today=today)
        before_assembly, after_assembly = assemble_both(
            (old.estate, partial(assemble, old)),
            (new.estate, partial(assemble, new)),
            _can_differ(old, new),
        )
        return make_plan(
            base=(side(commit, old), old.estate, before_assembly),
            head=(side(WORKING_TREE, new), new.estate, after_assembly),
            replacing=replacing,
            today=today,
        )


Assembling = tuple[Estate, Callable[[Collection[str]], Assembly]]
"""An estate, and what synthesizes some of its stacks."""


def assemble_both(
    old: Assembling, new: Assembling, names: Collection[str]
) -> tuple[Assembly, Assembly]:
    """Synthesize what can differ, and then what hears of it through parameters.

    A network that is replaced has another id: the stacks in its account that read the id are
    changed by it, although their templates are the same.
    """
    before, after = _side_by_side(old, new, names)
    moved = moved_parameters(before.templates, after.templates, replacing)
    places = {(account, region) for account, region, _ in moved}
    reading = {
        stack.name
        for estate, _ in (old, new)
        for stack in planned_stacks(estate)
        if (stack.account, stack.region) in places
    }
    if reading <= set(names):
        return before, after
    return _side_by_side(old, new, {*names, *reading})


def _side_by_side(
    old: Assembling, new: Assembling, names: Collection[str]
) -> tuple[Assembly, Assembly]:
    with ThreadPoolExecutor(max_workers=2) as workers:
        made = [workers.submit(assembling, names) for _, assembling in (old, new)]
        return made[0].result(), made[1].result()


def side(revision: str, of: Revision) -> Side:
    """Return how a plan names one of its sides."""
    return Side(revision=revision, estate=estate_digest(of.estate), code=of.code_digest)


def estate_digest(estate: Estate) -> str:
    """Return a digest of everything that an estate says."""
    parts = [
        estate.organization.model_dump(mode="json"),
        [unit.model_dump(mode="json") for unit in estate.units],
        [waiver.model_dump(mode="json") for waiver in estate.waivers],
        [allowance.model_dump(mode="json") for allowance in estate.allowances],
        (estate.folder / estate.organization.identity.saml_metadata).read_text(encoding="utf-8"),
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _can_differ(old: Revision, new: Revision) -> frozenset[str]:
    before, after = stack_inputs(old.estate), stack_inputs(new.estate)
    if old.code_digest != new.code_digest:
        return frozenset({*before, *after})
    names = touched(before, after)
    patterns = {item.resource for item in {*old.estate.waivers} ^ {*new.estate.waivers}}
    return names | {
        stack.name
        for stack in planned_stacks(new.estate)
        for pattern in patterns
        if pattern.startswith("**") or matches(pattern.partition("/")[0], stack.name)
    }


def replacing(type_name: str, region: str, before: object, after: object) -> tuple[str, ...]:
    """Return the properties whose change replaces a resource, by its official schema."""
    schema = find_schema(type_name, region)
    return tuple(schema.replaced_by(before, after)) if schema else ()  # type: ignore[arg-type]


# --- the base -----------------------------------------------------------------------------------


def _valid_base(place: Path, base: str, day: date) -> Estate:
    """Load the base as it was judged on the day of its commit."""
    try:
        return load_estate(place, today=day)
    except EstateError as error:
        listing = "\n".join(f"  {problem}" for problem in error.problems).replace(
            str(place.parent), base
        )
        raise ConfigError(
            f"the estate is invalid at {base}, so that nobody can tell what the change does:\n"
            f"{listing}",
            hint="compare with the last revision that is valid; `git log -- organization` has them",
        ) from error


def _drop_expired(place: Path, today: date) -> None:
    """Take the waivers that have expired since out of a copy of an estate: they waive nothing."""
    path = place / WAIVERS_FILE if place.is_dir() else place
    if path.exists():
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        content["waivers"] = [
            item for item in content.get("waivers", ()) if item["expires"] >= today
        ]
        path.write_text(yaml.safe_dump(content), encoding="utf-8")


def _commit(location: Path, base: str) -> tuple[str, date]:
    """Return the commit of a revision, and its day.

    Raises:
        ConfigError: there is none, or it shares no history with what is checked out.
    """
    folder = location if location.is_dir() else location.parent
    found = _git(folder, "log", "-1", "--format=%H %cs", "--end-of-options", base, "--")
    if found is None:
        raise ConfigError(
            f'git knows no revision "{base}"',
            hint="give a commit, branch or tag; a shallow clone has few: git fetch --unshallow",
        )
    commit, _, day = found.partition(" ")
    if _git(folder, "merge-base", commit, "HEAD") is None:
        raise ConfigError(
            f'"{base}" shares no history with what is checked out; nothing can be compared',
            hint="give the branch that the change is to be merged into",
        )
    return commit, date.fromisoformat(day)


@contextmanager
def _code_at(location: Path, base: str) -> Iterator[tuple[Path | None, str]]:
    """Give the code of a revision and its digest.

    An estate may have a repository of its own; then the code is the one that runs.
    """
    folder = location if location.is_dir() else location.parent
    root = Path()
    if _git(folder, "rev-parse", "--show-toplevel") != _git(root, "rev-parse", "--show-toplevel"):
        yield None, code_digest(root)
        return
    with at_revision(root, base) as code:
        yield code, code_digest(code)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git answers, or None where it refuses."""
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False
    )
    answer = result.stdout.strip()
    return answer if result.returncode == 0 and answer else None
