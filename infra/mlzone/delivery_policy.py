"""What a model's delivery may do, as IAM statements: one role a purpose, each for one model alone.

The commit's author decides what runs in the test and train builds; therefore these reach one
model's repository, artefacts and training pipeline, and nothing that serves. What a pull request
proposes is nobody's yet: its tests read the project and write their log, and that is all. A
promotion runs the platform's own commands; it alone may update the two stacks of the model
(DEP-01).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlzone.estate.unit import Stage
from mlzone.image import PUSH_ACTIONS
from mlzone.service_policy import (
    PIPELINE_JOBS,
    artifact_key,
    attach_to_network,
    image_repository,
    pull_images,
)
from mlzone.serving_policy import capture_arn, requests_prefix
from mlzone.surroundings import Statement, Surroundings, allow

_PIPELINE_IN_KEYS = 20
"""CodePipeline begins the keys of its artefacts with so many characters of the pipeline's name."""

_JOBS = ("processing-job", "training-job")
_KEY_ACTIONS = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One model's delivery in one environment."""

    surroundings: Surroundings
    """Where the roles exist; `keys` encrypt artefacts and logs."""
    model: str
    """The model's name."""
    pipeline: str
    """The name of the CodePipeline."""
    own_image: bool = False
    """Whether the build makes an image of the model's own."""

    @property
    def stage(self) -> Stage:
        """The environment."""
        if self.surroundings.stage is None:
            raise ValueError("delivery belongs into the environment of a business unit")
        return self.surroundings.stage

    @property
    def pipeline_arn(self) -> str:
        """The CodePipeline."""
        return self.surroundings.arn("codepipeline", self.pipeline)

    @property
    def handed_on(self) -> str:
        """What the pipeline's stages hand to each other."""
        s = self.surroundings
        bucket = s.naming.pipeline_bucket(s.unit, s.account)
        return f"arn:{s.partition}:s3:::{bucket}/{self.pipeline[:_PIPELINE_IN_KEYS]}*"

    @property
    def releases(self) -> str:
        """The environment's release bucket."""
        s = self.surroundings
        return f"arn:{s.partition}:s3:::{s.naming.release_bucket(s.unit, s.account)}"

    @property
    def artifacts(self) -> str:
        """The bucket of the unit's training artefacts."""
        s = self.surroundings
        return f"arn:{s.partition}:s3:::{s.naming.artifact_bucket(s.unit, s.shared_services)}"

    @property
    def versions(self) -> str:
        """The model's versions in the registry."""
        s = self.surroundings
        group = s.naming.model_package_group(s.unit, self.model)
        return (
            f"arn:{s.partition}:sagemaker:{s.home_region}:{s.shared_services}"
            f":model-package/{group}/*"
        )

    @property
    def training(self) -> str:
        """The model's SageMaker pipeline."""
        s = self.surroundings
        return s.arn("sagemaker", f"pipeline/{s.naming.sagemaker_pipeline(s.unit, self.model)}")


def handing_on(d: Delivery) -> list[Statement]:
    """Return what takes part in a pipeline: its artefacts and their keys."""
    return [
        allow("HandOn", ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"], [d.handed_on]),
        allow("Keys", [*_KEY_ACTIONS], list(d.surroundings.keys)),
    ]


def project_statements(d: Delivery, *, project: str) -> list[Statement]:
    """Return what every CodeBuild project of a model may do: run in the network and write its log.

    How it gets its source is said beside it.

    Args:
        d: the model's delivery.
        project: the project's name.
    """
    s = d.surroundings
    return [
        allow(
            "WriteLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [s.arn("logs", f"log-group:/aws/codebuild/{project}:*")],
        ),
        *pull_images(s),
        *attach_to_network(s),
    ]


def proposal_source_statements(d: Delivery, *, repository: str | None, key: str) -> list[Statement]:
    """Return what brings a pull request's commit to its tests: it reads, and writes nothing.

    Args:
        d: the model's delivery.
        repository: the CodeCommit repository that is cloned; None where a pipeline fetches the
            source from a provider.
        key: encrypts the repository, or what the pipeline fetched.
    """
    s = d.surroundings
    if repository is None:
        source = allow(
            "ReadProposal", ["s3:GetObject", "s3:GetObjectVersion"], [f"{d.handed_on}/Source/*"]
        )
    else:
        source = allow("ReadProposal", ["codecommit:GitPull"], [s.arn("codecommit", repository)])
    through = "s3" if repository is None else "codecommit"
    return [source, _through("ProposalKey", s, through, ["kms:Decrypt", "kms:DescribeKey"], key)]


def proposal_comment_statements(d: Delivery, *, repository: str, key: str) -> list[Statement]:
    """Return what says the outcome of its tests to a pull request.

    Args:
        d: the model's delivery.
        repository: the CodeCommit repository of the model's project.
        key: encrypts the repository.
    """
    s = d.surroundings
    return [
        allow(
            "Comment", ["codecommit:PostCommentForPullRequest"], [s.arn("codecommit", repository)]
        ),
        _through("CommentKey", s, "codecommit", [*_KEY_ACTIONS, "kms:Encrypt"], key),
    ]


def _through(sid: str, s: Surroundings, service: str, actions: list[str], key: str) -> Statement:
    """Allow to work with a key through a service alone."""
    through = {"StringEquals": {"kms:ViaService": f"{service}.{s.region}.amazonaws.com"}}
    return allow(sid, actions, [key], through)


def train_statements(d: Delivery, *, role_arn: str, app_arn: str) -> list[Statement]:
    """Return what the build may do that brings a commit to training.

    Args:
        d: the model's delivery.
        role_arn: the role of the team's training pipelines.
        app_arn: the team's MLflow App.
    """
    s = d.surroundings
    prefix = f"{s.unit}/{d.model}"
    parameter = s.naming.delivery_parameter(s.unit, d.model)
    return [
        *_own_image(d),
        allow("ReadDelivery", ["ssm:GetParameter"], [s.arn("ssm", f"parameter{parameter}")]),
        allow(
            "PinImages",
            ["ecr:DescribeImages"],
            [
                image_repository(s, s.naming.ecr_repository(image))
                for image in ("analyzer", "tabular")
            ],
        ),
        allow(
            "ListArtifacts",
            ["s3:ListBucket"],
            [d.artifacts],
            {"StringLike": {"s3:prefix": [f"{prefix}/*"]}},
        ),
        allow("Artifacts", ["s3:GetObject", "s3:PutObject"], [f"{d.artifacts}/{prefix}/*"]),
        artifact_key(s),
        allow(
            "RunTraining",
            [
                "sagemaker:AddTags",
                "sagemaker:CreatePipeline",
                "sagemaker:DescribePipeline",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:ListTags",
                "sagemaker:StartPipelineExecution",
                "sagemaker:StopPipelineExecution",
                "sagemaker:UpdatePipeline",
            ],
            [d.training, f"{d.training}/execution/*"],
        ),
        allow(
            "PassTrainingRole",
            ["iam:PassRole"],
            [role_arn],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        allow("TrackRun", ["sagemaker:CallMlflowAppApi"], [app_arn]),
        allow(
            "FindResults",
            ["sagemaker:DescribeProcessingJob", "sagemaker:DescribeTrainingJob"],
            [s.arn("sagemaker", f"{kind}/{PIPELINE_JOBS}") for kind in _JOBS],
            # Names of jobs are SageMaker's; their tags say whose they are.
            {"StringEquals": {"aws:ResourceTag/mlz:model": d.model}},
        ),
        allow(
            "ReadLogsOfJobs",
            ["logs:DescribeLogStreams", "logs:GetLogEvents"],
            # The groups are SageMaker's, one a kind of job.
            [
                s.arn("logs", f"log-group:/aws/sagemaker/{kind}:*")
                for kind in ("ProcessingJobs", "TrainingJobs")
            ],
        ),
    ]


def _own_image(d: Delivery) -> list[Statement]:
    """Return what puts an image into the model's own repository, and into no other."""
    s = d.surroundings
    if not d.own_image:
        return []
    own = image_repository(s, s.naming.own_image_repository(s.unit, d.model))
    return [allow("PushOwnImage", [*PUSH_ACTIONS], [own])]


def build_pipeline_statements(
    d: Delivery, *, projects: list[str], connection_arn: str | None, repository_id: str
) -> list[Statement]:
    """Return what the build pipeline may do: read the source and run its projects.

    Args:
        d: the model's delivery.
        projects: the names of its CodeBuild projects.
        connection_arn: the connection to the source provider; None for CodeCommit.
        repository_id: the repository's name; with its owner at a provider.
    """
    return [*handing_on(d), _source(d, connection_arn, repository_id), _run(d, projects)]


def _source(d: Delivery, connection_arn: str | None, repository_id: str) -> Statement:
    if connection_arn:
        return allow(
            "ReadSource",
            ["codeconnections:UseConnection"],
            [connection_arn],
            {"StringEquals": {"codeconnections:FullRepositoryId": repository_id}},
        )
    return allow(
        "ReadSource",
        [
            "codecommit:CancelUploadArchive",
            "codecommit:GetBranch",
            "codecommit:GetCommit",
            "codecommit:GetRepository",
            "codecommit:GetUploadArchiveStatus",
            "codecommit:UploadArchive",
        ],
        [d.surroundings.arn("codecommit", repository_id)],
    )


def _run(d: Delivery, projects: list[str]) -> Statement:
    return allow(
        "RunProjects",
        ["codebuild:BatchGetBuilds", "codebuild:StartBuild", "codebuild:StopBuild"],
        [d.surroundings.arn("codebuild", f"project/{project}") for project in projects],
    )


def promotion_pipeline_statements(d: Delivery, *, projects: list[str]) -> list[Statement]:
    """Return what the promotion pipeline may do: read the model's release and run its projects."""
    return [
        *handing_on(d),
        allow("SeeReleases", ["s3:GetBucketVersioning"], [d.releases]),
        allow(
            "ReadRelease",
            ["s3:GetObject", "s3:GetObjectVersion"],
            [f"{d.releases}/{d.model}/release.zip"],
        ),
        _run(d, projects),
    ]


def puller_statements(d: Delivery) -> list[Statement]:
    """Return what the function may do that pulls an approved version into the environment."""
    s = d.surroundings
    prefix = f"{s.unit}/{d.model}"
    return [
        allow("ReadVersion", ["sagemaker:DescribeModelPackage"], [d.versions]),
        allow("ReadArtifacts", ["s3:GetObject"], [f"{d.artifacts}/{prefix}/*"]),
        allow(
            "ListArtifacts",
            ["s3:ListBucket"],
            [d.artifacts],
            {"StringLike": {"s3:prefix": [f"{prefix}/*"]}},
        ),
        artifact_key(s),
        allow("WriteRelease", ["s3:PutObject"], [f"{d.releases}/{d.model}/*"]),
        allow(
            "ListReleases",
            ["s3:ListBucket"],
            [d.releases],
            {"StringLike": {"s3:prefix": [f"{d.model}/*"]}},
        ),
    ]


def deploy_statements(d: Delivery) -> list[Statement]:
    """Return what deploys a release: it updates the model's two stacks and passes no role.

    CloudFormation acts in the role that the stacks were made with, which it keeps; so nobody here
    needs `iam:PassRole`, and no other role can be brought in.
    """
    s, model = d.surroundings, d.model
    return [
        *_update(
            d,
            s.naming.serving_stack(s.unit, d.stage, model),
            s.naming.monitoring_stack(s.unit, d.stage, model),
        ),
        _see_approval(d),
    ]


def trial_statements(d: Delivery) -> list[Statement]:
    """Return what tries a release beside the one that serves, and compares what they answer.

    It sets parameters of the model's Serving stack, and reads what the model's endpoint captured:
    no other model's, and nothing that was captured of batches. It writes nothing.
    """
    s = d.surroundings
    endpoint = s.naming.endpoint(s.unit, d.model, d.stage)
    captured = f"{requests_prefix(d.model)}/{endpoint}"
    return [
        *_update(d, s.naming.serving_stack(s.unit, d.stage, d.model)),
        _see_approval(d),
        allow(
            "ListRequests",
            ["s3:ListBucket"],
            [capture_arn(s)],
            {"StringLike": {"s3:prefix": [f"{captured}/*"]}},
        ),
        allow("ReadRequests", ["s3:GetObject"], [f"{capture_arn(s)}/{captured}/*"]),
        # The action knows no resource; it reads figures, no data.
        allow("ReadMetrics", ["cloudwatch:GetMetricStatistics"], "*"),
    ]


def _update(d: Delivery, *names: str) -> list[Statement]:
    """Return what updates the parameters of stacks, and nothing else of them."""
    stacks = [d.surroundings.arn("cloudformation", f"stack/{name}/*") for name in names]
    return [
        allow(
            "SeeStacks",
            ["cloudformation:DescribeStackEvents", "cloudformation:DescribeStacks"],
            stacks,
        ),
        allow(
            "UpdateStacks",
            ["cloudformation:UpdateStack"],
            stacks,
            {"Null": {"cloudformation:TemplateUrl": "true"}},
        ),
    ]


def _see_approval(d: Delivery) -> Statement:
    return allow(
        "SeeApproval",
        [
            "codepipeline:GetPipelineExecution",
            "codepipeline:ListActionExecutions",
            "codepipeline:ListPipelineExecutions",
        ],
        [d.pipeline_arn],
    )


def verify_statements(d: Delivery) -> list[Statement]:
    """Return what verifies a release: it calls the model's endpoint."""
    s = d.surroundings
    endpoint = s.naming.endpoint(s.unit, d.model, d.stage)
    return [
        allow(
            "CallEndpoint",
            ["sagemaker:DescribeEndpoint", "sagemaker:InvokeEndpoint"],
            [s.arn("sagemaker", f"endpoint/{endpoint}")],
        )
    ]


def verify_batch_statements(d: Delivery) -> list[Statement]:
    """Return what verifies a release of a model without an endpoint: it has a batch run."""
    s = d.surroundings
    function = s.naming.batch_function(s.unit, d.model, d.stage)
    jobs = s.naming.batch_jobs(s.unit, d.model, d.stage)
    return [
        allow("RunBatch", ["lambda:InvokeFunction"], [s.arn("lambda", f"function:{function}")]),
        allow(
            "SeeBatch",
            ["sagemaker:DescribeTransformJob"],
            [s.arn("sagemaker", f"transform-job/{jobs}-*")],
        ),
    ]


def progress_statements(d: Delivery) -> list[Statement]:
    """Return what the function may do that tells how a build goes on."""
    return [
        allow("SeeBuild", ["codepipeline:GetPipelineExecution"], [d.pipeline_arn]),
        allow(
            "SeeTraining",
            ["sagemaker:ListPipelineExecutionSteps"],
            [f"{d.training}/execution/*"],
        ),
        allow("ReadVersion", ["sagemaker:DescribeModelPackage"], [d.versions]),
    ]


def retraining_statements(d: Delivery) -> list[Statement]:
    """Return what the function may do that starts a new training."""
    return [
        allow(
            "StartBuild",
            [
                "codepipeline:GetPipelineExecution",
                "codepipeline:ListPipelineExecutions",
                "codepipeline:StartPipelineExecution",
            ],
            [d.pipeline_arn],
        )
    ]


def start_statements(d: Delivery, *, projects: Sequence[str] = ()) -> list[Statement]:
    """Return what event rules may do: start the pipeline, and projects that stand alone."""
    pipeline = allow("Start", ["codepipeline:StartPipelineExecution"], [d.pipeline_arn])
    if not projects:
        return [pipeline]
    arns = [d.surroundings.arn("codebuild", f"project/{name}") for name in projects]
    return [pipeline, allow("StartTests", ["codebuild:StartBuild"], arns)]
