"""The forecast's steps write what its monitors compare with: the forecasts of the back-test."""

import json
from pathlib import Path

import pytest

from .conftest import pack, python, render, run_step

BUNDLE = """
import json, pathlib, sys
from delivery import bundle
given = json.loads(pathlib.Path("tests/delivery.json").read_text())
bundle.code(given).write(pathlib.Path(sys.argv[1]))
"""


def test_the_analyzer_makes_a_baseline_of_the_back_test(tmp_path: Path) -> None:
    project = render(tmp_path / "project", "forecast")
    code = tmp_path / "jobs" / "code"
    assert python("-c", BUNDLE, code, cwd=project).returncode == 0
    prepared, evaluation = tmp_path / "prepared", tmp_path / "evaluation"
    examples = prepared / "examples"
    packed = tmp_path / "packed"
    for name, arguments in (
        ("prepare", ["--data", project / "data", "--output", prepared]),
        ("train", ["--examples", examples, "--model-dir", tmp_path / "model"]),
        ("evaluate", ["--model", packed, "--examples", examples, "--output", evaluation]),
    ):
        done = run_step(code, name, arguments)
        assert done.returncode == 0, done.stderr
        if name == "train":
            pack(tmp_path / "model", packed)

    done = python(
        *("-m", "mlzone_runtime.analyzer", "baseline"),
        *("--dataset", examples, "--model", packed, "--output", tmp_path / "baseline"),
        *("--evaluation", evaluation, "--answers", "forecast", "--min-records", "100"),
        cwd=tmp_path,
    )

    assert done.returncode == 0, done.stderr
    files = json.loads((tmp_path / "baseline" / "manifest.json").read_text())["files"]
    assert {"evaluation.csv", "explainability_constraints.json"} <= files.keys()
    assert "bias_constraints.json" not in files
    found = json.loads((tmp_path / "baseline" / "model_quality_statistics.json").read_text())
    told = json.loads((evaluation / "quality.json").read_text())
    for name in ("mae", "mse", "rmse", "r2"):
        value = told["regression_metrics"][name]["value"]
        assert found["regression_metrics"][name]["value"] == pytest.approx(value, rel=1e-5), name
