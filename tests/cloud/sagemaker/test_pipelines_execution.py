"""How executions go: side by side, again, not at all, and on after a restart."""

import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import zipped
from tests.cloud.core.acting import REGION, SHARED, make_role, statement
from tests.cloud.sagemaker.building import ROLE, TRUST, Pipelines, fail, gate, processing
from tests.cloud.sagemaker.conftest import BUCKET, DEV, Estate
from tests.cloud.sagemaker.test_registry import events_of
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.errors import ApiError
from mlzone_cloud.operations import OPERATIONS, Call, Registered
from mlzone_cloud.state import Keeper, forget_everything

SLEEP = "import time; time.sleep(60)"
WAIT_FOR_GO = """
import pathlib, time
if pathlib.Path('/opt/ml/processing/input/mode.txt').read_text() == 'sleep':
    time.sleep(60)
"""


@pytest.fixture
def pipelines(estate: Estate) -> Pipelines:
    """An account in which pipelines can run."""
    estate.publish("python3", "-c", "pass")
    return Pipelines(estate)


class Jobs:
    """Stands for the job service: jobs run until the test ends them."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.jobs: dict[str, dict[str, Any]] = {}
        self.refusals: list[ApiError] = []

    def create(self, call: Call) -> dict[str, Any]:
        if self.refusals:
            raise self.refusals.pop(0)
        name = call.params["ProcessingJobName"]
        arn = f"arn:aws:sagemaker:{REGION}:{DEV}:processing-job/{name}"
        self.jobs[name] = {
            **call.params,
            "ProcessingJobArn": arn,
            "ProcessingJobStatus": "InProgress",
        }
        return {"ProcessingJobArn": arn}

    def describe(self, call: Call) -> dict[str, Any]:
        return self.jobs[call.params["ProcessingJobName"]]

    def end(self, name: str, **fields: Any) -> None:
        self.jobs[name].update({"ProcessingJobStatus": "Completed", **fields})
        self.cloud.emit(
            account=DEV,
            region=REGION,
            source="aws.sagemaker",
            detail_type="SageMaker Processing Job State Change",
            detail={"ProcessingJobName": name},
        )

    def running(self) -> list[str]:
        return [
            name for name, job in self.jobs.items() if job["ProcessingJobStatus"] == "InProgress"
        ]


@pytest.fixture
def jobs(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """The job service, under the test's control."""
    fake = Jobs(cloud)
    for operation, implementation in (
        ("CreateProcessingJob", fake.create),
        ("DescribeProcessingJob", fake.describe),
    ):
        registered = Registered(implementation, exclusive=True)
        monkeypatch.setitem(OPERATIONS, ("sagemaker", operation), registered)
    return fake


def step_status(pipelines: Pipelines, arn: str, name: str) -> str:
    pipelines.cloud.tick()
    step = pipelines.steps(arn).get(name) or {}
    return str(step.get("StepStatus", ""))


def test_a_hundred_executions_wait_for_their_jobs_without_holding_a_worker(
    pipelines: Pipelines, estate: Estate, jobs: Jobs, cloud: Cloud
) -> None:
    steps = [processing(estate, "A", "pass"), processing(estate, "B", "pass", DependsOn=["A"])]
    pipelines.create(steps)

    arns = [pipelines.start() for _ in range(100)]
    eventually(lambda: len(jobs.running()), lambda count: count == 100, cloud)
    eventually(lambda: cloud.background, lambda count: count == 0, cloud)
    for name in jobs.running():
        jobs.end(name)
    eventually(lambda: len(jobs.jobs), lambda count: count == 200, cloud)
    for name in jobs.running():
        jobs.end(name)

    ended = [pipelines.ended(arn)["PipelineExecutionStatus"] for arn in arns]
    assert ended == ["Succeeded"] * 100
    listed = pipelines.sagemaker.list_pipeline_executions(PipelineName="p", MaxResults=60)
    assert len(listed["PipelineExecutionSummaries"]) == 60
    rest = pipelines.sagemaker.list_pipeline_executions(
        PipelineName="p", MaxResults=60, NextToken=listed["NextToken"]
    )
    assert len(rest["PipelineExecutionSummaries"]) == 40


def test_no_more_steps_run_at_once_than_allowed(
    pipelines: Pipelines, estate: Estate, jobs: Jobs, cloud: Cloud
) -> None:
    steps = [processing(estate, name, "pass") for name in ("A", "B", "C")]
    pipelines.create(steps, ParallelismConfiguration={"MaxParallelExecutionSteps": 2})

    arn = pipelines.start()
    eventually(lambda: len(jobs.running()), lambda count: count == 2, cloud)
    assert list(pipelines.steps(arn)) == ["A", "B"]
    jobs.end(jobs.running()[0])
    eventually(lambda: len(jobs.jobs), lambda count: count == 3, cloud)
    assert len(jobs.running()) == 2
    for name in jobs.running():
        jobs.end(name)

    assert pipelines.ended(arn)["PipelineExecutionStatus"] == "Succeeded"


POLICY = {"IntervalSeconds": 30, "BackoffRate": 2.0, "MaxAttempts": 2}


def test_a_step_is_tried_again_after_the_time_of_its_policy(
    pipelines: Pipelines, estate: Estate, jobs: Jobs, cloud: Cloud
) -> None:
    policies = [
        {**POLICY, "ExceptionType": ["SageMaker.RESOURCE_LIMIT"]},
        {**POLICY, "ExceptionType": ["SageMaker.JOB_INTERNAL_ERROR"]},
    ]
    pipelines.create([processing(estate, "A", "pass", RetryPolicies=policies)])
    jobs.refusals = [ApiError("ResourceLimitExceeded", "too many jobs") for _ in range(2)]

    arn = pipelines.start()
    eventually(lambda: len(jobs.refusals), lambda count: count == 1, cloud)
    eventually(lambda: cloud.background, lambda count: count == 0, cloud)
    cloud.advance(timedelta(seconds=29))
    assert len(jobs.refusals) == 1
    cloud.advance(timedelta(seconds=2))
    eventually(lambda: len(jobs.refusals), lambda count: count == 0, cloud)
    eventually(lambda: cloud.background, lambda count: count == 0, cloud)
    cloud.advance(timedelta(seconds=61))
    eventually(lambda: len(jobs.running()), lambda count: count == 1, cloud)
    jobs.end(
        jobs.running()[0],
        ProcessingJobStatus="Failed",
        FailureReason="InternalServerError: the instance was lost",
    )
    eventually(jobs.running, lambda names: not names, cloud)
    eventually(lambda: cloud.background, lambda count: count == 0, cloud)
    cloud.advance(timedelta(seconds=31))
    eventually(lambda: len(jobs.running()), lambda count: count == 1, cloud)
    jobs.end(jobs.running()[0])

    assert pipelines.ended(arn)["PipelineExecutionStatus"] == "Succeeded"
    assert pipelines.steps(arn)["A"]["AttemptCount"] == 4


def test_what_no_policy_names_is_not_tried_again(
    pipelines: Pipelines, estate: Estate, jobs: Jobs, cloud: Cloud
) -> None:
    policy = {**POLICY, "ExceptionType": ["SageMaker.CAPACITY_ERROR"]}
    steps = [
        processing(estate, "A", "pass", RetryPolicies=[policy]),
        processing(estate, "B", "pass"),
        processing(estate, "C", "pass", DependsOn=["B"]),
    ]
    pipelines.create(steps)

    arn = pipelines.start()
    eventually(lambda: len(jobs.running()), lambda count: count == 2, cloud)
    first, second = jobs.running()
    jobs.end(first, ProcessingJobStatus="Failed", FailureReason="AlgorithmError: no, exit code: 1")
    eventually(lambda: step_status(pipelines, arn, "A"), lambda status: status == "Failed", cloud)
    # What runs already runs to its end, but nothing else begins.
    jobs.end(second)

    done = pipelines.ended(arn)
    steps_done = pipelines.steps(arn)
    assert done["PipelineExecutionStatus"] == "Failed"
    assert (steps_done["A"]["StepStatus"], steps_done["A"]["AttemptCount"]) == ("Failed", 1)
    assert steps_done["B"]["StepStatus"] == "Succeeded"
    assert "C" not in steps_done


def test_a_stopped_execution_stops_its_job_and_can_be_retried(
    pipelines: Pipelines, estate: Estate, cloud: Cloud
) -> None:
    estate.put("input/mode.txt", "sleep")
    given = {"InputName": "mode", "S3Input": {**PREFIX, "S3Uri": f"s3://{BUCKET}/input"}}
    steps = [
        processing(estate, "A", "pass"),
        processing(
            estate, "B", WAIT_FOR_GO, DependsOn=["A"], arguments={"ProcessingInputs": [given]}
        ),
    ]
    pipelines.create(steps)
    arn = pipelines.start()
    eventually(lambda: step_status(pipelines, arn, "B"), lambda s: s == "Executing", cloud)

    pipelines.sagemaker.stop_pipeline_execution(PipelineExecutionArn=arn)
    stopped = pipelines.ended(arn)
    first = pipelines.steps(arn)
    estate.put("input/mode.txt", "go")
    pipelines.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    done = pipelines.ended(arn)

    assert stopped["PipelineExecutionStatus"] == "Stopped"
    assert first["B"]["StepStatus"] == "Stopped"
    job = first["B"]["Metadata"]["ProcessingJob"]["Arn"].rsplit("/", 1)[1]
    assert estate.ended("ProcessingJob", job)["ProcessingJobStatus"] == "Stopped"
    assert done["PipelineExecutionStatus"] == "Succeeded"
    second = pipelines.steps(arn)
    assert second["A"] == first["A"]
    assert second["B"]["Metadata"] != first["B"]["Metadata"]
    for method in ("stop_pipeline_execution", "retry_pipeline_execution"):
        with pytest.raises(ClientError, match="ConflictException"):
            getattr(pipelines.sagemaker, method)(PipelineExecutionArn=arn)


PREFIX = {
    "LocalPath": "/opt/ml/processing/input",
    "S3DataType": "S3Prefix",
    "S3InputMode": "File",
}


def test_an_execution_goes_on_after_a_restart_from_the_last_finished_step(
    pipelines: Pipelines, estate: Estate, cloud: Cloud
) -> None:
    Keeper(cloud).start()
    estate.put("input/mode.txt", "sleep")
    given = {"InputName": "mode", "S3Input": {**PREFIX, "S3Uri": f"s3://{BUCKET}/input"}}
    steps = [
        processing(estate, "A", "pass"),
        processing(
            estate, "B", WAIT_FOR_GO, DependsOn=["A"], arguments={"ProcessingInputs": [given]}
        ),
        processing(estate, "C", "pass", DependsOn=["B"]),
    ]
    pipelines.create(steps)
    arn = pipelines.start()
    eventually(lambda: step_status(pipelines, arn, "B"), lambda s: s == "Executing", cloud)
    before = pipelines.steps(arn)
    assert cloud.keeper
    cloud.keeper.stop()
    cloud.stop()
    forget_everything()

    fresh = Cloud(state_dir=cloud.state_dir)
    assert Keeper(fresh).load()
    fresh.client("s3", account=DEV).put_object(Bucket=BUCKET, Key="input/mode.txt", Body=b"go")
    fresh.resume()
    pipelines.cloud, pipelines.sagemaker = fresh, fresh.client("sagemaker", account=DEV)
    done = pipelines.ended(arn)
    after = pipelines.steps(arn)
    fresh.stop()

    assert done["PipelineExecutionStatus"] == "Succeeded", done
    assert after["A"] == before["A"]
    assert after["B"]["AttemptCount"] == 2
    assert list(after) == ["A", "B", "C"]


def test_cached_results_expire(pipelines: Pipelines, estate: Estate, cloud: Cloud) -> None:
    pipelines.create(
        [processing(estate, "A", "pass", CacheConfig={"Enabled": True, "ExpireAfter": "30dT5h"})]
    )

    def hit() -> bool:
        return "CacheHitResult" in pipelines.steps(pipelines.run()["PipelineExecutionArn"])["A"]

    first, second = hit(), hit()
    cloud.advance(timedelta(days=31))
    third = hit()

    assert (first, second, third) == (False, True, False)


def test_a_function_is_called_and_what_it_gives_is_used(pipelines: Pipelines, cloud: Cloud) -> None:
    iam = cloud.client("iam", account=DEV)
    iam.create_role(
        RoleName="function", AssumeRolePolicyDocument=TRUST.replace("sagemaker", "lambda")
    )
    functions = cloud.client("lambda", account=DEV)
    code = "def handler(event, context):\n    return {'double': event['count'] * 2}\n"
    arn = functions.create_function(
        FunctionName="double",
        Runtime="python3.13",
        Handler="index.handler",
        Role=f"arn:aws:iam::{DEV}:role/function",
        Code={"ZipFile": zipped(code)},
    )["FunctionArn"]
    call = {
        "Name": "Double",
        "Type": "Lambda",
        "FunctionArn": arn,
        "Arguments": {"count": {"Get": "Parameters.Count"}},
        "OutputParameters": [{"OutputName": "double", "OutputType": "Integer"}],
    }
    double = {"Get": "Steps.Double.OutputParameters['double']"}
    yes = [fail({"Std:Join": {"On": "=", "Values": ["double", double]}}, "Say")]
    pipelines.create(
        [call, gate(double, 42, yes, [])],
        parameters=[{"Name": "Count", "Type": "Integer", "DefaultValue": 21}],
    )

    done = pipelines.run()
    other = pipelines.run({"Count": "1"})

    steps = pipelines.steps(done["PipelineExecutionArn"])
    assert steps["Say"]["FailureReason"] == "double=42"
    assert steps["Double"]["Metadata"]["Lambda"] == {
        "Arn": arn,
        "OutputParameters": [{"Name": "double", "Value": "42"}],
    }
    assert other["PipelineExecutionStatus"] == "Succeeded"


def test_a_model_is_made_as_the_executions_role(pipelines: Pipelines, estate: Estate) -> None:
    url = estate.put("model.tar.gz", "model")
    arguments = {
        "ExecutionRoleArn": ROLE,
        "PrimaryContainer": {
            "Image": estate.image,
            "ModelDataUrl": url,
            "Environment": {"WORKERS": {"Get": "Parameters.Workers"}},
        },
    }
    pipelines.create(
        [{"Name": "Make", "Type": "Model", "Arguments": arguments}],
        parameters=[{"Name": "Workers", "Type": "Integer", "DefaultValue": 2}],
    )

    done = pipelines.run()

    assert done["PipelineExecutionStatus"] == "Succeeded", done
    arn = pipelines.steps(done["PipelineExecutionArn"])["Make"]["Metadata"]["Model"]["Arn"]
    found = pipelines.sagemaker.describe_model(ModelName=arn.rsplit("/", 1)[1])
    assert found["PrimaryContainer"]["Environment"] == {"WORKERS": "2"}


def test_a_version_is_registered_in_another_accounts_group(
    pipelines: Pipelines, estate: Estate, cloud: Cloud
) -> None:
    shared = cloud.client("sagemaker", account=SHARED)
    shared.create_model_package_group(ModelPackageGroupName="scoring")
    group = f"arn:aws:sagemaker:{REGION}:{SHARED}:model-package-group/scoring"
    arguments = {
        "ModelPackageGroupName": group,
        "InferenceSpecification": {
            "Containers": [{"Image": estate.image}],
            "SupportedContentTypes": ["text/csv"],
            "SupportedResponseMIMETypes": ["text/csv"],
        },
    }
    pipelines.create([{"Name": "Register", "Type": "RegisterModel", "Arguments": arguments}])

    refused = pipelines.run()
    allow = statement(
        "Allow",
        "sagemaker:CreateModelPackage",
        [group.replace("-group/", "/") + "/*"],
        Principal={"AWS": f"arn:aws:iam::{DEV}:root"},
    )
    shared.put_model_package_group_policy(
        ModelPackageGroupName="scoring",
        ResourcePolicy=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    done = pipelines.run()

    assert "is not authorized to perform: sagemaker:CreateModelPackage" in refused["FailureReason"]
    assert done["PipelineExecutionStatus"] == "Succeeded", done
    (version,) = shared.list_model_packages(ModelPackageGroupName="scoring")[
        "ModelPackageSummaryList"
    ]
    assert version["ModelPackageArn"].startswith(f"arn:aws:sagemaker:{REGION}:{SHARED}:")


def test_every_change_of_an_execution_and_its_steps_is_announced(
    pipelines: Pipelines, cloud: Cloud
) -> None:
    wait = events_of(cloud, DEV)
    pipelines.create([fail("no")])

    arn = pipelines.run(PipelineExecutionDisplayName="seen")["PipelineExecutionArn"]
    kind = "SageMaker Model Building Pipeline Execution "
    found = [event for event in wait(4) if event["detail-type"].startswith(kind)]

    changes = [e["detail"] for e in found if e["detail-type"] == f"{kind}Status Change"]
    steps = [e["detail"] for e in found if e["detail-type"] == f"{kind}Step Status Change"]
    (ended,) = [item for item in changes if item["currentPipelineExecutionStatus"] == "Failed"]
    (failed,) = [item for item in steps if item["currentStepStatus"] == "Failed"]
    assert ended["previousPipelineExecutionStatus"] == "Executing"
    assert ended["pipelineExecutionDisplayName"] == "seen"
    assert ended["pipelineExecutionArn"] == arn
    assert ended["executionEndTime"].endswith("Z")
    assert (failed["stepName"], failed["stepType"]) == ("Refuse", "Fail")
    assert failed["failureReason"] == "no"
    assert failed["metadata"] == {"fail": {"errorMessage": "no"}}
    assert arn in found[0]["resources"]


def test_a_role_that_sagemaker_may_not_take_on_starts_nothing(
    pipelines: Pipelines, cloud: Cloud
) -> None:
    role = make_role(cloud, DEV, "foreign", statement("Allow", "sagemaker:*"))
    pipelines.create([fail("no")], role=role)

    with pytest.raises(ClientError, match="cannot assume the role"):
        pipelines.start()


def test_executions_move_without_anybody_watching(
    pipelines: Pipelines, estate: Estate, cloud: Cloud
) -> None:
    pipelines.create([processing(estate, "A", "pass")])

    arn = pipelines.start()

    def status() -> str:
        found = pipelines.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        return str(found["PipelineExecutionStatus"])

    # No tick of the clock: the job's own event is enough.
    eventually(status, lambda found: found == "Succeeded", cloud)
