"""The files and variables from which a training script learns what it is to do.

Sources: Amazon SageMaker AI Developer Guide, "How Amazon SageMaker AI provides training
information"; github.com/aws/sagemaker-training-toolkit, ENVIRONMENT_VARIABLES.md.
"""

import json
import os
from pathlib import Path
from typing import Any

from mlzone_cloud.sagemaker.container import OPT_ML
from mlzone_cloud.sagemaker.records import Record

_HOST = "algo-1"
_GROUP = "homogeneousCluster"


def write_configuration(root: Path, record: Record) -> None:
    """Write `/opt/ml/input/config`."""
    folder = root / "input" / "config"
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "hyperparameters.json": hyperparameters(record),
        "inputdataconfig.json": _channels(record),
        "resourceconfig.json": _resources(record),
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content), encoding="utf-8")


def variables(record: Record) -> dict[str, str]:
    """Return the `SM_*` variables and those that SageMaker itself sets."""
    decoded = {name: _decoded(value) for name, value in hyperparameters(record).items()}
    channels = _channels(record)
    folders = {
        "SM_INPUT_DIR": "input",
        "SM_INPUT_CONFIG_DIR": "input/config",
        "SM_MODEL_DIR": "model",
        "SM_OUTPUT_DIR": "output",
        "SM_OUTPUT_DATA_DIR": "output/data",
        "SM_OUTPUT_INTERMEDIATE_DIR": "output/intermediate",
        **{f"SM_CHANNEL_{name.upper()}": f"input/data/{name}" for name in channels},
    }
    structures: dict[str, Any] = {
        "SM_CHANNELS": sorted(channels),
        "SM_HPS": decoded,
        "SM_HOSTS": [_HOST],
        "SM_INPUT_DATA_CONFIG": channels,
        "SM_RESOURCE_CONFIG": _resources(record),
        "SM_USER_ARGS": _arguments(decoded),
    }
    return {
        "TRAINING_JOB_NAME": record["TrainingJobName"],
        "TRAINING_JOB_ARN": record["TrainingJobArn"],
        "SM_CURRENT_HOST": _HOST,
        "SM_CURRENT_INSTANCE_TYPE": _instance_type(record),
        "SM_NETWORK_INTERFACE_NAME": "lo",
        "SM_NUM_CPUS": str(os.cpu_count() or 1),
        "SM_NUM_GPUS": "0",
        **{name: f"{OPT_ML}/{path}" for name, path in folders.items()},
        **{name: json.dumps(value, sort_keys=True) for name, value in structures.items()},
        **{
            f"SM_HP_{name.upper().replace('-', '_')}": value
            for name, value in hyperparameters(record).items()
        },
    }


def hyperparameters(record: Record) -> dict[str, str]:
    """Return the hyperparameters, all of them text."""
    return {name: str(value) for name, value in (record.get("HyperParameters") or {}).items()}


def _channels(record: Record) -> dict[str, Any]:
    channels = {}
    for item in record.get("InputDataConfig") or ():
        source = item["DataSource"]["S3DataSource"]
        channels[item["ChannelName"]] = {
            "TrainingInputMode": "File",
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": item.get("RecordWrapperType", "None"),
            **({"ContentType": item["ContentType"]} if "ContentType" in item else {}),
        }
    return channels


def _resources(record: Record) -> dict[str, Any]:
    kind = _instance_type(record)
    return {
        "current_host": _HOST,
        "current_instance_type": kind,
        "current_group_name": _GROUP,
        "hosts": [_HOST],
        "instance_groups": [
            {"instance_group_name": _GROUP, "instance_type": kind, "hosts": [_HOST]}
        ],
        "network_interface_name": "lo",
    }


def _instance_type(record: Record) -> str:
    return str((record.get("ResourceConfig") or {}).get("InstanceType", "local"))


def _decoded(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _arguments(decoded: dict[str, Any]) -> list[str]:
    arguments = []
    for name, value in sorted(decoded.items()):
        if not name.startswith("sagemaker_"):
            arguments += [f"--{name}", value if isinstance(value, str) else json.dumps(value)]
    return arguments
