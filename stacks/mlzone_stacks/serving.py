"""What serves a model in one environment."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone.estate import Model, Team
from mlzone.release_contract import SERVING
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.governance import Governance
from mlzone_constructs.serving import (
    ChallengerParameters,
    EndpointScaling,
    EndpointScalingProps,
    ModelBatches,
    ModelBatchesProps,
    ModelEndpoint,
    ModelEndpointProps,
    ModelPlace,
    ModelStop,
    ModelStopProps,
    ReleaseParameters,
    ServiceLevelAlarms,
    ServiceLevelAlarmsProps,
)


class ServingStack(cdk.Stack):
    """A model's role, log, alarms, what stops it, and from the first release on what serves it.

    That is an endpoint, or a daily batch where the estate says so.

    A promotion updates it with the parameters of `mlzone.release_contract`; a deployment of the
    estate leaves those as they are.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        governance: Governance,
        team: Team,
        model: Model,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        place = ModelPlace(governance=governance, team=team, model=model)
        release = ReleaseParameters(self, "Parameters", SERVING)
        foundation = FoundationReferences(self, "Foundation", governance)
        if model.serving.batch:
            ModelBatches(
                self,
                "Batches",
                ModelBatchesProps(place=place, foundation=foundation, release=release),
            )
        else:
            self._endpoint(place, foundation, release)
        ModelStop(self, "Stop", ModelStopProps(place=place, foundation=foundation))
        governance.tag(self, team=team, model=model)

    def _endpoint(
        self, place: ModelPlace, foundation: FoundationReferences, release: ReleaseParameters
    ) -> None:
        alarms = ServiceLevelAlarms(self, "Alarms", ServiceLevelAlarmsProps(place=place))
        serving = ModelEndpoint(
            self,
            "Endpoint",
            ModelEndpointProps(
                place=place,
                foundation=foundation,
                release=release,
                rollback_alarms=alarms.names,
                challenger=ChallengerParameters(self, "Challenger", release)
                if place.tries
                else None,
            ),
        )
        if place.in_production:
            scaling = EndpointScaling(
                self, "Scaling", EndpointScalingProps(place=place, release=release)
            )
            scaling.node.add_dependency(serving.endpoint)
