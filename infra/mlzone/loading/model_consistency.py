"""What must hold of a model, and between a model and the rest of the estate."""

from collections.abc import Iterator

from mlzone.estate.estate import Estate
from mlzone.estate.model import Model
from mlzone.estate.team import Team
from mlzone.instance import INSTANCE_TYPES
from mlzone.loading.message import too_loose, unknown_instance, unknown_zone
from mlzone.loading.parse import FieldPath
from mlzone.monitor_kind import MONITORS
from mlzone.monitor_schedule import interval_hours
from mlzone.system_policy import declared_systems

_TRAFFIC_ORDER = ("all-at-once", "canary", "linear")
_MOST_IN_AB_TEST = 50
_LONGEST_ALARM_HOURS = 7 * 24
"""How far a CloudWatch alarm looks back, at most (quotas of CloudWatch)."""

Located = tuple[FieldPath, str]
"""A field and what is wrong with it; the path begins where the check looks."""


def check_model(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """Yield what is wrong with a model."""
    for check in _CHECKS:
        yield from check(estate, team, model)


def _references(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    limits = estate.organization.guardrails
    zones = {zone.name for zone in team.data_zones}
    if model.data_zone not in zones:
        yield ("data_zone",), unknown_zone(model.data_zone, zones)
    for path, instance, allowed, guardrail in (
        (
            ("training", "instance_type"),
            model.training.instance_type,
            limits.training_instance_types,
            "training_instance_types",
        ),
        (
            ("serving", "instance_type"),
            model.serving.instance_type,
            limits.serving_instance_types,
            "serving_instance_types",
        ),
    ):
        if instance not in INSTANCE_TYPES:
            yield path, unknown_instance(instance)
        elif instance not in allowed:
            yield (
                path,
                (
                    f'got "{instance}", which guardrails.{guardrail} does not allow; '
                    f"use {', '.join(allowed)}"
                ),
            )


def _limits(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    del team
    hours = estate.organization.guardrails.max_job_hours
    if model.training.max_runtime_minutes > hours * 60:
        yield (
            ("training", "max_runtime_minutes"),
            too_loose(model.training.max_runtime_minutes, hours * 60, "max_job_hours"),
        )
    if model.serving.max_instances < model.serving.min_instances:
        yield (
            ("serving", "max_instances"),
            (
                f"got {model.serving.max_instances}; expected at least min_instances, "
                f"{model.serving.min_instances}"
            ),
        )


def _trial(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """In an A/B test the release that serves answers at least half of the callers."""
    del estate, team
    trial = model.serving.trial
    if trial and trial.mode == "ab-test" and trial.percentage > _MOST_IN_AB_TEST:
        yield (
            ("serving", "trial", "percentage"),
            (
                f"got {trial.percentage}; an A/B test lets a new release answer at most "
                f"{_MOST_IN_AB_TEST} % of the callers"
            ),
        )


def _tier(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """What the risk tier demands can be tightened, never loosened."""
    del estate, team
    tier = f"tier {model.risk_tier}"
    if model.capture_percentage < model.controls.minimum_capture_percentage:
        yield (
            ("monitoring", "capture_percentage"),
            (
                f"got {model.capture_percentage}; {tier} captures at least "
                f"{model.controls.minimum_capture_percentage}"
            ),
        )
    demanded = model.controls.production_traffic
    if _TRAFFIC_ORDER.index(model.traffic) < _TRAFFIC_ORDER.index(demanded):
        yield ("serving", "traffic"), f'got "{model.traffic}"; {tier} demands "{demanded}"'


def _monitors(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """Monitors run at least as often as the risk tier demands, and have what they need."""
    del estate, team
    monitoring = model.monitoring
    demanded = model.demanded_monitors
    for kind, schedule in monitoring.schedules.items():
        interval = interval_hours(schedule)
        slowest = interval_hours(demanded[kind]) if kind in demanded else None
        if interval is None:
            yield (
                ("monitoring", "schedules", kind),
                (
                    f'got "{schedule}"; expected hourly "cron(0 * ? * * *)", daily '
                    '"cron(0 6 ? * * *)" or every N hours "cron(0 */6 ? * * *)"'
                ),
            )
        elif slowest is not None and interval > slowest:
            yield (
                ("monitoring", "schedules", kind),
                (
                    f"runs every {interval} hours; tier {model.risk_tier} is watched at least "
                    f"every {slowest} hour{'' if slowest == 1 else 's'}"
                ),
            )
    if model.answers_numbers and "bias" in monitoring.schedules:
        yield (
            ("monitoring", "schedules", "bias"),
            (
                f"got a schedule; bias is judged of decisions, and a model of template "
                f"{model.template} answers numbers: remove it"
            ),
        )
    monitors = model.monitors(production=True)
    lacking = [kind for kind in monitors if MONITORS[kind].needs_ground_truth]
    if lacking and monitoring.ground_truth is None:
        yield (
            ("monitoring",),
            (
                f"has no ground_truth; {' and '.join(lacking)} compare answers with what became "
                "true: add ground_truth: {lag_hours: 24}"
            ),
        )
    runs = monitoring.evaluated_runs or monitoring.datapoints_to_alarm
    if monitoring.datapoints_to_alarm > runs:
        yield (
            ("monitoring", "datapoints_to_alarm"),
            f"got {monitoring.datapoints_to_alarm}; expected at most evaluated_runs, {runs}",
        )
    longest = max((interval_hours(schedule) or 0) for schedule in monitors.values())
    if longest * runs > _LONGEST_ALARM_HOURS:
        field = "evaluated_runs" if monitoring.evaluated_runs else "datapoints_to_alarm"
        yield (
            ("monitoring", field),
            (
                f"got {runs} runs, {longest} hours apart; an alarm looks back 7 days: at most "
                f"{_LONGEST_ALARM_HOURS // longest} runs"
            ),
        )


def _batches(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """A template's project says how its model is asked, and a model is asked in one way."""
    del estate, team
    batch, given = model.serving.batch, model.serving.model_fields_set
    if model.template == "tabular-batch" and batch is None:
        yield ("serving",), "has no batch; tabular-batch answers once a day: add batch: {hour: 2}"
    if model.template == "tabular-realtime" and batch is not None:
        yield (
            ("template",),
            'got "tabular-realtime" of a model with serving.batch; use tabular-batch',
        )
    if batch is not None:
        for field in sorted(given & {"max_instances", "min_instances", "traffic", "trial"}):
            yield ("serving", field), "belongs to an endpoint; a model with serving.batch has none"


def _actions(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """What is done by itself is about a monitor of the model, and the tier lets a machine do it."""
    del team
    monitoring, monitors = model.monitoring, model.monitors(production=True)
    given = monitoring.actions if "actions" in monitoring.model_fields_set else ()
    for index, action in enumerate(given):
        if unwatched := [kind for kind in action.monitors if kind not in monitors]:
            yield (
                ("monitoring", "actions", index, "monitors"),
                f"got {', '.join(unwatched)}, which does not watch the model; add its schedule",
            )
        if action.do == "ticket" and estate.organization.monitoring.ticketing is None:
            yield (
                ("monitoring", "actions", index, "do"),
                'got "ticket"; the organization has no monitoring.ticketing',
            )
        if action.do == "stop" and not model.controls.stops_by_itself:
            yield (
                ("monitoring", "actions", index, "do"),
                (
                    f'got "stop"; of risk tier {model.risk_tier} a person decides: use notify, and '
                    "mlzone model stop"
                ),
            )


def _systems(estate: Estate, team: Team, model: Model) -> Iterator[Located]:
    """Systems stand outside of the platform: its own roles take none of their place."""
    del team
    for path, system in declared_systems(model):
        if system.account in set(estate.accounts()):
            yield (
                (*path, "role"),
                (
                    f"got a role of {system.account}, an account of the platform; a system works "
                    "in an account of its own"
                ),
            )


_CHECKS = (_references, _limits, _tier, _trial, _batches, _monitors, _actions, _systems)
