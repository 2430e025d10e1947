"""Runs the steps of a story in order, with timings, and stops at the first that does not hold."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from mlzone.errors import LandingZoneError

Facts = dict[str, Any]


class StepFailedError(LandingZoneError):
    """A step of the demo did not hold."""

    exit_code = 4


@dataclass(frozen=True)
class Step:
    """One step: what it shows, and what does it."""

    name: str
    title: str
    shows: str
    """What to look at."""
    run: Callable[[], Facts]


@dataclass(kw_only=True)
class Outcome:
    """How a step went."""

    name: str
    title: str
    status: str
    """`passed`, `failed` or `skipped`."""
    seconds: float = 0.0
    facts: Facts = field(default_factory=dict)
    problem: str = ""


def tell(steps: list[Step], *, talk: Callable[[str], None]) -> list[Outcome]:
    """Run the steps; those after a failure are skipped.

    Returns:
        The outcome of every step, also of those that were skipped.
    """
    outcomes: list[Outcome] = []
    failed = False
    for number, step in enumerate(steps, start=1):
        outcome = Outcome(name=step.name, title=step.title, status="skipped")
        outcomes.append(outcome)
        if failed:
            continue
        talk(f"\n[{number}/{len(steps)}] {step.title}\n      {step.shows}")
        started = time.monotonic()
        try:
            outcome.facts = step.run()
            outcome.status = "passed"
        except LandingZoneError as error:
            outcome.problem = error.message
        except (BotoCoreError, ClientError) as error:
            outcome.problem = str(error)
        if outcome.problem:
            outcome.status, failed = "failed", True
        outcome.seconds = round(time.monotonic() - started, 1)
        for name, value in outcome.facts.items():
            talk(f"      {name}: {value}")
        if outcome.problem:
            talk(f"      {outcome.problem}")
        talk(f"      {outcome.status} in {outcome.seconds} s")
    return outcomes
