"""The modules that make up the cloud.

Importing one registers its operations; if it has a function `install`, that registers its tickers
and what it takes up again after a restart.
"""

import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

COMPONENTS = (
    "mlzone_cloud.cfn.api",
    "mlzone_cloud.codecommit",
    "mlzone_cloud.compute.alarms.metric_statistics",
    "mlzone_cloud.compute.alarms.watch",
    "mlzone_cloud.compute.events.operations",
    "mlzone_cloud.compute.lambda_function",
    "mlzone_cloud.compute.messaging.queues",
    "mlzone_cloud.compute.messaging.topics",
    "mlzone_cloud.compute.s3_events",
    "mlzone_cloud.compute.schedules",
    "mlzone_cloud.compute.codebuild",
    "mlzone_cloud.compute.codepipeline.api",
    "mlzone_cloud.compute.codepipeline.execution_api",
    "mlzone_cloud.ecr_layers",
    "mlzone_cloud.generic.sagemaker_tags",
    "mlzone_cloud.git_http",
    "mlzone_cloud.mlflow_app.rest_api",
    "mlzone_cloud.pull_requests.api",
    "mlzone_cloud.pull_requests.comment",
    "mlzone_cloud.pull_requests.merge",
    "mlzone_cloud.s3_access_logs",
    "mlzone_cloud.sagemaker.endpoint_configs",
    "mlzone_cloud.sagemaker.endpoint_metrics",
    "mlzone_cloud.sagemaker.endpoints",
    "mlzone_cloud.sagemaker.invocation",
    "mlzone_cloud.sagemaker.jobs.not_emulated",
    "mlzone_cloud.sagemaker.jobs.processing",
    "mlzone_cloud.sagemaker.jobs.training",
    "mlzone_cloud.sagemaker.jobs.transform",
    "mlzone_cloud.sagemaker.models",
    "mlzone_cloud.sagemaker.monitoring",
    "mlzone_cloud.sagemaker.pipelines",
    "mlzone_cloud.sagemaker.registry",
    "mlzone_cloud.sagemaker.registry_packages",
    "mlzone_cloud.sts",
    "mlzone_cloud.supplement",
    "mlzone_cloud.trail",
)


def load_components(cloud: "Cloud", names: Sequence[str] = COMPONENTS) -> None:
    """Import components and install them in a cloud."""
    for name in names:
        module = importlib.import_module(name)
        if hasattr(module, "install"):
            module.install(cloud)
