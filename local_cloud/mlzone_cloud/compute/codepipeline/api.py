"""CodePipeline's operations on pipelines: made, changed, described, opened and closed."""

from typing import TYPE_CHECKING, Any

from mlzone_cloud.compute.codebuild_runner import STATE_CHANGE
from mlzone_cloud.compute.codepipeline import machine
from mlzone_cloud.compute.codepipeline.declaration import completed
from mlzone_cloud.compute.codepipeline.start import start
from mlzone_cloud.compute.codepipeline.state import (
    Pipeline,
    Place,
    executions,
    find,
    forget,
    jobs,
    pipelines,
)
from mlzone_cloud.compute.codepipeline.timing import install_timing
from mlzone_cloud.compute.codepipeline.views import pipeline_state
from mlzone_cloud.errors import ApiError
from mlzone_cloud.generic import paging
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_MOST_TAGS = 50


def install(cloud: "Cloud") -> None:
    """Watch the clock and builds, and take up what a stopped process left unfinished."""
    install_timing(cloud)

    def hear(account: str, region: str, detail: dict[str, Any]) -> None:
        del account, region
        if detail["build-status"] != "IN_PROGRESS" and detail["build-id"] in jobs(cloud):
            cloud.submit(_look_at_build, cloud, detail["build-id"])

    cloud.listen(STATE_CHANGE, hear)


def _look_at_build(cloud: "Cloud", arn: str) -> None:
    """A build has ended: the action that started it goes on."""
    waiting = jobs(cloud).get(arn)
    if waiting is None:
        return
    place, execution_id, action_id = waiting
    execution = executions(cloud, place).get(execution_id)
    run = execution.action(action_id) if execution else None
    if execution and run:
        machine.work_on(cloud, place, execution, run)


@operation("codepipeline", "CreatePipeline")
def create_pipeline(call: Call) -> dict[str, Any]:
    """Make a pipeline, which starts at once, as in AWS."""
    validate(call.service, call.operation, call.params)
    given = call.params["pipeline"]
    place = Place(account=call.account, region=call.region, name=given["name"])
    known = pipelines(call.cloud, call.account, call.region)
    if place.name in known:
        raise ApiError(
            "PipelineNameInUseException",
            f"A pipeline with the name '{place.name}' already exists in account '{call.account}'",
        )
    declared = completed(call.cloud, given, version=1)
    now = call.cloud.clock.now()
    pipeline = Pipeline(declaration=declared, created=now, updated=now)
    known[place.name] = pipeline
    _tag(pipeline, call.params.get("tags") or [])
    if all("defaultValue" in item for item in declared.get("variables") or ()):
        trigger = {"triggerType": "CreatePipeline", "triggerDetail": call.caller_arn}
        start(call.cloud, place, trigger)
    return {"pipeline": declared, "tags": _tag_list(pipeline)}


@operation("codepipeline", "UpdatePipeline")
def update_pipeline(call: Call) -> dict[str, Any]:
    """Replace a pipeline's declaration; what runs goes on with the old one."""
    validate(call.service, call.operation, call.params)
    given = call.params["pipeline"]
    pipeline = find(call.cloud, _place(call, given["name"]))
    version = int(pipeline.declaration["version"]) + 1
    pipeline.declaration = completed(call.cloud, given, version=version)
    pipeline.updated = call.cloud.clock.now()
    return {"pipeline": pipeline.declaration}


@operation("codepipeline", "GetPipeline")
def get_pipeline(call: Call) -> dict[str, Any]:
    """Return a pipeline's declaration."""
    place = _place(call, call.params["name"])
    pipeline = find(call.cloud, place)
    version = call.params.get("version")
    if version and version != pipeline.declaration["version"]:
        raise ApiError(
            "PipelineVersionNotFoundException",
            f"the embedded cloud keeps the newest version only, {pipeline.declaration['version']}",
        )
    return {
        "pipeline": pipeline.declaration,
        "metadata": {
            "pipelineArn": place.arn,
            "created": pipeline.created,
            "updated": pipeline.updated,
        },
    }


@operation("codepipeline", "ListPipelines")
def list_pipelines(call: Call) -> dict[str, Any]:
    """List the pipelines."""
    summaries = [
        {
            "name": name,
            "version": pipeline.declaration["version"],
            "pipelineType": pipeline.declaration["pipelineType"],
            "executionMode": pipeline.declaration["executionMode"],
            "created": pipeline.created,
            "updated": pipeline.updated,
        }
        for name, pipeline in sorted(pipelines(call.cloud, call.account, call.region).items())
    ]
    page, token = paging.cut(summaries, call.params)
    return {"pipelines": page, **({"nextToken": token} if token else {})}


@operation("codepipeline", "DeletePipeline")
def delete_pipeline(call: Call) -> dict[str, Any]:
    """Delete a pipeline and what it runs; one that does not exist is no error."""
    place = _place(call, call.params["name"])
    if place.name in pipelines(call.cloud, call.account, call.region):
        for execution in executions(call.cloud, place).values():
            machine.abandon(call.cloud, place, execution)
        forget(call.cloud, place)
    return {}


@operation("codepipeline", "GetPipelineState")
def get_pipeline_state(call: Call) -> dict[str, Any]:
    """Tell how the stages and actions stand."""
    place = _place(call, call.params["name"])
    return pipeline_state(call.cloud, place, find(call.cloud, place))


@operation("codepipeline", "DisableStageTransition")
def disable_stage_transition(call: Call) -> dict[str, Any]:
    """Keep executions from entering a stage, or with `Outbound` from leaving it for the next."""
    _set_transition(call, enabled=False)
    return {}


@operation("codepipeline", "EnableStageTransition")
def enable_stage_transition(call: Call) -> dict[str, Any]:
    """Let executions enter a stage again."""
    machine.drive(call.cloud, _set_transition(call, enabled=True))
    return {}


def _set_transition(call: Call, *, enabled: bool) -> Place:
    validate(call.service, call.operation, call.params)
    place = _place(call, call.params["pipelineName"])
    pipeline = find(call.cloud, place)
    names = [stage["name"] for stage in pipeline.declaration["stages"]]
    if call.params["stageName"] not in names:
        raise ApiError(
            "StageNotFoundException",
            f"Pipeline '{place.name}' does not have a stage '{call.params['stageName']}'",
        )
    index = names.index(call.params["stageName"])
    if call.params["transitionType"] == "Outbound":
        index += 1
    if not 0 < index < len(names):
        raise ApiError("ValidationException", "there is no transition there")
    pipeline.transitions[names[index]] = {
        "enabled": enabled,
        "lastChangedBy": call.caller_arn,
        "lastChangedAt": call.cloud.clock.now(),
        **({} if enabled else {"disabledReason": call.params.get("reason", "")}),
    }
    return place


# --- tags -------------------------------------------------------------------------------------


@operation("codepipeline", "ListTagsForResource")
def list_tags(call: Call) -> dict[str, Any]:
    """Return a pipeline's tags."""
    page, token = paging.cut(_tag_list(_by_arn(call)), call.params)
    return {"tags": page, **({"nextToken": token} if token else {})}


@operation("codepipeline", "TagResource")
def tag_resource(call: Call) -> dict[str, Any]:
    """Add tags."""
    _tag(_by_arn(call), call.params["tags"])
    return {}


@operation("codepipeline", "UntagResource")
def untag_resource(call: Call) -> dict[str, Any]:
    """Remove tags."""
    tags = _by_arn(call).tags
    for key in call.params["tagKeys"]:
        tags.pop(key, None)
    return {}


def _tag(pipeline: Pipeline, tags: list[dict[str, str]]) -> None:
    merged = {**pipeline.tags, **{tag["key"]: tag["value"] for tag in tags}}
    if any(key.startswith("aws:") for key in merged):
        raise ApiError("InvalidTagsException", "System tags start with 'aws:' and are not allowed")
    if len(merged) > _MOST_TAGS:
        raise ApiError("TooManyTagsException", f"at most {_MOST_TAGS} tags")
    pipeline.tags = merged


def _tag_list(pipeline: Pipeline) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted(pipeline.tags.items())]


def _by_arn(call: Call) -> Pipeline:
    name = call.params["resourceArn"].rsplit(":", 1)[-1]
    try:
        return find(call.cloud, _place(call, name))
    except ApiError as error:
        raise ApiError("ResourceNotFoundException", error.message) from error


def _place(call: Call, name: str) -> Place:
    return Place(account=call.account, region=call.region, name=name)
