"""The engine `model-monitor`: SageMaker Model Monitor runs our analyzer."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone_constructs.monitoring.job import (
    LONGEST_SECONDS,
    REPORTS_FOLDER,
    REQUESTS_FOLDER,
    VOLUME_GB,
    MonitorJob,
    Watch,
)

CONSTRAINTS_FOLDER = "/opt/ml/processing/baseline/constraints"
"""Where Model Monitor puts what a definition names as constraints."""


@dataclass(frozen=True, kw_only=True)
class ModelMonitorProps:
    """Properties of a ModelMonitor."""

    job: MonitorJob
    """Role and settings of the monitors."""


class ModelMonitor(Construct):
    """Schedules of SageMaker Model Monitor: a job definition and a schedule for each monitor.

    Guarantees:
        MON-02: each runs at least as often as the risk tier demands.
        NET-04: jobs run isolated in the private network, with encrypted traffic.
        ENC-02: disks and reports are encrypted with a key of ours.
        MON-02: they exist with a release, from the release's own baseline; a schedule stays when
            its definition is replaced, so that no endpoint is left unwatched.

    Example:
        ModelMonitor(self, "ModelMonitor", ModelMonitorProps(job=job))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelMonitorProps) -> None:
        super().__init__(scope, construct_id)
        for watch in props.job.watches:
            self._watch(props.job, watch)

    def _watch(self, job: MonitorJob, watch: Watch) -> None:
        place, release, kind = job.place, job.release, watch.traits.sagemaker
        content = _definition(job, watch)
        # Even its tags replace a definition, so they count for its name.
        name = release.versioned(place.naming, watch.name, [content, place.tags])
        # The four types differ in nothing but the names of their parts.
        definition = cdk.CfnResource(
            self,
            f"{kind}Definition",
            type=f"AWS::SageMaker::{kind}JobDefinition",
            properties={
                "JobDefinitionName": name,
                **content,
                "Tags": [{"Key": key, "Value": value} for key, value in sorted(place.tags.items())],
            },
        )
        definition.node.add_dependency(job.role)
        schedule = cdk.CfnResource(
            self,
            kind,
            type="AWS::SageMaker::MonitoringSchedule",
            properties={
                "MonitoringScheduleName": watch.name,
                "MonitoringScheduleConfig": {
                    "MonitoringJobDefinitionName": name,
                    "MonitoringType": kind,
                    "ScheduleConfig": {"ScheduleExpression": watch.schedule},
                },
                "Tags": [{"Key": key, "Value": value} for key, value in sorted(place.tags.items())],
            },
        )
        schedule.add_resource_dependency(definition)
        release.govern(definition, schedule)


def _definition(job: MonitorJob, watch: Watch) -> dict[str, Any]:
    """Return a job definition but for its name and tags."""
    release, foundation, kind = job.release, job.foundation, watch.traits.sagemaker
    source: dict[str, Any] = {
        "EndpointInput": {
            "EndpointName": job.place.endpoint,
            "LocalPath": REQUESTS_FOLDER,
            "S3DataDistributionType": "FullyReplicated",
            "S3InputMode": "File",
        }
    }
    if watch.traits.needs_ground_truth:
        source["GroundTruthS3Input"] = {"S3Uri": job.place.ground_truth_uri}
        source["EndpointInput"] |= {
            "StartTimeOffset": f"-PT{watch.lag_hours + watch.hours}H",
            "EndTimeOffset": f"-PT{watch.lag_hours}H",
        }
    return {
        f"{kind}AppSpecification": {
            "ImageUri": release["AnalyzerImage"],
            "Environment": {**job.environment, **_told(watch)},
            **_particular(job, watch),
        },
        f"{kind}BaselineConfig": _baseline(job, watch),
        f"{kind}JobInput": source,
        f"{kind}JobOutputConfig": {
            "KmsKeyId": job.key_arn,
            "MonitoringOutputs": [
                {
                    "S3Output": {
                        "S3Uri": job.place.reports_uri,
                        "LocalPath": REPORTS_FOLDER,
                        "S3UploadMode": "EndOfJob",
                    }
                }
            ],
        },
        "JobResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": job.instance_type,
                "VolumeSizeInGB": VOLUME_GB,
                "VolumeKmsKeyId": job.key_arn,
            }
        },
        "NetworkConfig": {
            "EnableInterContainerTrafficEncryption": True,
            "EnableNetworkIsolation": True,
            "VpcConfig": {
                "Subnets": foundation.subnet_ids,
                "SecurityGroupIds": foundation.security_group_ids,
            },
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": LONGEST_SECONDS},
        "RoleArn": job.role.arn,
    }


def _told(watch: Watch) -> dict[str, str]:
    """Return what the analyzer is told of this monitor alone."""
    told: dict[str, str] = {"MLZONE_MONITOR": watch.kind}
    if watch.kind != "data-quality":
        # Only data quality has statistics of its own; the others find the whole baseline here.
        told["baseline_statistics"] = CONSTRAINTS_FOLDER
    return told


def _particular(job: MonitorJob, watch: Watch) -> dict[str, Any]:
    """Return what only one kind of application has."""
    if watch.kind == "model-quality":
        numeric = job.place.model.answers_numbers
        return {"ProblemType": "Regression" if numeric else "BinaryClassification"}
    if watch.kind in ("bias", "explainability"):
        return {"ConfigUri": job.release["BaselineConstraints"]}
    return {}


def _baseline(job: MonitorJob, watch: Watch) -> dict[str, Any]:
    """Return where a definition finds the baseline: its folder, whatever the part is called."""
    release = job.release
    if watch.kind == "data-quality":
        return {
            "ConstraintsResource": {"S3Uri": release["BaselineConstraints"]},
            "StatisticsResource": {"S3Uri": release["BaselineStatistics"]},
        }
    return {"ConstraintsResource": {"S3Uri": release["BaselineStatistics"]}}
