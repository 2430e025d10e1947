"""What every job of a model's monitors is made of, whichever engine starts it."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone.monitor_kind import MONITORS, MonitorKind, MonitorTraits
from mlzone.monitor_schedule import interval_hours
from mlzone.serving_policy import ground_truth_statements, monitor_statements
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps
from mlzone_constructs.serving import ModelPlace, ReleaseParameters

REQUESTS_FOLDER = "/opt/ml/processing/input/endpoint"
"""Where a job finds the captured requests."""
GROUND_TRUTH_FOLDER = "/opt/ml/processing/input/ground_truth"
"""Where a job finds what became true, unless SageMaker has merged it with the requests."""
BASELINE_FOLDER = "/opt/ml/processing/baseline"
"""Where a job finds the baseline."""
REPORTS_FOLDER = "/opt/ml/processing/output"
"""Where a job leaves its reports."""
VOLUME_GB = 20
"""Enough for a day of requests at 100 a second, and for working space."""
LONGEST_SECONDS = 3300
"""A run ends before the next hour begins: SageMaker allows one job of a schedule at a time."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One of a model's monitors."""

    place: ModelPlace
    """The model in its environment."""
    kind: MonitorKind
    """What it looks at."""
    schedule: str
    """When it runs, as SageMaker cron."""

    @property
    def traits(self) -> MonitorTraits:
        """What sets its kind apart."""
        return MONITORS[self.kind]

    @property
    def name(self) -> str:
        """The name of its schedule."""
        place = self.place
        return place.naming.monitoring_schedule(
            place.unit.name, place.model.name, place.stage, self.kind
        )

    @property
    def job_prefix(self) -> str:
        """What names of its jobs begin with, where we name them."""
        place = self.place
        return place.naming.job_prefix(place.unit.name, place.model.name, place.stage, self.kind)

    @property
    def hours(self) -> int:
        """The hours between two runs.

        Raises:
            ValueError: the schedule is none that SageMaker accepts; the estate is checked before.
        """
        hours = interval_hours(self.schedule)
        if hours is None:
            raise ValueError(f"{self.schedule} is no schedule of a monitor")
        return hours

    @property
    def lag_hours(self) -> int:
        """How old the youngest request is that a run looks at."""
        truth = self.place.model.monitoring.ground_truth
        return truth.lag_hours if truth and self.traits.needs_ground_truth else 0


def watches(place: ModelPlace) -> list[Watch]:
    """Return the monitors of a model in an environment."""
    monitors = place.model.monitors(production=place.in_production)
    return [Watch(place=place, kind=kind, schedule=schedule) for kind, schedule in monitors.items()]


@dataclass(frozen=True, kw_only=True)
class MonitorJobProps:
    """Properties of a MonitorJob."""

    place: ModelPlace
    """The model in its environment."""
    foundation: FoundationReferences
    """Network and key of the environment."""
    release: ReleaseParameters
    """The release that is watched."""


class MonitorJob(Construct):
    """The role and the settings of a model's monitors.

    Guarantees:
        IAM-01, ENC-04: they work in a role of their own that reads no other model's requests.
        MON-02: they are held to the thresholds of the estate, whatever the baseline says.

    Example:
        job = MonitorJob(self, "Job", MonitorJobProps(place=..., foundation=..., release=...))
    """

    def __init__(self, scope: Construct, construct_id: str, props: MonitorJobProps) -> None:
        super().__init__(scope, construct_id)
        self.place, self.release = props.place, props.release
        self.foundation = props.foundation
        self.watches = watches(self.place)
        """The monitors."""
        surroundings = self.place.surroundings(self, self.key_arn)
        model = self.place.model.name
        statements = monitor_statements(surroundings, model=model)
        if any(watch.traits.needs_ground_truth for watch in self.watches):
            statements += ground_truth_statements(
                surroundings,
                model=model,
                data_zone=self.place.model.data_zone,
                key_arn=self.place.team_key_arn(self),
            )
        self.role = GovernedRole(
            self,
            "Role",
            GovernedRoleProps(
                governance=self.place.governance,
                role_name=self.place.role("monitor"),
                description=f"Watches {self.place.model.title}",
                service="sagemaker.amazonaws.com",
                statements=statements,
            ),
        )
        """The role in which the jobs run."""

    @property
    def key_arn(self) -> str:
        """The key of disks and reports."""
        return self.foundation.key_arn

    @property
    def instance_type(self) -> str:
        """The kind of instance: the one on which the model's data is processed for training."""
        return self.place.model.training.instance_type

    @property
    def environment(self) -> dict[str, str]:
        """What the analyzer is told of all monitors beside what Model Monitor tells it."""
        monitoring = self.place.model.monitoring
        return {
            "MLZONE_MAX_PSI": f"{monitoring.max_psi:g}",
            "MLZONE_MIN_RECORDS": str(monitoring.min_records),
            "MLZONE_RELEASE": self.release["Release"],
        }

    @property
    def tags(self) -> list[cdk.CfnTag]:
        """The mandatory tags, for what replaces itself when its tags change."""
        return [cdk.CfnTag(key=key, value=value) for key, value in sorted(self.place.tags.items())]

    def request(self) -> dict[str, Any]:
        """Return the request of a processing job, but for what depends on monitor and window."""
        return {
            "AppSpecification": {"ImageUri": self.release["AnalyzerImage"]},
            "Environment": {
                **self.environment,
                "baseline_constraints": f"{BASELINE_FOLDER}/constraints.json",
                "baseline_statistics": f"{BASELINE_FOLDER}/statistics.json",
                "dataset_format": '{"sagemakerCaptureJson":{"captureIndexNames":["endpointInput",'
                '"endpointOutput"]}}',
                "dataset_source": REQUESTS_FOLDER,
                "output_path": REPORTS_FOLDER,
                "publish_cloudwatch_metrics": "Disabled",
                "sagemaker_endpoint_name": self.place.endpoint,
            },
            "ProcessingInputs": [
                {
                    "InputName": "baseline",
                    "S3Input": {
                        "S3Uri": self.release["BaselineStatistics"],
                        "LocalPath": BASELINE_FOLDER,
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "KmsKeyId": self.key_arn,
                "Outputs": [
                    {
                        "OutputName": "reports",
                        "S3Output": {
                            "S3Uri": self.place.reports_uri,
                            "LocalPath": REPORTS_FOLDER,
                            "S3UploadMode": "EndOfJob",
                        },
                    }
                ],
            },
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": 1,
                    "InstanceType": self.instance_type,
                    "VolumeSizeInGB": VOLUME_GB,
                    "VolumeKmsKeyId": self.key_arn,
                }
            },
            "NetworkConfig": {
                "EnableInterContainerTrafficEncryption": True,
                "EnableNetworkIsolation": True,
                "VpcConfig": {"SecurityGroupIds": self.foundation.security_group_ids},
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_SECONDS},
            "RoleArn": self.role.arn,
            "Tags": [
                {"Key": key, "Value": value} for key, value in sorted(self.place.tags.items())
            ],
        }
