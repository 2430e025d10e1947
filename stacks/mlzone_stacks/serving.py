"""What serves a model in one environment."""

from typing import Any

import aws_cdk as cdk
from constructs import Construct

from mlzone.estate import Model, Team
from mlzone.release_contract import SERVING
from mlzone_constructs.foundation import FoundationReferences
from mlzone_constructs.governance import Governance
from mlzone_constructs.serving import (
    EndpointScaling,
    EndpointScalingProps,
    ModelEndpoint,
    ModelEndpointProps,
    ModelPlace,
    ReleaseParameters,
    ServiceLevelAlarms,
    ServiceLevelAlarmsProps,
)


class ServingStack(cdk.Stack):
    """A model's role, log, alarms and, from the first release on, its endpoint.

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
        alarms = ServiceLevelAlarms(self, "Alarms", ServiceLevelAlarmsProps(place=place))
        serving = ModelEndpoint(
            self,
            "Endpoint",
            ModelEndpointProps(
                place=place,
                foundation=FoundationReferences(self, "Foundation", governance),
                release=release,
                rollback_alarms=alarms.names,
            ),
        )
        if place.in_production:
            scaling = EndpointScaling(
                self, "Scaling", EndpointScalingProps(place=place, release=release)
            )
            scaling.node.add_dependency(serving.endpoint)
        governance.tag(self, team=team, model=model)
