"""What an estate costs a month, by list prices and stated assumptions."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from mlzone.estate import BusinessUnit, Estate, Model, Stage, Team, team_members
from mlzone.monitor_schedule import interval_hours
from mlzone.plan.change import CostChange, CostLine
from mlzone.plan.price import HOURS, MissingPriceError, PriceTable, prices

INTERFACE_ENDPOINTS = 21
"""Interface endpoints of a private network that the platform makes; a test holds it to them."""
STUDIO_HOURS = 88
"""Four hours on each of 22 working days."""
STUDIO_INSTANCE = "ml.t3.medium"
MONITOR_HOURS = 0.1
"""How long one run of a monitor lasts, with the start of its instance."""
MONITOR_INSTANCE = "ml.m5.large"
BATCH_HOURS = 0.5
"""How long a model's daily batch lasts, with the start of its instance."""
LOG_GB = 5
"""What one environment writes to CloudWatch Logs a month."""
ENVIRONMENT_KEYS, TEAM_KEYS = 1, 1
DATA_GB = 50
"""What one data zone holds, in each environment."""
TRAININGS = 2
"""Builds of a model a month, of four jobs that use half of their longest run time."""
_JOBS = 4

ASSUMPTIONS = (
    f"Studio: an author works {STUDIO_HOURS} hours a month on {STUDIO_INSTANCE}, in one space",
    "endpoints: production runs the least number of instances, staging one, all the month",
    f"daily batches: production has one a day of {BATCH_HOURS:g} hours, staging only tests",
    f"monitors: a run takes {MONITOR_HOURS:g} hours of {MONITOR_INSTANCE}",
    f"training: {TRAININGS} builds a month of {_JOBS} jobs, each half of its longest run time",
    f"networks: {INTERFACE_ENDPOINTS} interface endpoints in each zone, no NAT gateway, no traffic",
    f"logs: {LOG_GB} GB an environment; data: {DATA_GB} GB a data zone and environment",
    "not counted: requests, trails, AWS Config, pipelines, builds, functions, online stores",
    "not counted: the shared accounts, support, taxes, discounts",
)


@dataclass(frozen=True, kw_only=True)
class Cost:
    """One cost of an estate; a month in US dollars."""

    scope: str
    item: str
    usd: float | None
    problem: str = ""


def costs(estate: Estate, table: PriceTable | None = None) -> Iterator[Cost]:
    """Yield what an estate costs a month, part by part."""
    table = table or prices()
    for unit in estate.units:
        for stage in Stage:
            yield from _environment(estate, unit, stage, table)
        for team in unit.teams:
            yield from _team(estate, unit, team, table)
            for model in team.models:
                yield from _model(estate, unit, model, table)


def cost_difference(base: Estate, head: Estate, table: PriceTable | None = None) -> CostChange:
    """Compare what two estates cost, the largest difference first."""
    table = table or prices()
    before = {(item.scope, item.item): item for item in costs(base, table)}
    after = {(item.scope, item.item): item for item in costs(head, table)}
    lines = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        was, now = (old.usd if old else 0.0), (new.usd if new else 0.0)
        problem = (new.problem if new else "") or (old.problem if old else "")
        if was != now or (problem and (old is None or new is None or old != new)):
            lines.append(
                CostLine(scope=key[0], item=key[1], before=was, after=now, problem=problem)
            )
    # What has no price on one side is left out on both: else it would look like a saving.
    unknown = {key for side in (before, after) for key, item in side.items() if item.usd is None}
    return CostChange(
        before=_sum(before, unknown),
        after=_sum(after, unknown),
        complete=not unknown,
        lines=tuple(
            sorted(lines, key=lambda x: (-abs((x.after or 0) - (x.before or 0)), x.scope, x.item))
        ),
        assumptions=ASSUMPTIONS,
        priced=f"list prices noted on {table.noted}, to verify: {', '.join(table.sources)}",
    )


def _sum(items: Mapping[tuple[str, str], Cost], without: Collection[tuple[str, str]]) -> float:
    return round(sum(item.usd or 0 for key, item in items.items() if key not in without), 2)


def _cost(scope: str, item: str, reckon: Callable[[], float]) -> Cost:
    try:
        return Cost(scope=scope, item=item, usd=round(reckon(), 2))
    except MissingPriceError as error:
        return Cost(scope=scope, item=item, usd=None, problem=str(error))


def _environment(
    estate: Estate, unit: BusinessUnit, stage: Stage, table: PriceTable
) -> Iterator[Cost]:
    scope, region = f"{unit.name}/{stage}", estate.region(unit, stage)
    network = unit.environments[stage].network.create
    if network:
        count = INTERFACE_ENDPOINTS * network.availability_zones
        yield _cost(
            scope,
            "VPC endpoints",
            lambda: count * HOURS * table.of(region, "interface_endpoint_hour"),
        )
    keys = ENVIRONMENT_KEYS + TEAM_KEYS * len(unit.teams)
    yield _cost(scope, "KMS keys", lambda: keys * table.of(region, "key_month"))
    yield _cost(scope, "logs", lambda: LOG_GB * table.of(region, "log_gb"))


def _team(estate: Estate, unit: BusinessUnit, team: Team, table: PriceTable) -> Iterator[Cost]:
    scope, region = f"{unit.name}/{team.name}", estate.region(unit, Stage.DEV)
    people = len(list(team_members(team)))
    yield _cost(
        scope,
        "Studio hours",
        lambda: people * STUDIO_HOURS * table.instance(region, STUDIO_INSTANCE),
    )
    yield _cost(
        scope,
        "Studio volumes",
        lambda: people * team.studio.default_storage_gb * table.of(region, "volume_gb_month"),
    )
    zones = len(team.data_zones) * DATA_GB
    yield _cost(
        scope,
        "data",
        lambda: sum(
            zones * table.of(estate.region(unit, stage), "object_gb_month") for stage in Stage
        ),
    )


def _model(estate: Estate, unit: BusinessUnit, model: Model, table: PriceTable) -> Iterator[Cost]:
    scope = f"{unit.name}/{model.name}"
    if model.serving.batch:
        instance, hours_of_batches = model.serving.instance_type, HOURS / 24 * BATCH_HOURS
        yield _cost(
            scope,
            "daily batches",
            lambda: hours_of_batches * table.instance(estate.region(unit, Stage.PROD), instance),
        )
    else:
        for stage, count in ((Stage.STAGING, 1), (Stage.PROD, model.serving.min_instances)):
            yield _endpoint(estate, unit, model, stage, count, table)
    yield _cost(
        scope,
        "monitor runs",
        lambda: sum(
            HOURS
            / (interval_hours(schedule) or 24)
            * MONITOR_HOURS
            * table.instance(estate.region(unit, stage), MONITOR_INSTANCE)
            for stage in (Stage.STAGING, Stage.PROD)
            for schedule in model.monitors(production=stage is Stage.PROD).values()
        ),
    )
    hours = TRAININGS * _JOBS * model.training.max_runtime_minutes / 60 / 2
    yield _cost(
        scope,
        "training",
        lambda: (
            hours * table.instance(estate.region(unit, Stage.DEV), model.training.instance_type)
        ),
    )


def _endpoint(
    estate: Estate, unit: BusinessUnit, model: Model, stage: Stage, count: int, table: PriceTable
) -> Cost:
    region = estate.region(unit, stage)
    return _cost(
        f"{unit.name}/{model.name}",
        f"endpoint in {stage}",
        lambda: count * HOURS * table.instance(region, model.serving.instance_type),
    )
