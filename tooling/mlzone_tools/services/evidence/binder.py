"""The binder of a model version: all evidence of it, by control and framework."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlzone.control import TITLES, Control, Framework, Point, controls
from mlzone.estate import Estate
from mlzone.estate.waiver import Waiver
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.evidence.chain import Record, records
from mlzone_tools.services.evidence.verification import Chain, verify
from mlzone_tools.services.model import registry

SHOWN_BY: Mapping[str, tuple[str, ...]] = {
    "DAT-02": ("Model Registered",),
    "DAT-03": ("Model Registered",),
    "MOD-01": ("Model Registered", "Release Prepared"),
    "MOD-02": ("Model Approved",),
    "MOD-03": ("Model Approved",),
    "MOD-06": ("Model Approved",),
    "MOD-07": ("Model Registered",),
    "MOD-08": ("Release Prepared",),
    "MOD-09": ("Release Prepared",),
    "DEP-01": ("Release Deployed", "Release Restored"),
    "DEP-02": ("Release Validated",),
    "DEP-03": ("Release Tried", "Release Refused", "Release Deployed", "Release Restored"),
    "MON-02": ("Monitor Completed",),
    "MON-03": ("Finding Answered", "Retraining Requested"),
    "MON-04": ("Model Stopped",),
}
"""Which kinds of record show that a control held for a version."""

_ON_OCCASION = frozenset({"MON-04"})
"""Controls that hold without a record as well: nobody had to use them."""
_BY_TEMPLATE = (Point.CONSTRUCT, Point.GUARDRAIL, Point.RULE, Point.CONFIG)


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the evidence says of a control."""

    control: str
    statement: str
    parts: tuple[str, ...]
    """What of the framework asks for it."""
    status: str
    """`recorded`, `held` by rules and policies at every deployment, `missing`, or `not held`."""
    evidence: str
    """The records' numbers, or what shows it."""


@dataclass(frozen=True, kw_only=True)
class FrameworkTable:
    """One framework's controls."""

    framework: Framework
    title: str
    controls: tuple[Shown, ...]


@dataclass(frozen=True, kw_only=True)
class Binder:
    """All that is known of a version."""

    version: registry.Version
    team: str
    risk_tier: int
    approvers: tuple[str, ...]
    card: Mapping[str, Any]
    """The model card, as the registry holds it."""
    records: tuple[Record, ...]
    """What the vault holds of the version, and of what its model met meanwhile."""
    chain: Chain
    waivers: tuple[Waiver, ...]
    """Findings on the platform that somebody accepted, which are open now."""
    frameworks: tuple[FrameworkTable, ...]

    def of(self, *beginnings: str) -> tuple[Record, ...]:
        """Return the records whose kind begins so."""
        return tuple(item for item in self.records if item.kind.startswith(beginnings))


def binder(shared: Session, estate: Estate, reference: str) -> Binder:
    """Collect the binder of a version: `unit/model:number`, or the newest of `unit/model`.

    Raises:
        ConfigError: there is no such model or version.
    """
    version = registry.version(shared, estate, reference)
    unit, team, model = estate.model(version.model)
    (chain,) = verify(shared, estate, version.model)
    found = tuple(
        record
        for record in records(shared, estate, version.model)
        if record.content.get("model_package_arn", version.arn) == version.arn
    )
    card = registry.describe(shared, version).get("ModelCard", {})
    content = card.get("ModelCardContent", "{}")
    return Binder(
        version=version,
        team=team.name,
        risk_tier=model.risk_tier,
        approvers=unit.approvers,
        card=json.loads(content) if content else {},
        records=found,
        chain=chain,
        waivers=estate.waivers,
        frameworks=tuple(_tables(found, has_card=bool(content), chain=chain)),
    )


def _tables(found: Sequence[Record], *, has_card: bool, chain: Chain) -> Iterator[FrameworkTable]:
    for framework, title in TITLES.items():
        rows = tuple(
            _shown(control, control.frameworks[framework], found, has_card=has_card, chain=chain)
            for control in controls().values()
            if framework in control.frameworks
        )
        yield FrameworkTable(framework=framework, title=title, controls=rows)


def _shown(
    control: Control,
    parts: tuple[str, ...],
    found: Sequence[Record],
    *,
    has_card: bool,
    chain: Chain,
) -> Shown:
    numbers = [str(item.number) for item in found if item.kind in SHOWN_BY.get(control.id, ())]
    if control.gap:
        status, shown = "not held", control.gap
    elif control.id == "LOG-01":
        status = "missing" if chain.problems else "recorded"
        shown = f"{chain.records} records, {len(chain.problems)} problems"
    elif control.id == "MOD-05":
        status = "recorded" if has_card else "missing"
        shown = "the card in this binder" if has_card else "the version has no model card"
    elif numbers:
        status, shown = "recorded", f"records {', '.join(numbers)}"
    elif control.id not in SHOWN_BY.keys() - _ON_OCCASION and (
        set(control.enforced) & set(_BY_TEMPLATE)
    ):
        status, shown = "held", "rules and policies, at every deployment"
    else:
        status, shown = "missing", control.evidence
    return Shown(
        control=control.id,
        statement=control.statement,
        parts=parts,
        status=status,
        evidence=shown,
    )
