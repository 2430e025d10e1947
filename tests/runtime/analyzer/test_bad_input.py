"""Bad settings and bad input have a named outcome and an exit code; nothing fails silently."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import (
    Monitor,
    Project,
    Run,
    analyzer,
    answers_of,
    applicants,
    write_capture,
)


@pytest.mark.parametrize("content", [None, "", "half a line"])
def test_a_window_without_records_says_nothing_about_drift(
    monitor: Monitor, tmp_path: Path, content: str | None
) -> None:
    folder = tmp_path / "capture"
    folder.mkdir()
    if content is not None:
        (folder / "a.jsonl").write_text(content)

    run = monitor(folder)

    assert run.code == 1
    assert run.explanation["outcome"] == "no_records"
    assert run.json("constraint_violations.json")["violations"] == []
    assert run.json("constraint_violations.json")["mlzone"]["outcome"] == "no_records"
    assert "no record to analyse" in run.stdout
    message = (tmp_path / "opt-ml" / "output" / "message").read_text()
    assert message.startswith("Failed: There was no record")


def test_too_few_records_are_an_outcome_of_their_own(watch: Callable[..., Run]) -> None:
    frame = applicants(60, seed=31)
    frame["income"] *= 100

    run = watch(frame)

    assert run.code == 0
    assert run.explanation["outcome"] == "too_few_records"
    violations = run.json("constraint_violations.json")
    assert violations == {
        "violations": [],
        "mlzone": {"outcome": "too_few_records", "left_out": {}},
    }
    assert "Only 60 records were captured, fewer than the 200" in run.explanation["sentences"][0]


def test_the_job_sets_thresholds_above_the_baselines(watch: Callable[..., Run]) -> None:
    frame = applicants(400, seed=32)

    run = watch(frame, MLZONE_MIN_RECORDS="500", MLZONE_MAX_PSI="0.4", MLZONE_RELEASE="r1")

    assert run.explanation["outcome"] == "too_few_records"
    assert run.explanation["settings"]["max_psi"] == 0.4
    assert run.explanation["monitor"]["release"] == "r1"


def test_too_few_values_of_one_feature_are_said(watch: Callable[..., Run]) -> None:
    frame = applicants(400, seed=33)
    frame.loc[20:, "age"] = np.nan

    run = watch(frame)

    ages = next(item for item in run.explanation["features"] if item["name"] == "age")
    assert ages["outcome"] == "too_few_values"
    assert run.causes == {"age": "missing_values"}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"dataset_source": "/nowhere"}, "no such folder of data: /nowhere"),
        ({"baseline_statistics": "/nowhere/s.json"}, "no such file: /nowhere/s.json"),
        ({"output_path": ""}, "the environment variable output_path is not set"),
        ({"dataset_format": "csv"}, "dataset_format is no JSON"),
        ({"dataset_format": '{"parquet": {}}'}, "is not supported"),
        ({"start_time": "yesterday"}, "expected a time in ISO 8601"),
        ({"MLZONE_MAX_PSI": "high"}, "MLZONE_MAX_PSI is 'high'; expected a number"),
        ({"MLZONE_MONITOR": "mood"}, "MLZONE_MONITOR is 'mood'; expected one of data-quality"),
    ],
)
def test_bad_settings_are_named(
    monitor: Monitor, tmp_path: Path, changes: dict[str, str], complaint: str
) -> None:
    run = monitor(tmp_path, **changes)

    assert run.code == 2
    assert complaint in run.stderr


def test_a_baseline_that_is_no_json_is_named(
    monitor: Monitor, tmp_path: Path, project: Project
) -> None:
    shutil.copytree(project.baseline, tmp_path / "baseline")
    (tmp_path / "baseline" / "statistics.json").write_text("{")

    run = monitor(tmp_path, baseline_statistics=str(tmp_path / "baseline"))

    assert run.code == 2
    assert "statistics.json is no JSON" in run.stderr


def test_the_baseline_of_another_model_is_refused(
    monitor: Monitor, tmp_path: Path, project: Project
) -> None:
    shutil.copytree(project.baseline, tmp_path / "baseline")
    file = tmp_path / "baseline" / "statistics.json"
    document = json.loads(file.read_text())
    document["features"] = [item for item in document["features"] if item["name"] != "age"]
    file.write_text(json.dumps(document))

    run = monitor(tmp_path, baseline_statistics=str(tmp_path / "baseline"))

    assert run.code == 2
    assert "no statistics of age" in run.stderr


@pytest.mark.parametrize(
    ("absent", "reason"),
    [("model.tar.gz", "the baseline has no model.tar.gz"), ("sample.csv", "has no sample.csv")],
)
def test_without_the_model_findings_are_ranked_by_their_size(
    watch: Callable[..., Run], tmp_path: Path, project: Project, absent: str, reason: str
) -> None:
    shutil.copytree(project.baseline, tmp_path / "baseline")
    (tmp_path / "baseline" / absent).unlink()
    frame = applicants(3000, seed=34)
    frame["age"] -= 8
    frame["temperature"] += 20

    run = watch(frame, baseline_statistics=str(tmp_path / "baseline"))

    assert [finding["feature"] for finding in run.explanation["findings"]] == ["temperature", "age"]
    assert run.explanation["attribution"]["available"] is False
    assert any(reason in sentence for sentence in run.explanation["sentences"])


def test_a_constant_and_an_empty_column_in_the_baseline_are_no_trouble(
    tmp_path: Path, project: Project, monitor: Monitor
) -> None:
    data = applicants(500, seed=35)
    data["temperature"] = 22.0
    data["age"] = np.nan
    (tmp_path / "data").mkdir()
    data.to_csv(tmp_path / "data" / "a.csv", index=False)
    places = {"--dataset": tmp_path / "data", "--model": project.model}
    options = [item for pair in places.items() for item in pair]
    code, _, err = analyzer("baseline", *options, "--output", tmp_path / "baseline")
    assert code == 0, err

    now = applicants(500, seed=36).assign(temperature=22.0, age=np.nan)
    run = monitor(
        write_capture(tmp_path / "capture", now, answers_of(project, now)),
        baseline_statistics=str(tmp_path / "baseline"),
        baseline_constraints=str(tmp_path / "baseline"),
    )

    assert run.explanation["outcome"] == "no_drift", run.stdout
