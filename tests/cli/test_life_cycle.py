"""Models of each template come into production by commit and approvals alone.

One cloud serves all tests of this module; they run in the order in which they are written. The demo
does the same with the template `tabular-realtime`.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from tests.cli.life_cycle import ROOT, Bank
from tests.cli.outside_system import refused
from tests.cli.templates_estate import BATCH, CARS, ELSEWHERE, FORECAST, LENDING, MIGRATED

from mlzone.estate import Stage
from mlzone.loading import load_estate
from mlzone_tools.services.model import experiment, registry, reproduction
from mlzone_tools.services.model.session_of import shared_session, stage_session

CALM = "4,-0.1,-0.3,0.9,4,8,4,5.5,0.5,2.5\n"
CRISIS = "9.6,0.4,3.6,0.7,-2.9,-30,-1.1,0.12,-1.4,3.56\n"
"""What the forecast sees in good times and in a crisis, in the order of `model.yaml`."""

SMALL_CAR = "gas,std,hatchback,fwd,93.7,157.3,63.8,1918,4,90,9.4,68,31\n"
LARGE_CAR = "gas,std,sedan,rwd,120.9,208.1,71.7,3900,8,308,8,184,14\n"
"""What the model of cars is asked, in the order of its features."""

pytestmark = pytest.mark.cdk


@pytest.fixture(scope="module")
def bank(
    tmp_path_factory: pytest.TempPathFactory, documented: Callable[..., Any]
) -> Iterator[Bank]:
    made = Bank(tmp_path_factory.mktemp("bank"), documented)
    try:
        made.open()
        yield made
    finally:
        made.close()


def test_a_commit_trains_a_forecast_and_registers_it_with_its_back_test(bank: Bank):
    bank.mlzone("model", "new", FORECAST, "forecast")
    bank.mlzone("model", "submit", FORECAST, "forecast", "--as", "laura.campos", "--wait")

    version = bank.result("model", "show", FORECAST)["version"]

    assert version["status"] == "PendingManualApproval"
    assert version["author"] == "laura.campos"
    assert float(version["metadata"]["error_ratio"]) < 0.9
    assert int(version["metadata"]["origins"]) > 20


def test_the_build_is_a_run_in_the_teams_mlflow_app_and_in_nobody_elses(bank: Bank):
    (run,) = bank.result("model", "runs", FORECAST, "--as", "laura.campos")
    metadata = bank.result("model", "show", FORECAST)["version"]["metadata"]

    assert (run["kind"], run["status"], run["version"]) == ("build", "FINISHED", 1)
    assert (run["author"], run["commit"]) == ("laura.campos", metadata["commit"])
    assert metadata["mlflow_run"] == run["run"]
    assert f"{run['metrics']['error_ratio']:.6g}" == metadata["error_ratio"]
    assert run["parameters"]["training.rounds"] == "150"
    listed = bank.mlzone("model", "runs", FORECAST).stdout
    assert run["run"][:12] in listed
    assert bank.result("model", "runs", ELSEWHERE, "--as", "bruno.lima") == []
    refused = bank.mlzone("model", "runs", FORECAST, "--as", "bruno.lima", code=3)
    assert "sagemaker:CallMlflowAppApi" in refused.stderr


def test_a_pull_request_is_tested_and_changes_nothing_before_it_is_merged(bank: Bank):
    before = bank.result("model", "show", FORECAST)
    bad = bank.folder / "forecast" / "tests" / "test_bad_idea.py"
    bad.write_text("def test_bad_idea():\n    assert False\n", encoding="utf-8")
    who = ("--as", "laura.campos")
    propose = ("model", "propose", FORECAST, "forecast", *who, "--title", "An idea")

    failed = bank.mlzone(*propose, "--wait", code=4)

    assert "test_bad_idea" in failed.stderr
    (proposed,) = bank.result("model", "proposals", FORECAST)
    assert (proposed["tests"], proposed["author"]) == ("failed", "laura.campos")
    assert proposed["branch"] == "proposal/laura.campos"
    number = proposed["number"]
    refused = bank.mlzone("model", "merge", FORECAST, number, *who, code=3)
    assert "have not passed: failed" in refused.stderr
    bank.mlzone("model", "merge", FORECAST, number, "--as", "bruno.lima", code=3)
    assert bank.result("model", "show", FORECAST) == {**before, "proposals": [proposed]}

    bad.unlink()
    mended = bank.result(*propose, "--wait")

    assert (mended["number"], mended["tests"]) == (number, "passed")
    bank.until(lambda: len(bank.comments(FORECAST, number)) > 1, "the outcome is said there")
    first, second = bank.comments(FORECAST, number)
    assert first.startswith(f"**Tests failed** for commit `{proposed['commit'][:10]}`")
    assert second.startswith(f"**Tests passed** for commit `{mended['commit'][:10]}`")
    assert "passed" in "\n".join(bank.result("model", "proposals", FORECAST, "--log", number))
    closed = bank.result("model", "merge", FORECAST, number, *who, "--close")
    assert closed["status"] == "closed"
    assert bank.result("model", "show", FORECAST) == before


def test_a_commit_registers_a_model_that_was_trained_elsewhere(bank: Bank):
    bank.mlzone("model", "new", ELSEWHERE, "elsewhere")
    bank.mlzone("model", "submit", ELSEWHERE, "elsewhere", "--as", "bruno.lima", "--wait")

    found = bank.result("model", "show", ELSEWHERE)

    metadata = found["version"]["metadata"]
    assert float(metadata["auc"]) >= 0.7
    assert len(metadata["model_hash"]) == 64
    assert "Trained elsewhere" in found["registry"]["ModelCard"]["ModelCardContent"]


def scorecard(template: Path) -> Pipeline:
    """Return a logistic regression on the template's features, with its preparation inside."""
    features = json.loads((template / "model" / "schema.json").read_text())["features"]
    numbers = [item["name"] for item in features if item["type"] == "number"]
    words = [item["name"] for item in features if item["type"] == "category"]
    known = pd.read_csv(template.parent / "tabular-realtime" / "data" / "credit.csv").head(500)
    columns = ColumnTransformer(
        [
            ("numbers", StandardScaler(), numbers),
            ("words", OneHotEncoder(handle_unknown="ignore"), words),
        ]
    )
    model = make_pipeline(columns, LogisticRegression(C=0.1, max_iter=1000))
    return model.fit(known[numbers + words], known["outcome"] == "default")


def test_a_manifest_brings_models_in_once(bank: Bank):
    template = ROOT / "pipeline_templates" / "register-only"
    joblib.dump(scorecard(template), bank.folder / "old.joblib")
    rest = f"{template}/data/credit.csv,outcome,default,0.35,old team,{template}/model/schema.json"
    lines = [
        "model,person,artifact,data,target,positive_class,threshold,trained_by,features",
        f"{MIGRATED},bruno.lima,old.joblib,{rest}",
        f"{ELSEWHERE},bruno.lima,old.joblib,{rest}",
        f"{FORECAST},laura.campos,old.joblib,{rest}",
    ]
    (bank.folder / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    bank.mlzone("migrate", "models", "manifest.csv", "--dry-run", code=1)
    first = bank.result("migrate", "models", "manifest.csv", "--wait", code=1)
    again = bank.result("migrate", "models", "manifest.csv", "--wait", code=1)

    assert first == again
    assert [item["status"] for item in first] == ["registered", "refused", "refused"], first
    assert "holds another project already" in first[1]["detail"]
    assert "expected register-only" in first[2]["detail"]
    (version,) = bank.result("model", "list", MIGRATED)
    assert version["status"] == "PendingManualApproval"
    assert float(version["metadata"]["auc"]) >= 0.7
    assert version["metadata"]["top_features"].split()[0] == "checking_status"


def test_one_approval_brings_a_model_of_tier_3_into_production(bank: Bank):
    bank.mlzone("model", "approve", FORECAST, "--as", "paula.reis", "--reason", "back-test read")

    bank.until(lambda: bank.promoted(FORECAST, "prod"), "the forecast is in production")

    calm, crisis = (bank.call("natalia.ramos", FORECAST, row) for row in (CALM, CRISIS))
    assert 0.03 < calm["probability"] < crisis["probability"] < 0.12
    assert calm["decision"] == "base-scenario"


def test_a_model_of_tier_2_needs_two_people(bank: Bank):
    (bank.folder / "report.md").write_text("Validated on records of our own.", encoding="utf-8")
    as_tomas, as_paula = ("--as", "tomas.amaral"), ("--as", "paula.reis")
    bank.mlzone("model", "approve", ELSEWHERE, *as_paula, "--reason", "read", code=3)
    bank.mlzone("model", "validate", ELSEWHERE, *as_tomas, "--report", "report.md")
    bank.mlzone("model", "approve", ELSEWHERE, *as_paula, "--reason", "report read")

    def asked() -> bool:
        waiting = bank.result("model", "list", "--waiting-for", "tomas.amaral")
        return (ELSEWHERE, "production") in {(w["model"], w["waits_for"]) for w in waiting}

    bank.until(lambda: bank.heard("Promotion Waiting", 1), "the platform hears of the question")
    bank.until(asked, "production asks")
    bank.mlzone("model", "promote", ELSEWHERE, *as_tomas, "--reason", "staging tests read")
    bank.until(lambda: bank.promoted(ELSEWHERE, "prod"), "the scorecard is in production")
    bank.until(lambda: bank.heard("Promotion Answered", 1), "the platform hears of the answer")


def test_lineage_leads_from_the_data_to_the_endpoint(bank: Bank):
    found = bank.result("model", "show", FORECAST, "--lineage")

    assert found["data"]["zone"] == "campaigns"
    assert found["data"]["sha256"][:16] in found["data"]["uri"]
    assert found["run"]["author"] == "laura.campos"
    jobs = {job["step"]: job for job in found["run"]["jobs"]}
    assert {"Prepare", "Train", "Evaluate", "Baseline", "Gate", "Register"} <= jobs.keys()
    assert "@sha256:" in jobs["Train"]["image"]
    assert [(e["name"], e["version"], e["status"]) for e in found["environments"]] == [
        ("staging", 1, "InService"),
        ("prod", 1, "InService"),
    ]
    drawn = bank.mlzone("model", "show", FORECAST, "--lineage").stdout
    assert f"├─ MLflow  {found['run']['mlflow_run']}  {found['run']['mlflow_app']}" in drawn
    assert "└─ prod  this version, release v1-" in drawn


def test_MOD_08_a_version_can_be_reproduced(bank: Bank):
    trained = bank.result("model", "reproduce", f"{FORECAST}:1")
    elsewhere = bank.result("model", "reproduce", f"{ELSEWHERE}:1")

    assert trained["differences"] == elsewhere["differences"] == []
    # Ten figures, and the two files of the model.
    assert trained["compared"] == 12
    assert [name.split("-")[2] for name in trained["jobs"]] == ["Prepare", "Train", "Evaluate"]
    again, build = bank.result("model", "runs", FORECAST, "--as", "laura.campos")
    assert (again["kind"], again["version"], again["status"]) == ("reproduction", 1, "FINISHED")
    assert again["metrics"] == build["metrics"]
    assert again["commit"] == build["commit"]


def test_MOD_08_what_comes_out_otherwise_is_named(bank: Bank):
    estate = load_estate(bank.folder / "organization")
    dev = stage_session(bank.cloud, estate, "retail-banking", Stage.DEV)
    shared = shared_session(bank.cloud, estate, None)
    item = registry.version(shared, estate, f"{ELSEWHERE}:1")
    claimed = replace(item, metadata={**item.metadata, "auc": "0.99"})

    done = reproduction.reproduce(dev, shared, claimed, model_data="", talk=print)
    before = dict(os.environ)
    run = experiment.keep_reproduction(dev, estate, claimed, done)

    assert dict(os.environ) == before
    (difference,) = done.differences
    assert (difference.name, difference.registered) == ("auc", "0.99")
    assert difference.reproduced == item.metadata["auc"]
    assert (run.status, run.reason, run.version) == ("FAILED", "auc differs", 1)


def test_DEP_03_an_update_and_a_rollback_fail_no_request(bank: Bank):
    bank.mlzone("model", "rollback", FORECAST, "--as", "natalia.ramos", code=2)
    bank.edit("forecast/model.yaml", "rounds: 150", "rounds: 120")
    bank.mlzone("model", "submit", FORECAST, "forecast", "--as", "laura.campos", "--wait")
    bank.mlzone("model", "approve", FORECAST, "--as", "paula.reis", "--reason", "back-test read")
    with bank.under_load("natalia.ramos", FORECAST, CALM) as load:
        bank.until(lambda: bank.serves(FORECAST, 2), "version 2 serves")
        first = bank.call("natalia.ramos", FORECAST, CALM)["probability"]
        updated = load.answered
        bank.until(lambda: bank.settled(FORECAST), "the promotion has ended")

        refused = bank.mlzone("model", "rollback", FORECAST, "--as", "fabio.melo", code=3)
        done = bank.result("model", "rollback", FORECAST, "--as", "natalia.ramos")
        second = bank.call("natalia.ramos", FORECAST, CALM)["probability"]

    assert "an engineer of the model's team may" in refused.stderr
    assert done["serving"]["version"] == 1
    assert serving(bank) == (1, "InService")
    assert first != second
    assert updated > 50
    assert load.failures == []
    first, second = reversed(trials(bank))
    assert first == "not tried: no release serves yet"
    assert re.fullmatch(r"\d\d+ requests, answers 0\.\d+ % apart \(limit 5\), 0 % .*", second)


def test_MOD_01_a_version_that_serves_is_not_retired_and_another_one_is(bank: Bank):
    why = ("--as", "paula.reis", "--reason", "worse in good times")
    refused = bank.mlzone("model", "retire", f"{FORECAST}:1", *why, code=2)
    assert f"{FORECAST}:1 serves in prod" in refused.stderr
    # Staging has version 2 still.
    refused = bank.mlzone("model", "retire", f"{FORECAST}:2", *why, code=2)
    assert f"{FORECAST}:2 serves in staging" in refused.stderr
    bank.mlzone("model", "rollback", FORECAST, "-e", "staging", "--as", "natalia.ramos")
    by_author = ("--as", "laura.campos", "--reason", "mine")
    bank.mlzone("model", "retire", f"{FORECAST}:2", *by_author, code=3)

    (done,) = bank.result("model", "retire", f"{FORECAST}:2", *why)
    (again,) = bank.result("model", "retire", f"{FORECAST}:2", *why)

    assert (done["before"], again["before"]) == (False, True)
    found = bank.result("model", "show", f"{FORECAST}:2")
    assert (found["version"]["status"], found["version"]["stage"]) == ("Rejected", "Archived")
    said = found["registry"]["ModelLifeCycle"]["StageDescription"]
    assert said == "paula.reis: worse in good times"


def test_DEP_03_what_fails_its_verification_in_production_goes_back_by_itself(bank: Bank):
    bank.promise(FORECAST, milliseconds=0)
    bank.edit("forecast/model.yaml", "rounds: 120", "rounds: 90")
    bank.mlzone("model", "submit", FORECAST, "forecast", "--as", "laura.campos", "--wait")
    bank.mlzone("model", "approve", FORECAST, "--as", "paula.reis", "--reason", "back-test read")

    with bank.under_load("natalia.ramos", FORECAST, CALM):
        # Two were brought back by people in the tests before.
        bank.until(lambda: bank.heard("Release Restored", 3), "the release before is back")
    bank.until(lambda: bank.settled(FORECAST), "the promotion has ended")

    assert serving(bank) == (1, "InService")
    back, failed = [
        run
        for run in bank.result("model", "show", FORECAST)["runs"]
        if run["pipeline"].endswith("-prod-promotion")
    ][:2]
    assert (back["status"], failed["status"]) == ("Succeeded", "Failed")
    verification = failed["actions"][-1]
    assert verification["name"] == "Verify"
    assert (
        f"execution {back['execution']} brings the release before back" in (verification["summary"])
    )
    total = bank.result("kpi")["total"]
    assert total["change_failure_rate"] > 0
    assert total["time_to_restore"]["count"] == 1


def test_a_model_with_daily_batches_comes_into_production_without_an_endpoint(bank: Bank):
    bank.mlzone("model", "new", BATCH, "batch")
    bank.mlzone("model", "submit", BATCH, "batch", "--as", "bruno.lima", "--wait")
    bank.mlzone("model", "approve", BATCH, "--as", "paula.reis", "--reason", "card read")

    bank.until(lambda: bank.promoted(BATCH, "prod"), "the review is in production")

    for place in bank.result("model", "show", BATCH, "--lineage")["environments"]:
        assert (place["version"], place["status"]) == (1, "Scheduled")


def test_a_day_is_answered_for_once(bank: Bank):
    yesterday = (bank.cloud.now.date() - timedelta(days=1)).isoformat()
    before = (bank.cloud.now.date() - timedelta(days=2)).isoformat()
    day = (ROOT / "pipeline_templates" / "tabular-batch" / "batch" / "example.csv").read_bytes()
    lending = bank.outside(LENDING, BATCH, "batch-input", ExternalId="loans")
    bank.bring(lending, BATCH, yesterday, day)
    asked = ("model", "backfill", BATCH, "--from", before, "--to", yesterday, "--as")

    def answered() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = bank.result(*asked, "fabio.melo")
        # The inspector looks into what lands first.
        return found if found[1]["state"] != "NoInput" else []

    first = bank.until(answered, "the day's records have landed")
    again = bank.result(*asked, "fabio.melo")

    assert [item["state"] for item in first] == ["NoInput", "Completed"]
    assert [item["state"] for item in again] == ["NoInput", "Completed"]
    assert (again[1]["job"], again[1]["new"]) == (first[1]["job"], False)
    (known,) = bank.result("model", "batches", BATCH)
    assert (known["day"], known["state"], known["job"]) == (
        yesterday,
        "Completed",
        first[1]["job"],
    )
    assert known["release"].startswith("v1-")
    refused = bank.mlzone(*asked, "natalia.ramos", code=3)
    assert "an engineer of the model's team may" in refused.stderr
    bank.mlzone("model", "backfill", FORECAST, *asked[3:], "natalia.ramos", code=2)


def test_IAM_11_a_system_fetches_what_was_answered_and_another_brings_what_is_asked(bank: Bank):
    data, made = bank.data(BATCH), f"{bank.batches(BATCH)}/output/"
    fetching = bank.outside(LENDING, BATCH, "batch-results")
    bringing = bank.outside(LENDING, BATCH, "batch-input", ExternalId="loans")

    listed = fetching.list_objects_v2(Bucket=data, Prefix=made)["Contents"]
    results = [item["Key"] for item in listed if "/results/" in item["Key"]]
    prepared = next(item["Key"] for item in listed if "/prepared/" in item["Key"])
    answers = fetching.get_object(Bucket=data, Key=results[0])["Body"].read().splitlines()

    assert 0 <= float(answers[0].rsplit(b",", 1)[1]) <= 1
    assert refused(fetching.get_object, Bucket=data, Key=prepared)
    assert refused(fetching.put_object, Bucket=data, Key=results[0], Body=b"0")
    assert refused(fetching.list_objects_v2, Bucket=data)
    assert refused(bringing.get_object, Bucket=data, Key=results[0])
    assert refused(bringing.list_objects_v2, Bucket=data, Prefix=made)
    assert refused(bringing.put_object, Bucket=data, Key=results[0], Body=b"0")
    unsaid = {"system": LENDING, "model": BATCH, "duty": "batch-input"}
    assert refused(bank.outside, **unsaid), "the external id belongs to it"


def test_MON_02_the_schedule_asks_by_itself_and_a_monitor_looks_at_the_answers(bank: Bank):
    today = bank.cloud.now.date()
    lines = (ROOT / "pipeline_templates" / "tabular-batch" / "batch" / "example.csv").read_text()
    header, *rows = lines.splitlines()
    place = header.split(",").index("credit_amount")
    cells = [row.split(",") for row in rows]
    moved = [[*row[:place], "99999", *row[place + 1 :]] for row in cells]
    text = "\n".join([header, *(",".join(row) for row in moved)]) + "\n"
    engineer = bank.in_production("fabio.melo", BATCH).client("s3")
    bank.bring(engineer, BATCH, today.isoformat(), text.encode())
    bank.until(lambda: bank.heard("Data Inspected", 2), "the day's records have landed")

    night = datetime.combine(today + timedelta(days=1), time(), tzinfo=UTC)
    bank.advance_to(night + timedelta(hours=2, minutes=1))
    bank.until(lambda: bank.heard("Batch Completed", 2), "the schedule has asked")
    bank.advance_to(night + timedelta(hours=4, minutes=21))

    def looked() -> dict[str, Any] | None:
        """Return the newest run; where the clock passed a morning, it was over the day before."""
        newest = bank.explained(BATCH)
        return newest if newest and newest["outcome"] != "no_drift" else None

    found = bank.until(looked, "the monitor has looked at what the schedule asked")
    assert found["records"]["analysed"] >= 40
    moved_features = [item["name"] for item in found["features"] if item["moved"]]
    assert "credit_amount" in moved_features


def test_MON_04_a_model_that_is_stopped_is_asked_nothing(bank: Bank):
    day = bank.cloud.now.date().isoformat()
    bank.mlzone("model", "stop", BATCH, "--as", "fabio.melo", "--reason", "wrong records")

    asked = ("model", "backfill", BATCH, "--from", day, "--to", day, "--as", "fabio.melo")
    refused = bank.mlzone(*asked, code=2)

    assert "no release here, or it is stopped" in refused.stderr
    found = bank.result("model", "show", BATCH, "--lineage")["environments"]
    assert [(place["name"], place["status"]) for place in found] == [
        ("staging", "Scheduled"),
        ("prod", ""),
    ]


def test_MOD_09_a_commit_makes_an_image_and_trains_and_evaluates_in_it(bank: Bank):
    bank.mlzone("model", "new", CARS, "cars")
    bank.mlzone("model", "submit", CARS, "cars", "--as", "bruno.lima", "--wait")

    version = bank.result("model", "show", CARS)["version"]

    assert version["status"] == "PendingManualApproval"
    assert float(version["metadata"]["error_ratio"]) < 0.6
    jobs = {
        job["step"]: job for job in bank.result("model", "show", CARS, "--lineage")["run"]["jobs"]
    }
    own = {jobs[step]["image"] for step in ("Prepare", "Train", "Evaluate")}
    assert len(own) == 1
    (image,) = own
    assert "/aur/retail-banking/car-value@sha256:" in image
    assert "/aur/analyzer@sha256:" in jobs["Baseline"]["image"]


def test_a_model_in_an_image_of_its_own_comes_into_production(bank: Bank):
    bank.mlzone("model", "approve", CARS, "--as", "paula.reis", "--reason", "card read")

    bank.until(lambda: bank.promoted(CARS, "prod"), "the cars are in production")

    small, large = (bank.call("fabio.melo", CARS, row) for row in (SMALL_CAR, LARGE_CAR))
    assert 3000 < small["answer"] < 12000
    assert 20000 < large["answer"] < 60000
    assert (small["decision"], large["decision"]) == ("accept", "appraise")
    reproduced = bank.result("model", "reproduce", f"{CARS}:1")
    assert reproduced["differences"] == []


def trials(bank: Bank) -> list[str]:
    """Return what came of the forecast's trials in production, newest first."""
    return [
        action["summary"]
        for run in bank.result("model", "show", FORECAST)["runs"]
        for action in run["actions"]
        if action["name"] == "Trial"
    ]


def serving(bank: Bank) -> tuple[int, str]:
    """Return the version of the forecast in production, and the endpoint's status."""
    found = bank.result("model", "show", FORECAST, "--lineage")["environments"]
    return next((e["version"], e["status"]) for e in found if e["name"] == "prod")
