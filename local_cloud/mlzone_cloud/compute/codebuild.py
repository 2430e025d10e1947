"""AWS CodeBuild: projects, and builds whose commands really run.

Source: AWS CodeBuild API Reference.
"""

from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute import codebuild_project
from mlzone_cloud.compute.codebuild_build import Build
from mlzone_cloud.compute.codebuild_project import Project
from mlzone_cloud.compute.codebuild_runner import BUILDS, PROJECTS, announce, runner_of
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_HANDED_OVER = "codebuild.handed_over"


def install(cloud: "Cloud") -> None:
    """Take builds up again that a stopped process left unfinished; end them with the cloud."""
    cloud.stoppers.append(runner_of(cloud).wait)
    cloud.resumers.append(lambda resumed: runner_of(resumed).resume())


def hand_over(
    cloud: "Cloud", account: str, region: str, token: str, *, initiator: str, resolved: str
) -> None:
    """Announce a build that a pipeline is about to start with an idempotency token.

    Args:
        cloud: the cloud.
        account: where the project is.
        region: where the project is.
        token: the token.
        initiator: such as `codepipeline/NAME`.
        resolved: the version of the pipeline's source.
    """
    handed = {"initiator": initiator, "resolvedSourceVersion": resolved}
    cloud.store(_HANDED_OVER, account, region)[token] = handed


# --- projects ---------------------------------------------------------------------------------


@operation("codebuild", "CreateProject")
def create_project(call: Call) -> dict[str, Any]:
    """Make a project."""
    name = call.params.get("name", "")
    if name in _projects(call):
        raise ApiError(
            "ResourceAlreadyExistsException",
            f"Project already exists: arn:aws:codebuild:{call.region}:{call.account}:project/"
            f"{name}",
        )
    project = codebuild_project.declared(call)
    _projects(call)[name] = {**project, "_builds": 0}
    return {"project": project}


@operation("codebuild", "UpdateProject")
def update_project(call: Call) -> dict[str, Any]:
    """Change a project; what is not given stays."""
    before = _project(call, call.params["name"])
    project = codebuild_project.declared(call, before)
    _projects(call)[project["name"]] = project
    return {"project": project}


@operation("codebuild", "BatchGetProjects")
def batch_get_projects(call: Call) -> dict[str, Any]:
    """Describe projects by name or ARN."""
    wanted = {name: name.rsplit("/", 1)[-1] for name in call.params["names"]}
    projects = _projects(call)
    return {
        "projects": [projects[name] for name in wanted.values() if name in projects],
        "projectsNotFound": [given for given, name in wanted.items() if name not in projects],
    }


@operation("codebuild", "ListProjects")
def list_projects(call: Call) -> dict[str, Any]:
    """List the names of projects."""
    names = sorted(_projects(call))
    if call.params.get("sortOrder") == "DESCENDING":
        names.reverse()
    page, token = paging.cut(names, call.params)
    return {"projects": page, **({"nextToken": token} if token else {})}


@operation("codebuild", "DeleteProject")
def delete_project(call: Call) -> dict[str, Any]:
    """Delete a project with the record of its builds; one that does not exist is no error."""
    name = call.params["name"].rsplit("/", 1)[-1]
    _projects(call).pop(name, None)
    for build in _builds_of(call, name):
        if build["buildComplete"]:
            del _builds(call)[build["id"]]
    return {}


# --- builds -----------------------------------------------------------------------------------


@operation("codebuild", "StartBuild")
def start_build(call: Call) -> dict[str, Any]:
    """Start a build; a token that was used before returns the build that it started."""
    project = _project(call, call.params["projectName"].rsplit("/", 1)[-1])
    token = call.params.get("idempotencyToken") or ""
    for build in _builds_of(call, project["name"]) if token else ():
        if build.get("_token") == token:
            return {"build": build}
    handed = call.cloud.store(_HANDED_OVER, call.account, call.region).pop(token, None) or {}
    initiator = handed.pop("initiator", "") or _initiator(call)
    number = project["_builds"] + 1
    build = codebuild_project.new_build(call, project, number, initiator)
    project["_builds"] = number
    build.update(handed, _token=token)
    return _begin(call, build)


@operation("codebuild", "RetryBuild")
def retry_build(call: Call) -> dict[str, Any]:
    """Start a build again with the settings that it had."""
    before = _build(call, call.params["id"])
    project = _project(call, before["projectName"])
    call.params = {"projectName": project["name"]}
    number = project["_builds"] + 1
    fresh = codebuild_project.new_build(call, project, number, _initiator(call))
    project["_builds"] = number
    for key in ("source", "sourceVersion", "secondarySources", "environment"):
        if key in before:
            fresh[key] = before[key]
    return _begin(call, fresh)


@operation("codebuild", "BatchGetBuilds")
def batch_get_builds(call: Call) -> dict[str, Any]:
    """Describe builds by id or ARN."""
    wanted = {given: given.rsplit("build/", 1)[-1] for given in call.params["ids"]}
    builds = _builds(call)
    return {
        "builds": [builds[name] for name in wanted.values() if name in builds],
        "buildsNotFound": [given for given, name in wanted.items() if name not in builds],
    }


@operation("codebuild", "StopBuild")
def stop_build(call: Call) -> dict[str, Any]:
    """Stop a build; one that has ended stays as it is."""
    build = _build(call, call.params["id"])
    runner_of(call.cloud).stop(call.account, call.region, build)
    return {"build": build}


@operation("codebuild", "BatchDeleteBuilds")
def batch_delete_builds(call: Call) -> dict[str, Any]:
    """Forget builds that have ended."""
    deleted, kept = [], []
    for given in call.params["ids"]:
        build = _builds(call).get(given.rsplit("build/", 1)[-1])
        if build is None or not build["buildComplete"]:
            status = "BUILD_IN_PROGRESS" if build else "RESOURCE_NOT_FOUND"
            kept.append({"id": given, "statusCode": status})
        else:
            del _builds(call)[build["id"]]
            deleted.append(build["arn"])
    return {"buildsDeleted": deleted, "buildsNotDeleted": kept}


@operation("codebuild", "ListBuilds")
def list_builds(call: Call) -> dict[str, Any]:
    """List the ids of all builds, the newest first unless asked otherwise."""
    return _listing(call, list(_builds(call).values()))


@operation("codebuild", "ListBuildsForProject")
def list_builds_for_project(call: Call) -> dict[str, Any]:
    """List the ids of a project's builds, the newest first unless asked otherwise."""
    project = _project(call, call.params["projectName"])
    return _listing(call, _builds_of(call, project["name"]))


def _listing(call: Call, builds: list[Build]) -> dict[str, Any]:
    ascending = call.params.get("sortOrder") == "ASCENDING"
    builds.sort(key=lambda build: (build["startTime"], build["buildNumber"]), reverse=not ascending)
    page, token = paging.cut([build["id"] for build in builds], call.params)
    return {"ids": page, **({"nextToken": token} if token else {})}


def _begin(call: Call, build: Build) -> dict[str, Any]:
    _builds(call)[build["id"]] = build
    announce(call.cloud, call.account, call.region, build)
    runner_of(call.cloud).submit(call.account, call.region, build["id"])
    return {"build": build}


def _initiator(call: Call) -> str:
    """Return who starts a build: the end of the caller's ARN, as CodeBuild has it."""
    tail = call.caller_arn.split(":", 5)[-1]
    return tail.removeprefix("assumed-role/").removeprefix("user/")


def _projects(call: Call) -> dict[str, Project]:
    return call.cloud.store(PROJECTS, call.account, call.region)


def _builds(call: Call) -> dict[str, Build]:
    return call.cloud.store(BUILDS, call.account, call.region)


def _builds_of(call: Call, project: str) -> list[Build]:
    return [build for build in _builds(call).values() if build["projectName"] == project]


def _project(call: Call, name: str) -> Project:
    project = _projects(call).get(name)
    if project is None:
        raise ApiError(
            "ResourceNotFoundException",
            f"Project cannot be found: arn:aws:codebuild:{call.region}:{call.account}:project/"
            f"{name}",
        )
    return project


def _build(call: Call, given: str) -> Build:
    build = _builds(call).get(given.rsplit("build/", 1)[-1])
    if build is None:
        raise ApiError("ResourceNotFoundException", f"Build cannot be found: {given}")
    return build
