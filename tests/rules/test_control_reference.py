"""The reference of controls promises what something holds and a test shows."""

from pathlib import Path

import pytest

from mlzone.control import Control, Point, controls
from mlzone_tools.control_reference import held, render

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "controls.md"
PLACES = held()

each_control = pytest.mark.parametrize("control", controls().values(), ids=lambda item: item.id)


def test_the_page_is_up_to_date():
    assert PAGE.read_text(encoding="utf-8") == render() + "\n", (
        "run: python -m mlzone_tools.control_reference > docs/reference/controls.md"
    )


@each_control
def test_a_control_is_held_and_shown_or_is_said_to_be_missing(control: Control):
    place = PLACES[control.id]

    if control.gap:
        assert control.id in (ROOT / "docs" / "limits.md").read_text(encoding="utf-8")
    else:
        assert place.somewhere, f"nothing holds {control.id}"
        assert place.tests, f"no test shows that {control.id} holds"


@each_control
def test_a_control_is_held_where_the_catalogue_says(control: Control):
    place = PLACES[control.id]

    assert (Point.RULE in control.enforced) == bool(place.rules)
    if Point.GUARDRAIL in control.enforced:
        assert place.theorems
    if Point.CONFIG in control.enforced:
        assert place.config_rules
    if Point.CONSTRUCT in control.enforced and not control.gap:
        assert any(name.startswith(("constructs/", "stacks/")) for name in place.modules)
