"""The platform hears that a build started and what it registered."""

import json
from types import SimpleNamespace

from mlzone_runtime.handlers.build_progress import Clients, tell
from mlzone_runtime.handlers.platform_event import ModelScope

BUS = "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"
SCOPE = ModelScope(unit="retail", team="risk", model="credit", environment="dev")
VERSION = "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-credit/3"


def clients(*, steps=(), variables=(), trigger="StartPipelineExecution"):
    said = []
    package = {
        "ModelPackageVersion": 3,
        "ModelApprovalStatus": "PendingManualApproval",
        "CustomerMetadataProperties": {"author": "bruno.lima", "commit": "abc", "auc": "0.8"},
    }

    def put_events(**request):
        said.extend(request["Entries"])
        return {"FailedEntryCount": 0}

    made = Clients(
        codepipeline=SimpleNamespace(
            get_pipeline_execution=lambda **_: {
                "pipelineExecution": {
                    "variables": list(variables),
                    "trigger": {"triggerType": trigger},
                }
            }
        ),
        sagemaker=SimpleNamespace(
            list_pipeline_execution_steps=lambda **_: {"PipelineExecutionSteps": list(steps)}
        ),
        registry=SimpleNamespace(describe_model_package=lambda **_: package),
        events=SimpleNamespace(put_events=put_events),
    )
    return made, said


def test_a_started_build_names_who_committed():
    made, said = clients(
        variables=[
            {
                "name": "author",
                "resolvedValue": "arn:aws:sts::1:assumed-role/data-scientist/bruno.lima",
            },
            {"name": "trigger", "resolvedValue": "commit"},
        ]
    )
    event = {
        "source": "aws.codepipeline",
        "detail": {"pipeline": "aur-retail-credit-build", "execution-id": "42"},
    }

    assert tell(event, SCOPE, BUS, made) == {"kind": "Build Started"}
    detail = json.loads(said[0]["Detail"])
    assert detail["actor"] == "bruno.lima"
    assert detail["pipeline_execution"] == "42"
    assert detail["facts"]["trigger"] == "commit"


def test_a_run_that_only_the_pipelines_making_started_is_no_build():
    made, said = clients(trigger="CreatePipeline")
    event = {
        "source": "aws.codepipeline",
        "detail": {"pipeline": "aur-retail-credit-build", "execution-id": "1"},
    }

    assert tell(event, SCOPE, BUS, made) == {}
    assert said == []


FINISHED = {
    "source": "aws.sagemaker",
    "detail": {"pipelineExecutionArn": "arn:aws:sagemaker:…:pipeline/p/execution/e"},
}


def test_a_registered_version_is_told_with_its_metrics():
    made, said = clients(
        steps=[{"Metadata": {"Condition": {}}}, {"Metadata": {"RegisterModel": {"Arn": VERSION}}}]
    )

    assert tell(FINISHED, SCOPE, BUS, made) == {"kind": "Model Registered"}
    detail = json.loads(said[0]["Detail"])
    assert said[0]["Source"] == "mlzone.registry"
    assert detail["model_package_arn"] == VERSION
    assert detail["actor"] == "bruno.lima"
    assert detail["facts"] == {
        "version": 3,
        "status": "PendingManualApproval",
        "commit": "abc",
        "auc": "0.8",
    }


def test_a_pipeline_that_registered_nothing_is_no_news():
    made, said = clients(steps=[{"Metadata": {"Condition": {}}}])

    assert tell(FINISHED, SCOPE, BUS, made) == {}
    assert said == []
