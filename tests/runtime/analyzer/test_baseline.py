"""The baseline folder: what a monitor will compare with, pinned byte by byte."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from .conftest import NAMES, Project, analyzer, applicants


def read(project: Project, name: str) -> dict:
    return json.loads((project.baseline / name).read_text())


def feature(document: dict, name: str) -> dict:
    return next(item for item in document["features"] if item["name"] == name)


def test_statistics_say_what_pandas_says(project: Project) -> None:
    statistics = read(project, "statistics.json")
    training = pd.concat(pd.read_csv(file) for file in sorted(project.dataset.iterdir()))

    income = feature(statistics, "income")["numerical_statistics"]
    assert income["mean"] == pytest.approx(training["income"].mean())
    assert income["sum"] == pytest.approx(training["income"].sum())
    assert income["std_dev"] == pytest.approx(training["income"].std(ddof=0))
    assert (income["min"], income["max"]) == (training["income"].min(), training["income"].max())
    employed = feature(statistics, "months_employed")["numerical_statistics"]["common"]
    assert employed["num_missing"] == training["months_employed"].isna().sum()
    assert employed["num_present"] == training["months_employed"].notna().sum()
    regions = feature(statistics, "region")["string_statistics"]
    buckets = regions["distribution"]["categorical"]["buckets"]
    assert {b["value"]: b["count"] for b in buckets} == training["region"].value_counts().to_dict()


def test_buckets_are_tenths_of_the_values(project: Project) -> None:
    kll = feature(read(project, "statistics.json"), "debt_ratio")["numerical_statistics"]
    buckets = kll["distribution"]["kll"]["buckets"]

    assert len(buckets) == 10
    assert sum(bucket["count"] for bucket in buckets) == 8000
    assert all(abs(bucket["count"] - 800) <= 8 for bucket in buckets)


def test_the_sketch_is_a_kll_sketch_of_the_values(project: Project) -> None:
    statistics = read(project, "statistics.json")
    training = pd.concat(pd.read_csv(file) for file in sorted(project.dataset.iterdir()))
    sketch = feature(statistics, "income")["numerical_statistics"]["distribution"]["kll"]["sketch"]

    items = np.concatenate([np.array(level) for level in sketch["data"]])
    weights = np.concatenate([np.full(len(v), 2.0**h) for h, v in enumerate(sketch["data"])])
    order = np.argsort(items)
    ranks = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    exact = np.searchsorted(np.sort(training["income"]), items[order]) / 8000

    assert weights.sum() == 8000
    assert np.abs(ranks - exact).max() < 1 / 2048


def test_the_models_predictions_are_part_of_the_statistics(project: Project) -> None:
    prediction = feature(read(project, "statistics.json"), "prediction")["numerical_statistics"]

    assert prediction["common"] == {"num_present": 8000, "num_missing": 0}
    assert 0 < prediction["min"] < prediction["mean"] < prediction["max"] < 1


def test_constraints_carry_the_monitors_settings(project: Project) -> None:
    constraints = read(project, "constraints.json")

    distribution = constraints["monitoring_config"]["distribution_constraints"]
    assert distribution["comparison_threshold"] == 0.2
    assert constraints["mlzone"]["min_records"] == 200
    assert feature(constraints, "income")["num_constraints"] == {"is_non_negative": True}
    assert feature(constraints, "months_employed")["completeness"] == pytest.approx(0.97, abs=0.01)
    assert "travel" in feature(constraints, "purpose")["string_constraints"]["domains"]


def test_the_sample_holds_rows_of_the_data(project: Project) -> None:
    sample = pd.read_csv(project.baseline / "sample.csv")
    training = pd.concat(pd.read_csv(file) for file in sorted(project.dataset.iterdir()))

    assert list(sample.columns) == list(NAMES)
    assert len(sample) == 500
    assert len(sample.merge(training, on=list(NAMES), how="inner")) >= 500


def test_manifest_and_digest_pin_every_file(project: Project) -> None:
    manifest = read(project, "manifest.json")["files"]
    files = {file.name for file in project.baseline.iterdir()}

    assert set(manifest) == files - {"manifest.json", "digest.json"}
    for name, digest in manifest.items():
        assert hashlib.sha256((project.baseline / name).read_bytes()).hexdigest() == digest
    digest = hashlib.sha256((project.baseline / "manifest.json").read_bytes()).hexdigest()
    assert read(project, "digest.json") == {"manifest_sha256": digest}
    archive = (project.model / "model.tar.gz").read_bytes()
    assert (project.baseline / "model.tar.gz").read_bytes() == archive


def test_the_same_data_give_the_same_bytes(project: Project, tmp_path: Path) -> None:
    code, _, _ = analyzer(
        *("baseline", "--dataset", project.dataset, "--model", project.model),
        *("--output", tmp_path / "again"),
        *("--evaluation", project.held_out, "--groups", project.settings),
    )

    assert code == 0
    for file in project.baseline.iterdir():
        assert (tmp_path / "again" / file.name).read_bytes() == file.read_bytes()


def refused(project: Project, tmp_path: Path, **changes: object) -> str:
    options = {"dataset": project.dataset, "model": project.model, "output": tmp_path, **changes}
    pairs = [(f"--{name.replace('_', '-')}", value) for name, value in options.items()]
    code, _, err = analyzer("baseline", *(item for pair in pairs for item in pair))
    assert code == 2
    assert "Traceback" not in err
    return err


def test_a_missing_folder_of_data_is_named(project: Project, tmp_path: Path) -> None:
    err = refused(project, tmp_path, dataset=tmp_path / "nowhere")

    assert f"no such folder of data: {tmp_path / 'nowhere'}" in err


def test_a_folder_without_data_is_named(project: Project, tmp_path: Path) -> None:
    assert "no records" in refused(project, tmp_path, dataset=tmp_path)


def test_a_missing_model_is_named(project: Project, tmp_path: Path) -> None:
    assert "no model.tar.gz in" in refused(project, tmp_path, model=tmp_path)


def test_a_broken_model_is_named(project: Project, tmp_path: Path) -> None:
    (tmp_path / "model.tar.gz").write_bytes(b"no archive")

    assert "model artefact" in refused(project, tmp_path, model=tmp_path)


def test_missing_columns_are_named(project: Project, tmp_path: Path) -> None:
    applicants(300, 3).drop(columns=["age", "region"]).to_csv(tmp_path / "a.csv", index=False)

    assert "lacks the features age, region" in refused(project, tmp_path, dataset=tmp_path)


def test_a_baseline_smaller_than_a_window_is_refused(project: Project, tmp_path: Path) -> None:
    applicants(50, 3).to_csv(tmp_path / "a.csv", index=False)

    assert "50 records" in refused(project, tmp_path, dataset=tmp_path)


def test_a_broken_csv_is_named(project: Project, tmp_path: Path) -> None:
    applicants(300, 3).to_csv(tmp_path / "a.csv", index=False)
    with (tmp_path / "a.csv").open("a") as file:
        file.write("1,2,3,4,5,6,7,8,9,10,11\n")

    assert "a.csv" in refused(project, tmp_path, dataset=tmp_path)


def test_held_out_records_leave_nothing_but_answers_outcomes_and_membership(
    project: Project,
) -> None:
    held_out = pd.read_csv(project.baseline / "evaluation.csv")
    cases = pd.read_csv(project.held_out / "cases.csv")

    assert list(held_out.columns) == ["probability", "outcome", "sex", "age"]
    assert held_out["outcome"].tolist() == (cases["default"] == "default").astype(int).tolist()
    assert held_out["sex"].tolist() == (cases["sex"] == "female").astype(int).tolist()
    assert held_out["age"].tolist() == (cases["age"] <= 35).astype(int).tolist()


def test_without_held_out_records_there_is_a_baseline_of_the_data_alone(
    project: Project, tmp_path: Path
) -> None:
    code, _, err = analyzer(
        *("baseline", "--dataset", project.dataset, "--model", project.model),
        *("--output", tmp_path / "plain"),
    )

    assert code == 0, err
    assert not (tmp_path / "plain" / "evaluation.csv").exists()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"default": "repaid"}, "must not all be of one class"),
        ({"default": ""}, "every held-out record needs a default"),
        ({"sex": None}, "Usecols do not match columns"),
    ],
)
def test_held_out_records_that_say_nothing_are_refused(
    project: Project, tmp_path: Path, change: dict[str, str | None], complaint: str
) -> None:
    cases = pd.read_csv(project.held_out / "cases.csv")
    for name, value in change.items():
        cases = cases.drop(columns=name) if value is None else cases.assign(**{name: value})
    (tmp_path / "held-out").mkdir()
    cases.to_csv(tmp_path / "held-out" / "cases.csv", index=False)

    err = refused(project, tmp_path, evaluation=tmp_path / "held-out", groups=project.settings)

    assert complaint in err


@pytest.mark.parametrize(
    "content",
    ["", "[]", '{"facets": [{"name": "sex"}]}', '{"facets": [{"name": "a", "column": "a"}]}'],
)
def test_groups_that_are_none_are_refused(project: Project, tmp_path: Path, content: str) -> None:
    (tmp_path / "groups.json").write_text(content)

    err = refused(project, tmp_path, evaluation=project.held_out, groups=tmp_path / "groups.json")

    assert "group" in err
