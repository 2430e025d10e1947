"""Risk tiers: the table that turns a model's materiality into controls (MOD-04)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from mlzone.monitor_kind import MonitorKind

RiskTier = Literal[1, 2, 3]
"""1 is the most material (credit decisions, say), 3 the least."""


@dataclass(frozen=True, kw_only=True)
class TierControls:
    """What a risk tier demands; the estate can tighten it per model, never loosen it."""

    validation: bool
    """Whether one approver signs a report of validation before another one approves (MOD-06)."""
    production_approval: bool
    """Whether promotion to production waits for one more person (DEP-02)."""
    minimum_capture_percentage: int
    """Least share of production requests whose input and output are captured (MON-01)."""
    monitors: Mapping[MonitorKind, str]
    """The monitors of production, each with its slowest schedule as SageMaker cron (MON-02)."""
    explainability_report: bool
    """Whether a version leaves the registry only with a report that explains it (MOD-07)."""
    stops_by_itself: bool
    """Whether a finding may stop the model by itself; else a person decides (MON-04)."""
    production_traffic: Literal["all-at-once", "canary", "linear"]
    """How production traffic moves to a new version (DEP-03)."""
    retention_years: int
    """How long evidence is kept (DAT-05)."""

    @property
    def evidence(self) -> tuple[str, ...]:
        """What a version needs to leave the registry, by the names that the gates know."""
        demanded = {"explanation": self.explainability_report, "validation": self.validation}
        return tuple(name for name, needed in demanded.items() if needed)

    @property
    def approvers(self) -> int:
        """How many people of the second line it takes to bring a version into production."""
        return 2 if self.validation or self.production_approval else 1


TIERS: dict[RiskTier, TierControls] = {
    1: TierControls(
        validation=True,
        production_approval=True,
        minimum_capture_percentage=100,
        monitors={
            "data-quality": "cron(0 * ? * * *)",
            "model-quality": "cron(0 3 ? * * *)",
            "bias": "cron(0 4 ? * * *)",
            "explainability": "cron(0 5 ? * * *)",
        },
        explainability_report=True,
        stops_by_itself=False,
        production_traffic="linear",
        retention_years=10,
    ),
    2: TierControls(
        validation=True,
        production_approval=True,
        minimum_capture_percentage=50,
        monitors={
            "data-quality": "cron(0 */6 ? * * *)",
            "model-quality": "cron(0 3 ? * * *)",
        },
        explainability_report=True,
        stops_by_itself=True,
        production_traffic="canary",
        retention_years=7,
    ),
    3: TierControls(
        validation=False,
        production_approval=False,
        minimum_capture_percentage=20,
        monitors={"data-quality": "cron(0 0 ? * * *)"},
        explainability_report=False,
        stops_by_itself=True,
        production_traffic="canary",
        retention_years=5,
    ),
}
