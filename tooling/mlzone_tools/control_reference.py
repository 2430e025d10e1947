"""Writes the reference of controls: `python -m mlzone_tools.control_reference`.

Where a control is held, and which test shows that it is, is read from rules, theorems, detective
rules, the modules that name it, and the tests whose names begin with it: the page cannot promise
what nothing holds.
"""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mlzone.config_rule import CONFIG_RULES
from mlzone.control import TITLES, Control, controls
from mlzone.rules import RULES
from mlzone.theorem import THEOREMS

_ROOT = Path(__file__).parents[2]
_SOURCES = ("constructs", "infra", "pipeline_templates", "runtime", "stacks")
_TESTS = re.compile(r"^def (test_([A-Z]{3})_(\d{2})_\w+)", re.MULTILINE)
_NAMED = re.compile(r"\b[A-Z]{3}-\d{2}\b")
_ELSEWHERE = ("mlzone/rules/", "mlzone/theorem/", "mlzone/config_rule.py", "/tests/")
"""What is listed by itself, or holds nothing."""
_HEAD = """# Controls

Written by `python -m mlzone_tools.control_reference > docs/reference/controls.md` from the
catalogue (`infra/mlzone/controls.yaml`), the rules, the theorems and the names of tests.

A fatal control cannot be waived. Rules look at templates, at every synthesis and with
`mlzone check`; theorems hold for every request under the guardrails (`mlzone access prove`); AWS
Config's rules look after deployment. Which article of which framework a control answers is a
working map: counsel confirms it.
"""


@dataclass(frozen=True, kw_only=True)
class Held:
    """Where a control is held, and what shows it."""

    rules: tuple[str, ...]
    theorems: tuple[str, ...]
    config_rules: tuple[str, ...]
    modules: tuple[str, ...]
    """Paths of modules that hold it."""
    tests: tuple[str, ...]
    """`path::name`, or the path of a case file."""

    @property
    def somewhere(self) -> bool:
        """Whether anything holds it."""
        return bool(self.rules or self.theorems or self.config_rules or self.modules)


def held() -> dict[str, Held]:
    """Return where each control is held, by its id."""
    modules, tests = _modules(), _tests()
    return {name: _held(name, modules.get(name, []), tests.get(name, [])) for name in controls()}


def _held(control: str, modules: list[str], tests: list[str]) -> Held:
    own_rules = [rule for rule in RULES if rule.control == control]
    theorems = [theorem.id for theorem in THEOREMS if control in theorem.controls]
    files = [f"tests/rules/{rule.id}.yaml" for rule in own_rules]
    proofs = ["tests/guardrails/test_theorems.py"] if theorems else []
    return Held(
        rules=tuple(rule.id for rule in own_rules),
        theorems=tuple(theorems),
        config_rules=tuple(rule.identifier for rule in CONFIG_RULES if rule.control == control),
        modules=tuple(modules),
        tests=(*(file for file in files if (_ROOT / file).exists()), *proofs, *tests),
    )


def _modules() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for root in _SOURCES:
        for path in sorted((_ROOT / root).rglob("*.py")):
            name = path.relative_to(_ROOT).as_posix()
            if not any(part in name for part in _ELSEWHERE):
                for control in sorted(set(_NAMED.findall(path.read_text(encoding="utf-8")))):
                    found.setdefault(control, []).append(name)
    return found


def _tests() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in sorted((_ROOT / "tests").rglob("test_*.py")):
        for name, subject, number in _TESTS.findall(path.read_text(encoding="utf-8")):
            place = f"{path.relative_to(_ROOT).as_posix()}::{name}"
            found.setdefault(f"{subject}-{number}", []).append(place)
    return found


def render() -> str:
    """Return the page."""
    places = held()
    parts = [_HEAD, *(_section(item, places[item.id]) for item in controls().values()), *_rules()]
    return "\n".join(parts)


def _section(control: Control, place: Held) -> str:
    lines = [f"## {control.id}", "", f"{control.statement}. Severity: {control.severity}.", ""]
    if control.gap:
        lines += [f"**Not held yet:** {control.gap}", ""]
    rows = (
        ("Rules", [f"[{name}](#{name.lower()})" for name in place.rules]),
        ("Theorems", [f"`{name}`" for name in place.theorems]),
        ("AWS Config", [f"`{name}`" for name in place.config_rules]),
        ("Held in", [_link(name) for name in place.modules]),
        ("Shown by", [_link(name) for name in place.tests]),
        (
            "Asked for by",
            [
                f"{TITLES[framework]}: {', '.join(parts)}"
                for framework, parts in control.frameworks.items()
            ],
        ),
    )
    lines += [f"- {title}: {'; '.join(items)}" for title, items in rows if items]
    return "\n".join([*lines, f"- Evidence: {control.evidence}", ""])


def _link(place: str) -> str:
    path, _, name = place.partition("::")
    return f"[{name or path.removeprefix('tests/')}](../../{path})"


def _rules() -> Iterator[str]:
    yield "# Rules\n"
    for rule in RULES:
        yield f"## {rule.id}\n\n{inspect.getdoc(rule)}\n\n{rule.control}: {rule.fix}.\n"


def main() -> None:
    """Print the page."""
    print(render())  # noqa: T201 - a generator


if __name__ == "__main__":
    main()
