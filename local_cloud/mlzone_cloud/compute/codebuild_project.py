"""CodeBuild's projects: their defaults, and the build that a request makes of one."""

import copy
import re
from typing import Any

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute.codebuild_build import SERVICE, Build, end_phase, new_id, new_phase
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call

Project = dict[str, Any]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-_]{1,149}")
_DEFAULT_TIMEOUT = 60
_DEFAULT_QUEUED_TIMEOUT = 480
_MERGED = (
    ("artifacts", "artifactsOverride"),
    ("cache", "cacheOverride"),
    ("encryptionKey", "encryptionKeyOverride"),
    ("secondaryArtifacts", "secondaryArtifactsOverride"),
    ("secondarySourceVersions", "secondarySourcesVersionOverride"),
    ("secondarySources", "secondarySourcesOverride"),
    ("serviceRole", "serviceRoleOverride"),
    ("sourceVersion", "sourceVersion"),
    ("timeoutInMinutes", "timeoutInMinutesOverride"),
    ("queuedTimeoutInMinutes", "queuedTimeoutInMinutesOverride"),
)
"""What a build takes from its request, else from its project."""
_SOURCE = (
    ("type", "sourceTypeOverride"),
    ("location", "sourceLocationOverride"),
    ("buildspec", "buildspecOverride"),
    ("gitCloneDepth", "gitCloneDepthOverride"),
)
_ENVIRONMENT = (
    ("type", "environmentTypeOverride"),
    ("image", "imageOverride"),
    ("computeType", "computeTypeOverride"),
    ("privilegedMode", "privilegedModeOverride"),
    ("imagePullCredentialsType", "imagePullCredentialsTypeOverride"),
)
_CAN_BE_CLEARED = ("concurrentBuildLimit", "description", "sourceVersion", "vpcConfig")
"""What an empty value, or -1, takes away from a project."""
_LOCATED_SOURCES = frozenset({"S3", "CODECOMMIT"})


def declared(call: Call, before: Project | None = None) -> Project:
    """Return the project that a request to create or update one declares.

    Raises:
        ApiError: `InvalidInputException`: it cannot be built.
    """
    _validate(call)
    now = call.cloud.clock.now()
    project: Project = {**(before or {}), **copy.deepcopy(call.params), "lastModified": now}
    name = project["name"]
    if not _NAME.fullmatch(name):
        raise _invalid(f"Project name {name} is invalid: letters, digits, - and _, 2 to 150")
    arn = f"arn:aws:codebuild:{call.region}:{call.account}:project/{name}"
    for key in _CAN_BE_CLEARED:
        if project.get(key) in ("", {}, -1):
            del project[key]
    own_key = f"arn:aws:kms:{call.region}:{call.account}:alias/aws/s3"
    for key, value in (
        ("arn", arn),
        ("created", now),
        ("encryptionKey", own_key),
        ("timeoutInMinutes", _DEFAULT_TIMEOUT),
        ("queuedTimeoutInMinutes", _DEFAULT_QUEUED_TIMEOUT),
        ("badge", {"badgeEnabled": False}),
        ("cache", {"type": "NO_CACHE"}),
        ("projectVisibility", "PRIVATE"),
        ("secondaryArtifacts", []),
        ("secondarySourceVersions", []),
        ("secondarySources", []),
        ("tags", []),
    ):
        project.setdefault(key, value)
    project["environment"].setdefault("environmentVariables", [])
    project["environment"].setdefault("privilegedMode", False)
    project["environment"].setdefault("imagePullCredentialsType", "CODEBUILD")
    _check(call, project)
    return project


def _validate(call: Call) -> None:
    try:
        validate(call.service, call.operation, call.params)
    except ApiError as error:
        raise _invalid(error.message) from error


def _check(call: Call, project: Project) -> None:
    source, artifacts = project["source"], project["artifacts"]
    if (source["type"] == "CODEPIPELINE") != (artifacts["type"] == "CODEPIPELINE"):
        raise _invalid("Invalid artifacts: source and artifacts must both be of type CODEPIPELINE")
    if source["type"] in _LOCATED_SOURCES and not source.get("location"):
        raise _invalid(f"Invalid project source: location is required for {source['type']}")
    if source["type"] == "NO_SOURCE" and not source.get("buildspec"):
        raise _invalid("Invalid buildspec: it must be given when the source type is NO_SOURCE")
    if artifacts["type"] == "S3" and not artifacts.get("location"):
        raise _invalid("Invalid artifacts: location is required for S3")
    try:
        trusted_role(call.cloud, project["serviceRole"], SERVICE)
    except ApiError as error:
        raise _invalid(
            "CodeBuild is not authorized to perform: sts:AssumeRole on service role. Please verify "
            "that: 1) The provided service role exists, 2) The role name is case-sensitive and "
            "matches exactly, and 3) The role has the necessary trust policy configured."
        ) from error
    logs = project.get("logsConfig") or {}
    if (logs.get("s3Logs") or {}).get("status") == "ENABLED":
        call.cloud.gap("logs of builds in S3")


def new_build(call: Call, project: Project, number: int, initiator: str) -> Build:
    """Return the build that a request to start one makes."""
    _validate(call)
    request, now = call.params, call.cloud.clock.now()
    build: Build = {
        key: copy.deepcopy(value)
        for key, override in _MERGED
        if (value := request.get(override, project.get(key))) is not None
    }
    build["source"] = _overridden(project["source"], request, _SOURCE)
    environment = _overridden(project["environment"], request, _ENVIRONMENT)
    variables = {item["name"]: item for item in environment["environmentVariables"]}
    for item in request.get("environmentVariablesOverride") or ():
        variables[item["name"]] = item
    environment["environmentVariables"] = list(variables.values())
    build["environment"] = environment
    build_id = new_id(project["name"])
    submitted = new_phase("SUBMITTED", now)
    end_phase(submitted, "SUCCEEDED", now)
    return {
        **build,
        "id": build_id,
        "arn": f"arn:aws:codebuild:{call.region}:{call.account}:build/{build_id}",
        "buildNumber": number,
        "projectName": project["name"],
        "startTime": now,
        "currentPhase": "QUEUED",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "initiator": initiator,
        "phases": [submitted, new_phase("QUEUED", now)],
        "logs": _logs(call, project, build_id),
        **({"vpcConfig": project["vpcConfig"]} if project.get("vpcConfig") else {}),
    }


def _overridden(
    base: dict[str, Any], request: dict[str, Any], names: tuple[tuple[str, str], ...]
) -> dict[str, Any]:
    given = {key: request[override] for key, override in names if override in request}
    return copy.deepcopy({**base, **given})


def _logs(call: Call, project: Project, build_id: str) -> dict[str, Any]:
    declared_logs = {**(project.get("logsConfig") or {})}
    declared_logs.update(call.params.get("logsConfigOverride") or {})
    watch = declared_logs.get("cloudWatchLogs") or {"status": "ENABLED"}
    if watch["status"] == "DISABLED":
        return {"cloudWatchLogs": watch}
    uid = build_id.split(":", 1)[1]
    group = watch.get("groupName") or f"/aws/codebuild/{project['name']}"
    stream = f"{watch['streamName']}/{uid}" if watch.get("streamName") else uid
    return {
        "groupName": group,
        "streamName": stream,
        "cloudWatchLogs": watch,
        "cloudWatchLogsArn": (
            f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{stream}"
        ),
        "deepLink": (
            f"https://console.aws.amazon.com/cloudwatch/home?region={call.region}"
            f"#logsV2:log-groups/log-group/{group.replace('/', '$252F')}/log-events/{stream}"
        ),
    }


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidInputException", message)
