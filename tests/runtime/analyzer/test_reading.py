"""What an endpoint captured is read whatever its form; what cannot be read is counted."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlzone_runtime.analyzer import capture, plain
from mlzone_runtime.analyzer.intake import IntakeBuilder
from mlzone_runtime.tabular_schema import Feature

from .conftest import (
    NAMES,
    NUMBERS,
    Monitor,
    Project,
    Run,
    answers_of,
    applicants,
    csv_lines,
    record,
    write_capture,
    write_parquet,
)

ROWS = 600


@pytest.fixture
def traffic() -> pd.DataFrame:
    return applicants(ROWS, seed=21)


def write(folder: Path, lines: list[str]) -> Path:
    place = folder / "capture" / "endpoint" / "live" / "2026" / "11" / "24" / "10"
    place.mkdir(parents=True)
    (place / "a.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "capture"


def instances(frame: pd.DataFrame) -> list[dict]:
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def as_json(frame: pd.DataFrame, answers: np.ndarray) -> list[str]:
    return [
        record(
            json.dumps({"instances": [instance]}),
            json.dumps({"predictions": [{"probability": float(answer), "decision": "grant"}]}),
            kind="JSON",
        )
        for instance, answer in zip(instances(frame), answers, strict=True)
    ]


def in_base64(line: str) -> str:
    document = json.loads(line)
    for part in document["captureData"].values():
        part["data"] = base64.b64encode(part["data"].encode()).decode()
        part["encoding"] = "BASE64"
    return json.dumps(document)


def statistics(run: Run) -> dict:
    return {item["name"]: item for item in run.json("statistics.json")["features"]}


def test_MON_02_a_release_on_trial_is_no_part_of_what_is_watched(
    project: Project, monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    answers = answers_of(project, traffic).astype(np.float64).tolist()
    lines = [record(row, f"{a}\n") for row, a in zip(csv_lines(traffic), answers, strict=True)]
    alone = write(tmp_path / "alone", lines)
    beside = write(tmp_path / "beside", lines)
    trial = beside / "endpoint" / capture.CHALLENGER / "2026" / "11" / "24" / "10"
    trial.mkdir(parents=True)
    (trial / "a.jsonl").write_text("\n".join(lines[:100]) + "\n", encoding="utf-8")

    records = capture.read_records(beside, IntakeBuilder(features=()), capture.Window())

    assert len(list(records)) == ROWS
    assert statistics(monitor(beside)) == statistics(monitor(alone))


def test_every_form_gives_the_same_statistics(
    project: Project, monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    answers = answers_of(project, traffic).astype(np.float64)
    rows = csv_lines(traffic)
    plain = [record(row, f"{a}\n") for row, a in zip(rows, answers.tolist(), strict=True)]
    forms = {
        "plain": plain,
        "with spaces": [json.dumps(json.loads(line)) for line in plain],
        "base64": [in_base64(line) for line in plain],
        "json": as_json(traffic, answers),
        "many rows in one record": [
            record("\n".join(rows), "".join(f"{answer}\n" for answer in answers.tolist()))
        ],
        "mixed": [*plain[: ROWS // 2], *as_json(traffic[ROWS // 2 :], answers[ROWS // 2 :])],
    }
    found = {
        name: statistics(monitor(write(tmp_path / name, lines))) for name, lines in forms.items()
    }

    for name in forms:
        assert found[name] == found["plain"], name
    income = found["plain"]["income"]["numerical_statistics"]
    assert income["mean"] == pytest.approx(traffic["income"].mean())
    employed = found["plain"]["months_employed"]["numerical_statistics"]["common"]
    assert employed["num_missing"] == traffic["months_employed"].isna().sum()
    prediction = found["plain"]["prediction"]["numerical_statistics"]
    assert prediction["mean"] == pytest.approx(answers.mean())


def test_plain_csv_is_read_by_its_header(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    traffic[list(reversed(NAMES))].to_csv(folder / "a.csv", index=False)

    run = monitor(folder, dataset_format='{"csv": {"header": "true"}}')

    assert run.code == 0
    income = statistics(run)["income"]["numerical_statistics"]
    assert income["mean"] == pytest.approx(traffic["income"].mean())
    assert run.explanation["prediction"] is None


def test_csv_without_header_is_read_by_position(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    traffic.to_csv(folder / "a.csv", index=False, header=False)

    run = monitor(folder, dataset_format='{"csv": {"header": "false"}}')

    assert run.explanation["records"]["analysed"] == ROWS


def test_csv_rows_of_the_wrong_length_are_counted(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    traffic.to_csv(folder / "a.csv", index=False)
    with (folder / "a.csv").open("a") as file:
        file.write(",".join("1" * 11) + "\n" + "1,2,3")

    run = monitor(folder, dataset_format='{"csv": {"header": "true"}}')

    assert run.explanation["records"]["analysed"] == ROWS
    assert run.explanation["records"]["misshapen"] == 2


@pytest.mark.parametrize("named", [True, False], ids=["with names", "without names"])
def test_the_output_of_a_batch_transform_is_read_with_its_answers(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path, *, named: bool
) -> None:
    """SageMaker joins each record with its answer; a name is filtered out for the model alone."""
    answers = np.linspace(0.1, 0.9, ROWS)
    folder = tmp_path / "scored" / "2026-11-24"
    folder.mkdir(parents=True)
    lines = [
        f"{f'application-{place},' if named else ''}{row},{answer}"
        for place, (row, answer) in enumerate(zip(csv_lines(traffic), answers, strict=True))
    ]
    lines[7] = lines[7].rpartition(",")[0] + ",none"
    (folder / "part-1.csv.out").write_text("\n".join(lines[:400]) + "\n")
    (folder / "part-2.csv.out").write_text("\n".join([*lines[400:], "1,2", lines[0]]) + "\n")
    layout = {"batchTransform": {"named": str(named).lower()}}

    run = monitor(folder.parent, dataset_format=json.dumps(layout))

    assert run.code == 0, run.stderr
    records = run.explanation["records"]
    assert (records["files"], records["without_prediction"]) == (2, 1)
    assert records["misshapen"] == 1
    found = statistics(run)
    assert found["prediction"]["numerical_statistics"]["mean"] == pytest.approx(
        np.append(np.delete(answers, 7), answers[0]).mean()
    )
    assert "name" not in " ".join(found)


def test_parquet_is_read_as_csv_is(monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path) -> None:
    traffic = traffic.assign(branch="south")
    for part, rows in enumerate((traffic[:400], traffic[400:])):
        write_parquet(rows, tmp_path / "parquet" / f"day={part}" / "a.parquet")
    (tmp_path / "csv").mkdir()
    traffic.to_csv(tmp_path / "csv" / "a.csv", index=False)

    runs = {}
    for name, layout in (("csv", '{"csv": {"header": "true"}}'), ("parquet", '{"parquet": {}}')):
        run = monitor(tmp_path / name, dataset_format=layout)
        assert run.code == 0, run.stderr
        runs[name] = (run.json("statistics.json"), run.json("constraint_violations.json"))

    assert runs["parquet"] == runs["csv"]
    names = {item["feature_name"] for item in runs["parquet"][1]["violations"]}
    assert "branch" in names


def test_columns_of_parquet_may_be_missing_or_of_another_type(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    text = traffic["age"].map("{:.0f}".format).where(traffic.index > 99, "unknown")
    changed = traffic.drop(columns="region").assign(age=text)
    write_parquet(changed, tmp_path / "parquet" / "a.parquet")

    run = monitor(tmp_path / "parquet", dataset_format='{"parquet": {}}')

    assert run.code == 0, run.stderr
    assert run.causes["region"] == "missing_column"
    assert run.causes["age"] == "malformed_values"


def test_a_file_that_is_no_parquet_is_named(monitor: Monitor, tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("PAR1 but no more")

    run = monitor(tmp_path, dataset_format='{"parquet": {}}')

    assert run.code == 2
    assert "a.parquet" in run.stderr
    assert run.json("constraint_violations.json")["mlzone"]["outcome"] == "not_analysed"


def test_blocks_of_a_file_make_no_difference(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "csv"
    folder.mkdir()
    traffic.to_csv(folder / "a.csv", index=False)
    layout = '{"csv": {"header": "true"}}'
    whole = monitor(folder, dataset_format=layout).json("statistics.json")

    monkeypatch.setattr(plain, "_BLOCK", 5000)

    assert monitor(folder, dataset_format=layout).json("statistics.json") == whole


def test_a_training_set_beyond_memory_is_summarised_by_a_uniform_sample(
    traffic: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for part in range(20):
        traffic.to_csv(tmp_path / f"{part}.csv", index=False)
    features = tuple(
        Feature(name=name, kind="number" if name in NUMBERS else "category", categories=("x",))
        for name in NAMES
    )
    monkeypatch.setattr(capture, "MOST_ROWS", 5 * ROWS)

    table = plain.read_training(tmp_path, features, sampled=True)

    assert table.rows == pytest.approx(5 * ROWS, rel=0.1)
    mean = np.nanmean(table.number("income").numbers)
    assert mean == pytest.approx(traffic["income"].mean(), rel=0.03)
    assert plain.read_training(tmp_path, features).rows == 20 * ROWS


def test_what_cannot_be_read_is_counted_and_told(
    project: Project, monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    rows = csv_lines(traffic)
    answers = answers_of(project, traffic).tolist()
    lines = [record(row, str(answer)) for row, answer in zip(rows, answers, strict=True)]
    bad = [
        "no JSON at all",
        lines[0][:200],
        '{"eventVersion": "0"}',
        "[1, 2]",
        record(rows[0] + ",17", "0.5"),
        record("1,2", "0.5"),
    ]

    run = monitor(write(tmp_path, [*lines, *bad]))

    records = run.explanation["records"]
    assert run.code == 0
    assert (records["analysed"], records["unreadable"], records["misshapen"]) == (ROWS, 4, 2)
    assert any("could not be read" in sentence for sentence in run.explanation["sentences"])


def test_rows_too_long_are_counted_among_plain_records(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    rows = csv_lines(traffic)
    lines = [record(row, "0.5") for row in [*rows, rows[0] + ",17"]]

    run = monitor(write(tmp_path, lines))

    assert run.explanation["records"]["misshapen"] == 1
    assert run.explanation["records"]["examples"] == ["a row with 9 fields; expected 8"]


def test_records_outside_the_window_are_left_out(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    rows = csv_lines(traffic)
    times = ["09:59:59", "10:00:00", "10:59:59.250", "11:00:00"]
    lines = [record(row, "0.5", when=times[at % 4]) for at, row in enumerate(rows)]

    run = monitor(write(tmp_path, lines))

    records = run.explanation["records"]
    assert (records["analysed"], records["outside_window"]) == (ROWS // 2, ROWS // 2)


def test_quoted_fields_keep_their_commas(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    traffic.loc[:9, "purpose"] = 'a "big", boat'
    lines = [record(row, "0.5") for row in csv_lines(traffic)]

    run = monitor(write(tmp_path, lines))

    buckets = statistics(run)["purpose"]["string_statistics"]["distribution"]["categorical"]
    assert {"value": 'a "big", boat', "count": 10} in buckets["buckets"]


def test_named_fields_tell_of_missing_and_extra_columns(
    project: Project, monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    answers = answers_of(project, traffic).astype(np.float64)
    frame = traffic.drop(columns="age").assign(nickname="x")

    run = monitor(write(tmp_path, as_json(frame, answers)))

    found = {
        (item["feature_name"], item["constraint_check_type"])
        for item in run.json("constraint_violations.json")["violations"]
    }
    assert found == {("age", "missing_column_check"), ("nickname", "extra_column_check")}
    assert run.causes == {"age": "missing_column"}


def test_answers_that_were_not_captured_are_no_prediction(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    lines = []
    for row in csv_lines(traffic):
        document = json.loads(record(row, "0.5"))
        del document["captureData"]["endpointOutput"]
        lines.append(json.dumps(document))

    run = monitor(write(tmp_path, lines))

    assert run.explanation["records"]["without_prediction"] == ROWS
    assert run.explanation["prediction"] is None


def test_answers_of_another_version_are_told(
    monitor: Monitor, traffic: pd.DataFrame, tmp_path: Path
) -> None:
    traffic["income"] *= 0.4

    run = monitor(write_capture(tmp_path / "capture", traffic, np.full(ROWS, 0.29)))

    assert run.explanation["prediction"]["differing_answers"] > 0.9
    assert any("another version served them" in text for text in run.explanation["sentences"])


def test_many_categories_are_no_trouble(watch: Callable[..., Run]) -> None:
    frame = applicants(12_000, seed=22)
    frame["purpose"] = [f"purpose {place % 10_000}" for place in range(len(frame))]

    run = watch(frame)

    assert run.causes["purpose"] == "new_category"
    assert len(statistics(run)["purpose"]["string_statistics"]["distribution"]["categorical"]) == 1
