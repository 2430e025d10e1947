"""The key figures, reckoned from events alone; docs/kpi.md defines each.

Sources: Nogare, Silveira, Silva, "Towards a New MLOps Architecture", 2025 (lead time, queue, models
published, users); Forsgren, Humble, Kim, "Accelerate", 2018 (the four measures of delivery).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from statistics import median, quantiles

from mlzone.estate import Estate, Model
from mlzone.monitor_schedule import interval_hours
from mlzone_runtime.evidence import ALL_MODELS
from mlzone_tools.services.kpi import history
from mlzone_tools.services.kpi.event import Event
from mlzone_tools.services.kpi.history import PRODUCTION, History, Since

_WEEK = timedelta(days=7)

PHASES: Mapping[str, Callable[[History, Since], Iterator[float]]] = {
    "build": history.building,
    "decision": history.deciding,
    "staging": history.staging,
    "production": history.releasing,
}
"""The parts of the lead time, in order."""


@dataclass(frozen=True, kw_only=True)
class Period:
    """What is looked at: the events after `start` until `end`."""

    start: datetime | None
    """None: from the first event on."""
    end: datetime

    def __contains__(self, event: Event) -> bool:
        return (self.start is None or event.time > self.start) and event.time <= self.end

    def weeks(self, first: datetime) -> float:
        """Return its length in weeks, at least one: a day's rate says nothing of a week."""
        return max((self.end - (self.start or first)) / _WEEK, 1.0)


@dataclass(frozen=True, kw_only=True)
class Spread:
    """How a duration is spread, in hours."""

    median: float
    p90: float
    """Nine of ten are at most as long."""
    count: int


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """How the models of a scope are delivered; durations are None where nothing was measured."""

    scope: str
    """`unit/model`, a team, or `all`."""
    builds: int
    versions: int
    """Registered."""
    approved: int
    releases: int
    """Validated in production."""
    releases_per_week: float
    lead_time: Spread | None
    """From the start of a version's build to its validation in production."""
    first_release: Spread | None
    """From a model's first build to its first version in production."""
    change_failure_rate: float | None
    """Share of the releases to production that failed."""
    time_to_restore: Spread | None
    """From a failed release to the next that is validated, or to the one before that came back."""
    phases: Mapping[str, Spread | None]
    """Where the lead time goes: build, decision, staging, production."""
    waiting: int
    """Versions that wait for a decision now."""
    longest_wait_hours: float | None
    """Since when the oldest of them waits."""
    drifts: int
    retrainings: int


@dataclass(frozen=True, kw_only=True)
class Adoption:
    """How much a pipeline template is used."""

    template: str
    models: int
    """Declared in the estate."""
    published: int
    """With a version in production."""


@dataclass(frozen=True, kw_only=True)
class Waivers:
    """What the organization lets pass, and for how long it has."""

    count: int
    oldest_days: int
    """Since the oldest was granted."""
    next_expiry: date | None


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Key figures of the platform, or of a team."""

    events: int
    since: datetime | None
    total: Delivery
    models: tuple[Delivery, ...]
    published: int
    """Models that have a version in production."""
    people: int
    """People of the estate who built, decided or promoted in the period."""
    monitored: int
    """Published models whose monitor has completed within two of its intervals."""
    templates: tuple[Adoption, ...]
    waivers: Waivers
    """The organization's, whichever team is looked at."""


def figures(
    kept: Sequence[Event], estate: Estate, period: Period, *, team: str | None = None
) -> Figures:
    """Reckon the key figures.

    Args:
        kept: all events, oldest first, also those before the period: what ends in it began earlier.
        estate: whose models and people they are about.
        period: which events count.
        team: only this team's models.
    """
    kept = [item for item in kept if team in (None, item.team)]
    models = {
        f"{unit.name}/{model.name}": model
        for unit, owner, model in estate.models()
        if team in (None, owner.name)
    }
    histories = {
        name: History([item for item in kept if item.model == name])
        for name in sorted({item.model for item in kept})
        # Data that arrive and sessions for emergencies are of no single model.
        if not name.endswith(f"/{ALL_MODELS}")
    }
    published = {name for name, item in histories.items() if item.releases()}
    first = kept[0].time if kept else period.end
    people = {item.person for item in estate.assignments()}

    def delivery(scope: str, of: Iterable[History]) -> Delivery:
        return _delivery(scope, list(of), period, first)

    return Figures(
        events=sum(item in period for item in kept),
        since=period.start,
        total=delivery(team or "all", histories.values()),
        models=tuple(delivery(name, [item]) for name, item in histories.items()),
        published=len(published),
        people=len({item.actor for item in kept if item in period} & people),
        monitored=sum(
            _monitored(histories[name], models[name], period.end)
            for name in published
            if name in models
        ),
        templates=_adoption(models, published),
        waivers=_waivers(estate, period.end.date()),
    )


def _delivery(
    scope: str, histories: Sequence[History], period: Period, first: datetime
) -> Delivery:
    def count(kind: str, environment: str | None = None) -> int:
        return sum(event in period for item in histories for event in item.of(kind, environment))

    def spread(reckon: Callable[[History, Since], Iterator[float]]) -> Spread | None:
        return _spread([value for item in histories for value in reckon(item, period.__contains__)])

    validated = count("Release Validated", PRODUCTION)
    failed = count("Release Failed", PRODUCTION)
    waiting = [event.time for item in histories for event in item.waiting()]
    return Delivery(
        scope=scope,
        builds=count("Build Started"),
        versions=count("Model Registered"),
        approved=count("Model Approved"),
        releases=validated,
        releases_per_week=round(validated / period.weeks(first), 2),
        lead_time=spread(history.lead_times),
        first_release=spread(history.first_release),
        change_failure_rate=(
            round(failed / (validated + failed), 3) if validated + failed else None
        ),
        time_to_restore=spread(history.restorations),
        phases={name: spread(reckon) for name, reckon in PHASES.items()},
        waiting=len(waiting),
        longest_wait_hours=(
            round((period.end - min(waiting)).total_seconds() / 3600, 3) if waiting else None
        ),
        drifts=count("Drift Detected"),
        retrainings=count("Retraining Started"),
    )


def _monitored(of: History, model: Model, now: datetime) -> bool:
    completed = of.of("Monitor Completed", PRODUCTION)
    interval = timedelta(hours=interval_hours(model.monitors(production=True)["data-quality"]) or 0)
    return completed != [] and now - completed[-1].time <= 2 * interval


def _adoption(models: Mapping[str, Model], published: set[str]) -> tuple[Adoption, ...]:
    declared = Counter(item.template for item in models.values())
    used = Counter(item.template for name, item in models.items() if name in published)
    return tuple(
        Adoption(template=template, models=count, published=used[template])
        for template, count in sorted(declared.items())
    )


def _waivers(estate: Estate, today: date) -> Waivers:
    return Waivers(
        count=len(estate.waivers),
        oldest_days=max(((today - item.granted).days for item in estate.waivers), default=0),
        next_expiry=min((item.expires for item in estate.waivers), default=None),
    )


def _spread(values: Sequence[float]) -> Spread | None:
    if not values:
        return None
    ninth = quantiles(values, n=10, method="inclusive")[-1] if len(values) > 1 else values[0]
    return Spread(median=round(median(values), 3), p90=round(ninth, 3), count=len(values))
