"""What serves and watches a model may do, as IAM statements.

Each role belongs to one model in one environment: it reads that model's releases and works on that
model's part of the capture bucket, so that another model's requests are out of its reach (ENC-04).
"""

from collections.abc import Sequence

from mlzone.naming import GROUND_TRUTH, Naming
from mlzone.service_policy import attach_to_network, pull_images
from mlzone.surroundings import Statement, Surroundings, allow

METRIC_NAMESPACE = "MLZone/Monitoring"
"""Where the results of monitors are published."""

_KEY_ACTIONS = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]


def requests_prefix(model: str) -> str:
    """Return the part of the capture bucket that holds a model's captured requests."""
    return f"{model}/requests"


def reports_prefix(model: str) -> str:
    """Return the part of the capture bucket that holds the reports of a model's monitors."""
    return f"{model}/reports"


def merged_prefix(model: str) -> str:
    """Return the part of the reports in which SageMaker merges requests with what became true."""
    return f"{reports_prefix(model)}/merge"


def ground_truth_prefix(model: str, data_zone: str) -> str:
    """Return the part of a team's data that says what became true of a model's cases."""
    return f"{data_zone}/{GROUND_TRUTH}/{model}"


def actions_prefix(model: str) -> str:
    """Return the part of the capture bucket that says how findings were answered."""
    return f"{model}/actions"


def windows_prefix(model: str) -> str:
    """Return the part of the capture bucket that says which requests a monitor looks at."""
    return f"{model}/windows"


def serving_statements(s: Surroundings, *, model: str, own_image: bool = False) -> list[Statement]:
    """Return what a model's endpoint may do.

    It reads the model's releases, pulls its image, captures requests and writes its log.

    Args:
        s: where the role exists; `keys` encrypt releases and captured requests.
        model: the model's name.
        own_image: whether it is served in an image of its own.
    """
    capture = capture_arn(s)
    return [
        *releases(s, model),
        allow("Capture", ["s3:PutObject"], [f"{capture}/{requests_prefix(model)}/*"]),
        *_keys(s),
        *pull_images(s, *([model] if own_image else [])),
        allow(
            "WriteLog",
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [s.arn("logs", f"log-group:/aws/sagemaker/Endpoints/{_endpoint(s, model)}:*")],
        ),
        *attach_to_network(s),
    ]


def monitor_statements(s: Surroundings, *, model: str) -> list[Statement]:
    """Return what a model's monitor may do.

    It reads the baseline and the captured requests and writes reports; its container runs without
    any network, so that SageMaker alone uses the role.

    Args:
        s: where the role exists; `keys` encrypt releases, requests and reports.
        model: the model's name.
    """
    capture = capture_arn(s)
    return [
        *releases(s, model),
        allow(
            "ListRequests",
            ["s3:ListBucket"],
            [capture],
            {"StringLike": {"s3:prefix": [f"{model}/*"]}},
        ),
        allow(
            "Requests",
            ["s3:GetObject"],
            [f"{capture}/{prefix(model)}/*" for prefix in (requests_prefix, windows_prefix)],
        ),
        allow("Reports", ["s3:PutObject"], [f"{capture}/{reports_prefix(model)}/*"]),
        *_keys(s),
        *pull_images(s),
        allow(
            "WriteLog",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            # The group is SageMaker's, for all processing jobs; streams carry the job's name.
            [s.arn("logs", "log-group:/aws/sagemaker/ProcessingJobs:*")],
        ),
        *attach_to_network(s),
    ]


def ground_truth_statements(
    s: Surroundings, *, model: str, data_zone: str, key_arn: str
) -> list[Statement]:
    """Return what reads what became true of a model's cases, and merges it with the requests.

    Args:
        s: where the role exists.
        model: the model's name.
        data_zone: the zone of the team's data that holds it.
        key_arn: the team's key.
    """
    bucket = _team_data(s)
    prefix = ground_truth_prefix(model, data_zone)
    return [
        list_ground_truth(s, model=model, data_zone=data_zone),
        allow("GroundTruth", ["s3:GetObject"], [f"{bucket}/{prefix}/*"]),
        allow("GroundTruthKey", ["kms:Decrypt"], [key_arn]),
        allow("Merged", ["s3:GetObject"], [f"{capture_arn(s)}/{merged_prefix(model)}/*"]),
    ]


def list_ground_truth(s: Surroundings, *, model: str, data_zone: str) -> Statement:
    """Return what sees which files say what became true of a model's cases."""
    return allow(
        "ListGroundTruth",
        ["s3:ListBucket"],
        [_team_data(s)],
        {"StringLike": {"s3:prefix": [f"{ground_truth_prefix(model, data_zone)}/*"]}},
    )


def results_statements(s: Surroundings, *, model: str, bus_arn: str) -> list[Statement]:
    """Return what the function may do that publishes a monitor's results.

    Args:
        s: where the role exists; `keys` encrypt the reports.
        model: the model's name.
        bus_arn: the platform's bus.
    """
    reports = f"{capture_arn(s)}/{reports_prefix(model)}"
    return [
        allow(
            "SeeJob",
            ["sagemaker:DescribeProcessingJob"],
            # Model Monitor names its jobs itself; the rule passes on this model's alone.
            [s.arn("sagemaker", "processing-job/*")],
        ),
        allow("ReadReports", ["s3:GetObject"], [f"{reports}/*"]),
        allow(
            "ListReports",
            ["s3:ListBucket"],
            [capture_arn(s)],
            {"StringLike": {"s3:prefix": [f"{reports_prefix(model)}/*"]}},
        ),
        allow("MarkAsPublished", ["s3:PutObject"], [f"{reports}/*/published.json"]),
        allow(
            "Publish",
            ["cloudwatch:PutMetricData"],
            # The action knows no resource; the namespace limits it.
            "*",
            {"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        ),
        announce(bus_arn),
    ]


def start_statements(
    s: Surroundings, *, model: str, role_arn: str, jobs: Sequence[str]
) -> list[Statement]:
    """Return what the function may do that starts monitors where Model Monitor is closed.

    Args:
        s: where the role exists; `keys` encrypt requests and reports.
        model: the model's name.
        role_arn: the role in which monitors run.
        jobs: what names of the monitors' jobs begin with.
    """
    capture = capture_arn(s)
    return [
        allow(
            "ListRequests",
            ["s3:ListBucket"],
            [capture],
            {"StringLike": {"s3:prefix": [f"{requests_prefix(model)}/*"]}},
        ),
        allow("WriteWindow", ["s3:PutObject"], [f"{capture}/{windows_prefix(model)}/*"]),
        allow(
            "StartMonitor",
            ["sagemaker:AddTags", "sagemaker:CreateProcessingJob"],
            [s.arn("sagemaker", f"processing-job/{prefix}-*") for prefix in jobs],
        ),
        allow(
            "PassMonitorRole",
            ["iam:PassRole"],
            [role_arn],
            {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        ),
        allow("JobKey", [*_KEY_ACTIONS], list(s.keys)),
        allow(
            "VolumesOfJobs",
            ["kms:CreateGrant"],
            list(s.keys),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def stop_statements(
    s: Surroundings, *, model: str, bus_arn: str, batches: str = ""
) -> list[Statement]:
    """Return what the function may do that takes a model out of service.

    It sets parameters of the model's two stacks, which CloudFormation changes in the role that
    they were made with.

    Args:
        s: where the role exists.
        model: the model's name.
        bus_arn: the platform's bus.
        batches: what names of its transform jobs begin with; empty where it has an endpoint.
    """
    if s.stage is None:
        raise ValueError("models serve in the environment of a business unit")
    stacks = [
        s.arn("cloudformation", f"stack/{name}/*")
        for name in (
            s.naming.serving_stack(s.unit, s.stage, model),
            s.naming.monitoring_stack(s.unit, s.stage, model),
        )
    ]
    jobs = (
        [
            # The action knows no resource.
            allow("ListBatches", ["sagemaker:ListTransformJobs"], "*"),
            allow(
                "StopBatches",
                ["sagemaker:StopTransformJob"],
                [s.arn("sagemaker", f"transform-job/{batches}-*")],
            ),
        ]
        if batches
        else []
    )
    return [
        *jobs,
        allow(
            "SeeStacks",
            [
                "cloudformation:CancelUpdateStack",
                "cloudformation:DescribeStackEvents",
                "cloudformation:DescribeStacks",
            ],
            stacks,
        ),
        allow(
            "UpdateStacks",
            ["cloudformation:UpdateStack"],
            stacks,
            {"Null": {"cloudformation:TemplateUrl": "true"}},
        ),
        announce(bus_arn),
    ]


def announce(bus_arn: str) -> Statement:
    """Return what puts life-cycle events on the platform's bus."""
    return allow("Announce", ["events:PutEvents"], [bus_arn])


def platform_bus_arn(naming: Naming, partition: str, region: str, account: str) -> str:
    """Return the ARN of the platform's bus."""
    return f"arn:{partition}:events:{region}:{account}:event-bus/{naming.platform_bus()}"


def _endpoint(s: Surroundings, model: str) -> str:
    if s.stage is None:
        raise ValueError("endpoints belong into the environment of a business unit")
    return s.naming.endpoint(s.unit, model, s.stage)


def capture_arn(s: Surroundings) -> str:
    """Return the bucket of captured requests and reports."""
    return f"arn:{s.partition}:s3:::{s.naming.capture_bucket(s.unit, s.account)}"


def _team_data(s: Surroundings) -> str:
    return f"arn:{s.partition}:s3:::{s.naming.data_bucket(s.unit, s.team, s.account)}"


def releases(s: Surroundings, model: str) -> list[Statement]:
    """Return what reads a model's releases."""
    bucket = f"arn:{s.partition}:s3:::{s.naming.release_bucket(s.unit, s.account)}"
    return [
        allow(
            "ListReleases",
            ["s3:ListBucket"],
            [bucket],
            {"StringLike": {"s3:prefix": [f"{model}/*"]}},
        ),
        allow("Releases", ["s3:GetObject"], [f"{bucket}/{model}/*"]),
    ]


def _keys(s: Surroundings) -> list[Statement]:
    return [
        allow("Key", [*_KEY_ACTIONS], list(s.keys)),
        allow(
            "Volumes",
            ["kms:CreateGrant"],
            list(s.keys),
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
