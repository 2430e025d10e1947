"""Pipelines in tests: an account in which they can run, and their steps."""

import json
from pathlib import Path
from typing import Any

from tests.cloud.core.acting import make_role, statement
from tests.cloud.sagemaker.conftest import BUCKET, DEV, Estate
from tests.cloud.waiting import eventually

SDK3 = (Path(__file__).parent / "definitions" / "sdk3.json").read_text(encoding="utf-8")
ROLE = f"arn:aws:iam::{DEV}:role/pipeline"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)
PREPARE = """
import pathlib
out = pathlib.Path('/opt/ml/processing/output')
rows = pathlib.Path('/opt/ml/processing/input/rows.csv').read_text()
(out / 'train' / 'rows.csv').write_text(rows)
(out / 'test' / 'rows.csv').write_text(rows)
"""
TRAIN = """
import os, pathlib, sys
rows = pathlib.Path('/opt/ml/input/data/train/rows.csv').read_text()
print('training on', rows.strip())
if rows.startswith('bad'):
    print('the label column is missing')
    sys.exit(3)
pathlib.Path('/opt/ml/model/model.json').write_text(rows)
"""
EVALUATE = """
import json, pathlib, tarfile
with tarfile.open('/opt/ml/processing/model/model.tar.gz') as archive:
    assert archive.getnames() == ['model.json']
out = pathlib.Path('/opt/ml/processing/output/evaluation/evaluation.json')
out.write_text(json.dumps({'metrics': {'auc': {'value': 0.93}}}))
"""


class Pipelines:
    """Makes pipelines in the account of jobs, runs them and waits."""

    def __init__(self, estate: Estate) -> None:
        self.estate, self.cloud = estate, estate.cloud
        self.sagemaker = estate.sagemaker
        buckets = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
        self.role = make_role(
            self.cloud,
            DEV,
            "pipeline",
            statement("Allow", "sagemaker:*"),
            statement("Allow", "iam:PassRole", ROLE),
            statement("Allow", "s3:*", buckets),
            statement("Allow", ["ecr:*", "logs:*", "lambda:InvokeFunction"]),
            trusts=TRUST,
        )

    def create(self, steps: list[dict[str, Any]], **more: Any) -> None:
        definition = {
            "Version": "2020-12-01",
            "Parameters": more.pop("parameters", []),
            "Steps": steps,
        }
        self.sagemaker.create_pipeline(
            PipelineName="p",
            PipelineDefinition=json.dumps(definition),
            RoleArn=more.pop("role", self.role),
            **more,
        )

    def create_sdk3(self, rows: str = "1,2\n", *, train: str = TRAIN, seconds: int = 600) -> None:
        """Make the pipeline that the SDK wrote, with scripts of ours behind it."""
        text = SDK3.replace("ml-artifacts", BUCKET).replace("aur/tabular:1", "tabular:1")
        definition = json.loads(text)
        self.estate.publish("python3", "-c", "raise SystemExit('no entry point')")
        self.estate.put("raw/rows.csv", rows)
        for step, code in ((0, PREPARE), (2, EVALUATE)):
            inputs = definition["Steps"][step]["Arguments"]["ProcessingInputs"]
            (uri,) = [i["S3Input"]["S3Uri"] for i in inputs if i["InputName"] == "code"]
            self.estate.put(uri.removeprefix(f"s3://{BUCKET}/"), code)
        for channel in definition["Steps"][1]["Arguments"]["InputDataConfig"]:
            uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
            if channel["ChannelName"] == "code":
                self.estate.put(uri.removeprefix(f"s3://{BUCKET}/") + "/train.py", train)
            elif channel["ChannelName"] == "sm_drivers":
                script = "#!/bin/bash\nexec python3 /opt/ml/input/data/code/train.py\n"
                self.estate.put(uri.removeprefix(f"s3://{BUCKET}/") + "/sm_train.sh", script)
        definition["Steps"][1]["Arguments"]["StoppingCondition"] = {"MaxRuntimeInSeconds": seconds}
        self.sagemaker.create_pipeline(
            PipelineName="p", PipelineDefinition=json.dumps(definition), RoleArn=self.role
        )

    def start(self, parameters: dict[str, str] | None = None, **more: Any) -> str:
        given = [{"Name": name, "Value": value} for name, value in (parameters or {}).items()]
        arn: str = self.sagemaker.start_pipeline_execution(
            PipelineName="p", PipelineParameters=given, **more
        )["PipelineExecutionArn"]
        return arn

    def ended(self, arn: str) -> dict[str, Any]:
        def look() -> dict[str, Any]:
            self.cloud.tick()
            found: dict[str, Any] = self.sagemaker.describe_pipeline_execution(
                PipelineExecutionArn=arn
            )
            return found

        ends = ("Succeeded", "Failed", "Stopped")
        found: dict[str, Any] = eventually(
            look, lambda found: found["PipelineExecutionStatus"] in ends, self.cloud
        )
        return found

    def run(self, parameters: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
        return self.ended(self.start(parameters, **more))

    def steps(self, arn: str) -> dict[str, dict[str, Any]]:
        """Return the steps of an execution by name, in the order in which they began."""
        listed = self.sagemaker.list_pipeline_execution_steps(
            PipelineExecutionArn=arn, SortOrder="Ascending"
        )["PipelineExecutionSteps"]
        return {step["StepName"]: step for step in listed}


def processing(estate: Estate, name: str, code: str, **more: Any) -> dict[str, Any]:
    """Return a processing step that runs Python code."""
    arguments = {
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": "ml.m5.large",
                "VolumeSizeInGB": 10,
            }
        },
        "AppSpecification": {
            "ImageUri": estate.image,
            "ContainerEntrypoint": ["python3", "-c", code],
        },
        "RoleArn": ROLE,
        **more.pop("arguments", {}),
    }
    return {"Name": name, "Type": "Processing", "Arguments": arguments, **more}


def fail(message: Any, name: str = "Refuse", **more: Any) -> dict[str, Any]:
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}, **more}


def gate(left: Any, right: Any, yes: list[Any], no: list[Any], **more: Any) -> dict[str, Any]:
    given = more.pop("conditions", [{"Type": "Equals", "LeftValue": left, "RightValue": right}])
    arguments = {"Conditions": given, "IfSteps": yes, "ElseSteps": no}
    return {"Name": "Gate", "Type": "Condition", "Arguments": arguments, **more}
