"""Checks a pipeline's declaration and fills its defaults in."""

import copy
from typing import TYPE_CHECKING, Any

from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.compute.codepipeline.actions.registry import ACTIONS
from mlzone_cloud.compute.codepipeline.state import SERVICE, Json
from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_FEWEST_STAGES = 2
_V2_ONLY = ("variables", "triggers")
_CONDITIONS = ("beforeEntry", "onSuccess")


def completed(cloud: "Cloud", given: Json, *, version: int) -> Json:
    """Return a declaration with its defaults.

    Raises:
        ApiError: `InvalidStructureException` or its like; the message says what is wrong.
    """
    declared = copy.deepcopy(given)
    declared["version"] = version
    declared.setdefault("pipelineType", "V1")
    declared.setdefault("executionMode", "SUPERSEDED")
    for stage in declared["stages"]:
        for action in stage["actions"]:
            for key, value in (
                ("runOrder", 1),
                ("configuration", {}),
                ("inputArtifacts", []),
                ("outputArtifacts", []),
            ):
                action.setdefault(key, value)
    _check_settings(declared)
    _check_stages(declared)
    _check_artifacts(declared)
    _check_emulated(cloud, declared)
    try:
        trusted_role(cloud, declared["roleArn"], SERVICE)
    except ApiError as error:
        raise _invalid(
            f"CodePipeline is not authorized to perform AssumeRole on role {declared['roleArn']}"
        ) from error
    return declared


def _check_settings(declared: Json) -> None:
    if ("artifactStore" in declared) == ("artifactStores" in declared):
        raise _invalid("Pipeline must have either artifactStore or artifactStores, and not both")
    if declared["pipelineType"] == "V1":
        if used := [name for name in _V2_ONLY if declared.get(name)]:
            raise _invalid(f"{used[0]} can only be used in pipelines of type V2")
        if declared["executionMode"] != "SUPERSEDED":
            raise _invalid("Pipelines of type V1 can only have the execution mode SUPERSEDED")


def _check_stages(declared: Json) -> None:
    stages = declared["stages"]
    if len(stages) < _FEWEST_STAGES:
        raise _invalid(
            f"Pipeline has only {len(stages)} stage(s). There should be a minimum of "
            f"{_FEWEST_STAGES} stages in a pipeline"
        )
    _unique([stage["name"] for stage in stages], "stage")
    for index, stage in enumerate(stages):
        if not stage["actions"]:
            raise _invalid(f"Stage {stage['name']} has no actions")
        _unique([action["name"] for action in stage["actions"]], "action")
        for action in stage["actions"]:
            is_source = action["actionTypeId"]["category"] == "Source"
            if is_source and index:
                raise _invalid(
                    f"Pipeline has a source action in stage {stage['name']}. Source actions can "
                    "only be in the first stage"
                )
            if not is_source and not index:
                raise _invalid("The first stage of a pipeline can only contain source actions")


def _unique(names: list[str], kind: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise _invalid(f"Pipeline has more than one {kind} with the name {name}")


def _check_artifacts(declared: Json) -> None:
    made: set[str] = set()
    for stage in declared["stages"]:
        for action in sorted(stage["actions"], key=lambda item: int(item["runOrder"])):
            earlier = set(made)
            for artifact in action["inputArtifacts"]:
                if artifact["name"] not in earlier:
                    raise _invalid(
                        f"The input artifact {artifact['name']} of action {action['name']} in "
                        f"stage {stage['name']} is not the output artifact of an earlier action"
                    )
            for artifact in action["outputArtifacts"]:
                if artifact["name"] in made:
                    raise _invalid(
                        f"Output artifact names must be unique: {artifact['name']} is made twice"
                    )
                made.add(artifact["name"])


def _check_emulated(cloud: "Cloud", declared: Json) -> None:
    for stage in declared["stages"]:
        if any(stage.get(name) for name in _CONDITIONS) or _failure(stage).get("conditions"):
            cloud.gap("conditions of a pipeline's stages")
        for action in stage["actions"]:
            about = action["actionTypeId"]
            if (about["category"], about["provider"]) not in ACTIONS:
                # It can be declared; it fails when it is reached.
                cloud.gap(f"{about['category']} actions of {about['provider']} in pipelines")
            polls = action["configuration"].get("PollForSourceChanges", "true")
            if about["category"] == "Source" and polls != "false":
                cloud.gap("a pipeline that polls its source: let a rule start it")
    if declared.get("triggers"):
        cloud.gap("triggers of a pipeline: let a rule start it")


def _failure(stage: Json) -> dict[str, Any]:
    return stage.get("onFailure") or {}


def _invalid(message: str) -> ApiError:
    return ApiError("InvalidStructureException", message)
