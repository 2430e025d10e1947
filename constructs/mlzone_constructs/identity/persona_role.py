"""Roles of people: one persona, one scope, federated from the identity provider."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.naming import ROLE_PATH
from mlzone.persona import PERSONAS, Persona
from mlzone.persona_policy import Surroundings, persona_statements
from mlzone_constructs.governance import Governance

_SIGN_IN = "https://signin.aws.amazon.com/saml"
_SESSION = cdk.Duration.hours(8)


@dataclass(frozen=True, kw_only=True)
class PersonaRoleProps:
    """Properties of a PersonaRole."""

    governance: Governance
    """The organization's rules."""
    persona: Persona
    """Who works with it."""
    surroundings: Surroundings
    """Where it works; decides what its policies name."""


class PersonaRole(Construct):
    """The role in which people of one persona work.

    Guarantees:
        IAM-01: it carries the permissions boundary and the platform's path.
        IAM-07: a session carries the person's name as SourceIdentity; without it there is none.
        IAM-08: only the identity provider's people come in, with their second factor there.
        IAM-03: it has no AWS-managed policy.

    Example:
        PersonaRole(self, "DataScientist", PersonaRoleProps(
            governance=governance, persona=Persona.DATA_SCIENTIST, surroundings=surroundings))
    """

    def __init__(self, scope: Construct, construct_id: str, props: PersonaRoleProps) -> None:
        super().__init__(scope, construct_id)
        governance, surroundings = props.governance, props.surroundings
        stack = cdk.Stack.of(self)
        provider = (
            f"arn:{stack.partition}:iam::{stack.account}:saml-provider/"
            f"{governance.estate.organization.identity.saml_provider}"
        )
        audience = {"StringEquals": {"SAML:aud": _SIGN_IN}}
        self.role = iam.Role(
            self,
            "Resource",
            role_name=governance.naming.persona_role(
                props.persona, surroundings.unit, surroundings.team
            ),
            path=ROLE_PATH,
            description=f"{PERSONAS[props.persona].title}: {surroundings.title}",
            max_session_duration=_SESSION,
            assumed_by=iam.FederatedPrincipal(provider, audience, "sts:AssumeRoleWithSAML"),
            permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(
                self, "Boundary", governance.boundary_arn(self)
            ),
        )
        """The role."""
        governance.roles.append(self.role)
        trust = self.role.assume_role_policy
        assert trust is not None  # noqa: S101 - a role that is made here has one
        trust.add_statements(
            iam.PolicyStatement(
                actions=["sts:TagSession", "sts:SetSourceIdentity"],
                principals=[iam.FederatedPrincipal(provider, audience)],
            )
        )
        trust.add_statements(
            iam.PolicyStatement(
                effect=iam.Effect.DENY,
                actions=["sts:AssumeRoleWithSAML"],
                principals=[
                    iam.FederatedPrincipal(provider, {"Null": {"sts:SourceIdentity": "true"}})
                ],
            )
        )
        for statement in persona_statements(props.persona, surroundings):
            self.role.add_to_policy(iam.PolicyStatement.from_json(statement))
