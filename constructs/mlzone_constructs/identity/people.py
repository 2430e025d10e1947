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
    """The identity provider of an account, and the roles of those who work for the organization.

    Those who work for a unit alone have theirs in the unit's own stacks.

    Guarantees:
        IAM-08: only the identity provider's people come in.

    Example:
        People(self, "People", PeopleProps(governance=governance, place=Place.LOG_ARCHIVE))
    """

    def __init__(self, scope: Construct, construct_id: str, props: PeopleProps) -> None:
        super().__init__(scope, construct_id)
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
        for role in _roles(self, props, None):
            role.node.add_dependency(provider)


class PeopleOfUnit(Construct):
    """The roles of those who work for one unit in an account of the whole organization.

    Guarantees:
        IAM-08: only the identity provider's people come in; the provider is there before.

    Example:
        PeopleOfUnit(self, "People", unit, PeopleProps(
            governance=governance, place=Place.SHARED_SERVICES))
    """

    def __init__(
        self, scope: Construct, construct_id: str, unit: BusinessUnit, props: PeopleProps
    ) -> None:
        super().__init__(scope, construct_id)
        _roles(self, props, unit)


def _roles(scope: Construct, props: PeopleProps, unit: BusinessUnit | None) -> list[PersonaRole]:
    """Make the roles of personas that work in a place, for a unit or for the organization."""
    return [
        PersonaRole(
            scope,
            persona.title().replace("-", ""),
            PersonaRoleProps(
                governance=props.governance,
                persona=persona,
                surroundings=_surroundings(scope, props, unit),
            ),
        )
        for persona, profile in PERSONAS.items()
        if props.place in profile.places and (profile.scope is Scope.UNIT) == (unit is not None)
    ]


def _surroundings(scope: Construct, props: PeopleProps, unit: BusinessUnit | None) -> Surroundings:
    governance, stack = props.governance, cdk.Stack.of(scope)
    return Surroundings(
        naming=governance.naming,
        partition=stack.partition,
        account=stack.account,
        region=stack.region,
        shared_services=governance.shared_services,
        home_region=governance.home_region,
        title=unit.title if unit else "the whole organization",
        unit=unit.name if unit else "",
        place=props.place,
        keys=props.keys,
    )
