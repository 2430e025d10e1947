"""Answers are judged whatever form they come in: captured, in Parquet, or by a batch transform."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import (
    NAMES,
    Monitor,
    Project,
    answers_of,
    applicants,
    closed_cases,
    csv_lines,
    write_cases,
    write_parquet,
)
from .planted_outcomes import flipped


def in_another_form(base: Path, cases: pd.DataFrame, answers: np.ndarray, form: str) -> Path:
    """Put the requests of a window, which `write_cases` has written, into another form."""
    folder = base / "processing" / "input" / "scored"
    names = [f"application-{number}" for number in range(len(cases))]
    own = cases[list(NAMES)].assign(id=names, prediction=answers)
    if form == "batch transform":
        folder.mkdir(parents=True)
        rows = zip(names, csv_lines(cases[list(NAMES)]), answers, strict=True)
        lines = [f"{name},{row},{answer}" for name, row, answer in rows]
        (folder / "day.csv.out").write_text("\n".join(lines) + "\n", encoding="utf-8")
    elif form == "parquet":
        write_parquet(own, folder / "day.parquet")
    else:
        write_parquet(own.assign(default=cases["default"], sex=cases["sex"]), folder / "a.parquet")
    return folder


FORMS = {
    "batch transform": '{"batchTransform": {"named": "true"}}',
    "parquet": '{"parquet": {}}',
    "parquet with outcomes": '{"parquet": {}}',
}


@pytest.mark.parametrize("kind", ["model-quality", "bias"])
@pytest.mark.parametrize("form", FORMS)
def test_MON_02_answers_in_other_forms_are_judged_as_captured_ones_are(
    project: Project, monitor: Monitor, tmp_path: Path, form: str, kind: str
) -> None:
    cases = closed_cases(2000, seed=91)
    wrong = (cases["sex"] == "female") & (np.random.default_rng(1).random(len(cases)) < 0.6)
    cases = flipped(cases, wrong.to_numpy())
    answers = answers_of(project, cases[list(NAMES)])
    base = tmp_path / "opt-ml"
    captured, layout = write_cases(base, cases, answers, merged=False)
    expected = monitor(captured, MLZONE_MONITOR=kind, dataset_format=layout).explanation
    folder = in_another_form(base, cases, answers, form)
    if form == "parquet with outcomes":
        shutil.rmtree(base / "processing" / "input" / "ground_truth")

    run = monitor(folder, MLZONE_MONITOR=kind, dataset_format=FORMS[form])

    assert run.code == 0, run.stderr
    found = run.explanation
    assert found["outcome"] == expected["outcome"] == "drift"
    assert found["findings"] == expected["findings"]
    assert found["records"]["analysed"] == len(cases)
    assert found["records"]["without_outcome"] == 0


def test_a_record_that_is_not_as_agreed_is_left_out_of_a_batch_and_counted(
    project: Project, monitor: Monitor, tmp_path: Path
) -> None:
    cases = closed_cases(400, seed=92)
    answers = answers_of(project, cases[list(NAMES)])
    base = tmp_path / "opt-ml"
    write_cases(base, cases, answers, merged=False)
    file = in_another_form(base, cases, answers, "batch transform") / "day.csv.out"
    lines = file.read_text().splitlines()
    lines[3] = lines[3].rpartition(",")[0] + ",none"
    file.write_text(
        "\n".join([*lines, "application-1,2", "stranger," + lines[0].partition(",")[2]])
    )

    run = monitor(
        file.parent, MLZONE_MONITOR="model-quality", dataset_format=FORMS["batch transform"]
    )

    records = run.explanation["records"]
    assert run.code == 0, run.stderr
    assert (records["analysed"], records["without_outcome"]) == (399, 1)
    left_out = run.json("constraint_violations.json")["mlzone"]["left_out"]
    assert left_out["records_without_answer"] == 1
    assert sum(left_out.values()) == 2, left_out


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (["id"], "has no column prediction, which holds the model's answers"),
        (["prediction"], "has no column default with what became true, and no column id"),
    ],
)
def test_parquet_that_cannot_be_judged_says_which_column_it_lacks(
    monitor: Monitor, tmp_path: Path, columns: list[str], told: str
) -> None:
    cases = closed_cases(20, seed=93)[list(NAMES)]
    write_parquet(cases.assign(**dict.fromkeys(columns, 1)), tmp_path / "data" / "a.parquet")

    run = monitor(
        tmp_path / "data", MLZONE_MONITOR="model-quality", dataset_format=FORMS["parquet"]
    )

    assert run.code == 2
    assert told in run.stderr


def test_answers_in_parquet_are_watched_as_answers_are(
    project: Project, monitor: Monitor, tmp_path: Path
) -> None:
    traffic = applicants(600, seed=21)
    answers = answers_of(project, traffic)
    named = traffic.assign(id=range(len(traffic)), prediction=answers)
    write_parquet(named, tmp_path / "data" / "a.parquet")

    run = monitor(tmp_path / "data", dataset_format=FORMS["parquet"])

    found = run.json("statistics.json")["features"]
    statistics = {item["name"]: item for item in found}
    mean = statistics["prediction"]["numerical_statistics"]["mean"]
    assert mean == pytest.approx(answers.mean())
    assert run.explanation["outcome"] == "no_drift", run.stdout
