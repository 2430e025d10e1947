"""From a monitor's definition to the processing job of one run.

Source: Amazon SageMaker AI Developer Guide, "Container contract inputs" and "outputs" of Model
Monitor.
"""

import json
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from mlzone_cloud.sagemaker.monitoring_definition import MonitorKind
from mlzone_cloud.sagemaker.monitoring_window import Window

Part = Mapping[str, Any]

_STATISTICS_FOLDER = "/opt/ml/processing/baseline/stats"
_CONSTRAINTS_FOLDER = "/opt/ml/processing/baseline/constraints"
_CONFIG_FOLDER = "/opt/ml/processing/input/analysis_config"
_RECORDS = {"captureIndexNames": ["endpointInput", "endpointOutput"]}


@dataclass(frozen=True, kw_only=True)
class Monitor:
    """What a monitor's jobs are made of, wherever it was written."""

    application: Part
    endpoint_input: Part
    outputs: Part
    resources: Part
    role: str
    baseline: Part = field(default_factory=dict)
    environment: Part = field(default_factory=dict)
    network: Part = field(default_factory=dict)
    stopping: Part = field(default_factory=dict)
    ground_truth: str = ""
    """The URI of what became true; empty for monitors that do not ask."""

    @classmethod
    def of_definition(cls, kind: MonitorKind, record: Part) -> Self:
        """Read a job definition."""
        given = record[kind.input]
        return cls(
            application=record[kind.application],
            environment=record[kind.application].get("Environment") or {},
            endpoint_input=given["EndpointInput"],
            ground_truth=(given.get("GroundTruthS3Input") or {}).get("S3Uri", ""),
            baseline=record.get(kind.baseline) or {},
            outputs=record[kind.output],
            resources=record["JobResources"],
            network=record.get("NetworkConfig") or {},
            stopping=record.get("StoppingCondition") or {},
            role=record["RoleArn"],
        )

    @classmethod
    def of_inline(cls, record: Part) -> Self:
        """Read the definition that a schedule carries in itself."""
        (given,) = record["MonitoringInputs"]
        return cls(
            application=record["MonitoringAppSpecification"],
            environment=record.get("Environment") or {},
            endpoint_input=given["EndpointInput"],
            baseline=record.get("BaselineConfig") or {},
            outputs=record["MonitoringOutputConfig"],
            resources=record["MonitoringResources"],
            network=record.get("NetworkConfig") or {},
            stopping=record.get("StoppingCondition") or {},
            role=record["RoleArn"],
        )

    @property
    def merged(self) -> str:
        """Where requests are kept that were merged with what became true."""
        target = self.outputs["MonitoringOutputs"][0]["S3Output"]["S3Uri"]
        return f"{target.rstrip('/')}/merge"

    @property
    def endpoint(self) -> str:
        """The endpoint that is watched."""
        return str(self.endpoint_input["EndpointName"])

    def request(
        self,
        *,
        name: str,
        schedule: str,
        due: datetime,
        window: Window,
        captured: Mapping[str, str],
    ) -> dict[str, Any]:
        """Return the request of the processing job of one run.

        Args:
            name: the job's.
            schedule: the schedule's name.
            due: when the run was due.
            window: what it looks at.
            captured: the folders with captured requests, below the input's local path, to their
                S3 URIs; merged with what became true where the monitor asks for it.
        """
        requests = str(self.endpoint_input["LocalPath"])
        inputs = [
            _input(f"endpoint_input_{number}", uri, f"{requests}/{folder}")
            for number, (folder, uri) in enumerate(sorted(captured.items()), start=1)
        ]
        environment = {
            **self.environment,
            "dataset_format": json.dumps(
                {"sagemakerMergeJson" if self.ground_truth else "sagemakerCaptureJson": _RECORDS},
                separators=(",", ":"),
            ),
            "dataset_source": requests,
            "start_time": _stamp(window.start),
            "end_time": _stamp(window.end),
            "metric_time": _stamp(due),
            "monitoring_input_type": "ENDPOINT_INPUT",
            "sagemaker_endpoint_name": self.endpoint,
            "sagemaker_monitoring_schedule_name": schedule,
        }
        # An isolated container reaches no CloudWatch.
        isolated = self.network.get("EnableNetworkIsolation", False)
        environment.setdefault("publish_cloudwatch_metrics", "Disabled" if isolated else "Enabled")
        for key, variable, folder in (
            ("StatisticsResource", "baseline_statistics", _STATISTICS_FOLDER),
            ("ConstraintsResource", "baseline_constraints", _CONSTRAINTS_FOLDER),
        ):
            uri = (self.baseline.get(key) or {}).get("S3Uri")
            if uri:
                inputs.append(_input(variable, uri, folder))
                environment[variable] = _path_of(uri, folder)
        if config := self.application.get("ConfigUri"):
            inputs.append(_input("analysis_config", config, _CONFIG_FOLDER))
        outputs = []
        for number, output in enumerate(self.outputs["MonitoringOutputs"], start=1):
            target = output["S3Output"]
            environment.setdefault("output_path", target["LocalPath"])
            report = f"{self.endpoint}/{schedule}/{due:%Y/%m/%d/%H}"
            uri = f"{target['S3Uri'].rstrip('/')}/{report}"
            outputs.append(
                {
                    "OutputName": "result" if number == 1 else f"result_{number}",
                    "S3Output": {"S3UploadMode": "EndOfJob", **target, "S3Uri": uri},
                }
            )
        encryption = {item: self.outputs[item] for item in ("KmsKeyId",) if self.outputs.get(item)}
        names = ("ImageUri", "ContainerEntrypoint", "ContainerArguments")
        application = {item: self.application[item] for item in names if item in self.application}
        optional = {"NetworkConfig": self.network, "StoppingCondition": self.stopping}
        return {
            "ProcessingJobName": name,
            "AppSpecification": application,
            "Environment": environment,
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": {"Outputs": outputs, **encryption},
            "ProcessingResources": self.resources,
            "RoleArn": self.role,
            **{item: value for item, value in optional.items() if value},
        }


def _input(name: str, uri: str, folder: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": folder,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "FullyReplicated",
        },
    }


def _path_of(uri: str, folder: str) -> str:
    """Return where a baseline lies: an object as a file, a prefix as its folder."""
    last = posixpath.basename(uri)
    return f"{folder}/{last}" if last.endswith(".json") else folder


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
