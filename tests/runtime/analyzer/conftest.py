"""A small credit model with its data, its baseline folder, and windows of traffic to analyse."""

import io
import json
import tarfile
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class Project:
    """Where the model, its training data and its baseline are."""

    dataset: Path
    model: Path
    baseline: Path


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
    folder = tmp_path_factory.mktemp("project")
    frame = applicants(8000, seed=1)
    rng = np.random.default_rng(2)
    labels = (rng.random(len(frame)) < 1 / (1 + np.exp(-log_odds(frame)))).astype(int)
    found = Project(folder / "dataset", folder / "model", folder / "baseline")
    write_model(found.model, frame, labels)
    found.dataset.mkdir()
    written = frame.assign(default=labels)
    written[:5000].to_csv(found.dataset / "one.csv", index=False)
    written[5000:].to_csv(found.dataset / "two.csv", index=False)
    code, _, err = analyzer(
        "baseline",
        *("--dataset", found.dataset, "--model", found.model, "--output", found.baseline),
        *("--max-psi", 0.2, "--min-records", 200),
    )
    assert code == 0, err
    return found


def record(request: str, answer: str, *, kind: str = "CSV", when: str = "10:15:00") -> str:
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


Monitor = Callable[..., Run]


@pytest.fixture
def monitor(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Monitor:
    """Run the monitor over a folder of data; keyword arguments change its environment."""

    def run(data: Path, **changes: str) -> Run:
        output = tmp_path / "output"
        environment = {
            "dataset_source": str(data),
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
            "SAGEMAKER_BASE_DIR": str(tmp_path / "opt-ml"),
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
