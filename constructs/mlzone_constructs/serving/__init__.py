"""Serving: a model's endpoint with its alarms and its scaling, or its daily batches."""

from mlzone_constructs.serving.alarms import (
    ServiceLevelAlarms,
    ServiceLevelAlarmsProps,
    endpoint_metric,
)
from mlzone_constructs.serving.batch import (
    BATCH_ERRORS,
    ModelBatches,
    ModelBatchesProps,
    batch_metric,
)
from mlzone_constructs.serving.endpoint import ModelEndpoint, ModelEndpointProps
from mlzone_constructs.serving.place import ModelPlace
from mlzone_constructs.serving.release import ChallengerParameters, ReleaseParameters
from mlzone_constructs.serving.retention import capture_retention
from mlzone_constructs.serving.scaling import EndpointScaling, EndpointScalingProps
from mlzone_constructs.serving.stop import ModelStop, ModelStopProps

__all__ = [
    "BATCH_ERRORS",
    "ChallengerParameters",
    "EndpointScaling",
    "EndpointScalingProps",
    "ModelBatches",
    "ModelBatchesProps",
    "ModelEndpoint",
    "ModelEndpointProps",
    "ModelPlace",
    "ModelStop",
    "ModelStopProps",
    "ReleaseParameters",
    "ServiceLevelAlarms",
    "ServiceLevelAlarmsProps",
    "batch_metric",
    "capture_retention",
    "endpoint_metric",
]
