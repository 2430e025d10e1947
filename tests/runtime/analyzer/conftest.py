"""A small credit model with its data, its baseline folder, and windows of traffic to analyse."""

import io
import json
import tarfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from mlzone_runtime import tabular
from mlzone_runtime.analyzer.__main__ import main
from mlzone_runtime.tabular_xgboost import xgboost

NUMBERS = ("income", "age", "debt_ratio", "months_employed", "late_payments", "temperature")
CATEGORIES = {
    "region": ("north", "northeast", "south", "southeast", "centre"),
    "purpose": ("car", "home", "education", "travel", "other"),
}
NAMES = (*NUMBERS, *CATEGORIES)


def applicants(rows: int, seed: int) -> pd.DataFrame:
    """Draw applicants for credit, all from one population, whatever the seed."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.lognormal(8, 0.6, rows).round(2),
            "age": np.clip(rng.normal(42, 12, rows), 18, 85).round(),
            "debt_ratio": rng.beta(2, 5, rows).round(4),
            "months_employed": rng.gamma(2, 30, rows).round(),
            "late_payments": rng.poisson(0.6, rows).astype(float),
            "temperature": rng.normal(22, 4, rows).round(2),
        }
    )
    for name, weights in (("region", (15, 25, 20, 30, 10)), ("purpose", (30, 20, 10, 10, 30))):
        share = np.array(weights) / sum(weights)
        frame[name] = rng.choice(np.array(CATEGORIES[name], dtype=object), rows, p=share)
    frame.loc[rng.random(rows) < 0.03, "months_employed"] = np.nan
    return frame


def log_odds(frame: pd.DataFrame) -> pd.Series:
    """Say how likely applicants are to default: the truth that the model learns."""
    return (
        -1.2
        - 1.1 * np.log(frame["income"] / 3000)
        + 2.5 * (frame["debt_ratio"] - 0.28)
        + 0.8 * frame["late_payments"]
        - 0.01 * frame["months_employed"].fillna(60)
        + 0.6 * (frame["region"] == "northeast")
        - 0.02 * (frame["age"] - 42)
    )


GROUPS = [
    {"name": "sex", "title": "Women", "column": "sex", "values": ["female"]},
    {"name": "age", "title": "People up to 35", "column": "age", "at_most": 35},
]
"""Who is compared: the model does not see the sex, and it does see the age."""


def closed_cases(rows: int, seed: int) -> pd.DataFrame:
    """Draw applicants whose outcome is known, with what the model does not see."""
    frame = applicants(rows, seed)
    rng = np.random.default_rng(seed + 1000)
    chances = 1 / (1 + np.exp(-log_odds(frame)))
    outcomes = np.where(rng.random(rows) < chances, "default", "repaid")
    return frame.assign(sex=rng.choice(["female", "male"], rows), default=outcomes)


@dataclass(frozen=True)
class Project:
    """Where the model, its training data and its baseline are."""

    dataset: Path
    model: Path
    baseline: Path
    held_out: Path
    settings: Path


@dataclass(frozen=True)
class Run:
    """What one run of the monitor left behind."""

    code: int
    stdout: str
    stderr: str
    output: Path

    def json(self, name: str) -> Any:
        """Read one of its JSON files."""
        return json.loads((self.output / name).read_text(encoding="utf-8"))

    @property
    def explanation(self) -> Any:
        """The explanation."""
        return self.json("explanation.json")

    @property
    def causes(self) -> dict[str, str]:
        """The cause found for each feature with a finding."""
        return {finding["feature"]: finding["cause"] for finding in self.explanation["findings"]}


def write_model(folder: Path, frame: pd.DataFrame, labels: np.ndarray) -> None:
    """Train the model and write its artefact."""
    coded = frame.copy()
    for name, values in CATEGORIES.items():
        coded[name] = pd.Categorical(frame[name], values).codes
    data = xgboost.DMatrix(
        coded.to_numpy(dtype=np.float32),
        labels,
        feature_names=list(NAMES),
        feature_types=["q"] * len(NUMBERS) + ["c"] * len(CATEGORIES),
        enable_categorical=True,
    )
    settings = {
        "objective": "binary:logistic",
        "max_depth": 4,
        "eta": 0.15,
        "seed": 1,
        "nthread": 1,
        "tree_method": "hist",
    }
    booster = xgboost.train(settings, data, num_boost_round=60)
    schema = {
        "format": "tabular/1",
        "model": "credit-default",
        "features": [
            *({"name": name, "type": "number"} for name in NUMBERS),
            *(
                {"name": name, "type": "category", "categories": list(values)}
                for name, values in CATEGORIES.items()
            ),
        ],
        "target": "default",
        "positive_class": "default",
        "threshold": 0.5,
    }
    schema["features"][0]["title"] = "monthly income"
    folder.mkdir(parents=True)
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        for name, content in (
            ("model.json", bytes(booster.save_raw("json"))),
            ("schema.json", json.dumps(schema).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def analyzer(*arguments: object) -> tuple[int, str, str]:
    """Run the command line; return exit code, standard output and standard error."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A trained model and its baseline."""
    return make_project(tmp_path_factory.mktemp("project"))


def make_project(folder: Path) -> Project:
    """Train a model in a folder, and make its baseline."""
    frame = applicants(8000, seed=1)
    rng = np.random.default_rng(2)
    labels = (rng.random(len(frame)) < 1 / (1 + np.exp(-log_odds(frame)))).astype(int)
    found = Project(
        *(folder / name for name in ("dataset", "model", "baseline", "held-out", "settings.json"))
    )
    write_model(found.model, frame, labels)
    found.dataset.mkdir(parents=True)
    written = frame.assign(default=labels)
    written[:5000].to_csv(found.dataset / "one.csv", index=False)
    written[5000:].to_csv(found.dataset / "two.csv", index=False)
    found.held_out.mkdir()
    closed_cases(4000, seed=3).to_csv(found.held_out / "cases.csv", index=False)
    found.settings.write_text(json.dumps({"model": {"facets": GROUPS}}))
    code, _, err = analyzer(
        "baseline",
        *("--dataset", found.dataset, "--model", found.model, "--output", found.baseline),
        *("--evaluation", found.held_out, "--groups", found.settings),
        *("--max-psi", 0.2, "--min-records", 200),
    )
    assert code == 0, err
    return found


def record(
    request: str, answer: str, *, kind: str = "CSV", when: str = "10:15:00", name: str = ""
) -> str:
    """Write a capture record as SageMaker does."""
    media = {"CSV": "text/csv", "JSON": "application/json"}[kind]
    document = {
        "captureData": {
            "endpointInput": {
                "observedContentType": media,
                "mode": "INPUT",
                "data": request,
                "encoding": kind,
            },
            "endpointOutput": {
                "observedContentType": f"{media}; charset=utf-8",
                "mode": "OUTPUT",
                "data": answer,
                "encoding": kind,
            },
        },
        "eventMetadata": {
            "eventId": "0b7f6d4e-3f5b-4f8e-9a53-0c8e5e7d2c11",
            **({"inferenceId": name} if name else {}),
            "inferenceTime": f"2026-11-24T{when}Z",
        },
        "eventVersion": "0",
    }
    return json.dumps(document, separators=(",", ":"))


def csv_lines(frame: pd.DataFrame) -> list[str]:
    """Write a frame's rows as the endpoint takes them."""
    return frame.to_csv(index=False, header=False, lineterminator="\n").splitlines()


def write_capture(folder: Path, frame: pd.DataFrame, answers: np.ndarray, files: int = 3) -> Path:
    """Write a window of traffic as capture files, one record a row."""
    place = folder / "endpoint" / "live" / "2026" / "11" / "24" / "10"
    place.mkdir(parents=True)
    records = [
        record(line, f"{answer}\n")
        for line, answer in zip(csv_lines(frame), answers.tolist(), strict=True)
    ]
    for number in range(files):
        part = records[number::files]
        (place / f"15-00-{number:03}.jsonl").write_text("\n".join(part) + "\n", encoding="utf-8")
    return folder


def write_parquet(frame: pd.DataFrame, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.register("frame", frame)
        connection.sql("from frame").write_parquet(str(file))


def settings_of(project: Project, output: Path, base: Path) -> dict[str, str]:
    """Return what Model Monitor tells a job, but for where the data are."""
    return {
        "dataset_format": json.dumps(
            {"sagemakerCaptureJson": {"captureIndexNames": ["endpointInput", "endpointOutput"]}}
        ),
        "output_path": str(output),
        "baseline_statistics": str(project.baseline / "statistics.json"),
        "baseline_constraints": str(project.baseline / "constraints.json"),
        "start_time": "2026-11-24T10:00:00Z",
        "end_time": "2026-11-24T11:00:00Z",
        "sagemaker_endpoint_name": "aur-retail-banking-credit-default-prod",
        "sagemaker_monitoring_schedule_name": "aur-retail-banking-credit-default-prod",
        "publish_cloudwatch_metrics": "Disabled",
        "SAGEMAKER_BASE_DIR": str(base),
    }


Monitor = Callable[..., Run]


@pytest.fixture
def monitor(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Run the monitor over a folder of data; keyword arguments change its environment."""

    def run(data: Path, **changes: str) -> Run:
        output = tmp_path / "output"
        environment = {
            **settings_of(project, output, tmp_path / "opt-ml"),
            "dataset_source": str(data),
            **changes,
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code, out, err = analyzer()
        return Run(code, out, err, output)

    return run


@pytest.fixture
def watch(project: Project, monitor: Monitor, tmp_path: Path) -> Callable[..., Run]:
    """Capture the model's answers to applicants, then run the monitor over them."""

    def run(frame: pd.DataFrame, **changes: str) -> Run:
        folder = write_capture(tmp_path / "capture", frame, answers_of(project, frame))
        return monitor(folder, **changes)

    return run


def answers_of(project: Project, frame: pd.DataFrame) -> np.ndarray:
    """Ask the model."""
    model = tabular.load(project.model)
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return model.predict(model.schema.encode_records(rows, strict=False))


def write_cases(
    base: Path, cases: pd.DataFrame, answers: np.ndarray, *, merged: bool, known: int | None = None
) -> tuple[Path, str]:
    """Write requests and what became true of them, as either engine hands them over.

    Args:
        base: The job's folder, as SageMaker's `/opt/ml`.
        cases: Applicants with outcome and sex.
        answers: What the model said.
        merged: SageMaker has merged both; else they lie side by side.
        known: Of so many the outcome is known; of all unless given.

    Returns:
        The folder of requests, and the `dataset_format`.
    """
    place = base / "processing" / "input" / "endpoint" / "live" / "2026" / "11" / "24" / "10"
    truths = base / "processing" / "input" / "ground_truth" / "2026" / "11" / "25" / "08"
    for folder in (place, truths):
        folder.mkdir(parents=True)
    requests, outcomes = [], []
    rows = csv_lines(cases[list(NAMES)])
    for number, (row, answer) in enumerate(zip(rows, answers.tolist(), strict=True)):
        name = f"application-{number}"
        request = json.loads(record(row, f"{answer}\n", name=name))
        if known is None or number < known:
            case = cases.iloc[number]
            truth = {"data": f"{case['default']},{case['sex']}\n", "encoding": "CSV"}
            about = {"eventId": name}
            outcomes.append(
                json.dumps({"groundTruthData": truth, "eventMetadata": about, "eventVersion": "0"})
            )
            if merged:
                request["groundTruthData"] = truth
        requests.append(json.dumps(request, separators=(",", ":")))
    (place / "requests.jsonl").write_text("\n".join(requests) + "\n", encoding="utf-8")
    if not merged:
        (truths / "outcomes.jsonl").write_text("\n".join(outcomes) + "\n", encoding="utf-8")
    kind = "sagemakerMergeJson" if merged else "sagemakerCaptureJson"
    return place.parents[4], json.dumps({kind: {"captureIndexNames": ["endpointInput"]}})


@pytest.fixture
def judge(project: Project, monitor: Monitor, tmp_path: Path) -> Callable[..., Run]:
    """Let a monitor look at cases that the model answered and whose outcome is known."""

    def run(
        kind: str, cases: pd.DataFrame, *, merged: bool = False, known: int | None = None, **changes
    ) -> Run:
        answers = answers_of(project, cases[list(NAMES)])
        folder, layout = write_cases(
            tmp_path / "opt-ml", cases, answers, merged=merged, known=known
        )
        return monitor(folder, MLZONE_MONITOR=kind, dataset_format=layout, **changes)

    return run
