"""A model's endpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone.release_contract import CHALLENGER
from mlzone.serving_policy import serving_statements
from mlzone.traffic import LONGEST_SHIFT_SECONDS, SHIFTS
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedLogGroup,
    GovernedLogGroupProps,
)
from mlzone_constructs.identity import GovernedRole
from mlzone_constructs.serving.alarms import VARIANT
from mlzone_constructs.serving.place import ModelPlace
from mlzone_constructs.serving.release import ChallengerParameters, ReleaseParameters
from mlzone_constructs.serving.served_model import served_model, serving_role

_ALL = 100


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
    challenger: ChallengerParameters | None = None
    """The release that is tried beside it; None where the estate lets none be tried."""


class ModelEndpoint(Construct):
    """An endpoint that serves one release and moves to the next one with care.

    Guarantees:
        NET-02: the model runs in the private network, isolated even from that.
        ENC-02: its disks and the captured requests are encrypted with a key of ours.
        DEP-03: at least two instances in production; traffic moves as the risk tier demands, and
            goes back when an alarm rises.
        MON-01: requests and answers are captured, at least as many as the risk tier demands.
        DEP-03: a release on trial changes nothing of the one that serves.
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
        config_name, config = self._config(self._variant(VARIANT, model_name))
        config.add_resource_dependency(served)
        on_trial, trial = self._trial(model_name, role)
        if props.challenger:
            config_name = cdk.Token.as_string(
                cdk.Fn.condition_if(props.challenger.condition.logical_id, on_trial, config_name)
            )
        self.endpoint = self._endpoint(config_name)
        """The endpoint."""
        for part in (config, *trial):
            self.endpoint.add_resource_dependency(part)
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

    def _variant(
        self, name: str, model_name: str, weight: float = 1
    ) -> sagemaker.CfnEndpointConfig.ProductionVariantProperty:
        serving = self._place.model.serving
        return sagemaker.CfnEndpointConfig.ProductionVariantProperty(
            variant_name=name,
            model_name=model_name,
            instance_type=serving.instance_type,
            initial_instance_count=serving.min_instances if self._place.in_production else 1,
            initial_variant_weight=weight,
        )

    def _trial(self, champion: str, role: GovernedRole) -> tuple[str, Sequence[cdk.CfnResource]]:
        """Return the configuration of the endpoint while a release is tried beside the champion.

        Weights are those that a shift of traffic leaves alone: the champion's stays what it is, and
        the challenger's gives it its share beside that.
        """
        challenger, trial = self._props.challenger, self._place.model.serving.trial
        if challenger is None or trial is None:
            return "", ()
        name, model = served_model(
            self,
            self._place,
            self._props.foundation,
            challenger,
            role,
            construct_id=f"{CHALLENGER}Model",
        )
        copied = trial.percentage / _ALL
        if trial.mode == "shadow":
            shadow, variants = [self._variant(CHALLENGER, name, copied)], []
        else:
            shadow, variants = [], [self._variant(CHALLENGER, name, copied / (1 - copied))]
        config_name, config = self._config(
            self._variant(VARIANT, champion), *variants, on_trial=challenger, shadow=shadow
        )
        config.add_resource_dependency(model)
        challenger.govern(model, config)
        return config_name, (model, config)

    def _config(
        self,
        *variants: sagemaker.CfnEndpointConfig.ProductionVariantProperty,
        on_trial: ChallengerParameters | None = None,
        shadow: Sequence[sagemaker.CfnEndpointConfig.ProductionVariantProperty] = (),
    ) -> tuple[str, sagemaker.CfnEndpointConfig]:
        place, key_arn = self._place, self._props.foundation.key_arn
        content: dict[str, Any] = {
            "kms_key_id": key_arn,
            "production_variants": list(variants),
            **({"shadow_production_variants": list(shadow)} if shadow else {}),
            "data_capture_config": sagemaker.CfnEndpointConfig.DataCaptureConfigProperty(
                enable_capture=True,
                # What is compared has to be there from both.
                initial_sampling_percentage=_ALL if on_trial else place.model.capture_percentage,
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
        release = on_trial or self._props.release
        name = release.versioned(place.naming, place.endpoint, content)
        config = sagemaker.CfnEndpointConfig(
            self,
            f"{CHALLENGER}Config" if on_trial else "Config",
            endpoint_config_name=name,
            **content,
        )
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
            deployment_config=self._deployment(),
        )

    def _deployment(self) -> sagemaker.CfnEndpoint.DeploymentConfigProperty | cdk.IResolvable:
        """Return how an update is made: with alarms, step by step where there are many instances.

        SageMaker shifts no traffic between configurations with different variants. Therefore a
        trial begins and ends without that; the release that serves is the same before and after.
        """
        careful = sagemaker.CfnEndpoint.DeploymentConfigProperty(
            auto_rollback_configuration=sagemaker.CfnEndpoint.AutoRollbackConfigProperty(
                alarms=[
                    sagemaker.CfnEndpoint.AlarmProperty(alarm_name=name)
                    for name in self._props.rollback_alarms
                ]
            ),
            blue_green_update_policy=self._shift(),
        )
        if self._props.challenger is None:
            return careful
        return cdk.Fn.condition_if(
            self._props.challenger.change.logical_id,
            cdk.Aws.NO_VALUE,
            _as_template(cdk.Stack.of(self).resolve(careful)),
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


def _as_template(value: Any) -> Any:
    """Return resolved properties with their names as templates have them."""
    if isinstance(value, dict):
        return {f"{name[:1].upper()}{name[1:]}": _as_template(item) for name, item in value.items()}
    return [_as_template(item) for item in value] if isinstance(value, list) else value
