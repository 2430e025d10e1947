"""The engine `model-monitor`: SageMaker Model Monitor runs our analyzer."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone_constructs.monitoring.job import (
    LONGEST_SECONDS,
    REPORTS_FOLDER,
    REQUESTS_FOLDER,
    VOLUME_GB,
    MonitorJob,
    monitor_name,
)

_Definition = sagemaker.CfnDataQualityJobDefinition


@dataclass(frozen=True, kw_only=True)
class ModelMonitorProps:
    """Properties of a ModelMonitor."""

    job: MonitorJob
    """Role and settings of the monitor."""


class ModelMonitor(Construct):
    """A data-quality schedule of SageMaker Model Monitor.

    Guarantees:
        MON-02: it runs at least as often as the risk tier demands.
        NET-04: jobs run isolated in the private network, with encrypted traffic.
        ENC-02: disks and reports are encrypted with a key of ours.
        MON-02: it exists with a release, from the release's own baseline.

    Example:
        ModelMonitor(self, "Monitor", ModelMonitorProps(job=job))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelMonitorProps) -> None:
        super().__init__(scope, construct_id)
        job, place, release = props.job, props.job.place, props.job.release
        content = self._content(job)
        # Even its tags replace a definition, so they count for its name.
        name = release.versioned(place.naming, monitor_name(place), [content, place.tags])
        definition = _Definition(self, "Definition", job_definition_name=name, **content)
        definition.node.add_dependency(job.role)
        schedule = sagemaker.CfnMonitoringSchedule(
            self,
            "Resource",
            monitoring_schedule_name=monitor_name(place),
            monitoring_schedule_config=(
                sagemaker.CfnMonitoringSchedule.MonitoringScheduleConfigProperty(
                    monitoring_job_definition_name=name,
                    monitoring_type="DataQuality",
                    schedule_config=sagemaker.CfnMonitoringSchedule.ScheduleConfigProperty(
                        schedule_expression=place.model.monitor_schedule
                    ),
                )
            ),
        )
        schedule.add_resource_dependency(definition)
        release.govern(definition, schedule)

    def _content(self, job: MonitorJob) -> dict[str, Any]:
        release, foundation = job.release, job.foundation
        return {
            "data_quality_app_specification": _Definition.DataQualityAppSpecificationProperty(
                image_uri=release["AnalyzerImage"], environment=job.environment
            ),
            "data_quality_baseline_config": _Definition.DataQualityBaselineConfigProperty(
                constraints_resource=_Definition.ConstraintsResourceProperty(
                    s3_uri=release["BaselineConstraints"]
                ),
                statistics_resource=_Definition.StatisticsResourceProperty(
                    s3_uri=release["BaselineStatistics"]
                ),
            ),
            "data_quality_job_input": _Definition.DataQualityJobInputProperty(
                endpoint_input=_Definition.EndpointInputProperty(
                    endpoint_name=job.place.endpoint,
                    local_path=REQUESTS_FOLDER,
                    s3_data_distribution_type="FullyReplicated",
                    s3_input_mode="File",
                )
            ),
            "data_quality_job_output_config": _Definition.MonitoringOutputConfigProperty(
                kms_key_id=job.key_arn,
                monitoring_outputs=[
                    _Definition.MonitoringOutputProperty(
                        s3_output=_Definition.S3OutputProperty(
                            s3_uri=job.place.reports_uri,
                            local_path=REPORTS_FOLDER,
                            s3_upload_mode="EndOfJob",
                        )
                    )
                ],
            ),
            "job_resources": _Definition.MonitoringResourcesProperty(
                cluster_config=_Definition.ClusterConfigProperty(
                    instance_count=1,
                    instance_type=job.instance_type,
                    volume_size_in_gb=VOLUME_GB,
                    volume_kms_key_id=job.key_arn,
                )
            ),
            "network_config": _Definition.NetworkConfigProperty(
                enable_inter_container_traffic_encryption=True,
                enable_network_isolation=True,
                vpc_config=_Definition.VpcConfigProperty(
                    subnets=foundation.subnet_ids,
                    security_group_ids=foundation.security_group_ids,
                ),
            ),
            "stopping_condition": _Definition.StoppingConditionProperty(
                max_runtime_in_seconds=LONGEST_SECONDS
            ),
            "role_arn": job.role.arn,
        }
