"""What machines of a team may do, as IAM statements.

As with personas, statements name resources by their prefix; where an action knows no resource, or
AWS makes the name, the place says so.
"""

from collections.abc import Sequence

from mlzone.image import IMAGES
from mlzone.surroundings import Statement, Surroundings, allow

PIPELINE_JOBS = "pipelines-*"
"""SageMaker names the jobs of a pipeline itself: `pipelines-`, the execution, the step."""

_IMAGE_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)


def pipeline_statements(
    s: Surroundings, *, role_arn: str, data_bucket_arn: str, own_images: Sequence[str] = ()
) -> list[Statement]:
    """Return what a team's training pipelines may do.

    They read the team's data, run jobs in the team's account, write artefacts into the
    unit's bucket and register versions in the unit's groups; they approve nothing and deploy
    nothing (MOD-02, DEP-01).

    Args:
        s: where the role exists.
        role_arn: the role itself; jobs of a pipeline run in it.
        data_bucket_arn: the team's data.
        own_images: the team's models that have images of their own.
    """
    return [
        *_data(s, data_bucket_arn),
        *_artifacts(s),
        *_jobs(s, role_arn),
        allow(
            "Register",
            [
                "sagemaker:AddTags",
                "sagemaker:CreateModelPackage",
                "sagemaker:DescribeModelPackage",
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:ListModelPackages",
            ],
            [s.registry_arn("model-package-group"), s.registry_arn("model-package", "/*")],
        ),
        *pull_images(s, *own_images),
        allow(
            "WriteLogs",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            # Groups are SageMaker's, one a kind of job; streams carry the job's name.
            [s.arn("logs", "log-group:/aws/sagemaker/*")],
        ),
        *attach_to_network(s),
    ]


def _data(s: Surroundings, bucket: str) -> list[Statement]:
    return [
        allow("ListTeamData", ["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        allow(
            "TeamData",
            ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            [f"{bucket}/*"],
        ),
        allow(
            "TeamKeys",
            ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
            list(s.keys),
        ),
        allow(
            "VolumesOfJobs",
            ["kms:CreateGrant"],
            list(s.keys),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _artifacts(s: Surroundings) -> list[Statement]:
    bucket = f"arn:{s.partition}:s3:::{s.naming.artifact_bucket(s.unit, s.shared_services)}"
    return [
        allow(
            "ListArtifacts",
            ["s3:ListBucket"],
            [bucket],
            {"StringLike": {"s3:prefix": [f"{s.unit}/*"]}},
        ),
        allow("Artifacts", ["s3:GetObject", "s3:PutObject"], [f"{bucket}/{s.unit}/*"]),
        artifact_key(s),
    ]


def artifact_key(s: Surroundings) -> Statement:
    """Return what works with the key of the units' artefact buckets."""
    return allow(
        "ArtifactKey",
        ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        # The id of another account's key is unknown; its alias decides.
        [f"arn:{s.partition}:kms:{s.home_region}:{s.shared_services}:key/*"],
        {"ForAnyValue:StringEquals": {"kms:ResourceAliases": s.naming.key_alias("platform")}},
    )


def _jobs(s: Surroundings, role_arn: str) -> list[Statement]:
    kinds = ("processing-job", "training-job", "transform-job", "model")
    return [
        allow(
            "RunJobs",
            [
                "sagemaker:AddTags",
                "sagemaker:CreateModel",
                "sagemaker:CreateProcessingJob",
                "sagemaker:CreateTrainingJob",
                "sagemaker:CreateTransformJob",
                "sagemaker:DeleteModel",
                "sagemaker:DescribeModel",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:DescribeTransformJob",
                "sagemaker:ListTags",
                "sagemaker:StopProcessingJob",
                "sagemaker:StopTrainingJob",
                "sagemaker:StopTransformJob",
            ],
            [s.arn("sagemaker", f"{kind}/{PIPELINE_JOBS}") for kind in kinds],
        ),
        allow(
            "PassItself",
            ["iam:PassRole"],
            [role_arn],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
    ]


def experiments(s: Surroundings) -> Statement:
    """Return what logs and reads runs in the team's MLflow App.

    AWS knows one right for the whole of an app's API: who reads may also write.
    """
    return allow(
        "TeamExperiments",
        ["sagemaker:CallMlflowAppApi", "sagemaker:DescribeMlflowApp"],
        # An app's id is made by SageMaker; its tag says whose it is.
        [s.arn("sagemaker", "mlflow-app/*")],
        {"StringEquals": {"aws:ResourceTag/mlz:team": s.team}},
    )


def pull_images(s: Surroundings, *models: str) -> list[Statement]:
    """Return what pulls the platform's images, and those of some models' own.

    Args:
        s: where the role exists.
        models: models of the unit that have images of their own.
    """
    names = [
        *(s.naming.ecr_repository(image) for image in IMAGES),
        *(s.naming.own_image_repository(s.unit, model) for model in models),
    ]
    return [
        allow("PullImages", [*_IMAGE_ACTIONS], [image_repository(s, name) for name in names]),
        # The action knows no resource.
        allow("SignInToRegistry", ["ecr:GetAuthorizationToken"], "*"),
    ]


def image_repository(s: Surroundings, name: str) -> str:
    """Return the ARN of a repository in the image registry."""
    return f"arn:{s.partition}:ecr:{s.home_region}:{s.shared_services}:repository/{name}"


def attach_to_network(s: Surroundings) -> list[Statement]:
    """Return what attaches jobs and endpoints to the private network, in the role's name."""
    owned = [
        s.arn("ec2", f"{kind}/*") for kind in ("network-interface", "security-group", "subnet")
    ]
    return [
        allow(
            "AttachToNetwork",
            ["ec2:CreateNetworkInterface", "ec2:CreateNetworkInterfacePermission",
             "ec2:DeleteNetworkInterface", "ec2:DeleteNetworkInterfacePermission"],
            # Ids are made by EC2; what is attached must be the platform's network.
            owned,
        ),
        allow(
            "SeeNetwork",
            ["ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces",
             "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs"],
            # These actions know no resource.
            "*",
        ),
    ]  # fmt: skip
