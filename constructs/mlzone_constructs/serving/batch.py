"""A model that answers once a day for all records of a day."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_scheduler as scheduler
from constructs import Construct

from mlzone.batch_policy import METRIC_NAMESPACE, Batches, batch_statements, model_statements
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedFunction,
    GovernedFunctionProps,
)
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.identity import GovernedRole, GovernedRoleProps
from mlzone_constructs.serving.alarms import VARIANT
from mlzone_constructs.serving.place import ModelPlace
from mlzone_constructs.serving.release import ReleaseParameters
from mlzone_constructs.serving.served_model import served_model, serving_role

_MINUTES = 15
"""A day's records are read, checked and written again before the model sees them."""
_ENDED = ("Completed", "Failed", "Stopped")
BATCH_ERRORS = "batch"
"""What the name of the alarm on batches that fail ends with."""


@dataclass(frozen=True, kw_only=True)
class ModelBatchesProps:
    """Properties of ModelBatches."""

    place: ModelPlace
    """The model in its environment; the estate gives it a batch."""
    foundation: FoundationReferences
    """Network and key of the environment."""
    release: ReleaseParameters
    """The release that answers."""


class ModelBatches(Construct):
    """A daily SageMaker batch transform over what the model is asked, with its lineage.

    Guarantees:
        NET-02: the model runs in the private network, isolated even from that.
        ENC-01, ENC-02: what it answers is encrypted with the team's key, disks with a key of ours.
        MON-01: records and answers are captured, at least as many as the risk tier demands.
        MOD-02: every run says which version answered which records, by their hashes.
        IAM-01, ENC-04: it works in a role of its own that reads no other model's data; what starts
            it may have this release of this model answer, and no other, and passes no role.
        MOD-01: there is a schedule only with a release of the registry.

    Example:
        ModelBatches(self, "Batches", ModelBatchesProps(
            place=place, foundation=foundation, release=release))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelBatchesProps) -> None:
        super().__init__(scope, construct_id)
        self._props, self._place = props, props.place
        self._team_key = props.place.team_key_arn(self)
        self._batches = Batches(
            surroundings=self._place.surroundings(self, props.foundation.key_arn),
            model=self._place.model.name,
            data_zone=self._place.model.data_zone,
            team_key_arn=self._team_key,
            own_image=self._place.model.own_image,
        )
        role = serving_role(self, self._place, model_statements(self._batches))
        name, model = served_model(self, self._place, props.foundation, props.release, role)
        function = self._function(name)
        schedule = self._schedule(function)
        schedule.add_resource_dependency(model)
        props.release.govern(model, schedule)
        self._alarm()
        FunctionRule(
            self,
            "OnEnd",
            FunctionRuleProps(
                rule_name=self._place.rule("batch"),
                description=f"Batches of {self._place.model.title} that ended"[:512],
                pattern={
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Transform Job State Change"],
                    "detail": {
                        "TransformJobName": [{"prefix": f"{self._place.batch_jobs}-"}],
                        "TransformJobStatus": list(_ENDED),
                    },
                },
                function=function,
            ),
        )

    def _function(self, model_name: str) -> GovernedFunction:
        place, release, props = self._place, self._props.release, self._props
        served = place.governance.arn(self, "sagemaker", f"model/{model_name}")
        batch = place.model.serving.batch
        if batch is None:
            raise ValueError(f"{place.model.name} answers at any time")
        return GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.batch_function,
                role_name=place.role("batch"),
                description=f"Begins and ends the batches of {place.model.title}"[:256],
                handler="batch",
                key=props.foundation.key,
                timeout=cdk.Duration.minutes(_MINUTES),
                environment={
                    **place.settings(self),
                    # Empty without a release, and while the model is stopped.
                    "MLZONE_BATCH_MODEL": release.if_it_serves(model_name),
                    "MLZONE_RELEASE": release["Release"],
                    "MLZONE_MODEL_PACKAGE": release["ModelPackageArn"],
                    "MLZONE_IMAGE": release["InferenceImage"],
                    "MLZONE_RELEASES": self._releases,
                    "MLZONE_BATCH_INPUT": place.batch_input_uri,
                    "MLZONE_BATCH_OUTPUT": place.batch_output_uri,
                    "MLZONE_BATCH_JOBS": place.batch_jobs,
                    "MLZONE_BATCH_HOUR": str(batch.hour),
                    "MLZONE_CAPTURE": f"{place.requests_uri}/{place.endpoint}/{VARIANT}",
                    "MLZONE_CAPTURE_PERCENTAGE": str(place.model.capture_percentage),
                    "MLZONE_JOB": cdk.Stack.of(self).to_json_string(self._job()),
                },
                statements=batch_statements(
                    self._batches, model_arn=served, bus_arn=place.bus_arn(self)
                ),
            ),
        )

    @property
    def _releases(self) -> str:
        place = self._place
        bucket = place.naming.release_bucket(place.unit.name, place.account)
        return f"s3://{bucket}/{place.model.name}"

    def _job(self) -> dict[str, Any]:
        """Return the request of CreateTransformJob, but for name, model and data."""
        place = self._place
        return {
            "TransformResources": {
                "InstanceType": place.model.serving.instance_type,
                "InstanceCount": 1,
                "VolumeKmsKeyId": self._props.foundation.key_arn,
            },
            "TransformOutput": {
                "Accept": "text/csv",
                "AssembleWith": "Line",
                "KmsKeyId": self._team_key,
            },
            "Tags": [{"Key": key, "Value": value} for key, value in sorted(place.tags.items())],
        }

    def _schedule(self, function: GovernedFunction) -> scheduler.CfnSchedule:
        place, batch = self._place, self._place.model.serving.batch
        role = GovernedRole(
            self,
            "ScheduleRole",
            GovernedRoleProps(
                governance=place.governance,
                role_name=place.role("batch-schedule"),
                description=f"Begins the batches of {place.model.title}",
                service="scheduler.amazonaws.com",
                statements=[
                    iam.PolicyStatement(
                        sid="Start", actions=["lambda:InvokeFunction"], resources=[function.arn]
                    )
                ],
            ),
        )
        schedule = scheduler.CfnSchedule(
            self,
            "Schedule",
            name=place.naming.schedule(place.unit.name, place.model.name, place.stage, "batch"),
            description=f"Has {place.model.title} answer for the day before"[:512],
            schedule_expression=f"cron(0 {batch.hour if batch else 0} * * ? *)",
            schedule_expression_timezone="UTC",
            flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
            kms_key_arn=self._props.foundation.key_arn,
            target=scheduler.CfnSchedule.TargetProperty(
                arn=function.arn,
                role_arn=role.arn,
                input=cdk.Stack.of(self).to_json_string({"time": "<aws.scheduler.scheduled-time>"}),
                retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
                    maximum_event_age_in_seconds=3600, maximum_retry_attempts=8
                ),
            ),
        )
        schedule.node.add_dependency(role)
        return schedule

    def _alarm(self) -> None:
        place = self._place
        cloudwatch.Alarm(
            self,
            "Failed",
            alarm_name=place.alarm(BATCH_ERRORS),
            alarm_description=f"A batch of {place.model.title} failed: its day has no answers",
            metric=batch_metric(place, "Failed"),
            threshold=0,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
            evaluation_periods=1,
            # What was known last stays, until a batch succeeds.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
        )


def batch_metric(place: ModelPlace, name: str) -> cloudwatch.Metric:
    """Return a metric of a model's batches, with one value a batch."""
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=name,
        dimensions_map={"Model": place.model.name, "Environment": place.stage.value},
        statistic="Sum" if name == "Records" else "Maximum",
        period=cdk.Duration.hours(1),
    )
