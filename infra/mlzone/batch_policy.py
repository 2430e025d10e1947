"""What answers for a model by the day may do, as IAM statements.

What a model is asked lies in its team's data, below `ZONE/batches/MODEL/input/yyyy/mm/dd/`, and so
does what it answers, below `ZONE/batches/MODEL/output/`: encrypted with the team's key, and out of
reach of every other team (IAM-06). The model itself sees only what was prepared for it.
"""

from dataclasses import dataclass

from mlzone.naming import BATCHES
from mlzone.service_policy import attach_to_network, pull_images
from mlzone.serving_policy import announce, capture_arn, releases, requests_prefix
from mlzone.surroundings import Statement, Surroundings, allow

METRIC_NAMESPACE = "MLZone/Batches"
"""Where it is published how batches went."""

_KEY_ACTIONS = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]


def input_prefix(model: str, data_zone: str) -> str:
    """Return the part of a team's data that holds what a model is asked, by days."""
    return f"{data_zone}/{BATCHES}/{model}/input"


def output_prefix(model: str, data_zone: str) -> str:
    """Return the part of a team's data that holds what a model answered, by days and runs."""
    return f"{data_zone}/{BATCHES}/{model}/output"


@dataclass(frozen=True, kw_only=True)
class Batches:
    """A model's batches in one environment."""

    surroundings: Surroundings
    """Where the roles exist; `keys` encrypt releases, captured requests and disks."""
    model: str
    """The model's name."""
    data_zone: str
    """The zone of the team's data in which it is asked and answers."""
    team_key_arn: str
    """The team's key."""
    own_image: bool = False
    """Whether the model answers in an image of its own."""

    @property
    def bucket(self) -> str:
        """The ARN of the team's data."""
        s = self.surroundings
        return f"arn:{s.partition}:s3:::{s.naming.data_bucket(s.unit, s.team, s.account)}"

    @property
    def given(self) -> str:
        """What the model is asked."""
        return input_prefix(self.model, self.data_zone)

    @property
    def made(self) -> str:
        """What was prepared and answered."""
        return output_prefix(self.model, self.data_zone)

    @property
    def jobs(self) -> str:
        """What names of the transform jobs begin with."""
        s = self.surroundings
        if s.stage is None:
            raise ValueError("batches belong into the environment of a business unit")
        return s.naming.batch_jobs(s.unit, self.model, s.stage)


def model_statements(b: Batches) -> list[Statement]:
    """Return what the model may do: read its release and what was prepared, and answer."""
    s = b.surroundings
    return [
        *releases(s, b.model),
        _see(b, "ListBatches", b.made),
        allow("Batches", ["s3:GetObject", "s3:PutObject"], [f"{b.bucket}/{b.made}/*"]),
        *_keys(b),
        *pull_images(s, *([b.model] if b.own_image else [])),
        allow(
            "WriteLog",
            ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            # The group is SageMaker's, for all transform jobs; streams carry the job's name.
            [s.arn("logs", "log-group:/aws/sagemaker/TransformJobs:*")],
        ),
        *attach_to_network(s),
    ]


def batch_statements(b: Batches, *, model_arn: str, bus_arn: str) -> list[Statement]:
    """Return what the function may do that prepares a day, has the model answer, and ends it.

    Args:
        b: the model's batches.
        model_arn: the models that it may have answer; releases end their names.
        bus_arn: the platform's bus.
    """
    s = b.surroundings
    job = s.arn("sagemaker", f"transform-job/{b.jobs}-*")
    return [
        *releases(s, b.model),
        _see(b, "ListInput", b.given),
        _see(b, "ListBatches", b.made),
        allow("Input", ["s3:GetObject"], [f"{b.bucket}/{b.given}/*"]),
        allow("Batches", ["s3:GetObject", "s3:PutObject"], [f"{b.bucket}/{b.made}/*"]),
        allow("Capture", ["s3:PutObject"], [f"{capture_arn(s)}/{requests_prefix(b.model)}/*"]),
        *_keys(b),
        allow(
            "StartBatch",
            ["sagemaker:CreateTransformJob"],
            [job],
            # A job runs in its model's role: that of another model stays out of reach.
            {"ArnLike": {"sagemaker:ModelArn": model_arn}},
        ),
        allow("SeeBatch", ["sagemaker:AddTags", "sagemaker:DescribeTransformJob"], [job]),
        allow(
            "Publish",
            ["cloudwatch:PutMetricData"],
            # The action knows no resource; the namespace limits it.
            "*",
            {"StringEquals": {"cloudwatch:namespace": METRIC_NAMESPACE}},
        ),
        announce(bus_arn),
    ]


def _see(b: Batches, sid: str, prefix: str) -> Statement:
    return allow(sid, ["s3:ListBucket"], [b.bucket], {"StringLike": {"s3:prefix": [f"{prefix}/*"]}})


def _keys(b: Batches) -> list[Statement]:
    keys = [*b.surroundings.keys, b.team_key_arn]
    return [
        allow("Keys", [*_KEY_ACTIONS], keys),
        allow(
            "Volumes",
            ["kms:CreateGrant"],
            keys,
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]
