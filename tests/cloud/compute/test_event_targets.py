"""What a rule can start or tell besides queues and functions, and in which role."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.compute.conftest import (
    DEV,
    REGION,
    make_queue,
    service_role,
)
from tests.cloud.compute.rules import EVENTS, errors, make_rule, put
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.operations import OPERATIONS, Call, Registered


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], list[dict[str, Any]]]:
    """Stands in for operations that other parts of the cloud own; returns what they were asked."""

    def record(service: str, name: str) -> list[dict[str, Any]]:
        asked: list[dict[str, Any]] = []

        def implementation(call: Call) -> dict[str, Any]:
            asked.append({**call.params, "caller": call.caller_arn})
            return {}

        registered = Registered(implementation, exclusive=False)
        monkeypatch.setitem(OPERATIONS, (service, name), registered)
        return asked

    return record


def role_for(cloud: Cloud, *actions: str) -> str:
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    return service_role(cloud, DEV, "target", EVENTS, statement)


def test_a_pipeline_starts_with_variables_from_the_event(
    cloud: Cloud, recorded: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    started = recorded("codepipeline", "StartPipelineExecution")
    role = role_for(cloud, "codepipeline:StartPipelineExecution")
    transformer = {
        "InputPathsMap": {"a": "$.detail.a"},
        "InputTemplate": '{"variables": [{"name": "A", "value": "<a>"}]}',
    }
    target = {
        "Arn": f"arn:aws:codepipeline:{REGION}:{DEV}:build",
        "RoleArn": role,
        "InputTransformer": transformer,
    }
    make_rule(cloud, target)

    put(cloud)

    (asked,) = eventually(lambda: started, cloud=cloud)
    assert asked["name"] == "build"
    assert asked["variables"] == [{"name": "A", "value": "1"}]
    assert asked["caller"].startswith(f"arn:aws:sts::{DEV}:assumed-role/target/")


def test_a_role_without_the_right_starts_nothing(
    cloud: Cloud, recorded: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    started = recorded("codepipeline", "StartPipelineExecution")
    target = {
        "Arn": f"arn:aws:codepipeline:{REGION}:{DEV}:build",
        "RoleArn": role_for(cloud, "s3:*"),
    }
    make_rule(cloud, target)

    put(cloud)

    eventually(lambda: "codepipeline:StartPipelineExecution" in errors(cloud))
    assert not started


def test_a_build_and_a_model_pipeline_start(
    cloud: Cloud, recorded: Callable[[str, str], list[dict[str, Any]]]
) -> None:
    built = recorded("codebuild", "StartBuild")
    started = recorded("sagemaker", "StartPipelineExecution")
    role = role_for(cloud, "codebuild:StartBuild", "sagemaker:StartPipelineExecution")
    make_rule(cloud, {"Arn": f"arn:aws:codebuild:{REGION}:{DEV}:project/p", "RoleArn": role})
    parameters = [{"Name": "Trigger", "Value": "drift"}]
    cloud.client("events", account=DEV).put_targets(
        Rule="r",
        Targets=[
            {
                "Id": "2",
                "Arn": f"arn:aws:sagemaker:{REGION}:{DEV}:pipeline/train",
                "RoleArn": role,
                "SageMakerPipelineParameters": {"PipelineParameterList": parameters},
            }
        ],
    )

    put(cloud)

    (build,) = eventually(lambda: built, cloud=cloud)
    (pipeline,) = eventually(lambda: started, cloud=cloud)
    assert build["projectName"] == "p"
    assert pipeline["PipelineName"] == "train"
    assert pipeline["PipelineParameters"] == parameters


def test_a_target_that_needs_a_role_is_refused_without(cloud: Cloud) -> None:
    with pytest.raises(ClientError, match="RoleArn is required"):
        make_rule(cloud, {"Arn": f"arn:aws:codepipeline:{REGION}:{DEV}:build"})


def test_a_log_group_takes_events_if_the_accounts_policy_lets_them(cloud: Cloud) -> None:
    logs = cloud.client("logs", account=DEV)
    logs.create_log_group(logGroupName="/aws/events/all")
    group = f"arn:aws:logs:{REGION}:{DEV}:log-group:/aws/events/all"
    make_rule(cloud, {"Arn": group})
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": EVENTS},
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": f"{group}:*",
    }
    put(cloud)
    eventually(lambda: "logs:PutLogEvents" in errors(cloud))
    logs.put_resource_policy(
        policyName="events",
        policyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )

    put(cloud)

    (event,) = eventually(
        lambda: logs.filter_log_events(logGroupName="/aws/events/all")["events"], cloud=cloud
    )
    assert json.loads(event["message"])["detail"] == {"a": 1}


def test_a_topic_passes_events_on(cloud: Cloud) -> None:
    sns = cloud.client("sns", account=DEV)
    topic = sns.create_topic(Name="t")["TopicArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": EVENTS},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    sns.set_topic_attributes(
        TopicArn=topic,
        AttributeName="Policy",
        AttributeValue=json.dumps({"Version": "2012-10-17", "Statement": [statement]}),
    )
    queue = make_queue(cloud)
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    make_rule(cloud, {"Arn": topic, "InputPath": "$.detail"})

    put(cloud)

    assert json.loads(queue.wait()[0]["Message"]) == {"a": 1}
