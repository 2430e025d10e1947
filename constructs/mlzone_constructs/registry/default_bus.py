"""The event buses of a unit's environments."""

from constructs import Construct

from mlzone.estate import BusinessUnit, Stage
from mlzone_constructs.governance import Governance


def default_bus(scope: Construct, governance: Governance, unit: BusinessUnit, stage: Stage) -> str:
    """Return the ARN of the default event bus of a unit's environment."""
    return governance.arn(
        scope,
        "events",
        "event-bus/default",
        account=unit.environments[stage].account,
        region=governance.estate.region(unit, stage),
    )
