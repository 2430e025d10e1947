"""The delivery parameter's content: what the platform tells the build of a model.

Its JSON schema is `pipeline_templates/common/delivery.schema.json`, against which the
build checks what it reads.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from mlzone.estate.model import Model
from mlzone.estate.team import Team
from mlzone.estate.unit import BusinessUnit, Stage
from mlzone.naming import Naming
from mlzone.tagging import model_tags

SCHEMA = "1"

VOLUME_GB = 30
"""Disk of every job."""

DATA_ZONE_TAG = "mlz:data-zone"
"""On every job, so that a version leads back to the data that it learned from (DAT-02)."""


def delivery_document(  # noqa: PLR0913 - the document has so many sources
    *,
    naming: Naming,
    unit: BusinessUnit,
    team: Team,
    model: Model,
    partition: str,
    region: str,
    home_region: str,
    shared_services: str,
    subnets: Sequence[str],
    security_groups: Sequence[str],
    volume_key: str,
    training_role: str,
    images: Mapping[str, str],
    own_repository: str = "",
) -> dict[str, Any]:
    """Return the document; texts may be tokens of the deployment.

    Args:
        naming: the organization's names.
        unit: the business unit.
        team: the team that makes the model.
        model: the model.
        partition: the AWS partition.
        region: where it is trained.
        home_region: the Region of the registry and the artefacts.
        shared_services: the account of the registry and the artefacts.
        subnets: where jobs run.
        security_groups: what jobs may reach.
        volume_key: encrypts the jobs' disks.
        training_role: the role of the training pipeline and its jobs.
        images: the platform's images `tabular` and `analyzer`.
        own_repository: where the build puts the model's own image, made from `tabular`.
    """
    group = naming.model_package_group(unit.name, model.name)
    tabular = images["tabular"]
    return {
        "schema": SCHEMA,
        "prefix": naming.prefix,
        "region": region,
        "account": unit.environments.dev.account,
        "business_unit": unit.name,
        "team": team.name,
        "model": model.name,
        "title": model.title,
        "purpose": model.purpose,
        "owner": unit.owner,
        "risk_tier": model.risk_tier,
        "pipeline": {
            "name": naming.sagemaker_pipeline(unit.name, model.name),
            "role_arn": training_role,
        },
        "registry": {
            "group_arn": (
                f"arn:{partition}:sagemaker:{home_region}:{shared_services}"
                f":model-package-group/{group}"
            )
        },
        "artifacts": {
            "bucket": naming.artifact_bucket(unit.name, shared_services),
            "prefix": f"{unit.name}/{model.name}",
        },
        "network": {"subnets": list(subnets), "security_groups": list(security_groups)},
        "keys": {
            "volume": volume_key,
            # The id of another account's key is unknown; its alias is not.
            "output": (
                f"arn:{partition}:kms:{home_region}:{shared_services}"
                f":{naming.key_alias('platform')}"
            ),
        },
        "images": {
            "training": tabular,
            "processing": tabular,
            "inference": tabular,
            "analyzer": images["analyzer"],
        },
        **({"own_image": {"repository": own_repository}} if own_repository else {}),
        "compute": {
            "instance_type": model.training.instance_type,
            "volume_gb": VOLUME_GB,
            "max_runtime_seconds": model.training.max_runtime_minutes * 60,
            "inference_instance_types": [model.serving.instance_type],
        },
        "thresholds": _thresholds(model),
        "monitoring": {
            "max_psi": model.monitoring.max_psi,
            "min_records": model.monitoring.min_records,
        },
        "tags": {
            **model_tags(unit, team, model, Stage.DEV),
            DATA_ZONE_TAG: model.data_zone,
        },
    }


def _thresholds(model: Model) -> dict[str, float]:
    """Return what the model's template holds a version to."""
    limits = model.thresholds
    if model.answers_numbers:
        return {"max_error_ratio": limits.max_error_ratio}
    return {
        "min_auc": limits.min_auc,
        "max_disparate_impact_gap": limits.max_disparate_impact_gap,
    }
