"""Pipelines: definitions run as SageMaker runs them, as the execution's role."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.core.acting import make_role, statement
from tests.cloud.sagemaker.building import TRUST, Pipelines, fail, gate, processing
from tests.cloud.sagemaker.conftest import BUCKET, DEV, Estate

from mlzone_cloud.cloud import Cloud


@pytest.fixture
def pipelines(estate: Estate) -> Pipelines:
    """An account in which pipelines can run."""
    return Pipelines(estate)


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


@pytest.mark.parametrize(
    ("train", "seconds", "status", "reason"),
    [
        ("import time; time.sleep(600)", 2, "Stopped", "the job was stopped: MaxRuntimeExceeded"),
        ("import os; os.kill(os.getpid(), 9)", 600, "Failed", "exit code: 137"),
    ],
    ids=["never ends", "out of memory"],
)
def test_a_training_that_is_ended_ends_the_pipeline_and_says_why(
    pipelines: Pipelines, train: str, seconds: int, status: str, reason: str
) -> None:
    pipelines.create_sdk3(train=train, seconds=seconds)

    done = pipelines.run()

    steps = pipelines.steps(done["PipelineExecutionArn"])
    assert done["PipelineExecutionStatus"] == steps["Train"]["StepStatus"] == status
    assert reason in steps["Train"]["FailureReason"]
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
