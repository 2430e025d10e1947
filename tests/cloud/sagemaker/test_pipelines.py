"""Pipelines: definitions run as SageMaker runs them, as the execution's role."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.core.acting import make_role, statement
from tests.cloud.sagemaker.conftest import BUCKET, DEV, Estate, until

from mlzone_cloud.cloud import Cloud

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

    def create_sdk3(self, rows: str = "1,2\n") -> None:
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
                self.estate.put(uri.removeprefix(f"s3://{BUCKET}/") + "/train.py", TRAIN)
            elif channel["ChannelName"] == "sm_drivers":
                script = "#!/bin/bash\nexec python3 /opt/ml/input/data/code/train.py\n"
                self.estate.put(uri.removeprefix(f"s3://{BUCKET}/") + "/sm_train.sh", script)
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
        found: dict[str, Any] = until(
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


@pytest.fixture
def pipelines(estate: Estate) -> Pipelines:
    """An account in which pipelines can run."""
    return Pipelines(estate)


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


def test_what_the_sdk_writes_runs_to_a_registered_version(pipelines: Pipelines) -> None:
    pipelines.create_sdk3()

    done = pipelines.run(PipelineExecutionDisplayName="first")

    assert done["PipelineExecutionStatus"] == "Succeeded", done
    arn = done["PipelineExecutionArn"]
    steps = pipelines.steps(arn)
    assert list(steps) == ["Prepare", "Train", "Evaluate", "Gate", "Register"]
    assert {step["StepStatus"] for step in steps.values()} == {"Succeeded"}
    assert steps["Gate"]["Metadata"] == {"Condition": {"Outcome": "True"}}
    training = steps["Train"]["Metadata"]["TrainingJob"]["Arn"]
    execution_id = arn.rsplit("/", 1)[1]
    assert f"training-job/pipelines-{execution_id}-Train-" in training
    version = steps["Register"]["Metadata"]["RegisterModel"]["Arn"]
    package = pipelines.sagemaker.describe_model_package(ModelPackageName=version)
    assert package["CustomerMetadataProperties"] == {"author": "ana", "pipeline_execution": arn}
    assert package["ModelLifeCycle"]["StageStatus"] == "PendingApproval"
    container = package["InferenceSpecification"]["Containers"][0]
    assert training.rsplit("/", 1)[1] in container["ModelDataUrl"]
    values = pipelines.sagemaker.list_pipeline_parameters_for_execution(PipelineExecutionArn=arn)
    assert {"Name": "MinAuc", "Value": "0.9"} in values["PipelineParameters"]
    tags = pipelines.sagemaker.list_tags(ResourceArn=training)["Tags"]
    assert {"Key": "sagemaker:pipeline-execution-arn", "Value": arn} in tags


def test_a_model_that_is_too_weak_is_not_registered(pipelines: Pipelines) -> None:
    pipelines.create_sdk3()

    done = pipelines.run({"MinAuc": "0.95"})

    steps = pipelines.steps(done["PipelineExecutionArn"])
    assert done["PipelineExecutionStatus"] == "Failed"
    assert steps["TooWeak"]["FailureReason"] == "the AUC 0.93 is below 0.95"
    assert steps["TooWeak"]["Metadata"]["Fail"]["ErrorMessage"] == "the AUC 0.93 is below 0.95"
    assert "the AUC 0.93 is below 0.95" in done["FailureReason"]
    assert "Register" not in steps
    assert not pipelines.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]


def test_a_training_that_fails_ends_the_pipeline_with_its_last_lines(
    pipelines: Pipelines,
) -> None:
    pipelines.create_sdk3(rows="bad\n")

    done = pipelines.run()

    steps = pipelines.steps(done["PipelineExecutionArn"])
    assert done["PipelineExecutionStatus"] == "Failed"
    assert done["FailureReason"].startswith("Step failure: One or multiple steps failed.")
    assert "the label column is missing" in done["FailureReason"]
    assert "the label column is missing" in steps["Train"]["FailureReason"]
    assert list(steps) == ["Prepare", "Train"]
    assert not pipelines.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]


def test_steps_with_the_same_arguments_are_taken_from_an_earlier_execution(
    pipelines: Pipelines,
) -> None:
    pipelines.create_sdk3()
    first = pipelines.run()["PipelineExecutionArn"]

    second = pipelines.run()["PipelineExecutionArn"]

    before, after = pipelines.steps(first), pipelines.steps(second)
    hit = {"SourcePipelineExecutionArn": first}
    cached = {name: step.get("CacheHitResult") for name, step in after.items()}
    assert (cached["Prepare"], cached["Train"], cached["Evaluate"]) == (hit, hit, None)
    assert after["Train"]["Metadata"] == before["Train"]["Metadata"]


def test_a_step_that_its_role_may_not_take_fails_the_execution(
    pipelines: Pipelines, estate: Estate
) -> None:
    role = make_role(pipelines.cloud, DEV, "weak", statement("Allow", "s3:*"), trusts=TRUST)
    pipelines.create([processing(estate, "A", "pass")], role=role)

    done = pipelines.run()

    reason = pipelines.steps(done["PipelineExecutionArn"])["A"]["FailureReason"]
    assert done["PipelineExecutionStatus"] == "Failed"
    assert "Failed to invoke sagemaker:CreateProcessingJob" in reason
    assert "assumed-role/weak/SageMaker is not authorized" in reason


def test_branches_that_are_not_taken_do_not_run_nor_does_what_waits_for_them(
    pipelines: Pipelines, estate: Estate
) -> None:
    conditions = [
        {"Type": "In", "QueryValue": {"Get": "Parameters.Mode"}, "Values": ["full", "quick"]},
        {"Type": "Not", "Condition": {"Type": "LessThan", "LeftValue": 3, "RightValue": 2}},
        {
            "Type": "Or",
            "Conditions": [
                {"Type": "Equals", "LeftValue": 1, "RightValue": 2},
                {
                    "Type": "GreaterThan",
                    "LeftValue": {"Get": "Parameters.Count"},
                    "RightValue": "4",
                },
            ],
        },
    ]
    yes = [processing(estate, "Yes", "pass"), processing(estate, "Later", "pass")]
    yes[1]["DependsOn"] = ["Yes"]
    no = [fail("not here")]
    parameters = [
        {"Name": "Mode", "Type": "String", "EnumValues": ["full", "none"], "DefaultValue": "full"},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 5},
    ]
    behind = processing(estate, "Behind", "pass", DependsOn=["Later"])
    estate.publish("python3", "-c", "pass")
    pipelines.create([gate(0, 0, yes, no, conditions=conditions), behind], parameters=parameters)

    taken = pipelines.run()
    refused = pipelines.run({"Count": "4"})

    assert taken["PipelineExecutionStatus"] == "Succeeded"
    assert list(pipelines.steps(taken["PipelineExecutionArn"])) == [
        "Gate",
        "Yes",
        "Later",
        "Behind",
    ]
    assert list(pipelines.steps(refused["PipelineExecutionArn"])) == ["Gate", "Refuse"]


REFUSED: list[tuple[str, Any, str]] = [
    ("no steps", {"Steps": []}, "it has no steps"),
    ("no json", "{", "not valid JSON"),
    ("a type that does not exist", [{"Name": "A", "Type": "Magic"}], "unknown type Magic"),
    ("a bad name", [{**fail("x"), "Name": "a b"}], "not a valid name"),
    ("two of a name", [fail("x"), fail("x")], "must be unique"),
    ("an unknown dependency", [fail("x", DependsOn=["B"])], "steps that do not exist: B"),
    ("an unknown reference", [fail({"Get": "Steps.B.Outcome"})], "steps that do not exist: B"),
    ("an unknown parameter", [fail({"Get": "Parameters.P"})], "Parameters.P, which does not"),
    ("an unknown variable", [fail({"Get": "Execution.P"})], "Execution.P, which does not"),
    (
        "a cycle",
        [fail("x", "A", DependsOn=["B"]), fail({"Get": "Steps.A.x"}, "B")],
        "cycle between the steps A, B",
    ),
    (
        "a property file that is not declared",
        [
            fail("x", "A"),
            fail({"Std:JsonGet": {"PropertyFile": {"Get": "Steps.A.PropertyFiles.F"}}}, "B"),
        ],
        "A declares no property file F",
    ),
    (
        "two steps of a name in branches",
        [gate(1, 1, [fail("x")], [fail("y")])],
        "must be unique",
    ),
]


@pytest.mark.parametrize(
    ("steps", "words"), [case[1:] for case in REFUSED], ids=[c[0] for c in REFUSED]
)
def test_a_definition_that_cannot_run_is_refused(estate: Estate, steps: Any, words: str) -> None:
    text = (
        steps if isinstance(steps, str) else json.dumps({"Version": "2020-12-01", "Steps": steps})
    )
    if isinstance(steps, dict):
        text = json.dumps(steps)

    with pytest.raises(ClientError) as error:
        estate.sagemaker.create_pipeline(
            PipelineName="p", PipelineDefinition=text, RoleArn=estate.role
        )

    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert words in str(error.value)
    assert not estate.sagemaker.list_pipelines()["PipelineSummaries"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Other": "1", "Needed": "x"}, "not defined in the pipeline: Other"),
        ({}, "Needed does not have a value"),
        ({"Needed": "x", "Count": "many"}, "'many' to the parameter Count of type Integer"),
        ({"Needed": "x", "Switch": "maybe"}, "'maybe' to the parameter Switch of type Boolean"),
        ({"Needed": "x", "Mode": "c"}, "is not one of a, b"),
    ],
)
def test_parameters_are_held_to_their_declaration(
    pipelines: Pipelines, given: dict[str, str], words: str
) -> None:
    parameters = [
        {"Name": "Needed", "Type": "String"},
        {"Name": "Count", "Type": "Integer", "DefaultValue": 1},
        {"Name": "Switch", "Type": "Boolean", "DefaultValue": True},
        {"Name": "Mode", "Type": "String", "EnumValues": ["a", "b"], "DefaultValue": "a"},
    ]
    pipelines.create([fail("x")], parameters=parameters)

    with pytest.raises(ClientError, match="ValidationException") as error:
        pipelines.start(given)

    assert words in str(error.value)
    assert not pipelines.sagemaker.list_pipeline_executions(PipelineName="p")[
        "PipelineExecutionSummaries"
    ]


def test_a_pipeline_is_versioned_listed_and_deleted(pipelines: Pipelines, estate: Estate) -> None:
    pipelines.create([fail("one")], PipelineDescription="first")
    two = json.dumps({"Version": "2020-12-01", "Steps": [fail("two")]})
    estate.put("definitions/two.json", two)

    updated = pipelines.sagemaker.update_pipeline(
        PipelineName="p",
        PipelineDefinitionS3Location={"Bucket": BUCKET, "ObjectKey": "definitions/two.json"},
        PipelineDescription="second",
    )
    execution = pipelines.run()["PipelineExecutionArn"]

    found = pipelines.sagemaker.describe_pipeline(PipelineName="p")
    old = pipelines.sagemaker.describe_pipeline(PipelineName="p", PipelineVersionId=1)
    ran = pipelines.sagemaker.describe_pipeline_definition_for_execution(
        PipelineExecutionArn=execution
    )
    assert updated["PipelineVersionId"] == 2
    assert (found["PipelineDefinition"], found["PipelineDescription"]) == (two, "second")
    assert "one" in old["PipelineDefinition"]
    assert ran["PipelineDefinition"] == two
    assert found["LastRunTime"]
    listed = pipelines.sagemaker.list_pipelines(PipelineNamePrefix="p")["PipelineSummaries"]
    assert [item["PipelineName"] for item in listed] == ["p"]
    pipelines.sagemaker.delete_pipeline(PipelineName="p")
    with pytest.raises(ClientError, match="does not exist"):
        pipelines.sagemaker.describe_pipeline(PipelineName="p")


def test_starting_twice_with_one_token_starts_once(pipelines: Pipelines) -> None:
    pipelines.create([fail("x")])

    first = pipelines.start(ClientRequestToken="t" * 32)
    second = pipelines.start(ClientRequestToken="t" * 32)
    third = pipelines.start()

    assert first == second != third
    for arn in (first, third):
        pipelines.ended(arn)
    listed = pipelines.sagemaker.list_pipeline_executions(PipelineName="p")
    summaries = listed["PipelineExecutionSummaries"]
    assert [item["PipelineExecutionArn"] for item in summaries] == [third, first]


def test_a_step_of_a_type_that_is_not_emulated_fails_and_says_so(
    pipelines: Pipelines, cloud: Cloud
) -> None:
    pipelines.create([{"Name": "Cluster", "Type": "EMR", "Arguments": {}}])

    done = pipelines.run()

    assert "does not emulate pipeline steps of type EMR" in done["FailureReason"]
    assert cloud.statistics.not_implemented["sagemaker:pipeline steps of type EMR"] == 1
