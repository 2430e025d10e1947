"""Machine-learning models as the estate declares them."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlzone.estate.base import InstanceType, Name, Record, Text
from mlzone.estate.system import System
from mlzone.monitor_kind import MONITORS, MonitorKind, Severity
from mlzone.monitor_schedule import daily
from mlzone.risk import TIERS, RiskTier, TierControls

Template = Literal[
    "custom-container", "forecast", "register-only", "tabular-batch", "tabular-realtime"
]
"""The pipeline templates: models in an image of their own; forecasts; models trained elsewhere;
classifiers of tables, asked by the day or at any time."""


TagPattern = Annotated[
    str,
    StringConstraints(pattern=r"^(?:\*|\*?(?:[A-Za-z0-9._/-]+\*?)+)$", max_length=64),
]
"""Names of Git tags; `*` stands for anything."""


class Build(Record):
    """What starts builds of the model's project, beside each commit to `main`."""

    tags: tuple[TagPattern, ...] = ()
    """Tags whose commit is built when they are pushed, such as `release-*`; who pushes the tag is
    the author of the version."""
    pull_requests: bool = True
    """Whether the project's tests run on what a pull request to `main` proposes; nothing is trained
    and nothing registered before it is merged."""


class Training(Record):
    """How the model is trained."""

    instance_type: InstanceType = "ml.m5.large"
    """For processing and training steps."""
    max_runtime_minutes: Annotated[int, Field(ge=5, le=7200)] = 60
    """Each job is stopped after this time."""


class Thresholds(Record):
    """What a version must reach to be registered (MOD-07)."""

    min_auc: Annotated[float, Field(ge=0.5, le=1)] = 0.7
    """Least area under the ROC curve on the hold-out."""
    max_disparate_impact_gap: Annotated[float, Field(ge=0, le=1)] = 0.3
    """Largest |1 - disparate impact| over the declared facets."""
    max_error_ratio: Annotated[float, Field(gt=0, le=10)] = 1.0
    """Of numbers: largest error on what the model did not see, relative to a forecast of no change,
    or to an answer that is the same for all."""


class Batch(Record):
    """When the model answers for all records of a day at once."""

    hour: Annotated[int, Field(ge=0, le=23)] = 2
    """At this hour, UTC, it begins with the records of the day before."""
    within_hours: Annotated[int, Field(ge=1, le=12)] = 2
    """So many hours later the answers are there, and the monitors look at them."""
    brought_by: tuple[System, ...] = ()
    """The systems that bring what the model is asked in production; the team's ML engineers may as
    well."""
    fetched_by: tuple[System, ...] = ()
    """The systems that fetch what it answered in production; nobody but the team's machines reads
    it else."""

    @property
    def watched_at(self) -> int:
        """The hour at which the monitors look at the answers."""
        return (self.hour + self.within_hours) % 24


class Trial(Record):
    """How a new release is tried on production's own requests before it serves them all."""

    mode: Literal["shadow", "ab-test"]
    """`shadow`: it is asked beside the release that serves and answers nobody; where the tier asks
    an approver, they see what came of it. `ab-test`: once let in, it answers a part of the callers.
    """
    percentage: Annotated[int, Field(ge=1, le=100)] = 20
    """Share of the requests that it is asked; at most 50 in an A/B test."""
    requests: Annotated[int, Field(ge=10, le=100_000)] = 500
    """The trial ends once so many of its answers were compared."""
    within_hours: Annotated[int, Field(ge=1, le=6)] = 4
    """At latest then; a release of which less was seen by then is refused."""
    max_difference_percent: Annotated[float, Field(gt=0, le=100)] = 5.0
    """So far its answers may be from those of the release that serves, on average: points of
    probability, or a share of the number answered."""


class Serving(Record):
    """How the model is served."""

    batch: Batch | None = None
    """It answers once a day for all records of a day, and has no endpoint; at any time unless
    given."""
    instance_type: InstanceType = "ml.m5.large"
    """For the endpoint, or the batches, in staging and production."""
    min_instances: Annotated[int, Field(ge=2, le=100)] = 2
    """Production's least number of instances; staging runs one."""
    max_instances: Annotated[int, Field(ge=2, le=100)] = 4
    """Production scales out up to here."""
    traffic: Literal["canary", "linear"] | None = None
    """How production traffic moves to a new version; the risk tier's way unless given."""
    trial: Trial | None = None
    """How a new release is tried in production before that; not at all unless given."""


class ServiceLevel(Record):
    """What callers of the endpoint can expect; alarms roll a deployment back on a breach."""

    p95_latency_ms: Annotated[int, Field(ge=1, le=60_000)] = 500
    """95th percentile of the model's latency, in milliseconds."""
    error_rate_percent: Annotated[float, Field(gt=0, le=100)] = 1.0
    """Largest share of failing requests, in percent."""


class GroundTruth(Record):
    """What became true of the model's cases, as JSON Lines that SageMaker can merge.

    A line is found by `eventMetadata.eventId`: the inference id of the request, or the id that its
    capture gave it. Lines lie in the model's data zone, below `ground-truth/MODEL/yyyy/mm/dd/hh/`
    by the hour at which they became known.
    """

    lag_hours: Annotated[int, Field(ge=0, le=17_568)] = 24
    """Monitors look at cases that are at least so old, so that the outcome can be known: of what is
    forecast a year ahead, a year. Requests and outcomes must be kept so long in the data zone."""
    delivered_by: tuple[System, ...] = ()
    """The systems that know what became true and bring it in production; the team's ML engineers
    may as well."""


class MonitorAction(Record):
    """What is done by itself when a monitor's alarm rises in production."""

    do: Literal["notify", "ticket", "retrain", "fall-back", "stop"]
    """`notify` the team by e-mail and webhook, open a `ticket`, `retrain` the model, `fall-back`
    to the release that served before, or `stop` the model where its risk tier lets a machine."""
    monitors: tuple[MonitorKind, ...] = ()
    """Whose alarms are answered so; all unless given."""
    severity: Severity = "low"
    """The least severity of a finding that is answered so."""


class ModelMonitoring(Record):
    """How the model is watched; at least what its risk tier demands."""

    capture_percentage: Annotated[int, Field(ge=1, le=100)] | None = None
    """Share of requests captured; the risk tier's minimum unless given."""
    schedules: Mapping[MonitorKind, str] = {}
    """When each monitor runs, as SageMaker cron; the risk tier's schedule unless given. A kind that
    the tier does not demand is added by its schedule."""
    max_psi: Annotated[float, Field(gt=0, le=10)] = 0.2
    """Population stability index from which a feature counts as drifted."""
    min_records: Annotated[int, Field(ge=1)] = 100
    """A window with fewer records is its own outcome, never `no drift`."""
    datapoints_to_alarm: Annotated[int, Field(ge=1, le=24)] = 1
    """How many runs with violations raise the alarm."""
    evaluated_runs: Annotated[int, Field(ge=1, le=24)] | None = None
    """Among so many runs in a row; all of them unless given."""
    ground_truth: GroundTruth | None = None
    """What became true; monitors of model quality and bias need it."""
    actions: tuple[MonitorAction, ...] = (
        MonitorAction(do="notify"),
        MonitorAction(do="retrain", monitors=("data-quality", "model-quality")),
    )
    """What is done by itself when an alarm rises."""
    repeat_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """So long the same finding is not answered again, unless it got worse."""


class Retraining(Record):
    """What starts a new training."""

    on_drift: bool = True
    """Whether a drift alarm starts the build pipeline."""
    cooldown_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    """Least time between two trainings started by drift."""
    max_per_month: Annotated[int, Field(ge=1, le=100)] = 8
    """Most trainings that drift may start in 30 days: what it can cost."""


class Model(Record):
    """A model of a team; one delivery pipeline, one registry group, endpoints downstream."""

    name: Name
    """The model's name, unique in its unit."""
    title: Text
    """The model's name for people."""
    purpose: Text
    """What decisions it supports; goes to the model card."""
    template: Template
    """The pipeline template its project starts from."""
    risk_tier: RiskTier
    """Its materiality: 1 is highest. Drives approvals, monitoring and deployment."""
    data_zone: Name
    """The team's data zone that it learns from."""
    build: Build = Build()
    """What starts a build, beside each commit to `main`."""
    training: Training = Training()
    """How it is trained."""
    thresholds: Thresholds = Thresholds()
    """What a version must reach."""
    serving: Serving = Serving()
    """How it is served."""
    service_level: ServiceLevel = ServiceLevel()
    """What callers can expect."""
    monitoring: ModelMonitoring = ModelMonitoring()
    """How it is watched."""
    retraining: Retraining = Retraining()
    """What starts a new training."""

    @property
    def controls(self) -> TierControls:
        """What the model's risk tier demands."""
        return TIERS[self.risk_tier]

    @property
    def capture_percentage(self) -> int:
        """Share of production requests that is captured."""
        return self.monitoring.capture_percentage or self.controls.minimum_capture_percentage

    @property
    def answers_numbers(self) -> bool:
        """Whether it answers numbers, rather than probabilities of a class."""
        return self.template in ("custom-container", "forecast")

    @property
    def own_image(self) -> bool:
        """Whether it is trained and served in an image of its own."""
        return self.template == "custom-container"

    @property
    def demanded_monitors(self) -> dict[MonitorKind, str]:
        """The monitors that the risk tier demands, each with its schedule.

        Bias is judged of decisions about groups of people, not of numbers. A model that answers
        once a day is watched once a day, after its answers.
        """
        return {
            kind: daily(self.serving.batch.watched_at) if self.serving.batch else schedule
            for kind, schedule in self.controls.monitors.items()
            if kind != "bias" or not self.answers_numbers
        }

    def monitors(self, *, production: bool) -> dict[MonitorKind, str]:
        """Return the monitors that watch the model, each with its schedule.

        What comes into staging are tests: they show that data arrive as they should, but nothing
        ever becomes true of them.
        """
        schedules = {**self.demanded_monitors, **self.monitoring.schedules}
        return {
            kind: schedules[kind]
            for kind in MONITORS
            if kind in schedules and (production or kind == "data-quality")
        }

    @property
    def actions(self) -> tuple[MonitorAction, ...]:
        """What is done by itself about a finding in production."""
        return tuple(
            action
            for action in self.monitoring.actions
            if action.do != "retrain" or self.retraining.on_drift
        )

    @property
    def traffic(self) -> Literal["all-at-once", "canary", "linear"]:
        """How production traffic moves to a new version."""
        return self.serving.traffic or self.controls.production_traffic
