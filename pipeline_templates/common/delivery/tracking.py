"""Shows a build to the team as a run in its MLflow App, whether a version comes of it or not.

The registry is the record; MLflow is where people compare. So nothing that MLflow does or does not
do decides whether there is a version: what it does not take is a warning of the build.

One execution of the build pipeline is one run: when it is retried, its run goes on. The run is made
before the training, so that the version is registered with its id.
"""

import functools
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from delivery import execution
from delivery.compiling import Sources
from delivery.mlflow_app import App, MlflowError, UnreachableError

NOT_TRACKED = "none"
"""Stands in the registry for the run of a build that has none."""
_BUILD = "mlzone.build"
_REASON = "mlzone.reason"
_LONGEST_VALUE = 5000
_LONGEST_DIGEST = 36
_MOST_PARAMS = 100
"""MLflow takes so many at once."""
_COMMIT = 12
_MISSING, _PRESENT = "RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"


def _harmless(method: Callable[..., None]) -> Callable[..., None]:
    """Make of a method's failure a warning; after the first silence nobody is asked again."""

    @functools.wraps(method)
    def guarded(self: "Run", *arguments: Any, **named: Any) -> None:
        if self.app is None:
            return
        try:
            method(self, *arguments, **named)
        except UnreachableError as error:
            self.app = None
            self.warn(f"MLflow does not answer: {error}")
        except (MlflowError, BotoCoreError, ClientError, ValueError, KeyError) as error:
            self.warn(f"MLflow did not take all of the run: {error}")

    return guarded


class Run:
    """A build's run; of a build that is not tracked, one that does nothing."""

    def __init__(
        self, session: Any, environment: Mapping[str, str], talk: Callable[[str], None]
    ) -> None:
        self._talk = talk
        self._environment = environment
        self._session = session
        self.app: App | None = None
        self.id = NOT_TRACKED
        """Of the run, or `none`."""
        self.arn = environment.get("MLFLOW_TRACKING_URI", "") or NOT_TRACKED
        """Of the team's MLflow App, or `none`."""

    def warn(self, problem: str) -> None:
        """Tell people what is missing in MLflow; the build goes on."""
        self._talk(f"warning: {problem.strip()}; the build goes on")

    def begin(self, delivery: Mapping[str, Any], origin: Mapping[str, str]) -> None:
        """Make the run, or take up the one of the attempt before.

        Args:
            delivery: the delivery parameter.
            origin: who wants the version, from what, and why.
        """
        if self.arn == NOT_TRACKED:
            return
        try:
            self.app = App(self._session, self.arn, self._environment)
        except MlflowError as error:
            self.warn(str(error))
        self._begin(delivery, origin)
        if self.id == NOT_TRACKED:
            self.app = None

    @_harmless
    def _begin(self, delivery: Mapping[str, Any], origin: Mapping[str, str]) -> None:
        app = _known(self.app)
        name = "{business_unit}/{model}".format(**delivery)
        experiment = _experiment(app, self._environment.get("MLFLOW_EXPERIMENT_NAME") or name)
        key = self._environment.get("MLZONE_EXECUTION") or self._environment.get(
            "CODEBUILD_BUILD_ID", ""
        )
        known = _search(app, experiment, key) if key else []
        if known:
            self.id = known[0]["info"]["run_id"]
            app.post("runs/update", run_id=self.id, status="RUNNING")
        else:
            made = app.post(
                "runs/create",
                experiment_id=experiment,
                start_time=_now(),
                run_name=origin["Commit"][:_COMMIT],
                user_id=origin["Author"],
                tags=_pairs({_BUILD: key} if key else {}),
            )
            self.id = made["run"]["info"]["run_id"]
        self._log(tags=_of_origin(delivery, origin))
        self._talk(f"MLflow run {self.id} of {name}")

    @_harmless
    def describe(self, sources: Sources) -> None:
        """Tell what the version is made from."""
        app = _known(self.app)
        settings = json.loads(sources.code.files["settings.json"])["model"]
        self._log(params=dict(flat(settings)), tags=_of_sources(sources))
        app.post(
            "runs/log-inputs",
            run_id=self.id,
            datasets=[
                {
                    "tags": [{"key": "mlflow.data.context", "value": "training"}],
                    "dataset": {
                        "name": next(iter(sources.data.files)),
                        "digest": sources.data.digest[:_LONGEST_DIGEST],
                        "source_type": "s3",
                        "source": json.dumps({"uri": sources.uri(sources.data)}),
                    },
                }
            ],
        )

    @_harmless
    def started(self, arn: str) -> None:
        """Tell which execution of the SageMaker pipeline trains."""
        self._log(tags={"mlzone.pipeline_execution": arn})

    @_harmless
    def evaluated(self, client: Any, arn: str) -> None:
        """Tell what an execution left, and how good the model is.

        Args:
            client: of SageMaker.
            arn: the execution.
        """
        outputs = execution.outputs(client, arn)
        links = {f"mlzone.{name}": uri for name, uri in outputs.items()}
        metrics = {}
        if "evaluation" in outputs:
            bucket, _, folder = outputs["evaluation"].removeprefix("s3://").partition("/")
            s3 = self._session.client("s3")
            body = s3.get_object(Bucket=bucket, Key=f"{folder}/summary.json")["Body"].read()
            metrics = {
                name: value
                for name, value in json.loads(body)["numbers"].items()
                if math.isfinite(value)
            }
        self._log(metrics=metrics, tags=links)

    @_harmless
    def registered(self, version: str) -> None:
        """End the run with the version that it led to."""
        number = version.rpartition("/")[2]
        self._log(tags={"mlzone.model_package": version, "mlzone.version": number, _REASON: ""})
        self._end("FINISHED")

    @_harmless
    def failed(self, reason: str) -> None:
        """End the run of a build that registered nothing."""
        self._log(tags={_REASON: reason[:_LONGEST_VALUE]})
        self._end("FAILED")

    def _end(self, status: str) -> None:
        _known(self.app).post("runs/update", run_id=self.id, status=status, end_time=_now())

    def _log(
        self,
        *,
        metrics: Mapping[str, float] | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        now = _now()
        measured = [
            {"key": key, "value": value, "timestamp": now, "step": 0}
            for key, value in (metrics or {}).items()
        ]
        app, learned, kept = _known(self.app), _pairs(params or {}), _pairs(tags or {})
        app.post(
            "runs/log-batch",
            run_id=self.id,
            metrics=measured,
            params=learned[:_MOST_PARAMS],
            tags=kept,
        )
        for begin in range(_MOST_PARAMS, len(learned), _MOST_PARAMS):
            more = learned[begin : begin + _MOST_PARAMS]
            app.post("runs/log-batch", run_id=self.id, metrics=[], params=more, tags=[])


def _known(app: App | None) -> App:
    if app is None:
        raise UnreachableError("UNAVAILABLE", "the build is not tracked")
    return app


def _experiment(app: App, name: str) -> str:
    """Return the id of an experiment, which is made at the first build of a model."""

    def find() -> str:
        found = app.get("experiments/get-by-name", experiment_name=name)
        return str(found["experiment"]["experiment_id"])

    try:
        return find()
    except MlflowError as error:
        if error.code != _MISSING:
            raise
    try:
        return str(app.post("experiments/create", name=name)["experiment_id"])
    except MlflowError as error:
        # Somebody else was quicker.
        if error.code != _PRESENT:
            raise
        return find()


def _search(app: App, experiment: str, key: str) -> list[dict[str, Any]]:
    """Return the run of an execution of the build pipeline; none at its first attempt."""
    found = app.post(
        "runs/search",
        experiment_ids=[experiment],
        filter=f"tags.`{_BUILD}` = '{key}'",
        max_results=1,
    )
    return list(found.get("runs", []))


def _of_origin(delivery: Mapping[str, Any], origin: Mapping[str, str]) -> dict[str, str]:
    return {
        "mlflow.user": origin["Author"],
        "mlflow.source.type": "JOB",
        "mlflow.source.name": delivery["pipeline"]["name"],
        "mlflow.source.git.commit": origin["Commit"],
        "mlzone.kind": "build",
        "mlzone.trigger": origin["Trigger"],
        "mlzone.risk_tier": str(delivery["risk_tier"]),
        **{f"mlzone.threshold.{key}": str(value) for key, value in delivery["thresholds"].items()},
        _REASON: "",
    }


def _of_sources(sources: Sources) -> dict[str, str]:
    return {
        "mlzone.code_hash": sources.code.digest,
        "mlzone.data_hash": sources.data.digest,
        **({"mlzone.model_hash": sources.model.digest} if sources.model else {}),
        **{f"mlzone.image.{purpose}": uri for purpose, uri in sources.images.items()},
    }


def flat(settings: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a model learns with, by its path in `model.yaml`; lists of parts are left out."""
    if isinstance(settings, Mapping):
        for name, value in settings.items():
            yield from flat(value, f"{prefix}.{name}" if prefix else str(name))
    elif not isinstance(settings, list):
        yield prefix, str(settings)[:_LONGEST_VALUE]
    elif all(not isinstance(item, list | Mapping) for item in settings):
        yield prefix, ", ".join(map(str, settings))[:_LONGEST_VALUE]


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _now() -> int:
    return time.time_ns() // 1_000_000
