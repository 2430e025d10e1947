"""How people reach an account that serves the whole organization."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.estate import BusinessUnit
from mlzone.persona import PERSONAS, Place, Scope
from mlzone.surroundings import Surroundings
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity.persona_role import PersonaRole, PersonaRoleProps


@dataclass(frozen=True, kw_only=True)
class PeopleProps:
    """Properties of People."""

    governance: Governance
    """The organization's rules."""
    place: Place
    """The account: an organization's, not a business unit's."""
    keys: tuple[str, ...] = ()
    """The keys of what people read there."""


class People(Construct):
    """The identity provider of an account, and the roles of all personas that work there.

    Guarantees:
        IAM-08: only the identity provider's people come in.

    Example:
        People(self, "People", PeopleProps(governance=governance, place=Place.LOG_ARCHIVE))
    """

    def __init__(self, scope: Construct, construct_id: str, props: PeopleProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        estate = props.governance.estate
        identity = estate.organization.identity
        provider = iam.CfnSAMLProvider(
            self,
            "IdentityProvider",
            name=identity.saml_provider,
            saml_metadata_document=(estate.folder / identity.saml_metadata).read_text(
                encoding="utf-8"
            ),
        )
        for persona, profile in PERSONAS.items():
            if props.place not in profile.places:
                continue
            for unit in estate.units if profile.scope is Scope.UNIT else (None,):
                role = PersonaRole(
                    self,
                    persona.title().replace("-", "") + (unit.name if unit else ""),
                    PersonaRoleProps(
                        governance=props.governance,
                        persona=persona,
                        surroundings=self._surroundings(unit),
                    ),
                )
                role.node.add_dependency(provider)

    def _surroundings(self, unit: BusinessUnit | None) -> Surroundings:
        governance, stack = self._props.governance, cdk.Stack.of(self)
        return Surroundings(
            naming=governance.naming,
            partition=stack.partition,
            account=stack.account,
            region=stack.region,
            shared_services=governance.shared_services,
            home_region=governance.home_region,
            title=unit.title if unit else "the whole organization",
            unit=unit.name if unit else "",
            place=self._props.place,
            keys=self._props.keys,
        )
