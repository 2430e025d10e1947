"""In whose session people answer the pipeline that deploys a unit, on the embedded cloud."""

from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, federated_session


def contributor_session(endpoint: Endpoint, estate: Estate, unit: str, person: str) -> Session:
    """Return the session of a person in the role of those who change a unit.

    Raises:
        ConfigError: there is no such unit.
        DeploymentError: the unit has no pipeline yet.
    """
    naming = Naming(prefix=estate.organization.prefix)
    return federated_session(
        endpoint,
        estate,
        person,
        account=estate.organization.accounts.shared_services,
        region=estate.organization.home_region,
        role=naming.change_role(estate.unit(unit).name, "contributor"),
    )
