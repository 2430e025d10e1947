"""Application Auto Scaling: targets and policies."""

from typing import Any

from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.state import Json
from mlzone_cloud.cfn.types.base import ExplicitType, only

_TARGET = ("ResourceId", "ScalableDimension", "ServiceNamespace")


class ScalableTarget(ExplicitType):
    """`AWS::ApplicationAutoScaling::ScalableTarget`."""

    type_name = "AWS::ApplicationAutoScaling::ScalableTarget"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        self._register(context, properties)
        identity = "|".join(str(properties[key]) for key in _TARGET)
        return Made(identity, {"Id": identity})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        self._register(context, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("application-autoscaling").deregister_scalable_target(
            **only(properties, *_TARGET)
        )

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        del physical_id
        found = context.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace=properties["ServiceNamespace"],
            ResourceIds=[properties["ResourceId"]],
            ScalableDimension=properties["ScalableDimension"],
        )["ScalableTargets"]
        return only(found[0], *_TARGET, "MinCapacity", "MaxCapacity") if found else None

    def _register(self, context: Context, properties: Json) -> None:
        context.client("application-autoscaling").register_scalable_target(
            **only(properties, *_TARGET, "MinCapacity", "MaxCapacity", "RoleARN", "SuspendedState")
        )


class ScalingPolicy(ExplicitType):
    """`AWS::ApplicationAutoScaling::ScalingPolicy`."""

    type_name = "AWS::ApplicationAutoScaling::ScalingPolicy"

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        del logical_id
        arn = self._put(context, properties)
        return Made(arn, {"Arn": arn})

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> None:
        del physical_id, old
        self._put(context, new)

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        del physical_id
        context.client("application-autoscaling").delete_scaling_policy(
            PolicyName=properties["PolicyName"], **_target_of(properties)
        )

    def _put(self, context: Context, properties: Json) -> str:
        arguments = only(properties, "PolicyName", "PolicyType", "StepScalingPolicyConfiguration")
        tracking = properties.get("TargetTrackingScalingPolicyConfiguration")
        if tracking:
            arguments["TargetTrackingScalingPolicyConfiguration"] = tracking
        answer = context.client("application-autoscaling").put_scaling_policy(
            **arguments, **_target_of(properties)
        )
        arn: str = answer["PolicyARN"]
        return arn


def _target_of(properties: Json) -> dict[str, Any]:
    """Return what a policy scales: its target is named by id or by its parts."""
    if "ScalingTargetId" not in properties:
        return only(properties, *_TARGET)
    return dict(zip(_TARGET, properties["ScalingTargetId"].split("|"), strict=True))


TYPES = (ScalableTarget, ScalingPolicy)
