"""In whose session a command about models acts, and in which account."""

from mlzone.estate import Estate, Stage
from mlzone.persona import Place
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session, person_session


def registry_session(endpoint: Endpoint, estate: Estate, person: str | None, unit: str) -> Session:
    """Return a session in the registry's account: a person's, or the platform team's."""
    if person:
        return person_session(endpoint, estate, person, unit=unit)
    return shared_session(endpoint, estate, None)


def stage_session(
    endpoint: Endpoint, estate: Estate, unit: str, stage: Stage, person: str | None = None
) -> Session:
    """Return a session in a unit's environment: a person's, or the platform team's."""
    if person:
        return person_session(endpoint, estate, person, place=Place(stage.value), unit=unit)
    return account_session(endpoint, estate, estate.unit(unit).environments[stage].account)


def shared_session(endpoint: Endpoint, estate: Estate, person: str | None) -> Session:
    """Return a session in the shared-services account: an auditor's, or the platform team's."""
    if person:
        return person_session(endpoint, estate, person, place=Place.SHARED_SERVICES)
    return account_session(endpoint, estate, estate.organization.accounts.shared_services)
