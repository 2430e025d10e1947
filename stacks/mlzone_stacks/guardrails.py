"""The organization's policies, in the management account."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations
from constructs import Construct

from mlzone.guardrail import control_policies
from mlzone.persona import Place
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import People, PeopleProps


class GuardrailsStack(cdk.Stack):
    """Service control, resource control and tag policies, attached to the estate's accounts.

    Also the roles of those who work in the management account: auditors and FinOps analysts.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, governance: Governance, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        for policy in control_policies(governance.estate):
            organizations.CfnPolicy(
                self,
                policy.name,
                name=policy.name,
                type=policy.type,
                description=policy.description,
                content=policy.content,
                target_ids=list(policy.targets),
            )
        People(self, "People", PeopleProps(governance=governance, place=Place.MANAGEMENT))
        governance.tag(self)
