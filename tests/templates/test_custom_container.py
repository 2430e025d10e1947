"""A model in an image of its own is asked, explained and watched by the platform all the same."""

import csv
import importlib.util
import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from mlzone_runtime import serving, tabular

from .conftest import TEMPLATES, pack, python, render, run_step

BUNDLE = """
import json, pathlib, sys
from delivery import bundle
given = json.loads(pathlib.Path("tests/delivery.json").read_text())
bundle.code(given).write(pathlib.Path(sys.argv[1]))
"""
ASK = """
import pathlib, sys
sys.path.insert(0, sys.argv[1])
import serve
told = serve.Estimator(pathlib.Path(sys.argv[2])).answer
sys.stdout.buffer.write(told(sys.stdin.buffer.read() or pathlib.Path(sys.argv[3]).read_bytes(),
                             "text/csv", sys.argv[4]))
"""
TEMPLATE = TEMPLATES / "custom-container"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What the steps and the analyzer made."""

    code: Path
    examples: Path
    packed: Path
    evaluation: Path
    baseline: Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Run the steps by the image's entry point, and the analyzer on what they made."""
    root = tmp_path_factory.mktemp("cars")
    project = render(root / "project", "custom-container")
    code, prepared = root / "jobs" / "code", root / "prepared"
    assert python("-c", BUNDLE, code, cwd=project).returncode == 0
    found = Made(
        code=code,
        examples=prepared / "examples",
        packed=root / "packed",
        evaluation=root / "evaluation",
        baseline=root / "baseline",
    )
    for arguments in (
        ["prepare", "--data", project / "data", "--output", prepared],
        ["train", "--examples", found.examples, "--model-dir", root / "model"],
        [
            *("evaluate", "--model", found.packed, "--examples", found.examples),
            *("--output", found.evaluation),
        ],
    ):
        done = run_step(code, "main", arguments)
        assert done.returncode == 0, done.stderr
        if arguments[0] == "train":
            pack(root / "model", found.packed)
    done = python(
        *("-m", "mlzone_runtime.analyzer", "baseline"),
        *("--dataset", found.examples, "--model", found.packed, "--output", found.baseline),
        *("--evaluation", found.evaluation, "--answers", "answer", "--min-records", "100"),
        cwd=root,
    )
    assert done.returncode == 0, done.stderr
    return found


@pytest.fixture(scope="module")
def records(made: Made) -> list[dict[str, str]]:
    with (made.examples / "examples.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_project_and_the_platform_answer_alike(
    made: Made, records: list[dict[str, str]], tmp_path: Path
) -> None:
    model = tabular.load(made.packed)
    rows = "".join(
        ",".join(record[name] for name in model.schema.names) + "\n" for record in records
    )
    (tmp_path / "rows.csv").write_text(rows, encoding="utf-8")
    own = {
        kind: python(
            *("-c", ASK, made.code, made.packed, tmp_path / "rows.csv", kind), cwd=tmp_path
        ).stdout
        for kind in ("text/csv", "application/json")
    }
    answers = np.array([float(line) for line in own["text/csv"].split()])
    asked = model.predict(model.schema.encode_records(records))
    assert asked == pytest.approx(answers, rel=1e-4)

    theirs = serving.Server(model).predict(rows.encode(), "text/csv", "application/json")
    for ours, platforms in zip(
        json.loads(own["application/json"])["predictions"],
        json.loads(theirs)["predictions"],
        strict=True,
    ):
        assert ours.keys() == platforms.keys() == {"answer", "decision"}
        assert ours["decision"] == platforms["decision"]


def test_contributions_add_up_to_the_answer_in_its_own_unit(
    made: Made, records: list[dict[str, str]]
) -> None:
    model = tabular.load(made.packed)
    rows = model.schema.encode_records(records[:20])
    sums = model.contributions(rows).sum(axis=1)
    assert sums == pytest.approx(model.predict(rows).astype(float), rel=1e-3)
    assert (model.schema.unit, model.schema.answer_key) == ("answer", "answer")


def test_the_baseline_has_the_quality_of_numbers_and_judges_no_groups(made: Made) -> None:
    files = json.loads((made.baseline / "manifest.json").read_text())["files"]
    assert "bias_constraints.json" not in files
    found = json.loads((made.baseline / "model_quality_statistics.json").read_text())
    told = json.loads((made.evaluation / "quality.json").read_text())
    for name in ("mae", "mse", "rmse", "r2"):
        value = told["regression_metrics"][name]["value"]
        assert found["regression_metrics"][name]["value"] == pytest.approx(value, rel=1e-5), name


def test_the_data_are_uci_automobile_in_words_and_numbers() -> None:
    source = (TEMPLATE / "source" / "imports-85.tab").read_bytes()
    assert sha256(source).hexdigest() == SOURCE
    path = TEMPLATE / "source" / "convert.py"
    spec = importlib.util.spec_from_file_location("convert_cars", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.convert(source.decode())
    assert made == (TEMPLATE / "data" / "cars.csv").read_text(encoding="utf-8")
    prices = [float(line.rpartition(",")[2]) for line in made.splitlines()[1:]]
    # As published: 205 cars, 4 without a price, between 5118 and 45400 dollars.
    assert (len(prices), min(prices), max(prices)) == (201, 5118, 45400)


SOURCE = "74f74d1b57617ee22895ec0067ff6fbd0f746f5c919e7af1a1f62303b8b50f90"
