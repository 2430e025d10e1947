"""The engine `scheduled-processing`: EventBridge Scheduler and a processing job a window.

For accounts in which SageMaker Model Monitor is closed (new customers since 30 July 2026). A
function starts the jobs, because which requests a job looks at depends on the time, and Scheduler
cannot reckon with it.
"""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from mlzone.serving_policy import list_ground_truth, start_statements
from mlzone.surroundings import Statement
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps
from mlzone_constructs.monitoring.job import (
    GROUND_TRUTH_FOLDER,
    REQUESTS_FOLDER,
    MonitorJob,
    Watch,
)
from mlzone_constructs.serving.alarms import VARIANT

_MINUTE = 20
"""Captured requests of an hour are written some minutes later; so late does a run begin."""


@dataclass(frozen=True, kw_only=True)
class ScheduledProcessingProps:
    """Properties of ScheduledProcessing."""

    job: MonitorJob
    """Role and settings of the monitors."""


class ScheduledProcessing(Construct):
    """Schedules that start the analyzer as processing jobs, one for each monitor.

    Guarantees:
        MON-02: each runs at least as often as the risk tier demands.
        NET-04: jobs run isolated in the private network, with encrypted traffic.
        ENC-02: disks and reports are encrypted with a key of ours.
        IAM-04: what starts the jobs passes the monitor's role to SageMaker and no other.

    Example:
        ScheduledProcessing(self, "Monitor", ScheduledProcessingProps(job=job))
    """

    def __init__(
        self, scope: Construct, construct_id: str, props: ScheduledProcessingProps
    ) -> None:
        super().__init__(scope, construct_id)
        job, place = props.job, props.job.place
        function = self._function(job)
        role = GovernedRole(
            self,
            "Role",
            GovernedRoleProps(
                governance=place.governance,
                role_name=place.role("monitor-schedule"),
                description=f"Starts the monitor of {place.model.title}",
                service="scheduler.amazonaws.com",
                statements=[
                    iam.PolicyStatement(
                        sid="Start", actions=["lambda:InvokeFunction"], resources=[function.arn]
                    )
                ],
            ),
        )
        for watch in job.watches:
            schedule = self._schedule(job, watch, function.arn, role.arn)
            schedule.node.add_dependency(role)
            job.release.govern(schedule)

    def _schedule(
        self, job: MonitorJob, watch: Watch, function_arn: str, role_arn: str
    ) -> scheduler.CfnSchedule:
        place = job.place
        told = {
            "kind": watch.kind,
            "schedule": watch.name,
            "prefix": watch.job_prefix,
            "hours": watch.hours,
            "lag_hours": watch.lag_hours,
            "ground_truth": watch.traits.needs_ground_truth,
        }
        return scheduler.CfnSchedule(
            self,
            watch.traits.sagemaker,
            name=place.naming.schedule(place.unit.name, place.model.name, place.stage, watch.kind),
            description=f"Runs the {watch.kind} monitor of {place.model.title}"[:512],
            schedule_expression=watch.schedule.replace("cron(0 ", f"cron({_MINUTE} "),
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            kms_key_arn=job.key_arn,
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function_arn,
                role_arn=role_arn,
                input=cdk.Stack.of(self).to_json_string(
                    {"time": "<aws.scheduler.scheduled-time>", "monitor": told}
                ),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=8
                ),
            ),
        )

    def _function(self, job: MonitorJob) -> GovernedFunction:
        place = job.place
        return GovernedFunction(
            self,
            "Start",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.function("start-monitor"),
                role_name=place.role("start-monitor"),
                description=f"Starts the monitors of {place.model.title}"[:256],
                handler="start_monitor",
                key=job.foundation.key,
                environment={
                    "MLZONE_JOB": cdk.Stack.of(self).to_json_string(job.request()),
                    "MLZONE_SUBNETS": job.foundation.subnet_text,
                    "MLZONE_REQUESTS": f"{place.requests_uri}/{place.endpoint}/{VARIANT}",
                    "MLZONE_WINDOWS": place.windows_uri,
                    "MLZONE_INPUT_FOLDER": REQUESTS_FOLDER,
                    "MLZONE_GROUND_TRUTH": place.ground_truth_uri,
                    "MLZONE_GROUND_TRUTH_FOLDER": GROUND_TRUTH_FOLDER,
                },
                statements=self._allowed(job),
            ),
        )

    def _allowed(self, job: MonitorJob) -> list[Statement]:
        place = job.place
        surroundings = place.surroundings(self, job.key_arn)
        allowed = start_statements(
            surroundings,
            model=place.model.name,
            role_arn=job.role.arn,
            jobs=[watch.job_prefix for watch in job.watches],
        )
        if any(watch.traits.needs_ground_truth for watch in job.watches):
            allowed.append(
                list_ground_truth(
                    surroundings, model=place.model.name, data_zone=place.model.data_zone
                )
            )
        return allowed
