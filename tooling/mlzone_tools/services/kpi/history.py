"""The history of one model: which step of a version followed which, and how long after."""

from collections.abc import Callable, Iterator, Sequence

from mlzone_tools.services.kpi.event import Event

PRODUCTION = "prod"
STAGING = "staging"


class History:
    """The events of one model, oldest first."""

    def __init__(self, kept: Sequence[Event]) -> None:
        self._kept = kept

    def of(self, kind: str, environment: str | None = None) -> list[Event]:
        """Return the events of a kind."""
        return [
            item
            for item in self._kept
            if item.kind == kind and environment in (None, item.environment)
        ]

    def releases(self) -> list[Event]:
        """Return each version's first validation in production."""
        first: dict[str, Event] = {}
        for item in self.of("Release Validated", PRODUCTION):
            first.setdefault(item.version, item)
        return list(first.values())

    def build_of(self, registered: Event) -> Event | None:
        """Return the start of the build that registered a version."""
        started = [item for item in self.of("Build Started") if item.time <= registered.time]
        return started[-1] if started else None

    def before(self, later: Event, kind: str, environment: str | None = None) -> Event | None:
        """Return the last event of a kind about the same version, before another event."""
        found = [
            item
            for item in self.of(kind, environment)
            if item.version == later.version and item.time <= later.time
        ]
        return found[-1] if found else None

    def waiting(self) -> list[Event]:
        """Return since when versions and promotions wait that nobody has decided on.

        Promotions of a model ask one after the other.
        """
        waiting: dict[str, Event] = {}
        asked: list[Event] = []
        registered: dict[str, Event] = {}
        for item in self._kept:
            if item.kind == "Model Registered":
                waiting[item.version] = registered[item.version] = item
            elif item.kind in ("Model Approved", "Model Rejected"):
                waiting.pop(item.version, None)
            elif item.kind == "Promotion Waiting":
                asked.append(item)
            elif item.kind == "Promotion Answered":
                asked = asked[1:]
            elif item.kind == "Approval Reverted" and item.version in registered:
                waiting[item.version] = registered[item.version]
        return [*waiting.values(), *asked]


Since = Callable[[Event], bool]
"""Whether an event lies in the period that is looked at."""


def lead_times(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from the start of a version's build to its validation in production."""
    for release in filter(counted, history.releases()):
        registered = history.before(release, "Model Registered")
        if registered and (started := history.build_of(registered)):
            yield hours(started, release)


def first_release(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from a model's first build to its first version in production."""
    started, releases = history.of("Build Started"), history.releases()
    if started and releases and counted(releases[0]):
        yield hours(started[0], releases[0])


def restorations(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from a failed release in production to the next good one.

    Good is what is validated, and what served before and came back.
    """
    good = [
        event
        for kind in ("Release Validated", "Release Restored")
        for event in history.of(kind, PRODUCTION)
    ]
    broken: Event | None = None
    for item in sorted(
        [*history.of("Release Failed", PRODUCTION), *good], key=lambda each: each.time
    ):
        if item.kind == "Release Failed":
            broken = broken or item
        elif broken:
            if counted(item):
                yield hours(broken, item)
            broken = None


def building(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from the start of a build to the registration of its version."""
    for item in filter(counted, history.of("Model Registered")):
        if started := history.build_of(item):
            yield hours(started, item)


def deciding(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from a registration to the approval: a person's time."""
    yield from _steps(history, counted, ("Model Registered", None), ("Model Approved", None))


def staging(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from the approval to the validation in staging: machines' time."""
    yield from _steps(history, counted, ("Model Approved", None), ("Release Validated", STAGING))


def releasing(history: History, counted: Since) -> Iterator[float]:
    """Yield hours from staging to production: where the tier asks for it, a person's time too."""
    yield from _steps(
        history, counted, ("Release Validated", STAGING), ("Release Validated", PRODUCTION)
    )


def _steps(
    history: History,
    counted: Since,
    first: tuple[str, str | None],
    second: tuple[str, str | None],
) -> Iterator[float]:
    for later in filter(counted, history.of(*second)):
        if earlier := history.before(later, *first):
            yield hours(earlier, later)


def hours(earlier: Event, later: Event) -> float:
    """Return the hours between two events."""
    return (later.time - earlier.time).total_seconds() / 3600
