"""Key figures of the platform, reckoned from the life-cycle events that it keeps.

Lead time is what the paper reports (from half a year to days): from the commit that started a build
to the version that was validated in production. Waiting is the part of it in which a registered
version waits for a person.
Source: Nogare, Silveira, Silva, "Towards a New MLOps Architecture", 2025.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_tools.cloud.session import Session


@dataclass(frozen=True, kw_only=True)
class Event:
    """A step of a model's way."""

    model: str
    """`unit/model`."""
    kind: str
    """Such as `Model Approved`."""
    time: datetime
    environment: str
    actor: str
    version: str
    """The version's ARN, or an empty text where the step is about none."""


@dataclass(frozen=True, kw_only=True)
class ModelFigures:
    """Key figures of one model; times in hours, None where nothing was measured yet."""

    model: str
    builds: int
    versions: int
    approved: int
    in_production: int
    """Versions that were validated in production."""
    lead_time_hours: float | None
    """Median from build to validation in production."""
    waiting_hours: float | None
    """Median from registration to approval."""
    drifts: int
    retrainings: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Key figures of the platform."""

    models: tuple[ModelFigures, ...]
    events: int
    lead_time_hours: float | None
    """Median over all versions in production."""
    published: int
    """Models with a version in production."""


def events(shared: Session, estate: Estate) -> tuple[Event, ...]:
    """Return all kept life-cycle events, oldest first."""
    table = Naming(prefix=estate.organization.prefix).kpi_table()
    pages = shared.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    found = [_event(item) for page in pages for item in page["Items"]]
    return tuple(sorted(found, key=lambda item: item.time))


def figures(kept: Sequence[Event]) -> Figures:
    """Reckon the key figures from events, oldest first."""
    names = sorted({item.model for item in kept})
    models = tuple(_model(name, [item for item in kept if item.model == name]) for name in names)
    times = [hours for name in names for hours in _lead_times(_of(kept, name))]
    return Figures(
        models=models,
        events=len(kept),
        lead_time_hours=_median(times),
        published=sum(1 for item in models if item.in_production),
    )


def _of(kept: Iterable[Event], name: str) -> list[Event]:
    return [item for item in kept if item.model == name]


def _model(name: str, kept: Sequence[Event]) -> ModelFigures:
    def count(kind: str, environment: str | None = None) -> int:
        return sum(item.kind == kind and environment in (None, item.environment) for item in kept)

    return ModelFigures(
        model=name,
        builds=count("Build Started"),
        versions=count("Model Registered"),
        approved=count("Model Approved"),
        in_production=count("Release Validated", "prod"),
        lead_time_hours=_median(_lead_times(kept)),
        waiting_hours=_median(_between(kept, "Model Registered", "Model Approved")),
        drifts=count("Drift Detected"),
        retrainings=count("Retraining Started"),
    )


def _lead_times(kept: Sequence[Event]) -> list[float]:
    """Hours from the build that made a version to its validation in production."""
    times = []
    for validated in kept:
        if validated.kind != "Release Validated" or validated.environment != "prod":
            continue
        registered = _last(kept, "Model Registered", validated.time, validated.version)
        if registered and (started := _last(kept, "Build Started", registered.time)):
            times.append(_hours(started, validated))
    return times


def _between(kept: Sequence[Event], first: str, second: str) -> list[float]:
    """Hours from one step of a version to another."""
    return [
        _hours(earlier, later)
        for later in kept
        if later.kind == second
        and (earlier := _last(kept, first, later.time, later.version)) is not None
    ]


def _last(
    kept: Sequence[Event], kind: str, before: datetime, version: str | None = None
) -> Event | None:
    matching = [
        item
        for item in kept
        if item.kind == kind and item.time <= before and version in (None, item.version)
    ]
    return matching[-1] if matching else None


def _hours(earlier: Event, later: Event) -> float:
    return (later.time - earlier.time).total_seconds() / 3600


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 3) if values else None


def _event(item: Mapping[str, Any]) -> Event:
    deserialize = TypeDeserializer().deserialize
    raw = {name: deserialize(value) for name, value in item.items()}
    return Event(
        model=raw["model"],
        kind=raw["kind"],
        time=datetime.fromisoformat(raw["time"]),
        environment=raw["environment"],
        actor=raw.get("actor", ""),
        version=raw.get("model_package_arn", ""),
    )
