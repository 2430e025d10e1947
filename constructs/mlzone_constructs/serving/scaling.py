"""Scaling of a production endpoint with its load."""

from dataclasses import dataclass

from aws_cdk import aws_applicationautoscaling as scaling
from constructs import Construct

from mlzone_constructs.serving.alarms import VARIANT
from mlzone_constructs.serving.place import ModelPlace
from mlzone_constructs.serving.release import ReleaseParameters

_NAMESPACE, _DIMENSION = "sagemaker", "sagemaker:variant:DesiredInstanceCount"
REQUESTS_PER_INSTANCE = 600
"""Requests a minute that one instance should take: 10 a second, half of what a table model on the
smallest allowed instance serves, so that the other half of the capacity can fail (CP-10)."""
_SCALE_OUT_SECONDS, _SCALE_IN_SECONDS = 60, 600


@dataclass(frozen=True, kw_only=True)
class EndpointScalingProps:
    """Properties of EndpointScaling."""

    place: ModelPlace
    """The model in production."""
    release: ReleaseParameters
    """The release that serves."""


class EndpointScaling(Construct):
    """Scales an endpoint between the estate's least and greatest number of instances.

    Guarantees:
        DEP-03: there are never fewer instances than the estate says, and never fewer than two.

    Example:
        EndpointScaling(self, "Scaling", EndpointScalingProps(place=place, release=release))
    """

    def __init__(self, scope: Construct, construct_id: str, props: EndpointScalingProps) -> None:
        super().__init__(scope, construct_id)
        place, serving = props.place, props.place.model.serving
        target = scaling.CfnScalableTarget(
            self,
            "Resource",
            service_namespace=_NAMESPACE,
            scalable_dimension=_DIMENSION,
            resource_id=f"endpoint/{place.endpoint}/variant/{VARIANT}",
            min_capacity=serving.min_instances,
            max_capacity=max(serving.min_instances, serving.max_instances),
        )
        policy = scaling.CfnScalingPolicy(
            self,
            "Policy",
            policy_name=f"{place.endpoint}-requests",
            policy_type="TargetTrackingScaling",
            scaling_target_id=target.ref,
            target_tracking_scaling_policy_configuration=(
                scaling.CfnScalingPolicy.TargetTrackingScalingPolicyConfigurationProperty(
                    target_value=REQUESTS_PER_INSTANCE,
                    predefined_metric_specification=(
                        scaling.CfnScalingPolicy.PredefinedMetricSpecificationProperty(
                            predefined_metric_type="SageMakerVariantInvocationsPerInstance"
                        )
                    ),
                    scale_out_cooldown=_SCALE_OUT_SECONDS,
                    scale_in_cooldown=_SCALE_IN_SECONDS,
                )
            ),
        )
        props.release.govern(target, policy)
