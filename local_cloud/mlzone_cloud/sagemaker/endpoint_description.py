"""What an endpoint is, as its description and EventBridge show it."""

from typing import TYPE_CHECKING, Any

from mlzone_cloud.sagemaker import records
from mlzone_cloud.sagemaker.deployment import Place, Plan
from mlzone_cloud.sagemaker.records import Record

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

PLAN, PENDING = "_plan", "_pending"
"""Fields of a record: what is deployed, and what an update is about to deploy."""


def announce(cloud: "Cloud", place: Place, record: Record) -> None:
    """Tell EventBridge what an endpoint is now."""
    account, region, _ = place
    detail = records.detail_of("DescribeEndpoint", described(record))
    words = "".join(f"_{c}" if c.isupper() else c for c in record["EndpointStatus"])
    detail["EndpointStatus"] = words.strip("_").upper()
    cloud.emit(
        account=account,
        region=region,
        source="aws.sagemaker",
        detail_type="SageMaker Endpoint State Change",
        detail=detail,
        resources=(record["EndpointArn"],),
    )


def described(record: Record) -> Record:
    """Return an endpoint's record with what its deployment adds to a description."""
    shown = dict(record)
    plan: Plan | None = record.get(PLAN)
    if plan:
        shown.update(_variants(plan, record))
        if plan["capture"]:
            shown["DataCaptureConfig"] = _capture(plan["capture"])
    pending = record.get(PENDING)
    if pending and pending.get("plan"):
        shown["PendingDeploymentSummary"] = {
            "EndpointConfigName": pending["config"]["EndpointConfigName"],
            **_variants(pending["plan"], record),
            "StartTime": pending["started"],
        }
    return shown


def _variants(plan: Plan, record: Record) -> dict[str, Any]:
    shadows = [_variant(told, record) for told in plan.get("shadows", ())]
    return {
        "ProductionVariants": [_variant(told, record) for told in plan["variants"]],
        **({"ShadowProductionVariants": shadows} if shadows else {}),
    }


def _variant(told: dict[str, Any], record: Record) -> dict[str, Any]:
    model = told["model"]
    image = {
        "SpecifiedImage": model["image"],
        "ResolvedImage": model["resolved_image"],
        "ResolutionTime": record["LastModifiedTime"],
    }
    size = (
        {"CurrentServerlessConfig": told["serverless"]}
        if told["serverless"]
        else {
            "CurrentInstanceCount": told["instances"],
            "DesiredInstanceCount": told["instances"],
        }
    )
    return {
        "VariantName": told["name"],
        "DeployedImages": [image],
        "CurrentWeight": told["weight"],
        "DesiredWeight": told["weight"],
        **size,
    }


def _capture(settings: dict[str, Any]) -> dict[str, Any]:
    enabled = bool(settings.get("EnableCapture", False))
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": settings["InitialSamplingPercentage"],
        "DestinationS3Uri": settings["DestinationS3Uri"],
        **({"KmsKeyId": settings["KmsKeyId"]} if "KmsKeyId" in settings else {}),
    }
