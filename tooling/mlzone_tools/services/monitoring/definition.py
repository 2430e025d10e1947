"""What a job definition of SageMaker Model Monitor says, as a processing job takes it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlzone.monitor_kind import MONITORS, MonitorKind
from mlzone_runtime.handlers.start_monitor import Settings

_BASELINE = "/opt/ml/processing/baseline"
_GROUND_TRUTH = "/opt/ml/processing/input/ground_truth"
_RECORDS = {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}


def definition_of(sagemaker: Any, kind: MonitorKind, name: str) -> dict[str, Any]:
    """Return a job definition with its parts by the same names, whatever its kind."""
    noun = MONITORS[kind].sagemaker
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in noun)
    found = getattr(sagemaker, f"describe{words}_job_definition")(JobDefinitionName=name)
    return {key.removeprefix(noun): value for key, value in found.items()}


def captured_at(sagemaker: Any, endpoint: str) -> str:
    """Return the S3 URI below which an endpoint's captured requests lie by hours."""
    described = sagemaker.describe_endpoint(EndpointName=endpoint)
    variant = described["ProductionVariants"][0]["VariantName"]
    folder = described["DataCaptureConfig"]["DestinationS3Uri"].rstrip("/")
    return f"{folder}/{endpoint}/{variant}"


def job_settings(
    definition: Mapping[str, Any],
    requests: str,
    tags: Sequence[Mapping[str, str]],
) -> Settings:
    """Return what starts a job of a definition, as the other engine's function is told.

    Args:
        definition: the definition.
        requests: where requests are captured.
        tags: of the schedule, for the job.
    """
    application, given = definition["AppSpecification"], definition["JobInput"]
    endpoint = given["EndpointInput"]
    output = definition["JobOutputConfig"]["MonitoringOutputs"][0]["S3Output"]
    baseline = definition["BaselineConfig"]
    # Every kind finds the whole baseline in one folder.
    folder = (baseline.get("StatisticsResource") or baseline["ConstraintsResource"])["S3Uri"]
    bucket, _, path = requests.removeprefix("s3://").partition("/")
    model = path.partition("/")[0]
    network = definition["NetworkConfig"]
    return Settings(
        job={
            "AppSpecification": {"ImageUri": application["ImageUri"]},
            "Environment": {
                **application["Environment"],
                "baseline_constraints": f"{_BASELINE}/constraints.json",
                "baseline_statistics": f"{_BASELINE}/statistics.json",
                "dataset_format": json.dumps(_RECORDS, separators=(",", ":")),
                "dataset_source": endpoint["LocalPath"],
                "output_path": output["LocalPath"],
                "publish_cloudwatch_metrics": "Disabled",
                "sagemaker_endpoint_name": endpoint["EndpointName"],
            },
            "ProcessingInputs": [
                {
                    "InputName": "baseline",
                    "S3Input": {
                        "S3Uri": folder,
                        "LocalPath": _BASELINE,
                        "S3DataType": "S3Prefix",
                        "S3InputMode": "File",
                    },
                }
            ],
            "ProcessingOutputConfig": {
                "KmsKeyId": definition["JobOutputConfig"]["KmsKeyId"],
                "Outputs": [{"OutputName": "reports", "S3Output": output}],
            },
            "ProcessingResources": definition["JobResources"],
            "NetworkConfig": network,
            "StoppingCondition": definition["StoppingCondition"],
            "RoleArn": definition["RoleArn"],
            "Tags": [tag for tag in tags if not tag["Key"].startswith("aws:")],
        },
        subnets=tuple(network["VpcConfig"]["Subnets"]),
        requests=requests,
        windows=f"s3://{bucket}/{model}/windows",
        input_folder=endpoint["LocalPath"],
        ground_truth=given.get("GroundTruthS3Input", {}).get("S3Uri", ""),
        ground_truth_folder=_GROUND_TRUTH,
    )
