"""Delivery: from a commit to a registered version, and from an approval to production."""

from mlzone_constructs.delivery.build_pipeline import BuildPipeline, BuildPipelineProps
from mlzone_constructs.delivery.parameter import DeliveryParameter, DeliveryParameterProps
from mlzone_constructs.delivery.pipeline import DeliveryPipeline, DeliveryPipelineProps
from mlzone_constructs.delivery.progress import BuildProgress, BuildProgressProps
from mlzone_constructs.delivery.project import DeliveryProject, DeliveryProjectProps
from mlzone_constructs.delivery.promotion_pipeline import (
    PromotionPipeline,
    PromotionPipelineProps,
)
from mlzone_constructs.delivery.proposal import ProposalTest, ProposalTestProps
from mlzone_constructs.delivery.pull import ReleasePull, ReleasePullProps
from mlzone_constructs.delivery.retraining import Retraining, RetrainingProps
from mlzone_constructs.delivery.setting import DeliverySetting

__all__ = [
    "BuildPipeline",
    "BuildPipelineProps",
    "BuildProgress",
    "BuildProgressProps",
    "DeliveryParameter",
    "DeliveryParameterProps",
    "DeliveryPipeline",
    "DeliveryPipelineProps",
    "DeliveryProject",
    "DeliveryProjectProps",
    "DeliverySetting",
    "PromotionPipeline",
    "PromotionPipelineProps",
    "ProposalTest",
    "ProposalTestProps",
    "ReleasePull",
    "ReleasePullProps",
    "Retraining",
    "RetrainingProps",
]
