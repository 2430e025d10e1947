"""A business unit's part of the shared services."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.estate import BusinessUnit, Stage
from mlzone.persona import Place
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import PeopleOfUnit, PeopleProps
from mlzone_constructs.images import ImageRepository, ImageRepositoryProps
from mlzone_constructs.registry import (
    Artifacts,
    ArtifactsProps,
    EventRelay,
    EventRelayProps,
    ForwardedApprovals,
    ForwardedApprovalsProps,
    ModelRegistry,
    ModelRegistryProps,
    Reminders,
    RemindersProps,
)


class RegistryStack(cdk.Stack):
    """What a unit has in the shared-services account; it alone grows with teams and models.

    The registry is one, as AWS has it: groups of all units are in the one account. Only the stacks
    that make them are apart.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, governance: Governance, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        unit = governance.unit
        if unit is None:
            raise ValueError("this belongs to a business unit")
        key_arn = ssm.StringParameter.value_for_string_parameter(
            self, governance.naming.platform_key_parameter()
        )
        key = kms.Key.from_key_arn(self, "Key", key_arn)
        ModelRegistry(self, "Registry", ModelRegistryProps(governance=governance, unit=unit))
        Artifacts(self, "Artifacts", ArtifactsProps(governance=governance, unit=unit, key=key))
        ForwardedApprovals(
            self, "Approvals", ForwardedApprovalsProps(governance=governance, unit=unit)
        )
        EventRelay(self, "Relay", EventRelayProps(governance=governance, unit=unit, key=key))
        Reminders(self, "Reminders", RemindersProps(governance=governance, unit=unit, key=key))
        self._own_images(governance, unit, key)
        PeopleOfUnit(
            self,
            "People",
            unit,
            PeopleProps(governance=governance, place=Place.SHARED_SERVICES, keys=(key_arn,)),
        )
        governance.tag(self)

    def _own_images(self, governance: Governance, unit: BusinessUnit, key: kms.IKey) -> None:
        """A repository for each model that brings an image; its build alone pushes there."""
        naming, dev = governance.naming, unit.environments.dev.account
        for model in (model for team in unit.teams for model in team.models if model.own_image):
            build = naming.service_role(unit.name, model.name, Stage.DEV, "build")
            ImageRepository(
                self,
                f"Image-{model.name}",
                ImageRepositoryProps(
                    governance=governance,
                    name=naming.own_image_repository(unit.name, model.name),
                    key=key,
                    reader_accounts=[unit.environments[stage].account for stage in Stage],
                    pusher=(dev, build),
                ),
            )
