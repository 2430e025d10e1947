"""CodePipeline executes stages, actions and approvals."""

from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.code.conftest import (
    DEV,
    CodeBuild,
    CodePipeline,
    action,
    approval,
    make_role,
    s3_source,
    stage,
    statement,
)

STORE = statement("Allow", ["s3:GetObject*", "s3:GetBucket*", "s3:PutObject", "s3:ListBucket"])


def build(name: str = "Build", project: str = "p1", **more: Any) -> dict[str, Any]:
    configuration = {"ProjectName": project, **more.pop("configuration", {})}
    return action(name, "Build", "CodeBuild", configuration, **{"inputs": ["src"], **more})


def project(codebuild: CodeBuild, *commands: str, name: str = "p1", files: str = "") -> None:
    lines = "".join(f"      - {command}\n" for command in commands)
    text = f"version: 0.2\nphases:\n  build:\n    commands:\n{lines}"
    if files:
        text += f"artifacts:\n  files:\n    - {files}\n"
    role = codebuild.role(f"{name}-role", statement("Allow", ["s3:GetObject", "s3:PutObject"]))
    codebuild.project(
        "",
        name=name,
        role=role,
        source={"type": "CODEPIPELINE", "buildspec": text},
        artifacts={"type": "CODEPIPELINE"},
    )


@pytest.fixture
def role(codepipeline: CodePipeline) -> str:
    building = ["codebuild:StartBuild", "codebuild:BatchGetBuilds"]
    return codepipeline.role("pipe-role", STORE, statement("Allow", building))


def test_a_pipeline_starts_when_it_is_made_and_waits_for_approval(
    codepipeline: CodePipeline, role: str
) -> None:
    first = codepipeline.create(s3_source(), approval(CustomData="look"), role=role)

    codepipeline.decide("Approved", "looks right")

    assert codepipeline.wait(first) == "Succeeded"
    assert codepipeline.executions()[0]["trigger"]["triggerType"] == "CreatePipeline"
    state = codepipeline.state("Approve")
    assert (state["status"], state["summary"]) == ("Succeeded", "looks right")


def test_a_rejection_fails_the_execution_and_says_who_and_why(
    codepipeline: CodePipeline, role: str
) -> None:
    first = codepipeline.create(s3_source(), approval(), role=role)

    codepipeline.decide("Rejected", "too risky")

    assert codepipeline.wait(first) == "Failed"
    assert "too risky" in codepipeline.error(first, "Approve")["message"]


def test_a_token_counts_once(codepipeline: CodePipeline, role: str) -> None:
    codepipeline.create(s3_source(), approval(), role=role)
    codepipeline.until(lambda: "token" in codepipeline.state("Approve"))
    answer = {
        "pipelineName": "pipe",
        "stageName": "Approve",
        "actionName": "Approve",
        "result": {"status": "Approved", "summary": ""},
    }
    client, token = codepipeline.client(), codepipeline.state("Approve")["token"]

    with pytest.raises(client.exceptions.InvalidApprovalTokenException):
        client.put_approval_result(**answer, token="00000000-0000-0000-0000-000000000000")
    client.put_approval_result(**answer, token=token)
    with pytest.raises(client.exceptions.ApprovalAlreadyCompletedException):
        client.put_approval_result(**answer, token=token)


def test_nobody_who_answers_within_a_week_is_a_failure(
    codepipeline: CodePipeline, role: str
) -> None:
    first = codepipeline.create(s3_source(), approval(), role=role)
    codepipeline.until(lambda: "token" in codepipeline.state("Approve"))

    codepipeline.cloud.advance(timedelta(days=6))
    before = codepipeline.status(first)
    codepipeline.cloud.advance(timedelta(days=2))

    assert (before, codepipeline.wait(first)) == ("InProgress", "Failed")


def test_builds_pass_artefacts_and_variables_on(
    codepipeline: CodePipeline, codebuild: CodeBuild, role: str
) -> None:
    project(
        codebuild, "tr a-z A-Z < in.txt > out.txt", "export WORD=$(cat out.txt)", files="out.txt"
    )
    text = "version: 0.2\nenv: {exported-variables: [WORD]}\n"
    described = codebuild.client().batch_get_projects(names=["p1"])["projects"][0]
    buildspec = described["source"]["buildspec"].replace("version: 0.2\n", text)
    codebuild.client().update_project(
        name="p1", source={"type": "CODEPIPELINE", "buildspec": buildspec}
    )
    project(
        codebuild,
        "cat out.txt $CODEBUILD_SRC_DIR_src/in.txt",
        "echo $WORD-$WHO-$RUN-$CODEBUILD_RESOLVED_SOURCE_VERSION-$CODEBUILD_INITIATOR",
        name="p2",
    )
    variables = (
        '[{"name": "WORD", "value": "#{Made.WORD}"}, {"name": "WHO", "value": "#{variables.who}"},'
        ' {"name": "RUN", "value": "#{codepipeline.PipelineExecutionId}"}]'
    )
    second = build(
        "Second",
        "p2",
        inputs=["made", "src"],
        configuration={"PrimarySource": "made", "EnvironmentVariables": variables},
    )
    codepipeline.create(
        s3_source(),
        stage("Build", build(outputs=["made"], namespace="Made"), {**second, "runOrder": 2}),
        role=role,
        variables=[{"name": "who"}],
    )

    execution = codepipeline.start(who="ana")

    assert codepipeline.wait(execution) == "Succeeded"
    actions = codepipeline.actions(execution)
    build_id = actions["Second"]["output"]["executionResult"]["externalExecutionId"]
    log = codebuild.log(codebuild.get(build_id))
    version = codepipeline.executions()[0]["sourceRevisions"][0]["revisionId"]
    assert "ABCabc" in log[4:] or "ABCabc" in "".join(log)
    assert f"ABC-ana-{execution}-{version}-codepipeline/pipe" in log
    assert actions["Build"]["output"]["outputVariables"] == {"WORD": "ABC"}


def test_the_failing_commands_last_words_are_the_actions_error(
    codepipeline: CodePipeline, codebuild: CodeBuild, role: str
) -> None:
    project(codebuild, "echo the data set is empty; false")

    execution = codepipeline.create(s3_source(), stage("Build", build()), role=role)

    assert codepipeline.wait(execution) == "Failed"
    assert codepipeline.error(execution, "Build") == {
        "code": "JobFailed",
        "message": (
            "Build terminated with state: FAILED. Phase: BUILD, Code: COMMAND_EXECUTION_ERROR, "
            "Message: Error while executing command: echo the data set is empty; false. "
            "Reason: exit status 1\nthe data set is empty"
        ),
    }


def test_a_role_that_may_not_do_what_an_action_does_fails_it(codepipeline: CodePipeline) -> None:
    weak = codepipeline.role("weak", statement("Allow", ["s3:GetBucket*", "s3:GetObject*"]))

    execution = codepipeline.create(s3_source(), approval(), role=weak)

    assert codepipeline.wait(execution) == "Failed"
    error = codepipeline.error(execution, "Source")
    assert error["code"] == "PermissionError"
    assert "not authorized to perform: s3:PutObject" in error["message"]


def test_artefacts_under_a_key_need_the_key(codepipeline: CodePipeline, role: str) -> None:
    key = codepipeline.client("kms").create_key()["KeyMetadata"]["Arn"]
    store = {
        "type": "S3",
        "location": "artefacts",
        "encryptionKey": {"id": key, "type": "KMS"},
    }

    execution = codepipeline.create(s3_source(), approval(), role=role, artifactStore=store)

    assert codepipeline.wait(execution) == "Failed"
    assert "kms:GenerateDataKey" in codepipeline.error(execution, "Source")["message"]


def test_an_action_acts_as_its_own_role_if_the_pipelines_may_assume_it(
    codepipeline: CodePipeline, role: str
) -> None:
    own = make_role(codepipeline.cloud, DEV, "action-role", STORE)

    refused = codepipeline.create(s3_source(roleArn=own), approval(), role=role)
    assert codepipeline.wait(refused) == "Failed"
    assert "sts:AssumeRole" in codepipeline.error(refused, "Source")["message"]

    bare = codepipeline.role("bare", statement("Allow", "sts:AssumeRole", own))
    codepipeline.create(s3_source(roleArn=own), approval(), role=bare, name="other")
    codepipeline.decide("Approved", name="other")


def test_a_failed_stage_can_be_retried(
    codepipeline: CodePipeline, codebuild: CodeBuild, role: str
) -> None:
    project(codebuild, "aws-does-not-exist")
    execution = codepipeline.create(s3_source(), stage("Build", build()), role=role)
    codepipeline.wait(execution)
    spec = "version: 0.2\nphases: {build: {commands: ['true']}}\n"
    codebuild.client().update_project(name="p1", source={"type": "CODEPIPELINE", "buildspec": spec})

    codepipeline.client().retry_stage_execution(
        pipelineName="pipe",
        stageName="Build",
        pipelineExecutionId=execution,
        retryMode="FAILED_ACTIONS",
    )

    assert codepipeline.wait(execution) == "Succeeded"


def test_a_stage_retries_itself_once_if_declared(
    codepipeline: CodePipeline, codebuild: CodeBuild, role: str
) -> None:
    project(codebuild, "false")

    execution = codepipeline.create(
        s3_source(), stage("Build", build(), onFailure={"result": "RETRY"}), role=role
    )

    assert codepipeline.wait(execution) == "Failed"
    assert len(codebuild.client().list_builds_for_project(projectName="p1")["ids"]) == 2


def test_queued_executions_pass_a_stage_one_after_another(
    codepipeline: CodePipeline, role: str
) -> None:
    first = codepipeline.create(s3_source(), approval(), role=role)
    second = codepipeline.start()
    codepipeline.until(lambda: "token" in codepipeline.state("Approve"))
    codepipeline.until(lambda: "Source" in codepipeline.actions(second))

    stages = codepipeline.client().get_pipeline_state(name="pipe")["stageStates"]
    waiting = [item["pipelineExecutionId"] for item in stages[1].get("inboundExecutions", ())]
    codepipeline.decide("Approved")
    codepipeline.wait(first)
    codepipeline.decide("Approved")

    assert waiting in ([second], [])
    assert codepipeline.wait(second) == "Succeeded"


def test_a_waiting_execution_is_superseded_by_a_newer_one(
    codepipeline: CodePipeline, role: str
) -> None:
    mode = {"executionMode": "SUPERSEDED"}
    first = codepipeline.create(s3_source(), approval(), role=role, **mode)
    codepipeline.until(lambda: "token" in codepipeline.state("Approve"))
    second = codepipeline.start()
    codepipeline.until(lambda: "Source" in codepipeline.actions(second))
    third = codepipeline.start()

    assert codepipeline.wait(second) == "Superseded"
    codepipeline.decide("Approved")
    assert codepipeline.wait(first) == "Succeeded"
    codepipeline.decide("Approved")
    assert codepipeline.wait(third) == "Succeeded"


def test_parallel_executions_do_not_wait_for_each_other(
    codepipeline: CodePipeline, role: str
) -> None:
    first = codepipeline.create(s3_source(), approval(), role=role, executionMode="PARALLEL")
    second = codepipeline.start()

    codepipeline.until(
        lambda: all("Approve" in codepipeline.actions(item) for item in (first, second))
    )


def test_a_closed_transition_holds_executions_back(codepipeline: CodePipeline, role: str) -> None:
    first = codepipeline.create(s3_source(), approval(), role=role)
    codepipeline.decide("Approved")
    codepipeline.wait(first)
    client = codepipeline.client()
    where = {"pipelineName": "pipe", "stageName": "Approve", "transitionType": "Inbound"}
    client.disable_stage_transition(**where, reason="freeze")
    second = codepipeline.start()

    def stage_state() -> dict[str, Any]:
        found: dict[str, Any] = client.get_pipeline_state(name="pipe")["stageStates"][1]
        return found

    codepipeline.until(lambda: "inboundExecution" in stage_state())
    assert stage_state()["inboundExecution"]["pipelineExecutionId"] == second
    assert stage_state()["inboundTransitionState"]["disabledReason"] == "freeze"
    client.enable_stage_transition(**where)
    codepipeline.decide("Approved")
    assert codepipeline.wait(second) == "Succeeded"


def test_an_execution_can_be_stopped(codepipeline: CodePipeline, role: str) -> None:
    execution = codepipeline.create(s3_source(), approval(), role=role)
    codepipeline.until(lambda: "token" in codepipeline.state("Approve"))

    codepipeline.client().stop_pipeline_execution(
        pipelineName="pipe", pipelineExecutionId=execution, abandon=True, reason="wrong"
    )

    assert codepipeline.wait(execution) == "Stopped"
    assert codepipeline.executions()[0]["stopTrigger"]["reason"] == "wrong"
    assert codepipeline.actions(execution)["Approve"]["status"] == "Abandoned"


def test_a_stage_can_be_rolled_back(codepipeline: CodePipeline, role: str) -> None:
    first = codepipeline.create(s3_source(), approval(), role=role)
    codepipeline.decide("Approved")
    codepipeline.wait(first)

    rolled = codepipeline.client().rollback_stage(
        pipelineName="pipe", stageName="Approve", targetPipelineExecutionId=first
    )["pipelineExecutionId"]
    codepipeline.decide("Approved")

    assert codepipeline.wait(rolled) == "Succeeded"
    assert list(codepipeline.actions(rolled)) == ["Approve"]


def test_a_variable_without_a_value_is_refused(codepipeline: CodePipeline, role: str) -> None:
    codepipeline.create(s3_source(), approval(), role=role, variables=[{"name": "who"}])
    client = codepipeline.client()

    with pytest.raises(client.exceptions.ValidationException, match="required for the variable"):
        codepipeline.start()
    with pytest.raises(client.exceptions.ValidationException, match="no variable what"):
        codepipeline.start(who="ana", what="x")


def test_a_request_token_starts_once(codepipeline: CodePipeline, role: str) -> None:
    codepipeline.create(s3_source(), approval(), role=role)
    client = codepipeline.client()

    started = {
        client.start_pipeline_execution(name="pipe", clientRequestToken="once")[
            "pipelineExecutionId"
        ]
        for _ in range(2)
    }

    assert len(started) == 1


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        ([s3_source()], "minimum of 2 stages"),
        ([s3_source(), s3_source()], "more than one stage with the name Source"),
        ([approval(), s3_source()], "first stage of a pipeline can only contain source"),
        (
            [s3_source(), stage("Build", build(inputs=["nothing"]))],
            "input artifact nothing of action Build in stage Build",
        ),
    ],
)
def test_a_wrong_declaration_is_refused(
    codepipeline: CodePipeline, role: str, stages: list[Any], message: str
) -> None:
    with pytest.raises(ClientError, match=message):
        codepipeline.create(*stages, role=role)


def test_a_role_that_does_not_trust_codepipeline_is_refused(codepipeline: CodePipeline) -> None:
    other = make_role(codepipeline.cloud, DEV, "other")

    with pytest.raises(ClientError, match="not authorized to perform AssumeRole"):
        codepipeline.create(s3_source(), approval(), role=other)


def test_more_pipelines_than_the_cloud_has_workers_all_end(
    codepipeline: CodePipeline, codebuild: CodeBuild, role: str
) -> None:
    project(codebuild, "true")
    names = [f"pipe-{number}" for number in range(40)]
    started = {
        name: codepipeline.create(s3_source(), stage("Build", build()), role=role, name=name)
        for name in names
    }

    ended = {name: codepipeline.wait(execution, name) for name, execution in started.items()}

    failed = {
        run["output"]["executionResult"]["errorDetails"]["message"]
        for name, status in ended.items()
        if status != "Succeeded"
        for run in codepipeline.actions(started[name], name).values()
        if run["status"] == "Failed"
    }
    assert not failed
    assert set(ended.values()) == {"Succeeded"}
