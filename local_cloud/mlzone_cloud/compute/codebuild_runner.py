"""Which builds run, which wait, and what happens when one ends.

Each running build has a thread of its own, so that builds that wait for something else in the cloud
never keep its workers from doing it.
"""

import copy
import os
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.codebuild_build import (
    Build,
    BuildRun,
    InterruptedBuildError,
    end_phase,
    new_phase,
)

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

BUILDS = "codebuild.builds"
PROJECTS = "codebuild.projects"
STATE_CHANGE = "CodeBuild Build State Change"
_QUOTA, _FEWEST, _A_CORE = 60, 8, 4
CONCURRENT_BUILDS = min(_QUOTA, max(_FEWEST, _A_CORE * (os.cpu_count() or 1)))
"""How many run at once: as many as the machine bears, at most a small environment's quota. Others
wait in the order in which they came, whosever they are. Builds often wait for jobs, which have the
cores meanwhile."""
_ENDING_SECONDS, _LOOK_SECONDS = 5, 0.02
_RUNNERS: "weakref.WeakKeyDictionary[Cloud, Runner]" = weakref.WeakKeyDictionary()


def runner_of(cloud: "Cloud") -> "Runner":
    """Return the runner of a cloud."""
    return _RUNNERS.setdefault(cloud, Runner(cloud))


class Runner:
    """Runs a cloud's builds."""

    def __init__(self, cloud: "Cloud") -> None:
        self._reference = weakref.ref(cloud)
        self._waiting: list[tuple[str, str, str]] = []
        self._running: dict[str, tuple[str, threading.Event]] = {}
        """Project's ARN-like key and the stop signal, by build."""

    @property
    def _cloud(self) -> "Cloud":
        cloud = self._reference()
        if cloud is None:
            raise RuntimeError("the cloud is gone")
        return cloud

    def submit(self, account: str, region: str, build_id: str) -> None:
        """Let a build run when there is room."""
        with self._cloud.lock:
            self._waiting.append((account, region, build_id))
        self._start_next()

    def stop(self, account: str, region: str, build: Build) -> None:
        """Stop a build that waits or runs."""
        with self._cloud.lock:
            waiting = (account, region, build["id"])
            if waiting in self._waiting:
                self._waiting.remove(waiting)
                now = self._cloud.clock.now()
                end_phase(build["phases"][-1], "STOPPED", now)
                build["_outcome"] = "STOPPED"
                self._complete(account, region, build)
            elif build["id"] in self._running:
                self._running[build["id"]][1].set()

    def wait(self) -> None:
        """Wait until the stopping cloud's builds have ended their commands."""
        deadline = time.monotonic() + _ENDING_SECONDS
        while self._running and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def resume(self) -> None:
        """Begin builds again that a stopped process left unfinished."""
        for (name, account, region), builds in list(self._cloud.stores.items()):
            if name != BUILDS:
                continue
            for build in list(builds.values()):
                if not build["buildComplete"]:
                    # The submission stays; all later phases begin anew.
                    del build["phases"][1:]
                    build["phases"].append(new_phase("QUEUED", self._cloud.clock.now()))
                    build["currentPhase"] = "QUEUED"
                    build.pop("_outcome", None)
                    self.submit(account, region, build["id"])

    def _start_next(self) -> None:
        with self._cloud.lock:
            for waiting in list(self._waiting):
                if len(self._running) >= CONCURRENT_BUILDS:
                    return
                account, region, build_id = waiting
                build = self._cloud.store(BUILDS, account, region).get(build_id)
                if build is None:
                    self._waiting.remove(waiting)
                    continue
                project = f"{account}/{region}/{build['projectName']}"
                if self._is_full(project, account, region, build):
                    continue
                self._waiting.remove(waiting)
                stop = threading.Event()
                self._running[build_id] = (project, stop)
                end_phase(build["phases"][-1], "SUCCEEDED", self._cloud.clock.now())
                threading.Thread(
                    target=self._run,
                    args=(account, region, build, stop),
                    name=f"build-{build_id}",
                    daemon=True,
                ).start()

    def _is_full(self, project: str, account: str, region: str, build: Build) -> bool:
        declared = self._cloud.store(PROJECTS, account, region).get(build["projectName"]) or {}
        limit = int(declared.get("concurrentBuildLimit") or CONCURRENT_BUILDS)
        running = sum(1 for other, _ in self._running.values() if other == project)
        return running >= limit

    def _run(self, account: str, region: str, build: Build, stop: threading.Event) -> None:
        cloud = self._cloud
        cloud.background += 1
        try:
            BuildRun(cloud, account, region, build, stop).run()
            self._complete(account, region, build)
        except InterruptedBuildError:
            return
        finally:
            cloud.background -= 1
            self._running.pop(build["id"], None)
        self._start_next()

    def _complete(self, account: str, region: str, build: Build) -> None:
        cloud = self._cloud
        with cloud.lock:
            now = cloud.clock.now()
            build["buildStatus"] = build.pop("_outcome", None) or "SUCCEEDED"
            build["phases"].append({"phaseType": "COMPLETED", "startTime": now})
            build.update(currentPhase="COMPLETED", endTime=now, buildComplete=True)
            # Its end is saved no later than what follows from it, or a killed cloud would build
            # again what a pipeline has gone on from.
            cloud.store(BUILDS, account, region)
        announce(cloud, account, region, build)
        count(cloud, account, region, build)
        cloud.changed()


def count(cloud: "Cloud", account: str, region: str, build: Build) -> None:
    """Put the metrics of a build that has ended: of its project, and of all.

    Source: AWS CodeBuild User Guide, "CodeBuild CloudWatch metrics".
    """
    seconds = (build["endTime"] - build["startTime"]).total_seconds()
    succeeded = build["buildStatus"] == "SUCCEEDED"
    values = {
        "Builds": (1.0, "Count"),
        "SucceededBuilds": (float(succeeded), "Count"),
        "FailedBuilds": (float(not succeeded), "Count"),
        "Duration": (seconds, "Seconds"),
    }
    project = [{"Name": "ProjectName", "Value": build["projectName"]}]
    cloud.client("cloudwatch", account=account, region=region).put_metric_data(
        Namespace="AWS/CodeBuild",
        MetricData=[
            {
                "MetricName": name,
                "Timestamp": build["endTime"],
                "Unit": unit,
                "Value": value,
                "Dimensions": dimensions,
            }
            for name, (value, unit) in values.items()
            for dimensions in (project, [])
        ],
    )


def announce(cloud: "Cloud", account: str, region: str, build: Build) -> None:
    """Tell EventBridge of a build's status."""
    variables = build["environment"].get("environmentVariables") or ()
    cloud.emit(
        account=account,
        region=region,
        source="aws.codebuild",
        detail_type=STATE_CHANGE,
        resources=(build["arn"],),
        detail={
            "build-status": build["buildStatus"],
            "project-name": build["projectName"],
            "build-id": build["arn"],
            "current-phase": build["currentPhase"],
            "current-phase-context": "[]",
            "version": "1",
            "additional-information": {
                "artifact": {
                    "location": build["artifacts"].get("location", ""),
                    **{
                        key: build["artifacts"][key]
                        for key in ("md5sum", "sha256sum")
                        if key in build["artifacts"]
                    },
                },
                "environment": {
                    "image": build["environment"]["image"],
                    "privileged-mode": build["environment"].get("privilegedMode", False),
                    "compute-type": build["environment"]["computeType"],
                    "type": build["environment"]["type"],
                    "environment-variables": [
                        {"name": item["name"], "value": item["value"], "type": item["type"]}
                        for item in ({"type": "PLAINTEXT", **variable} for variable in variables)
                    ],
                },
                "timeout-in-minutes": build["timeoutInMinutes"],
                "build-complete": build["buildComplete"],
                "build-number": build["buildNumber"],
                "initiator": build["initiator"],
                "build-start-time": _moment(build["startTime"]),
                "source": {
                    "location": build["source"].get("location", ""),
                    "type": build["source"]["type"],
                },
                "source-version": build.get("sourceVersion", ""),
                "logs": {
                    "group-name": build["logs"].get("groupName"),
                    "stream-name": build["logs"].get("streamName"),
                    "deep-link": build["logs"].get("deepLink"),
                },
                "phases": [_phase(phase) for phase in copy.deepcopy(build["phases"])],
            },
        },
    )


def _moment(value: Any) -> str:
    return f"{value:%b} {value.day}, {value:%Y %I:%M:%S %p}"


def _phase(phase: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "phase-type": phase["phaseType"],
        "start-time": _moment(phase["startTime"]),
    }
    if "endTime" in phase:
        shown["phase-context"] = [
            f"{item['statusCode']}: {item['message']}" for item in phase.get("contexts", ())
        ] or ["null"]
        shown["end-time"] = _moment(phase["endTime"])
        shown["duration-in-seconds"] = phase["durationInSeconds"]
        shown["phase-status"] = phase["phaseStatus"]
    return shown
