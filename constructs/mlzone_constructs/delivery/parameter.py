"""What a model's build needs to know of the platform."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.delivery_document import delivery_document
from mlzone.estate import Environment
from mlzone_constructs.delivery.setting import DeliverySetting


@dataclass(frozen=True, kw_only=True)
class DeliveryParameterProps:
    """Properties of a DeliveryParameter."""

    setting: DeliverySetting
    """The model's delivery."""
    volume_key_arn: str
    """The team's key, which encrypts the disks of its jobs."""


class DeliveryParameter(Construct):
    """The SSM parameter from which a build learns network, keys, images, limits and thresholds.

    Guarantees:
        NET-02, ENC-02: every job gets the private network and keys of ours from it.
        MOD-07: the thresholds that a version must reach are the estate's.
        GOV-01: everything that the build makes gets the mandatory tags.

    Example:
        DeliveryParameter(self, "Parameter", DeliveryParameterProps(
            setting=setting, volume_key_arn=key_arn))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DeliveryParameterProps) -> None:
        super().__init__(scope, construct_id)
        setting, stack = props.setting, cdk.Stack.of(self)
        place, governance = setting.place, setting.place.governance
        foundation = setting.foundation
        unit, naming = place.unit, place.naming
        document = delivery_document(
            naming=naming,
            unit=unit,
            team=place.team,
            model=place.model,
            partition=stack.partition,
            region=stack.region,
            home_region=governance.home_region,
            shared_services=governance.shared_services,
            subnets=[
                cdk.Fn.select(index, foundation.subnet_ids)
                for index in range(_subnet_count(unit.environments[place.stage]))
            ],
            security_groups=foundation.security_group_ids,
            volume_key=props.volume_key_arn,
            training_role=governance.role_arn(
                self,
                place.account,
                naming.service_role(unit.name, place.team.name, place.stage, "pipeline"),
            ),
            images={name: setting.image(name) for name in ("analyzer", "tabular")},
            own_repository=setting.repository if place.model.own_image else "",
        )
        self.name = naming.delivery_parameter(unit.name, place.model.name)
        """The parameter's name."""
        self.parameter = ssm.CfnParameter(
            self,
            "Resource",
            name=self.name,
            description=f"What the build of {place.model.title} needs to know of the platform"[
                :1024
            ],
            type="String",
            # A long purpose makes it longer than a standard parameter may be.
            tier="Intelligent-Tiering",
            value=stack.to_json_string(document),
        )
        """The parameter."""


def _subnet_count(environment: Environment) -> int:
    network = environment.network
    if network.create:
        return network.create.availability_zones
    return len(network.import_.subnet_ids) if network.import_ else 0
