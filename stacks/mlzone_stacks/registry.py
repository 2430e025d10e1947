"""A business unit's part of the shared services."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.persona import Place
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import PeopleOfUnit, PeopleProps
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
        PeopleOfUnit(
            self,
            "People",
            unit,
            PeopleProps(governance=governance, place=Place.SHARED_SERVICES, keys=(key_arn,)),
        )
        governance.tag(self)
