"""One build from its provisioning to its end."""

import contextlib
import shutil
import threading
import uuid
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute import codebuild_artifact, codebuild_environment, codebuild_source
from mlzone_cloud.compute.artifact_store import ArtifactStore
from mlzone_cloud.compute.buildspec import Buildspec, BuildspecError, parse
from mlzone_cloud.compute.codebuild_shell import BuildError, Failure, Ran, Shell
from mlzone_cloud.compute.process import LogTarget, base_environment
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Build = dict[str, Any]
"""A build as BatchGetBuilds shows it."""

SERVICE = "codebuild.amazonaws.com"
_SESSION = timedelta(hours=12)
_DEFAULT_FILE = "buildspec.yml"


class InterruptedBuildError(Exception):
    """The cloud stops; the build begins again at its next start."""


class BuildRun:
    """Runs one build; its record is changed as it goes."""

    def __init__(
        self, cloud: "Cloud", account: str, region: str, build: Build, stop: threading.Event
    ) -> None:
        self._cloud, self._build, self._stop = cloud, build, stop
        self._account, self._region = account, region
        self._uid = build["id"].split(":", 1)[1]
        self._folder = cloud.state_dir / "codebuild" / self._uid
        self._role = ArtifactStore(
            cloud=cloud,
            account=account,
            region=region,
            role=build["serviceRole"],
            # The same for all builds, so that clients are shared; commands have one of their own.
            session_name="AWSCodeBuild",
        )
        self._failed = False

    def run(self) -> None:
        """Run it to its end.

        Raises:
            InterruptedBuildError: the cloud stops.
        """
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._run()
        except BuildError as error:
            self._end_phase(error.status, error.code, error.message)
        except InterruptedBuildError:
            raise
        except Exception as error:
            if self._cloud.stopping:
                raise InterruptedBuildError from error
            self._cloud.record_error(f"build {self._build['id']}: {error!r}")
            self._end_phase("FAULT", "FAULT", repr(error))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._begin_phase("FINALIZING")
        self._end_phase("SUCCEEDED")

    def _run(self) -> None:
        with self._phase("PROVISIONING"):
            self._require_role()
            log = self._open_log()
            codebuild_environment.require_image(self._build, self._role)
        with self._phase("DOWNLOAD_SOURCE"):
            folders = self._download()
            spec = self._read_buildspec(folders[""])
            environment = self._environment(spec, folders)
        for section in spec.ignored:
            self._cloud.gap(f"the section {section} of a buildspec")
        ran = self._run_commands(spec, environment, folders[""], log)
        if ran.reached_post_build:
            with self._phase("UPLOAD_ARTIFACTS"):
                self._upload(codebuild_artifact.filled_in(spec, ran.expanded), folders[""])

    # --- the parts --------------------------------------------------------------------------

    def _require_role(self) -> None:
        try:
            trusted_role(self._cloud, self._role.role, SERVICE)
        except ApiError as error:
            raise BuildError(
                "ACCESS_DENIED",
                f"CodeBuild is not authorized to perform: sts:AssumeRole on {self._role.role}",
            ) from error

    def _open_log(self) -> LogTarget | None:
        logs = self._build["logs"]
        if logs["cloudWatchLogs"]["status"] == "DISABLED":
            return None
        client = self._role.client("logs")
        group, stream = logs["groupName"], logs["streamName"]
        try:
            if not _made(client.create_log_stream, logGroupName=group, logStreamName=stream):
                _made(client.create_log_group, logGroupName=group)
                _made(client.create_log_stream, logGroupName=group, logStreamName=stream)
        except ClientError as error:
            raise BuildError(
                "ACCESS_DENIED",
                f"Service role {self._role.role} does not allow AWS CodeBuild to create Amazon "
                f"CloudWatch Logs log streams for build {self._build['arn']}. Error message: "
                f"{error.response['Error']['Message']}",
            ) from error
        return LogTarget(self._account, self._region, group, stream)

    def _download(self) -> dict[str, str]:
        build = self._build
        primary = self._folder / "src"
        resolved = codebuild_source.fetch(
            build["source"], build.get("sourceVersion") or "", primary, self._role
        )
        if resolved:
            build["resolvedSourceVersion"] = resolved
        versions = {
            item["sourceIdentifier"]: item["sourceVersion"]
            for item in build.get("secondarySourceVersions") or ()
        }
        folders = {"": str(primary)}
        for source in build.get("secondarySources") or ():
            identifier = source["sourceIdentifier"]
            folder = self._folder / "secondary" / identifier
            codebuild_source.fetch(source, versions.get(identifier, ""), folder, self._role)
            folders[identifier] = str(folder)
        if build["source"].get("sourceIdentifier"):
            folders[build["source"]["sourceIdentifier"]] = str(primary)
        return folders

    def _read_buildspec(self, folder: str) -> Buildspec:
        declared = self._build["source"].get("buildspec") or ""
        try:
            if "\n" in declared or declared.lstrip().startswith("{"):
                return parse(declared)
            if declared.startswith("arn:aws:s3:::"):
                bucket, _, key = declared.removeprefix("arn:aws:s3:::").partition("/")
                return parse(self._role.get(bucket, key).decode())
            path = Path(folder) / (declared or _DEFAULT_FILE)
            return parse(path.read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            message = f"YAML file does not exist: {declared or _DEFAULT_FILE}"
            raise BuildError("YAML_FILE_ERROR", message) from error
        except (BuildspecError, OSError, UnicodeDecodeError) as error:
            raise BuildError("YAML_FILE_ERROR", str(error)) from error
        except ClientError as error:
            raise BuildError("CLIENT_ERROR", str(error)) from error

    def _environment(self, spec: Buildspec, folders: dict[str, str]) -> dict[str, str]:
        home, temporary = self._folder / "home", self._folder / "tmp"
        home.mkdir()
        temporary.mkdir()
        variables = codebuild_environment.variables(self._build, spec, self._role)
        credentials = self._cloud.credentials(
            self._role.role,
            f"AWSCodeBuild-{self._uid}",
            region=self._region,
            # AWS renews them while the build runs; these also outlast a clock that is moved.
            duration=_SESSION,
            service=SERVICE,
        )
        return {
            **base_environment(),
            "HOME": str(home),
            "TMPDIR": str(temporary),
            **codebuild_environment.unpacked(),
            **credentials,
            **variables,
            **codebuild_environment.described(self._build, folders),
        }

    def _run_commands(
        self, spec: Buildspec, environment: dict[str, str], source: str, log: LogTarget | None
    ) -> Ran:
        shell = Shell(
            cloud=self._cloud,
            spec=spec,
            environment=environment,
            source=Path(source),
            folder=self._folder / "shell",
            log=log,
            on_phase=self._hear,
            expand=codebuild_artifact.texts(spec),
        )
        timeout = timedelta(minutes=self._build["timeoutInMinutes"])
        ran = shell.run(timeout=timeout, stop=self._stop)
        self._failed |= ran.failed
        if ran.stopped and not self._stop.is_set():
            raise InterruptedBuildError
        if ran.timed_out or ran.stopped:
            raise _cut_off("TIMED_OUT" if ran.timed_out else "STOPPED")
        self._build["exportedEnvironmentVariables"] = [
            {"name": name, "value": value} for name, value in ran.exported.items()
        ]
        return ran

    def _hear(self, phase: str, status: str, failure: Failure | None) -> None:
        if status == "IN_PROGRESS":
            self._begin_phase(phase)
        elif failure:
            self._end_phase(status, "COMMAND_EXECUTION_ERROR", failure.message)
        else:
            self._end_phase(status)

    def _upload(self, spec: Buildspec, folder: str) -> None:
        build = self._build
        try:
            codebuild_artifact.upload(
                build["artifacts"], spec.artifacts, Path(folder), build, self._role
            )
            for artifact in build.get("secondaryArtifacts") or ():
                output = spec.secondary_artifacts.get(artifact["artifactIdentifier"])
                codebuild_artifact.upload(artifact, output, Path(folder), build, self._role)
        except BuildError:
            # A build that failed anyway need not have made its files.
            if not self._failed:
                raise

    # --- phases -----------------------------------------------------------------------------

    @contextlib.contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self._begin_phase(name)
        if self._stop.is_set():
            raise _cut_off("STOPPED")
        yield
        self._end_phase("SUCCEEDED")

    def _begin_phase(self, name: str) -> None:
        with self._cloud.lock:
            self._build["currentPhase"] = name
            self._build["phases"].append(new_phase(name, self._cloud.clock.now()))
        self._cloud.changed()

    def _end_phase(self, status: str, code: str = "", message: str = "") -> None:
        with self._cloud.lock:
            end_phase(self._build["phases"][-1], status, self._cloud.clock.now())
            if message:
                self._build["phases"][-1]["contexts"] = [{"statusCode": code, "message": message}]
            if status != "SUCCEEDED" and self._build["buildStatus"] == "IN_PROGRESS":
                self._build["_outcome"] = self._build.get("_outcome") or status
        self._cloud.changed()


def _cut_off(status: str) -> BuildError:
    said = "Build has timed out." if status == "TIMED_OUT" else "Build was stopped."
    return BuildError(f"BUILD_{status}", said, status=status)


def new_phase(name: str, now: datetime) -> dict[str, Any]:
    """Return a phase that begins."""
    return {"phaseType": name, "startTime": now}


def end_phase(phase: dict[str, Any], status: str, now: datetime) -> None:
    """Note how and when a phase ended."""
    phase["phaseStatus"] = status
    phase["endTime"] = now
    phase["durationInSeconds"] = int((now - phase["startTime"]).total_seconds())


def new_id(project: str) -> str:
    """Return a build's id."""
    return f"{project}:{uuid.uuid4()}"


def _made(make: Callable[..., Any], **arguments: str) -> bool:
    """Make a part of the log unless it is there; tell whether it is now, or lacks its group."""
    try:
        make(**arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        # Another build made it, or this one before an interruption.
        if code not in ("ResourceAlreadyExistsException", "ResourceNotFoundException"):
            raise
        return bool(code == "ResourceAlreadyExistsException")
    return True
