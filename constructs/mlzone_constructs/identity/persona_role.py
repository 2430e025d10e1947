"""Roles of people: one persona, one scope, federated from the identity provider."""

from dataclasses import dataclass

from constructs import Construct

from mlzone.persona import PERSONAS, Persona
from mlzone.persona_policy import persona_statements
from mlzone.surroundings import Surroundings
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity.federation import federated_role
from mlzone_constructs.identity.role import allow


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
        self.role = federated_role(
            self,
            governance,
            role_name=governance.naming.persona_role(
                props.persona, surroundings.unit, surroundings.team
            ),
            description=f"{PERSONAS[props.persona].title}: {surroundings.title}",
        )
        """The role."""
        allow(self.role, persona_statements(props.persona, surroundings))
