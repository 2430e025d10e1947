"""The second act: a commit becomes a model in production, and nobody approves their own."""

from collections.abc import Callable

from mlzone.errors import GovernanceError, LandingZoneError
from mlzone.estate import Stage
from mlzone_tools.demo.scene import Scene, must, refused, wait
from mlzone_tools.demo.story import Facts, Step, StepFailedError
from mlzone_tools.services.model import decision, delivery, progress, project, registry
from mlzone_tools.services.model.delivery import Run

_PROMOTION_SECONDS = 120.0


def steps(scene: Scene) -> list[Step]:
    """Return the steps of this act."""
    return [
        Step(
            "project",
            "A data scientist starts from the template",
            "a complete project, as a git repository",
            lambda: _project(scene),
        ),
        Step(
            "build",
            "A commit starts the pipeline: it tests, trains, evaluates, registers",
            "CodePipeline and the SageMaker pipeline really run, on real credit data",
            lambda: _build(scene),
        ),
        Step(
            "registry",
            "The version waits in the central registry; none is born approved",
            "its metrics, its lineage, and the refusal",
            lambda: _registry(scene),
        ),
        Step(
            "self-approval",
            "The author tries to approve",
            "refused by access control; the deciding statement is named",
            lambda: _self_approval(scene),
        ),
        Step(
            "approval",
            "The second line: one person validates, another approves",
            "without the evidence that the risk tier demands, the approval is refused",
            lambda: _approval(scene),
        ),
        Step(
            "staging",
            "Staging pulls the version, deploys it and tests it",
            "hashes verified, the endpoint's answers checked against the service level",
            lambda: _staging(scene),
        ),
        Step(
            "production",
            "Production asks one more person, then deploys",
            "the promotion waits for an answer; the author's is refused",
            lambda: _production(scene),
        ),
    ]


def _project(scene: Scene) -> Facts:
    folder = project.create(scene.estate, scene.model_name, scene.project)
    files = [path for path in folder.rglob("*") if path.is_file() and ".git" not in path.parts]
    return {
        "template": scene.model.template,
        "folder": str(folder),
        "files": len(files),
    }


def _build(scene: Scene) -> Facts:
    session = scene.stage(Stage.DEV, scene.author)
    pipeline = delivery.pipeline_name(scene.estate, scene.model_name, Stage.DEV)
    scene.runs[Stage.DEV] = runs_of(scene, Stage.DEV)
    commit = project.submit(
        session,
        scene.estate,
        scene.model_name,
        scene.project,
        person=scene.author,
        message="Start from the template",
    )
    scene.talk(f"      {scene.author} pushed {commit[:12]}")
    run = followed(scene, Stage.DEV)
    scene.version = newest_version(scene)
    return {
        "git commit": commit,
        "pipeline": f"{pipeline}: {run.status}",
        "jobs": ", ".join(sagemaker_steps(scene)),
        "model package": scene.version.arn,
    }


def _registry(scene: Scene) -> Facts:
    version = scene.known_version()
    must(version.status == registry.WAITING, f"the version is {version.status}")
    must(version.author == scene.author, f"the registry says that {version.author} is the author")
    refusal = refused(
        lambda: (
            scene.registry()
            .client("sagemaker")
            .create_model_package(
                ModelPackageGroupName=scene.naming.model_package_group(
                    scene.unit.name, scene.model.name
                ),
                ModelApprovalStatus="Approved",
                CustomerMetadataProperties={"author": scene.author},
            )
        ),
        "a version that is born approved",
    )
    return {
        "version": f"{version.model}:{version.version}",
        "author": version.author,
        **dict(sorted(version.metadata.items())),
        "born approved": f"refused: {refusal}",
    }


def _self_approval(scene: Scene) -> Facts:
    arn = scene.known_version().arn
    sagemaker = scene.stage(Stage.DEV, scene.author).client("sagemaker")
    refusal = refused(
        lambda: sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved"),
        f"{scene.author} approves their own model",
    )
    return {"person": scene.author, "refused": refusal}


def _approval(scene: Scene) -> Facts:
    # Every pipeline has run once when it was made, with nothing to promote yet.
    for stage in (Stage.STAGING, Stage.PROD):
        scene.runs[stage] = runs_of(scene, stage)
    approver, validator = scene.unit.approvers[:2]
    facts = _validated(scene, approver, validator) if scene.model.controls.validation else {}
    _approve(scene, approver)
    version = newest_version(scene)
    must(version.status == "Approved", f"the version is {version.status}")
    must(version.author == scene.author, "the approval has lost the author")
    scene.version = version
    return {
        **facts,
        "person": approver,
        "model package": version.arn,
        "status": version.status,
    }


def _approve(scene: Scene, person: str) -> None:
    decision.decide(
        scene.registry(person),
        scene.estate,
        scene.known_version(),
        "Approved",
        person=person,
        reason="metrics, bias and validation read",
    )


def _validated(scene: Scene, approver: str, validator: str) -> Facts:
    """Show that an approval needs a validation, and that one person cannot give both."""
    early = _refused(lambda: _approve(scene, approver), "an approval without any validation")
    report = _validation_report(scene, validator)
    scene.artifacts["validation.md"] = report
    signed = decision.validate(
        scene.registry(validator),
        scene.known_version(),
        person=validator,
        report="validation.md",
        content=report.encode(),
    )
    alone = _refused(lambda: _approve(scene, validator), "an approval by who validated")
    return {
        "refused without evidence": early,
        "validated by": validator,
        "report": f"sha256:{signed.sha256}",
        "refused alone": alone,
    }


def _validation_report(scene: Scene, validator: str) -> str:
    """Write what the second line found: the version's figures, held against the thresholds."""
    version, limits = scene.known_version(), scene.model.thresholds
    auc, gap = (float(version.metadata[name]) for name in ("auc", "disparate_impact_gap"))
    must(auc >= limits.min_auc, f"the area under the curve is {auc}")
    must(gap <= limits.max_disparate_impact_gap, f"the gap between groups is {gap}")
    return (
        f"# Validation of {version.model}, version {version.version}\n\n"
        f"By {validator}, of the second line. Made by {version.author} from commit "
        f"{version.metadata['commit']}, data {version.metadata['data_hash']}.\n\n"
        f"| Figure | Found | Demanded |\n|---|---|---|\n"
        f"| area under the ROC curve | {auc:g} | at least {limits.min_auc:g} |\n"
        f"| gap of disparate impact | {gap:g} | at most {limits.max_disparate_impact_gap:g} |\n"
    )


def _refused(attempt: Callable[[], None], what: str) -> str:
    try:
        attempt()
    except GovernanceError as error:
        return error.message
    raise StepFailedError(f"nobody refused {what}")


def _staging(scene: Scene) -> Facts:
    run = followed(scene, Stage.STAGING)
    return {"pipeline": f"{run.pipeline}: {run.status}", **_endpoint(scene, Stage.STAGING)}


def _production(scene: Scene) -> Facts:
    watcher = scene.stage(Stage.PROD)
    pipeline = delivery.pipeline_name(scene.estate, scene.model_name, Stage.PROD)
    facts: Facts = {}
    if scene.model.controls.production_approval:
        wait(
            lambda: delivery.is_waiting(watcher, pipeline),
            f"{pipeline} waits for an approver",
            seconds=_PROMOTION_SECONDS,
        )
        engineer = scene.team.members.ml_engineers[0]
        try:
            delivery.answer(
                scene.stage(Stage.PROD, engineer), pipeline, approve=True, reason="mine"
            )
        except LandingZoneError as error:
            facts["refused"] = error.message
        else:
            raise StepFailedError(f"{engineer} of the first line let a version into production")
        approver = scene.unit.approvers[1]
        delivery.answer(
            scene.stage(Stage.PROD, approver), pipeline, approve=True, reason="staging tests read"
        )
        facts["approved by"] = approver
    run = followed(scene, Stage.PROD)
    return {
        **facts,
        "pipeline": f"{run.pipeline}: {run.status}",
        **_endpoint(scene, Stage.PROD),
    }


def runs_of(scene: Scene, stage: Stage) -> tuple[Run, ...]:
    """Return the runs of the pipeline that brings the model into an environment."""
    pipeline = delivery.pipeline_name(scene.estate, scene.model_name, stage)
    return delivery.runs(scene.stage(stage), pipeline)


def followed(scene: Scene, stage: Stage) -> Run:
    """Wait for a new run of an environment's pipeline to succeed; return it."""
    pipeline = delivery.pipeline_name(scene.estate, scene.model_name, stage)
    run = progress.follow(
        scene.stage(stage),
        pipeline,
        known=scene.runs[stage],
        talk=lambda line: scene.talk(f"      {line}"),
    )
    progress.require_success(run)
    return run


def _endpoint(scene: Scene, stage: Stage) -> Facts:
    name = scene.naming.endpoint(scene.unit.name, scene.model.name, stage)
    endpoint = scene.stage(stage).client("sagemaker").describe_endpoint(EndpointName=name)
    must(endpoint["EndpointStatus"] == "InService", f"{name} is {endpoint['EndpointStatus']}")
    variant = endpoint["ProductionVariants"][0]
    return {
        "endpoint": name,
        "instances": variant["CurrentInstanceCount"],
        "capture": f"{endpoint['DataCaptureConfig']['CurrentSamplingPercentage']} %",
    }


def newest_version(scene: Scene) -> registry.Version:
    """Return the newest version of the model of the story."""
    return registry.version(scene.registry(), scene.estate, scene.model_name)


def sagemaker_steps(scene: Scene) -> list[str]:
    """Return the steps of the newest SageMaker pipeline execution, with their status."""
    sagemaker = scene.stage(Stage.DEV).client("sagemaker")
    newest = sagemaker.list_pipeline_executions(
        PipelineName=scene.naming.sagemaker_pipeline(scene.unit.name, scene.model.name),
        SortBy="CreationTime",
        SortOrder="Descending",
    )["PipelineExecutionSummaries"][0]
    found = sagemaker.list_pipeline_execution_steps(
        PipelineExecutionArn=newest["PipelineExecutionArn"]
    )["PipelineExecutionSteps"]
    ordered = sorted(found, key=lambda item: item["StartTime"])
    return [f"{item['StepName']} {item['StepStatus'].lower()}" for item in ordered]
