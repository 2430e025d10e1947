"""Roles that systems outside of the platform take."""

from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.naming import ROLE_PATH
from mlzone.surroundings import Surroundings
from mlzone.system_policy import SystemRole, system_statements, trust_conditions
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity.role import allow

_DESCRIPTIONS = {
    "outcomes": "Delivers outcomes of",
    "batch-input": "Brings what is asked by the day of",
    "batch-results": "Fetches what was answered by the day by",
}


@dataclass(frozen=True, kw_only=True)
class TrustedSystemProps:
    """Properties of a TrustedSystem."""

    governance: Governance
    """The organization's rules, in a unit's production account."""
    surroundings: Surroundings
    """Where the role works."""
    role: SystemRole
    """Which role of which systems it is."""


class TrustedSystem(Construct):
    """A role for systems of the bank that bring or fetch what one model needs.

    Guarantees:
        IAM-11: the systems that the estate names take it, each as its own role of the organization,
            and nobody else; it puts or gets objects of one model, and does nothing else.
        IAM-01: it carries the permissions boundary and the platform's path.
        IAM-05: its trust policy says for whom it is.

    Example:
        TrustedSystem(self, "Outcomes", TrustedSystemProps(
            governance=governance, surroundings=surroundings, role=role))
    """

    def __init__(self, scope: Construct, construct_id: str, props: TrustedSystemProps) -> None:
        super().__init__(scope, construct_id)
        governance, role = props.governance, props.role
        organization = governance.estate.organization.organization_id
        trusted = [
            iam.AccountPrincipal(system.account).with_conditions(
                trust_conditions(system, organization)
            )
            for system in role.systems
        ]
        self.role = iam.Role(
            self,
            "Resource",
            role_name=role.name,
            path=ROLE_PATH,
            description=f"{_DESCRIPTIONS[role.duty]} {role.model.name}, as a system of the bank",
            assumed_by=iam.CompositePrincipal(*trusted),
            permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(
                self, "Boundary", governance.boundary_arn(self)
            ),
        )
        """The role."""
        governance.roles.append(self.role)
        allow(self.role, system_statements(props.surroundings, role))
