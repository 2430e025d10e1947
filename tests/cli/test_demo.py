"""`mlzone demo` holds from the first step to the last, and its cloud can then be explored.

One run of the demo serves all tests of this module: it takes its time, and what it leaves behind is
what the other commands are for. They run in the order in which they are written.
"""

import json
import os
import re
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.outside_system import refused
from tests.cli.watched import Watched, changed_estate
from tests.cli.workplace import equip

from mlzone.estate import Stage
from mlzone_tools.cloud import embedded
from mlzone_tools.demo.scene import wait
from mlzone_tools.services.evidence import chain

ROOT = Path(__file__).parents[2]
LINKS = (
    "app.py",
    "cdk.json",
    "node_modules",
    "organization",
    "pipeline_templates",
    "runtime",
)
MODEL = "retail-banking/credit-default"
STEPS = [
    "validate",
    "cloud",
    "bootstrap",
    "deploy",
    "look",
    "isolation",
    "guardrail",
    "project",
    "build",
    "registry",
    "self-approval",
    "approval",
    "staging",
    "production",
    "traffic",
    "monitor",
    "drift",
    "alarm",
    "retraining",
    "kpi",
    "evidence",
]

pytestmark = pytest.mark.cdk


class Shell:
    """A folder with the product, in which the demo has run and its cloud is still up."""

    def __init__(self, folder: Path, documented: Callable[..., Any]) -> None:
        self.folder = folder
        self.documented = documented
        equip(folder, *LINKS)

    def run(
        self, program: str, *arguments: str, variables: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return subprocess.run(
            [Path(sys.executable).with_name(program), *arguments],
            cwd=self.folder,
            env={**own, "MLZONE_STATE": ".mlzone/demo", **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
        )

    def mlzone(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.run("mlzone", *arguments)

    def result(self, *arguments: str, code: int = 0):
        """Return what a command prints as JSON; it is as documented."""
        done = self.mlzone(*arguments, "--json")
        assert done.returncode == code, done.stderr
        return self.documented(done.stdout, *arguments)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def shell(
    tmp_path_factory: pytest.TempPathFactory, documented: Callable[..., Any]
) -> Iterator[Shell]:
    shell = Shell(tmp_path_factory.mktemp("demo"), documented)
    try:
        done = shell.mlzone("demo", "--keep", f"--port={free_port()}", "--output=out")
        assert done.returncode == 0, done.stderr[-3000:] + done.stdout
        assert "export MLZONE_STATE=.mlzone/demo" in done.stderr
        yield shell
    finally:
        embedded.stop(shell.folder / ".mlzone" / "demo")


@pytest.fixture(scope="module")
def report(shell: Shell) -> dict:
    return json.loads((shell.folder / "out" / "report.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def facts(report: dict) -> dict[str, dict]:
    return {step["name"]: step["facts"] for step in report["steps"]}


def test_every_step_holds(report: dict, documented: Callable[..., Any]):
    documented(json.dumps(report["steps"]), "demo")
    assert report["passed"] is True
    assert [step["name"] for step in report["steps"]] == STEPS
    assert {step["status"] for step in report["steps"]} == {"passed"}


def test_the_report_is_a_page_with_the_monitors_page(shell: Shell):
    page = (shell.folder / "out" / "report.html").read_text(encoding="utf-8")

    assert "21 of 21 steps held" in page
    assert "</html>" in page
    assert "</html>" in (shell.folder / "out" / "drift.html").read_text(encoding="utf-8")


def test_the_binder_holds_the_versions_evidence(shell: Shell, facts: dict[str, dict]):
    chain = facts["evidence"]
    page = (shell.folder / "out" / "binder.html").read_text(encoding="utf-8")

    assert chain["version"] == facts["approval"]["model package"]
    assert chain["head"] in page
    assert facts["build"]["git commit"] in page
    assert "Not held" not in chain
    assert "is whole" in page


def test_an_auditor_verifies_the_evidence(shell: Shell):
    (chain,) = shell.result("evidence", "verify", MODEL, "--as", "odete.farias")

    assert chain["problems"] == []
    assert chain["records"] >= 15


def test_the_binder_is_written_for_a_version(shell: Shell):
    found = shell.result("evidence", "binder", MODEL, "--version", "1", "--out", "out/evidence")

    assert found["version"]["version"] == 1
    assert found["card"]
    statuses = {row["control"]: row["status"] for t in found["frameworks"] for row in t["controls"]}
    assert statuses["MOD-03"] == statuses["DEP-02"] == statuses["MON-02"] == "recorded"
    assert statuses["NET-01"] == "held"
    assert (shell.folder / "out" / "evidence" / "retail-banking-credit-default-1.html").exists()


def test_the_facts_name_real_things(facts: dict[str, dict]):
    group = (
        "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-banking-credit-default"
    )

    assert "VpcOnly" in facts["look"]["studio domain"]
    assert "bruno-lima" in facts["look"]["profiles"]
    assert re.fullmatch("[0-9a-f]{40}", facts["build"]["git commit"])
    assert facts["registry"]["commit"] == facts["build"]["git commit"]
    assert facts["build"]["model package"] == facts["approval"]["model package"] == f"{group}/1"
    assert facts["retraining"]["model package"] == f"{group}/2"
    assert facts["retraining"]["started by"] == "drift"
    assert 0.7 < float(facts["registry"]["auc"]) < 0.9
    assert facts["production"]["endpoint"] == "aur-retail-banking-credit-default-prod"
    assert facts["kpi"]["in production"] == 1


def test_the_monitor_names_what_was_changed(facts: dict[str, dict]):
    named = set(facts["drift"]["drifted features"].split(", "))

    assert named == {"checking_status", "credit_amount", "duration_months"}
    assert facts["monitor"]["status"] == "Completed"
    assert facts["alarm"]["alarm"] == "aur-retail-banking-credit-default-prod-drift"


@pytest.mark.parametrize(
    ("step", "fact", "reason"),
    [
        ("isolation", "refused", "aur-retail-banking-marketing-data-111111111111: TeamOnly]"),
        ("guardrail", "refused", "[aur-private-encrypted-ml: JobsInSubnets]"),
        ("registry", "born approved", "[aur-model-life-cycle: NobodyIsBornApproved]"),
        ("self-approval", "refused", "[aur-model-life-cycle: OnlyApproversDecide]"),
        ("approval", "refused without evidence", "lacks evidence of an independent validation"),
        ("approval", "refused alone", "[aur-model-life-cycle: ValidatorsDoNotApprove]"),
        ("production", "refused", "no identity-based policy allows the codepipeline:Put"),
    ],
)
def test_refusals_name_what_decided(facts: dict[str, dict], step: str, fact: str, reason: str):
    assert reason in facts[step][fact]


def test_the_units_stacks_are_all_there(shell: Shell):
    states = shell.result("status", "--unit=retail-banking")

    assert {state["status"] for state in states} == {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
    assert shell.mlzone("status").returncode == 1, "the other units are not deployed"


def test_doctor_sees_the_running_cloud(shell: Shell):
    checks = {check["name"]: check for check in shell.result("doctor")}

    assert "requests" in checks["embedded cloud"]["finding"]
    assert checks["model monitor"]["health"] == "ok"
    assert "it has schedules, such as aur-retail" in checks["model monitor"]["finding"]


def test_images_are_published_once(shell: Shell):
    assert shell.result("cloud", "images") == shell.result("cloud", "images")


def test_versions_are_listed_newest_first(shell: Shell):
    versions = shell.result("model", "list")
    waiting = shell.result("model", "list", "--waiting")

    assert [item["version"] for item in versions] == [2, 1]
    assert [item["decided_by"] for item in versions] == ["", "paula.reis"]
    assert [item["version"] for item in waiting] == [2]


def test_a_version_is_shown_with_the_runs_of_its_delivery(shell: Shell):
    shown = shell.result("model", "show", f"{MODEL}:1")

    assert shown["version"]["author"] == "bruno.lima"
    assert shown["registry"]["ModelApprovalStatus"] == "Approved"
    assert {run["pipeline"].rsplit("-", 1)[-1] for run in shown["runs"]} == {"build", "promotion"}


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_nobody_of_the_first_line_decides(shell: Shell, decision: str):
    done = shell.mlzone("model", decision, MODEL, "--as=bruno.lima", "--reason=mine")

    assert done.returncode == 3
    assert "[aur-model-life-cycle: OnlyApproversDecide]" in done.stderr


def test_plain_AWS_tools_obey_the_same_rules(shell: Shell):
    """The AWS command line, with nothing but the variables of `mlzone cloud env`."""
    arn = shell.result("model", "list", "--waiting")[0]["arn"]
    update = (
        "sagemaker",
        "update-model-package",
        f"--model-package-arn={arn}",
        "--model-approval-status=Rejected",
        "--approval-description=no better than the one in production",
    )

    scientist = shell.result("cloud", "env", "--as=bruno.lima")
    approver = shell.result("cloud", "env", "--as=paula.reis", "--unit=retail-banking")
    refused = shell.run("aws", *update, variables=scientist)
    decided = shell.run("aws", *update, variables=approver)

    assert "AccessDenied" in refused.stderr
    assert decided.returncode == 0, decided.stderr
    shown = shell.result("model", "show", MODEL)["version"]
    assert (shown["status"], shown["decided_by"]) == ("Rejected", "paula.reis")


def test_DAT_04_data_reach_their_zone_without_what_identifies_people(shell: Shell, tmp_path: Path):
    bucket = "--bucket=aur-retail-banking-credit-risk-data-111111111111"
    engineer = shell.result("cloud", "env", "--as=hugo.barros")
    scientist = shell.result("cloud", "env", "--as=bruno.lima")
    file = tmp_path / "customers.csv"
    file.write_text("id,cpf,note,amount\n1,52998224725,write to ana@example.com,10\n")

    def put(key: str) -> subprocess.CompletedProcess[str]:
        name = ("s3api", "put-object", bucket, f"--key={key}", f"--body={file}")
        return shell.run("aws", *name, variables=engineer)

    def get(key: str) -> subprocess.CompletedProcess[str]:
        name = ("s3api", "get-object", bucket, f"--key={key}", str(tmp_path / "got"))
        return shell.run("aws", *name, variables=scientist)

    past = put("credit-applications/customers.csv")
    refused = put("landing/credit-applications/customers.xlsx")
    unread = get("landing/credit-applications/customers.xlsx")
    landed = put("landing/credit-applications/customers.csv")

    assert "AccessDenied" in past.stderr
    assert (refused.returncode, landed.returncode) == (0, 0), refused.stderr + landed.stderr
    assert "AccessDenied" in unread.stderr
    wait(lambda: get("credit-applications/customers.csv").returncode == 0, "it is masked")
    masked = (tmp_path / "got").read_text()
    assert masked == "id,cpf,note,amount\n1,[cpf],write to [email],10\n"

    def told() -> set[str]:
        kinds = {item["kind"] for item in shell.result("kpi", "--events")}
        return kinds if {"Data Inspected", "Data Refused"} <= kinds else set()

    wait(told, "the platform hears of both", seconds=60)


def test_who_works_for_several_units_is_told_how_to_choose(shell: Shell):
    done = shell.mlzone("cloud", "env", "--as=paula.reis")

    assert "paula.reis works for corporate-banking, retail-banking" in done.stderr
    assert "--unit NAME" in done.stderr


def test_MOD_06_an_approval_says_which_evidence_is_missing_and_how_it_is_produced(shell: Shell):
    """The version that drift had trained: explained by its pipeline, validated by nobody."""
    version = f"{MODEL}:2"
    done = shell.mlzone("model", "approve", version, "--as=paula.reis", "--reason=fine")

    assert done.returncode == 3
    assert "is of risk tier 1 and lacks evidence of an independent validation" in done.stderr
    assert f"mlzone model validate {version} --as PERSON --report FILE" in done.stderr


def test_MOD_06_an_approval_past_the_command_line_is_taken_back_by_the_platform(shell: Shell):
    arn = next(item["arn"] for item in shell.result("model", "list") if item["version"] == 2)
    approver = shell.result("cloud", "env", "--as=paula.reis", "--unit=retail-banking")

    done = shell.run(
        "aws",
        "sagemaker",
        "update-model-package",
        f"--model-package-arn={arn}",
        "--model-approval-status=Approved",
        variables=approver,
    )

    assert done.returncode == 0, done.stderr
    wait(
        lambda: shell.result("model", "list", "--waiting-for=tomas.amaral"),
        "the version waits again",
        seconds=30,
    )
    kinds = [(item["kind"], item["environment"]) for item in shell.result("kpi", "--events")]
    assert ("Approval Reverted", "shared") in kinds
    wait(
        lambda: any(
            item["kind"] == "Release Failed" and item["environment"] == "staging"
            for item in shell.result("kpi", "--events")
        ),
        "staging refuses it as well",
        seconds=30,
    )


def test_MOD_06_a_version_waits_for_its_validation_and_then_for_somebody_else(shell: Shell):
    report = shell.folder / "report.md"
    report.write_text("No worse than version 1.\n", encoding="utf-8")
    tomas, paula = "--waiting-for=tomas.amaral", "--waiting-for=paula.reis"
    assert [item["waits_for"] for item in shell.result("model", "list", tomas)] == ["validation"]

    refused = shell.mlzone(
        "model", "validate", f"{MODEL}:2", "--as=bruno.lima", f"--report={report}"
    )
    shell.result("model", "validate", f"{MODEL}:2", "--as=tomas.amaral", f"--report={report}")
    alone = shell.mlzone("model", "approve", f"{MODEL}:2", "--as=tomas.amaral", "--reason=mine")

    assert refused.returncode == 3
    assert "[aur-model-life-cycle: OnlyApproversValidate]" in refused.stderr
    assert alone.returncode == 3
    assert "[aur-model-life-cycle: ValidatorsDoNotApprove]" in alone.stderr
    assert shell.result("model", "list", tomas) == []
    (found,) = shell.result("model", "list", paula)
    assert (found["version"], found["waits_for"]) == (2, "approval")
    me = shell.result("cloud", "env", "--as=paula.reis", "--unit=retail-banking")
    mine = shell.run("mlzone", "model", "list", "--waiting-for=me", "--json", variables=me)
    assert [item["version"] for item in json.loads(mine.stdout)] == [2]


def test_nothing_waits_for_a_promotion(shell: Shell):
    done = shell.mlzone("model", "promote", MODEL, "--as=tomas.amaral", "--reason=why not")

    assert done.returncode == 2
    assert "nothing waits for an answer" in done.stderr


def test_a_new_project_is_no_way_around_the_repositorys_history(shell: Shell):
    shell.result("model", "new", MODEL, "second")
    done = shell.mlzone("model", "submit", MODEL, "second", "--as=bruno.lima")

    assert done.returncode == 2
    assert "has commits that second lacks" in done.stderr
    assert "mlzone model clone" in done.stderr


def test_a_colleague_clones_the_project(shell: Shell, facts: dict[str, dict]):
    folder = shell.result("model", "clone", MODEL, "colleague", "--as=carla.dias")["folder"]

    head = (shell.folder / folder / ".git" / "refs" / "heads" / "main").read_text().strip()
    assert head == facts["build"]["git commit"]


def test_another_team_gets_no_project(shell: Shell):
    done = shell.mlzone("model", "clone", MODEL, "theirs", "--as=laura.campos")

    assert done.returncode == 3
    assert "is not authorized to perform: codecommit:" in done.stderr
    assert not (shell.folder / "theirs").exists()


def looked_into(shell: Shell) -> list[dict]:
    """Return the runs of the monitor of data quality that had requests to look into.

    A full hour may strike while these tests run, and the night come in which others are due.
    """
    runs = shell.result("monitor", "list", MODEL)
    return [run for run in runs if run["monitor"] == "data-quality" and run["job"]]


def test_the_monitors_runs_are_listed_newest_first(shell: Shell):
    runs = looked_into(shell)

    assert [run["status"] for run in runs] == ["CompletedWithViolations", "Completed"]


def test_the_newest_run_is_explained(shell: Shell):
    content = shell.result("monitor", "explain", MODEL)

    assert content["outcome"] == "drift"
    assert shell.mlzone("monitor", "explain", MODEL).stdout.splitlines() == content["sentences"]


def test_the_newest_report_is_fetched_with_what_was_done(shell: Shell):
    fetched = shell.result("monitor", "report", MODEL, "--output=drift.html")

    assert fetched["job"] == looked_into(shell)[0]["job"]
    page = (shell.folder / fetched["file"]).read_text(encoding="utf-8")
    assert "</html>" in page
    assert "1 in a row found something" in page
    assert re.search("What was done.*For the alarm of .*: notify, retrain", page)


def test_a_monitor_is_run_now(shell: Shell):
    done = shell.result("monitor", "run", MODEL, "--environment=staging", "--window=PT4H")

    assert done["run"]["status"] == "Completed"
    assert done["sentences"]


def test_a_window_in_which_nothing_was_asked_is_no_run(shell: Shell):
    done = shell.mlzone("monitor", "run", MODEL)

    assert done.returncode == 4
    assert "no requests from" in done.stdout


def test_key_figures_come_from_events(shell: Shell):
    figures = shell.result("kpi")
    events = shell.result("kpi", "--events")

    assert figures["events"] == len(events)
    others = [item for item in events if item["model"] != MODEL]
    assert {item["kind"] for item in others} == {"Data Inspected", "Data Refused"}, others
    assert [item["scope"] for item in figures["models"]] == [MODEL]
    assert figures["models"][0]["releases"] == 1
    assert figures["models"][0]["lead_time"]["median"] > 0
    assert figures["models"][0]["retrainings"] == 1
    assert events[0]["kind"] == "Build Started"


@pytest.fixture(scope="module")
def watched(shell: Shell) -> Watched:
    """The model with a second release, all its monitors each hour, by SageMaker's engine."""
    version = f"{MODEL}:2"
    shell.result("model", "approve", version, "--as=paula.reis", "--reason=read it again")
    estate = changed_estate(ROOT, shell.folder / "changed", "model-monitor", falls_back=False)
    watched = Watched(estate, shell.folder / ".mlzone" / "demo", MODEL)
    wait(
        lambda: (
            shell.mlzone("model", "promote", MODEL, "--as=tomas.amaral", "--reason=ok").returncode
            == 0
        ),
        "staging validates the version",
        seconds=90,
    )
    wait(lambda: watched.promotions()[0]["status"] == "Succeeded", "production serves it")
    shell.result("deploy", "retail-banking", "--environment=prod", f"--estate={estate}")
    return watched


@pytest.fixture(scope="module")
def scheduled(shell: Shell, watched: Watched) -> Watched:
    """The same by the other engine, and drift brings back the release before."""
    # The training that the story's drift started was less than a day ago.
    watched.advance(timedelta(hours=25))
    estate = changed_estate(
        ROOT, shell.folder / "scheduled", "scheduled-processing", falls_back=True
    )
    shell.result("deploy", "retail-banking", "--environment=prod", f"--estate={estate}")
    return Watched(estate, shell.folder / ".mlzone" / "demo", MODEL)


@pytest.fixture(scope="module")
def features(shell: Shell, watched: Watched) -> list[str]:
    del watched
    names: list[str] = shell.result("monitor", "baseline", MODEL)["features"]
    return [name for name in names if name != "prediction"]


@pytest.mark.usefixtures("watched")
def test_the_baseline_follows_a_promotion(shell: Shell):
    shown = shell.result("monitor", "baseline", MODEL)

    assert shown["release"].startswith("v2-")
    assert "credit_amount" in shown["features"]
    assert shown["records"] > 0


def told(shell: Shell) -> Counter[str]:
    """Count the life-cycle events by their kind."""
    return Counter(item["kind"] for item in shell.result("kpi", "--events"))


def wrong_for_women(shell: Shell, watched: Watched, features: list[str], hours: int) -> None:
    """Let so many hours pass in which outcomes turn against the answers, and their runs end."""
    kinds = ("model-quality", "bias")
    before = {kind: {item.job for item in watched.runs(kind)} for kind in kinds}
    for _ in range(hours):
        brought = told(shell)["Data Inspected"]
        watched.ask_and_learn(features)
        wait(
            lambda brought=brought: told(shell)["Data Inspected"] > brought,
            "what became true is in its zone",
            seconds=60,
        )
        watched.next_hour()
    for number in range(hours):
        # What an hour was asked is looked at an hour later.
        if number or hours == 1:
            watched.next_hour()
        for kind in kinds:
            run = watched.ended(before[kind], kind)
            assert run.status == "CompletedWithViolations", run
            before[kind].add(run.job)
        if number == 0 and hours > 1:
            assert watched.alarm("model-quality") != "ALARM", "one run of three is not enough"


def test_MON_03_outcomes_that_turn_against_the_answers_raise_the_alarms_in_the_second_run(
    shell: Shell, watched: Watched, features: list[str]
):
    before = told(shell)

    wrong_for_women(shell, watched, features, hours=2)

    wait(lambda: watched.alarm("model-quality") == "ALARM", "the alarm of quality rises")
    wait(lambda: watched.alarm("bias") == "ALARM", "the alarm of bias rises")
    estate = f"--estate={watched.scene.estate_path}"
    quality = shell.result("monitor", "explain", MODEL, "--monitor=model-quality", estate)
    assert quality["findings"][0]["kind"] == "concept_drift"
    bias = shell.result("monitor", "explain", MODEL, "--monitor=bias", estate)
    assert "sex" in {finding["group"] for finding in bias["findings"]}
    assert watched.alarm("explainability") == "OK"
    wait(
        lambda: told(shell)["Finding Raised"] >= before["Finding Raised"] + 2,
        "the findings are told",
        seconds=60,
    )


def test_IAM_11_the_system_that_delivers_outcomes_can_do_nothing_else(watched: Watched):
    s3 = watched.deliverer()
    data, body = watched.data, b"{}\n"
    landing = f"{watched.outcomes}/2026/11/24/10/a.jsonl"
    zone = landing.removeprefix("landing/")
    other = landing.replace("/credit-default/", "/limit-increase/")

    s3.put_object(Bucket=data, Key=landing, Body=body)

    assert all(refused(s3.put_object, Bucket=data, Key=key, Body=body) for key in (other, zone))
    assert all(refused(s3.get_object, Bucket=data, Key=key) for key in (landing, zone))
    assert refused(s3.delete_object, Bucket=data, Key=landing)
    assert refused(s3.list_objects_v2, Bucket=data, Prefix=watched.outcomes)
    stranger = "arn:aws:iam::100000000011:role/core-banking/another"
    assert refused(watched.deliverer, system=stranger)


def test_MON_03_drift_that_the_other_engine_finds_trains_a_version_and_brings_back_the_one_before(
    shell: Shell, scheduled: Watched, features: list[str]
):
    assert scheduled.next_run(features, drifted=False).status == "Completed"
    wait(lambda: scheduled.alarm("drift") == "OK", "the alarm ends")

    before = told(shell)
    found = scheduled.next_run(features, drifted=True)
    assert found.status == "CompletedWithViolations"
    assert scheduled.alarm("drift") == "OK", "one run of three is not enough"
    found = scheduled.next_run(features, drifted=True)

    assert found.status == "CompletedWithViolations"
    content = shell.result("monitor", "explain", MODEL, f"--estate={scheduled.scene.estate_path}")
    assert [item["feature"] for item in content["findings"]] == [
        "checking_status",
        "duration_months",
        "credit_amount",
    ]
    wait(lambda: scheduled.alarm("drift") == "ALARM", "the alarm rises")
    rollback = wait(
        lambda: next(
            (
                item
                for item in scheduled.promotions()
                if item["executionType"] == "ROLLBACK" and item["status"] != "InProgress"
            ),
            None,
        ),
        "the promotion brings back the release before",
        seconds=90,
    )
    assert rollback["status"] == "Succeeded"
    assert shell.result("monitor", "baseline", MODEL)["release"].startswith("v1-")
    waiting = wait(
        lambda: shell.result("model", "list", "--waiting"), "a version waits", seconds=90
    )
    assert [(item["version"], item["metadata"]["trigger"]) for item in waiting] == [(3, "drift")]
    answered = told(shell)["Finding Answered"]
    assert answered >= before["Finding Answered"] + len(("notify", "retrain", "fall-back"))


def test_MON_02_the_other_engine_hands_over_what_became_true_side_by_side(
    shell: Shell, scheduled: Watched, features: list[str]
):
    wrong_for_women(shell, scheduled, features, hours=1)

    estate = f"--estate={scheduled.scene.estate_path}"
    bias = shell.result("monitor", "explain", MODEL, "--monitor=bias", estate)
    assert "sex" in {finding["group"] for finding in bias["findings"]}


def test_runs_of_the_other_engine_are_listed_like_any(shell: Shell, scheduled: Watched):
    estate = f"--estate={scheduled.scene.estate_path}"
    runs = shell.result("monitor", "list", MODEL, estate)

    assert {run["monitor"] for run in runs} == {
        "data-quality",
        "model-quality",
        "bias",
        "explainability",
    }
    assert "CompletedWithViolations" in {run["status"] for run in runs}


def test_MON_04_one_command_takes_a_model_out_of_service_until_a_person_lets_it_serve(
    shell: Shell, scheduled: Watched
):
    scene = scheduled.scene
    estate = f"--estate={scene.estate_path}"
    name = scene.naming.endpoint(scene.unit.name, scene.model.name, Stage.PROD)

    def endpoints() -> set[str]:
        listed = scheduled.client("sagemaker").list_endpoints()["Endpoints"]
        return {item["EndpointName"] for item in listed}

    assert name in endpoints()
    refused = shell.mlzone("model", "stop", MODEL, "--as=natalia.ramos", "--reason=mine", estate)
    done = shell.result("model", "stop", MODEL, "--as=paula.reis", "--reason=INC-12", estate)

    assert refused.returncode == 3
    assert "lambda:InvokeFunction" in refused.stderr
    assert done["stopped"] == "paula.reis: INC-12"
    assert name not in endpoints()
    # What was approved before the stop does not come back by itself.
    pipeline = scene.naming.promotion_pipeline(scene.unit.name, scene.model.name, Stage.PROD)
    deployed = scheduled.client("codepipeline").list_pipeline_executions(
        pipelineName=pipeline, filter={"succeededInStage": {"stageName": "Deploy"}}
    )["pipelineExecutionSummaries"]
    earlier = next(item for item in deployed if item["executionType"] == "STANDARD")
    scheduled.client("codepipeline").rollback_stage(
        pipelineName=pipeline,
        stageName="Deploy",
        targetPipelineExecutionId=earlier["pipelineExecutionId"],
    )
    wait(lambda: scheduled.promotions()[0]["status"] == "Failed", "it stays stopped", seconds=90)
    assert name not in endpoints()

    started = shell.result("model", "start", MODEL, "--as=fabio.melo", estate)
    assert started["needs_approval"] is True
    wait(
        lambda: (
            shell.mlzone(
                "model", "promote", MODEL, "--as=tomas.amaral", "--reason=mended", estate
            ).returncode
            == 0
        ),
        "the promotion asks",
        seconds=60,
    )
    wait(lambda: scheduled.promotions()[0]["status"] == "Succeeded", "it serves again", seconds=120)
    assert name in endpoints()
    told = [item for item in shell.result("kpi", "--events") if item["environment"] == "prod"]
    (stop,) = [item for item in told if item["kind"] == "Model Stopped"]
    assert stop["actor"] == "paula.reis"
    served = done["release"].partition("-")[0].removeprefix("v")
    binder = shell.result("evidence", "binder", MODEL, "--version", served, estate)
    kinds = {record["content"]["kind"] for record in binder["records"]}
    assert "Model Stopped" in kinds
    statuses = {
        row["control"]: row["status"] for t in binder["frameworks"] for row in t["controls"]
    }
    assert statuses["MON-04"] == "recorded"


def test_IAM_10_an_emergency_is_heard_of_with_its_person_and_its_incident(
    shell: Shell, watched: Watched
):
    scene = watched.scene
    pipeline = scene.naming.promotion_pipeline(scene.unit.name, scene.model.name, Stage.PROD)
    place = (f"--pipeline-name={pipeline}", "--stage-name=Deploy", "--transition-type=Inbound")
    whose = ("cloud", "env", "--unit=retail-banking", "--incident=INC-7")

    nobody = shell.mlzone(*whose, "--as=fabio.melo")
    admin = shell.result(*whose, "--as=igor.teixeira")
    halt = ("codepipeline", "disable-stage-transition", *place, "--reason=INC-7")
    halted = shell.run("aws", *halt, variables=admin)
    secret = ("s3api", "list-objects-v2", "--bucket=aur-retail-banking-capture-111111111113")
    refused = shell.run("aws", *secret, variables=admin)
    go_on = ("codepipeline", "enable-stage-transition", *place)
    restored = shell.run("aws", *go_on, variables=admin)

    assert nobody.returncode == 2
    assert "fabio.melo is not a platform administrator" in nobody.stderr
    assert (halted.returncode, restored.returncode) == (0, 0), halted.stderr + restored.stderr
    assert "AccessDenied" in refused.stderr

    def told() -> list[dict[str, Any]]:
        events = shell.result("kpi", "--events")
        found = [item for item in events if item["kind"].startswith("Glass")]
        return found if len(found) >= 3 else []  # a session, and two changes

    events = wait(told, "the platform hears of it", seconds=60)
    assert {item["actor"] for item in events} == {"igor.teixeira"}
    assert [item["kind"] for item in events].count("Glass Broken") == 1
    kept = [
        record.content["facts"]
        for record in chain.records(scene.registry(), scene.estate, "platform")
        if record.kind.startswith("Glass")
    ]
    assert "INC-7" in {facts.get("incident") for facts in kept}
    assert {facts["action"] for facts in kept} == {
        "sts.amazonaws.com:AssumeRoleWithSAML",
        "codepipeline.amazonaws.com:DisableStageTransition",
        "codepipeline.amazonaws.com:EnableStageTransition",
    }


def test_a_removal_says_first_what_it_would_do(shell: Shell):
    planned = shell.result("destroy", "retail-banking", "--environment=staging", "--dry-run")

    assert "aur-retail-banking-staging-serving-credit-default" in planned["stacks"]
    assert all("-staging-" in stack for stack in planned["stacks"])
    assert "AWS::S3::Bucket" in {item["type"] for item in planned["kept"]}


def test_a_removal_leaves_only_what_it_lists(shell: Shell):
    removed = shell.result("destroy", "retail-banking", "--environment=staging", "--yes")

    variables = shell.result("cloud", "env", "--account=111111111112")
    listed = shell.run("aws", "s3api", "list-buckets", variables=variables)
    endpoints = shell.run("aws", "sagemaker", "list-endpoints", variables=variables)
    states = {item["stack"]: item["status"] for item in shell.result("status", code=1)}
    buckets = {bucket["Name"] for bucket in json.loads(listed.stdout)["Buckets"]}
    kept = {item["name"] for item in removed["kept"] if item["type"] == "AWS::S3::Bucket"}

    assert {name for name in buckets if not name.startswith("cdk-")} == kept
    assert json.loads(endpoints.stdout)["Endpoints"] == []
    assert {states[stack] for stack in removed["stacks"]} == {"MISSING"}
    assert states["aur-retail-banking-prod-serving-credit-default"].endswith("_COMPLETE")


def test_kept_data_stand_in_the_way_of_a_new_deployment(shell: Shell):
    done = shell.mlzone("deploy", "retail-banking", "--environment=staging")

    assert done.returncode == 4
    assert "aur-retail-banking-logs-111111111112" in done.stderr
    assert "was kept" in done.stderr
