"""How production traffic moves to a new version (DEP-03).

A deployment brings up new instances beside the old ones, moves the traffic in steps, waits after
each, and goes back to the old ones if an alarm of the service level rises meanwhile. Source: Amazon
SageMaker developer guide, blue/green deployments.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Way = Literal["all-at-once", "canary", "linear"]
"""The ways; from the risk tier, or from the estate where it is stricter."""


@dataclass(frozen=True, kw_only=True)
class Shift:
    """How one way moves the traffic."""

    kind: Literal["ALL_AT_ONCE", "CANARY", "LINEAR"]
    """SageMaker's name of the way."""
    step_percent: int
    """Share of the capacity that takes traffic first (canary) or in each step (linear)."""
    wait_seconds: int
    """How long alarms are watched after each step."""
    termination_wait_seconds: int
    """How long the old instances stay ready after the last step."""


SHIFTS: Mapping[Way, Shift] = {
    "all-at-once": Shift(
        kind="ALL_AT_ONCE", step_percent=100, wait_seconds=0, termination_wait_seconds=60
    ),
    "canary": Shift(kind="CANARY", step_percent=25, wait_seconds=600, termination_wait_seconds=300),
    "linear": Shift(kind="LINEAR", step_percent=25, wait_seconds=300, termination_wait_seconds=600),
}
"""The ways, from the loosest to the most careful."""

LONGEST_SHIFT_SECONDS = 3600
"""A deployment that is not through by then is rolled back."""
