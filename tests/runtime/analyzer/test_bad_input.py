"""Bad settings and bad input have a named outcome and an exit code; nothing fails silently."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from .conftest import (
    Monitor,
    Project,
    Run,
    analyzer,
    answers_of,
    applicants,
    closed_cases,
    record,
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
        ({"dataset_format": '{"avro": {}}'}, "is not supported"),
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


@dataclass(frozen=True)
class Bad:
    """Bad input, and the names under which the file of violations tells of it."""

    name: str
    spoil: Callable[[pd.DataFrame], pd.DataFrame]
    outcome: str
    violation: tuple[str, str] | None = None
    left_out: str = ""
    code: int = 0
    after: Callable[[Path], None] = lambda _: None
    """What is done to the written files."""
    changes: dict[str, str] = field(default_factory=dict)


def same(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def column(name: str, value: Any):
    return lambda frame: frame.assign(**{name: value})


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.jsonl"))


def cut_in_half(folder: Path) -> None:
    text = files(folder)[0].read_text()
    files(folder)[0].write_text(text[: len(text) - 150])


def mix_in_another_schema(folder: Path) -> None:
    with files(folder)[0].open("a") as file:
        file.writelines(record(f"{number},2,3", "0.5") + "\n" for number in range(50))


def empty(folder: Path) -> None:
    for file in files(folder):
        file.write_text("")


BAD = (
    Bad("empty capture", same, "no_records", code=1, after=empty),
    Bad("half-written file", same, "no_drift", left_out="unreadable_records", after=cut_in_half),
    Bad(
        "mixed schemas", same, "no_drift",
        left_out="misshapen_records", after=mix_in_another_schema,
    ),
    Bad("all-null column", column("age", np.nan), "data_fault", ("age", "completeness_check")),
    Bad("constant column", column("income", 2500.0), "data_fault",
        ("income", "baseline_drift_check")),
    Bad("infinities", column("income", np.inf), "data_fault", ("income", "data_type_check")),
    Bad("dates as strings", column("months_employed", "2019-04-01"), "data_fault",
        ("months_employed", "data_type_check")),
    Bad("10,000 categories", lambda frame: frame.assign(
            region=[f"region {place}" for place in range(len(frame))]),
        "drift", ("region", "categorical_values_check")),
    Bad("clock skew", same, "no_records", code=1, left_out="records_outside_window",
        changes={"start_time": "2026-11-24T11:00:00Z", "end_time": "2026-11-24T12:00:00Z"}),
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_MON_02_bad_input_has_a_name_in_the_file_of_violations(
    project: Project, monitor: Monitor, tmp_path: Path, bad: Bad
) -> None:
    rows = 10_000 if "categories" in bad.name else 1000
    frame = bad.spoil(applicants(rows, seed=37))
    folder = write_capture(tmp_path / "capture", frame, answers_of(project, frame))
    bad.after(folder)

    run = monitor(folder, **bad.changes)

    assert run.code == bad.code
    assert "Traceback" not in run.stderr
    document = run.json("constraint_violations.json")
    assert document["mlzone"]["outcome"] == bad.outcome == run.explanation["outcome"]
    assert (set(document["mlzone"]["left_out"]) or {""}) >= {bad.left_out}
    found = {
        (item["feature_name"], item["constraint_check_type"]) for item in document["violations"]
    }
    assert bad.violation is None or bad.violation in found
    assert found or bad.violation is None


def test_MON_02_answers_of_another_version_have_a_name(monitor: Monitor, tmp_path: Path) -> None:
    frame = applicants(1000, seed=38)
    frame["income"] *= 0.4

    run = monitor(write_capture(tmp_path / "capture", frame, np.full(1000, 0.29)))

    left_out = run.json("constraint_violations.json")["mlzone"]["left_out"]
    assert left_out["answers_of_another_version"] > 900


def test_MON_02_a_baseline_that_does_not_fit_has_a_name(
    monitor: Monitor, tmp_path: Path, project: Project
) -> None:
    shutil.copytree(project.baseline, tmp_path / "baseline")
    (tmp_path / "baseline" / "evaluation.csv").unlink()
    changes = {"baseline_statistics": str(tmp_path / "baseline"), "MLZONE_MONITOR": "bias"}

    run = monitor(tmp_path, **changes)

    assert run.code == 2
    own = run.json("constraint_violations.json")["mlzone"]
    assert own["outcome"] == "not_analysed"
    assert "the baseline has no evaluation.csv: make it with --evaluation" in own["reason"]


@pytest.mark.parametrize("kind", ["model-quality", "bias"])
def test_MON_02_ground_truth_of_unknown_requests_has_a_name(
    judge: Callable[..., Run], tmp_path: Path, kind: str
) -> None:
    truths = tmp_path / "opt-ml" / "processing" / "input" / "ground_truth" / "late"
    truths.mkdir(parents=True)
    lines = [
        {
            "groundTruthData": {"data": data, "encoding": "CSV"},
            "eventMetadata": {"eventId": f"somebody-elses-{number}"},
        }
        for number, data in enumerate(["default", "1", "perhaps", "repaid\nrepaid"])
    ]
    lines[3]["eventMetadata"]["eventId"] = "application-0"
    text = "\n".join([*map(json.dumps, lines), "{half"])
    (truths / "a.jsonl").write_text(text)

    run = judge(kind, closed_cases(500, seed=39), known=0)

    assert run.code == 1
    own = run.json("constraint_violations.json")["mlzone"]
    assert own["outcome"] == "no_ground_truth"
    assert own["left_out"] == {
        "misshapen_ground_truth": 1,
        "unclear_ground_truth": 1,
        "unknown_ground_truth": 3,
        "unreadable_ground_truth": 1,
    }
