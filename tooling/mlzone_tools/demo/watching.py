"""The third act: the world changes, the monitor says how and why, and a new training starts."""

from datetime import timedelta
from statistics import fmean

from mlzone.estate import Stage
from mlzone_tools.demo import traffic
from mlzone_tools.demo.delivery import followed, newest_version, runs_of
from mlzone_tools.demo.scene import Scene, must, wait
from mlzone_tools.demo.story import Facts, Step, StepFailedError
from mlzone_tools.services import monitoring
from mlzone_tools.services.model import registry
from mlzone_tools.services.monitoring import Inspection

_APPLICATIONS = 400
_MONITOR_SECONDS = 90.0
_HOUR = timedelta(hours=1)


def steps(scene: Scene) -> list[Step]:
    """Return the steps of this act."""
    return [
        Step(
            "traffic",
            "Customers apply: requests reach the endpoint and are captured",
            "real applications; an engineer's role may call, the author's may not",
            lambda: _traffic(scene),
        ),
        Step(
            "monitor",
            "The hourly monitor compares them with the training data",
            "no drift: the schedule fired on the cloud's clock",
            lambda: _monitor(scene),
        ),
        Step(
            "drift",
            "Times get harder; the next run of the monitor says what moved and why",
            "three features were changed: it must name them",
            lambda: _drift(scene),
        ),
        Step(
            "alarm",
            "The alarm rises and asks for retraining",
            "metric, alarm, event: each as deployed",
            lambda: _alarm(scene),
        ),
        Step(
            "retraining",
            "The build pipeline trains a new version, which waits for approval",
            "started by the event, with a cooldown",
            lambda: _retraining(scene),
        ),
    ]


def _traffic(scene: Scene) -> Facts:
    answers = _send(scene, drifted=False)
    return {
        "endpoint": _endpoint(scene),
        "applications": len(answers),
        "mean probability of default": round(fmean(answers), 3),
    }


def _monitor(scene: Scene) -> Facts:
    found = _next_run(scene)
    must(found.status == "Completed", f"the monitor says {found.status}: {found.reason}")
    content = monitoring.explanation(scene.stage(Stage.PROD), found)
    return {
        "job": found.job,
        "status": found.status,
        "it says": monitoring.sentences(content)[0],
    }


def _drift(scene: Scene) -> Facts:
    scene.runs[Stage.DEV] = runs_of(scene, Stage.DEV)
    answers = _send(scene, drifted=True)
    found = _next_run(scene)
    must(
        found.status == "CompletedWithViolations",
        f"the monitor says {found.status}: {found.reason}",
    )
    content = monitoring.explanation(scene.stage(Stage.PROD), found)
    named = set(monitoring.drifted_features(content))
    must(named >= traffic.CHANGED, f"the monitor named {sorted(named)} alone")
    page = monitoring.read(scene.stage(Stage.PROD), found, "report.html")
    scene.artifacts["drift.html"] = page.decode()
    facts: Facts = {
        "applications": len(answers),
        "mean probability of default": round(fmean(answers), 3),
        "job": found.job,
        "status": found.status,
        "drifted features": ", ".join(sorted(named)),
    }
    for number, sentence in enumerate(monitoring.sentences(content)[:4], start=1):
        facts[f"it says ({number})"] = sentence
    return facts


def _alarm(scene: Scene) -> Facts:
    cloudwatch = scene.stage(Stage.PROD).client("cloudwatch")
    prefix = scene.naming.endpoint(scene.unit.name, scene.model.name, Stage.PROD)

    def raised() -> list[str]:
        found = cloudwatch.describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")
        names = [item["AlarmName"] for item in found["MetricAlarms"]]
        return [name for name in names if "drift" in name]

    alarms = wait(raised, "the drift alarm rises", seconds=_MONITOR_SECONDS)
    return {"alarm": ", ".join(alarms), "state": "ALARM"}


def _retraining(scene: Scene) -> Facts:
    run = followed(scene, Stage.DEV)
    version = newest_version(scene)
    if version.arn == scene.known_version().arn:
        raise StepFailedError("the training registered no new version")
    must(version.status == registry.WAITING, f"the new version is {version.status}")
    return {
        "pipeline": f"{run.pipeline}: {run.status}",
        "started by": version.metadata.get("trigger", ""),
        "model package": version.arn,
        "status": version.status,
    }


def _send(scene: Scene, *, drifted: bool) -> list[float]:
    rows = traffic.applications(scene.project, _APPLICATIONS)
    engineer = scene.team.members.ml_engineers[0]
    return traffic.send(
        scene.stage(Stage.PROD, engineer),
        _endpoint(scene),
        scene.features(),
        traffic.harder_times(rows) if drifted else rows,
    )


def _next_run(scene: Scene) -> Inspection:
    """Move the cloud's clock past the next hour; return the run of the monitor that was due."""
    monitor = monitoring.monitored(scene.estate, scene.model_name, Stage.PROD)
    before = {item.job for item in monitoring.inspections(scene.stage(Stage.PROD), monitor)}
    scene.cloud.control("advance", {"seconds": _HOUR.total_seconds()})

    def finished() -> Inspection | None:
        found = monitoring.inspections(scene.stage(Stage.PROD), monitor)
        return next(
            (item for item in found if item.job not in before and item.status in monitoring.ENDED),
            None,
        )

    inspection: Inspection = wait(finished, f"{monitor.schedule} runs", seconds=_MONITOR_SECONDS)
    return inspection


def _endpoint(scene: Scene) -> str:
    return scene.naming.endpoint(scene.unit.name, scene.model.name, Stage.PROD)
