"""The promotion's two commands: exit codes, events, and the person who let a release in."""

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from mlzone_runtime.release.__main__ import main
from mlzone_runtime.release.comparison import Difference
from mlzone_runtime.release.deploy import Deployer, DeploymentError
from mlzone_runtime.release.trial import Outcome, Rules, Trial, TrialError
from mlzone_runtime.release.verify import Measured, VerificationError, Verifier

SETTINGS = {
    "MLZONE_UNIT": "retail",
    "MLZONE_TEAM": "risk",
    "MLZONE_MODEL": "credit",
    "MLZONE_ENVIRONMENT": "prod",
    "MLZONE_PLATFORM_BUS": "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform",
    "MLZONE_SERVING_STACK": "serving",
    "MLZONE_MONITORING_STACK": "monitoring",
    "MLZONE_ENDPOINT": "endpoint",
    "MLZONE_P95_LATENCY_MS": "300",
    "MLZONE_ERROR_RATE_PERCENT": "0.5",
    "MLZONE_REQUESTS": "50",
    "MLZONE_PIPELINE_EXECUTION": "e1",
    "MLZONE_PROMOTION_PIPELINE": "promotion",
    "MLZONE_ENGINEERS": "aur-retail-risk-ml-engineer",
}
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
ROLE = "arn:aws:sts::111111111113:assumed-role/aur-retail-model-approver"


@pytest.fixture
def deployed(monkeypatch) -> list[dict]:
    """What was deployed, without a cloud."""
    done: list[dict] = []

    def deploy(_, changes):
        done.append(changes)
        return []

    monkeypatch.setattr(Deployer, "deploy", deploy)
    return done


@pytest.fixture(autouse=True)
def serving(monkeypatch) -> dict[str, Any]:
    """The serving stack, whose model nobody has stopped."""
    stack: dict[str, Any] = {"Parameters": [], "LastUpdatedTime": NOON}
    monkeypatch.setattr(Deployer, "describe", lambda *_: stack)
    return stack


def asked(execution: dict[str, Any]) -> str:
    """The execution in which a person was asked."""
    repeated = execution.get("rollbackMetadata", {})
    return repeated.get("rollbackTargetPipelineExecutionId", "e1")


@pytest.fixture
def promotions() -> list[dict[str, Any]]:
    """The executions that deployed, newest first."""
    return [
        {"pipelineExecutionId": "e1", "status": "InProgress", "sourceRevisions": ["v3"]},
        {"pipelineExecutionId": "e0", "status": "Succeeded", "sourceRevisions": ["v2"]},
    ]


@pytest.fixture
def back() -> list[dict[str, str]]:
    """What the promotion was asked to bring back."""
    return []


@pytest.fixture
def run(monkeypatch, bus, release, tmp_path, promotions, back):
    """Run a command in the environment that its CodeBuild project gives it."""
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    answers: list[dict] = []
    execution: dict[str, Any] = {}
    clients = {
        "events": bus,
        "codepipeline": SimpleNamespace(
            get_pipeline_execution=lambda **_: {"pipelineExecution": dict(execution)},
            list_action_executions=lambda **request: {
                "actionExecutionDetails": answers
                if request["filter"]["pipelineExecutionId"] == asked(execution)
                else []
            },
            list_pipeline_executions=lambda **_: {"pipelineExecutionSummaries": promotions},
            rollback_stage=lambda **asked: back.append(asked) or {"pipelineExecutionId": "e2"},
        ),
    }
    monkeypatch.setattr(boto3, "client", lambda service, **_: clients.get(service))
    document = tmp_path / "release.json"
    document.write_text(release.to_json(), encoding="utf-8")

    def command(
        step: str, *, answered_by: str | None = None, repeats: str = "", after: int = 1
    ) -> int:
        if repeats:
            execution["rollbackMetadata"] = {"rollbackTargetPipelineExecutionId": repeats}
        if answered_by is not None:
            monkeypatch.setenv("MLZONE_APPROVAL_ACTION", "Approve")
            answers[:] = [
                {"actionName": "Deploy", "status": "InProgress"},
                {
                    "actionName": "Approve",
                    "status": "Succeeded",
                    "updatedBy": answered_by,
                    "lastUpdateTime": NOON + timedelta(minutes=after),
                },
            ]
        return main([step, str(document)])

    return command


def test_a_deployment_sets_the_parameters_of_both_stacks_and_tells(run, deployed, bus, release):
    assert run("deploy") == 0

    assert deployed == [
        {"serving": release.serving_parameters(), "monitoring": release.monitoring_parameters()}
    ]
    assert bus.kinds == ["Release Deployed"]
    detail = bus.detail()
    assert detail["release"] == release.release
    assert detail["model_package_arn"] == release.model_package_arn
    assert detail["pipeline_execution"] == "e1"


def test_DEP_02_a_rollback_brings_back_what_a_person_let_in_before(run, deployed, bus):
    assert run("deploy", answered_by=f"{ROLE}/tomas.amaral", repeats="e0") == 0

    assert len(deployed) == 1
    assert bus.kinds == ["Release Restored"]
    assert bus.detail()["facts"]["back_to"] == "e0"
    assert bus.detail()["facts"]["production_approver"] == "tomas.amaral"


def test_a_verification_tells_what_it_measured(run, bus, monkeypatch):
    measured = Measured(requests=50, p95_latency_ms=120.04, error_rate_percent=0)
    monkeypatch.setattr(Verifier, "verify", lambda *_: measured)

    assert run("verify") == 0
    assert bus.kinds == ["Release Validated"]
    assert bus.detail()["facts"] == {
        "endpoint": "endpoint",
        "requests": 50,
        "p95_latency_ms": 120.0,
        "p95_latency_limit_ms": 300.0,
        "error_rate_percent": 0,
        "error_rate_limit_percent": 0.5,
    }


@pytest.fixture
def on_trial(monkeypatch, serving, tmp_path) -> list[Rules]:
    """The setting of a trial beside a release that serves; the rules under which one was made."""
    for name, value in {
        "MLZONE_CHAMPION": "AllTraffic",
        "MLZONE_REQUESTS_URI": "s3://captured/credit/requests/endpoint",
        "MLZONE_TRIAL_MODE": "shadow",
        "MLZONE_TRIAL_REQUESTS": "100",
        "MLZONE_TRIAL_HOURS": "4",
        "MLZONE_TRIAL_DIFFERENCE_PERCENT": "5",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    serving["Parameters"] = [{"ParameterKey": "Release", "ParameterValue": "v2-fedcba"}]
    made: list[Rules] = []

    def run(_, rules):
        made.append(rules)
        return Outcome(
            difference=Difference(requests=120, percent=1.234),
            asked=200,
            failed=0,
            p95_latency_ms=40.0,
        )

    monkeypatch.setattr(Trial, "run", run)
    return made


def test_a_trial_tells_what_was_seen_and_leaves_it_for_the_approver(run, bus, on_trial, tmp_path):
    assert run("trial") == 0

    (rules,) = on_trial
    assert (rules.requests, rules.hours, rules.level.p95_latency_ms) == (100, 4, 300)
    assert bus.kinds == ["Release Tried"]
    assert bus.detail()["facts"]["difference_percent"] == 1.23
    assert (tmp_path / "outcome.txt").read_text(encoding="utf-8") == (
        "120 requests, answers 1.23 % apart (limit 5), 0 % failed (limit 0.5), "
        "p95 40 ms (limit 300)"
    )


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"Release": ""}, "no release serves yet"),
        ({"Release": "v3-abcdef"}, "it serves already"),
        (
            {"Release": "v2", "Stopped": "paula: wrong"},
            "the model is out of service (paula: wrong)",
        ),
    ],
)
def test_what_has_nothing_beside_it_is_not_tried(
    run, bus, on_trial, serving, tmp_path, parameters, reason
):
    serving["Parameters"] = [
        {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
    ]

    assert run("trial") == 0

    assert on_trial == []
    assert bus.detail()["facts"] == {"skipped": f"not tried: {reason}"}
    assert (tmp_path / "outcome.txt").read_text(encoding="utf-8") == f"not tried: {reason}"


def test_DEP_03_a_release_that_does_not_pass_is_refused_and_no_failed_change(
    run, bus, on_trial, monkeypatch, capsys
):
    del on_trial

    def fail(*_):
        raise TrialError("its answers are 40 % from those of the release that serves")

    monkeypatch.setattr(Trial, "run", fail)

    assert run("trial") == 1

    assert bus.kinds == ["Release Refused"]
    assert bus.detail()["facts"]["step"] == "trial"
    assert "40 % from those" in capsys.readouterr().err


def test_DEP_02_an_ab_test_answers_nobody_before_another_person_has_let_it_in(
    run, bus, on_trial, release
):
    assert run("trial", answered_by=f"{ROLE}/{release.author}") == 1

    assert on_trial == []
    assert "production needs one more person" in bus.detail()["facts"]["reason"]


def test_what_an_interrupted_trial_has_left_goes_before_a_deployment(
    run, deployed, serving, monkeypatch
):
    serving["Parameters"] = [
        {"ParameterKey": name, "ParameterValue": value}
        for name, value in {"ChallengerRelease": "v2", "VariantsChange": "yes"}.items()
    ]
    updates: list[dict] = []
    monkeypatch.setattr(Deployer, "update", lambda *asked: updates.append(asked[2]))

    assert run("deploy") == 0

    assert updates == [{"ChallengerRelease": "", "VariantsChange": "yes"}]
    assert deployed[0]["serving"]["VariantsChange"] == ""


@pytest.fixture
def broken(monkeypatch) -> None:
    """An endpoint that does not keep its promises."""

    def fail(*_):
        raise VerificationError("p95 is 900 ms; the service level allows 300 ms")

    monkeypatch.setattr(Verifier, "verify", fail)


@pytest.mark.usefixtures("broken")
def test_DEP_03_the_release_before_comes_back_where_one_fails_its_verification(
    run, bus, back, capsys
):
    assert run("verify") == 1

    assert back == [
        {"pipelineName": "promotion", "stageName": "Deploy", "targetPipelineExecutionId": "e0"}
    ]
    assert bus.kinds == ["Release Failed"]
    facts = bus.detail()["facts"]
    assert (facts["step"], facts["back_to"], facts["restored_by"]) == ("verify", "e0", "e2")
    assert "execution e2 brings the release before back" in capsys.readouterr().err


@pytest.mark.usefixtures("broken")
def test_the_first_release_of_all_serves_on_and_that_is_said(run, bus, back, promotions, capsys):
    del promotions[1]

    assert run("verify") == 1

    assert back == []
    assert bus.detail()["facts"]["stays"] == "no release served before"
    assert "it serves on" in capsys.readouterr().err


@pytest.mark.usefixtures("broken")
def test_nothing_comes_back_where_another_release_was_deployed_since(run, bus, back, promotions):
    promotions.insert(
        0, {"pipelineExecutionId": "e2", "status": "Succeeded", "sourceRevisions": ["v4"]}
    )

    assert run("verify") == 1

    assert back == []
    assert bus.detail()["facts"]["stays"] == "another release was deployed since"


@pytest.mark.usefixtures("broken")
def test_what_staging_refuses_stays_there_to_be_looked_at(run, bus, back, monkeypatch):
    monkeypatch.delenv("MLZONE_PROMOTION_PIPELINE")

    assert run("verify") == 1

    assert back == []
    assert bus.detail()["facts"].keys() == {"step", "reason"}


def test_a_failure_says_why_on_the_bus_and_at_the_end_of_the_log(run, bus, monkeypatch, capsys):
    def fail(*_):
        raise DeploymentError("serving is UPDATE_ROLLBACK_COMPLETE: Endpoint: alarm")

    monkeypatch.setattr(Deployer, "deploy", fail)

    assert run("deploy") == 1
    assert bus.kinds == ["Release Failed"]
    assert bus.detail()["facts"] == {
        "step": "deploy",
        "reason": "serving is UPDATE_ROLLBACK_COMPLETE: Endpoint: alarm",
    }
    assert capsys.readouterr().err.splitlines()[-1].startswith("error: serving is UPDATE_ROLLBACK")


def test_a_document_that_is_none_is_named(run, tmp_path, capsys):
    (tmp_path / "release.json").write_text("{}", encoding="utf-8")

    assert run("deploy") == 1
    assert "is no release document of schema 1" in capsys.readouterr().err


def test_DEP_02_the_person_who_let_it_into_production_is_told(run, deployed, bus):
    assert run("deploy", answered_by=f"{ROLE}/tomas.amaral") == 0
    assert bus.detail()["facts"]["production_approver"] == "tomas.amaral"
    assert deployed


STOPPED = {"ParameterKey": "Stopped", "ParameterValue": "paula.reis: wrong"}


def test_MON_04_a_stopped_model_is_not_deployed(run, deployed, serving, bus):
    serving["Parameters"] = [STOPPED]

    assert run("deploy", answered_by=f"{ROLE}/tomas.amaral", after=-1) == 1

    assert deployed == []
    assert bus.kinds == ["Release Failed"]
    assert "the model is out of service (paula.reis: wrong)" in bus.detail()["facts"]["reason"]


def test_MON_04_a_person_lets_it_serve_again_and_that_is_told(run, deployed, serving, bus):
    serving["Parameters"] = [STOPPED]

    assert run("deploy", answered_by=f"{ROLE}/tomas.amaral", after=1) == 0

    assert [changes["Stopped"] for changes in deployed[0].values()] == ["", ""]
    facts = bus.detail()["facts"]
    assert facts["serves_again_by"] == "tomas.amaral"
    assert facts["was_stopped_by"] == "paula.reis: wrong"


@pytest.mark.parametrize(
    ("person", "reason"),
    [
        ("paula.reis", "paula.reis approved version 3; production needs one more person"),
        ("Bruno.Lima", "Bruno.Lima made version 3; production needs one more person"),
        ("", "promotion does not say who approved execution e1"),
    ],
)
def test_DEP_02_production_needs_one_more_person(run, deployed, bus, person, reason):
    assert run("deploy", answered_by=person and f"{ROLE}/{person}") == 1

    assert deployed == []
    assert json.loads(bus.entries[-1]["Detail"])["facts"]["reason"] == reason
