"""What takes a model out of service."""

from dataclasses import dataclass

import aws_cdk as cdk
from constructs import Construct

from mlzone.serving_policy import stop_statements
from mlzone_constructs.foundation import (
    FoundationReferences,
    GovernedFunction,
    GovernedFunctionProps,
)
from mlzone_constructs.serving.place import ModelPlace

_MINUTES = 15
"""An endpoint that is being updated goes back first."""


@dataclass(frozen=True, kw_only=True)
class ModelStopProps:
    """Properties of a ModelStop."""

    place: ModelPlace
    """The model, in an environment."""
    foundation: FoundationReferences
    """The key of the environment."""


class ModelStop(Construct):
    """The function by which a person takes the model out of service at once.

    Guarantees:
        MON-04: approvers of the unit and engineers of the model's team may call it, and nobody
            else; it finds out from STS who calls, and tells of it on the platform's bus.
        DEP-01: it changes which parameters the model's stacks have, never what they allow.

    Example:
        ModelStop(self, "Stop", ModelStopProps(place=place, foundation=foundation))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelStopProps) -> None:
        super().__init__(scope, construct_id)
        place, naming = props.place, props.place.naming
        unit, model = place.unit.name, place.model.name
        batches = place.batch_jobs if place.model.serving.batch else ""
        self.function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.stop_function,
                role_name=place.role("stop"),
                description=f"Takes {place.model.title} out of service"[:256],
                handler="model_stop",
                key=props.foundation.key,
                timeout=cdk.Duration.minutes(_MINUTES),
                environment={
                    **place.settings(self),
                    "MLZONE_SERVING_STACK": naming.serving_stack(unit, place.stage, model),
                    "MLZONE_MONITORING_STACK": naming.monitoring_stack(unit, place.stage, model),
                    **({"MLZONE_BATCH_JOBS": batches} if batches else {}),
                },
                statements=stop_statements(
                    place.surroundings(self, props.foundation.key_arn),
                    model=model,
                    bus_arn=place.bus_arn(self),
                    batches=batches,
                ),
            ),
        )
        """The function."""
