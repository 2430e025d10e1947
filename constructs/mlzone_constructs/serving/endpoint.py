"""A model's endpoint."""

from dataclasses import dataclass
from typing import Any

from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone.serving_policy import serving_statements
from mlzone.traffic import LONGEST_SHIFT_SECONDS, SHIFTS
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedLogGroup,
    GovernedLogGroupProps,
)
from mlzone_constructs.serving.alarms import VARIANT
from mlzone_constructs.serving.place import ModelPlace
from mlzone_constructs.serving.release import ReleaseParameters
from mlzone_constructs.serving.served_model import served_model, serving_role


@dataclass(frozen=True, kw_only=True)
class ModelEndpointProps:
    """Properties of a ModelEndpoint."""

    place: ModelPlace
    """The model in its environment."""
    foundation: FoundationReferences
    """Network and key of the environment."""
    release: ReleaseParameters
    """The release that serves."""
    rollback_alarms: list[str]
    """The alarms that send a deployment back."""


class ModelEndpoint(Construct):
    """An endpoint that serves one release and moves to the next one with care.

    Guarantees:
        NET-02: the model runs in the private network, isolated even from that.
        ENC-02: its disks and the captured requests are encrypted with a key of ours.
        DEP-03: at least two instances in production; traffic moves as the risk tier demands, and
            goes back when an alarm rises.
        MON-01: requests and answers are captured, at least as many as the risk tier demands.
        IAM-01, ENC-04: it works in a role of its own that reads no other model's releases.
        LOG-01: it writes to an encrypted log that is kept.

    Example:
        ModelEndpoint(self, "Endpoint", ModelEndpointProps(
            place=place, foundation=foundation, release=release, rollback_alarms=alarms.names))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelEndpointProps) -> None:
        super().__init__(scope, construct_id)
        self._props, self._place = props, props.place
        log = self._log()
        place, foundation = props.place, props.foundation
        surroundings = place.surroundings(self, foundation.key_arn)
        model = place.model
        may = serving_statements(surroundings, model=model.name, own_image=model.own_image)
        role = serving_role(self, place, may)
        model_name, served = served_model(self, place, foundation, props.release, role)
        config_name, config = self._config(model_name)
        config.add_resource_dependency(served)
        self.endpoint = self._endpoint(config_name)
        """The endpoint."""
        self.endpoint.add_resource_dependency(config)
        self.endpoint.node.add_dependency(log)
        props.release.govern(served, config, self.endpoint)

    def _log(self) -> GovernedLogGroup:
        """SageMaker would make the group itself, without a key and without an end."""
        return GovernedLogGroup(
            self,
            "Log",
            GovernedLogGroupProps(
                governance=self._place.governance,
                log_group_name=f"/aws/sagemaker/Endpoints/{self._place.endpoint}",
                key=self._props.foundation.key,
            ),
        )

    def _config(self, model_name: str) -> tuple[str, sagemaker.CfnEndpointConfig]:
        place, key_arn = self._place, self._props.foundation.key_arn
        serving = place.model.serving
        content: dict[str, Any] = {
            "kms_key_id": key_arn,
            "production_variants": [
                sagemaker.CfnEndpointConfig.ProductionVariantProperty(
                    variant_name=VARIANT,
                    model_name=model_name,
                    instance_type=serving.instance_type,
                    initial_instance_count=serving.min_instances if place.in_production else 1,
                    initial_variant_weight=1,
                )
            ],
            "data_capture_config": sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
                enable_capture=True,
                initial_sampling_percentage=place.model.capture_percentage,
                destination_s3_uri=place.requests_uri,
                kms_key_id=key_arn,
                capture_options=[
                    sagemaker.CfnEndpointConfig.CaptureOptionProperty(capture_mode=mode)
                    for mode in ("Input", "Output")
                ],
                capture_content_type_header=(
                    sagemaker.CfnEndpointConfig.CaptureContentTypeHeaderProperty(
                        csv_content_types=["text/csv"], json_content_types=["application/json"]
                    )
                ),
            ),
        }
        name = self._props.release.versioned(place.naming, place.endpoint, content)
        config = sagemaker.CfnEndpointConfig(self, "Config", endpoint_config_name=name, **content)
        return name, config

    def _endpoint(self, config_name: str) -> sagemaker.CfnEndpoint:
        place = self._place
        return sagemaker.CfnEndpoint(
            self,
            "Resource",
            endpoint_name=place.endpoint,
            endpoint_config_name=config_name,
            # What scaling has made of the number of instances survives a release; how much is
            # captured is the estate's word.
            retain_all_variant_properties=place.in_production,
            exclude_retained_variant_properties=[
                sagemaker.CfnEndpoint.VariantPropertyProperty(
                    variant_property_type="DataCaptureConfig"
                )
            ]
            if place.in_production
            else None,
            deployment_config=sagemaker.CfnEndpoint.DeploymentConfigProperty(
                auto_rollback_configuration=(
                    sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                        alarms=[
                            sagemaker.CfnEndpoint.AlarmProperty(alarm_name=name)
                            for name in self._props.rollback_alarms
                        ]
                    )
                ),
                blue_green_update_policy=self._shift(),
            ),
        )

    def _shift(self) -> sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty:
        """One instance cannot be shifted in parts: staging goes over at once, still with alarms."""
        place = self._place
        shift = SHIFTS[place.model.traffic if place.in_production else "all-at-once"]
        step = sagemaker.CfnEndpoint.CapacitySizeProperty(
            type="CAPACITY_PERCENT", value=shift.step_percent
        )
        return sagemaker.CfnEndpoint.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=sagemaker.CfnEndpoint.TrafficRoutingConfigProperty(
                type=shift.kind,
                wait_interval_in_seconds=shift.wait_seconds,
                canary_size=step if shift.kind == "CANARY" else None,
                linear_step_size=step if shift.kind == "LINEAR" else None,
            ),
            termination_wait_in_seconds=shift.termination_wait_seconds,
            maximum_execution_timeout_in_seconds=LONGEST_SHIFT_SECONDS,
        )
