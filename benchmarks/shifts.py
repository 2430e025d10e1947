"""Shifts planted into traffic and outcomes: what monitors must say, and how often they cry wolf.

The changes are those of the analyzer's tests, each in a window of its own, held against the feature
and cause, or the kind and segment, that were planted. False alarms are counted over windows drawn
from the baseline's own population, where nothing changed.
"""

import importlib
import json
import os
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from mlzone_runtime.analyzer import bias, class_quality, explainability, number_quality
from mlzone_runtime.analyzer.calibration import Calibration
from mlzone_runtime.analyzer.comparison import compare
from mlzone_runtime.analyzer.data_quality import with_predictions
from mlzone_runtime.analyzer.evaluation import Evaluation
from mlzone_runtime.analyzer.intake import IntakeBuilder
from mlzone_runtime.analyzer.model import WatchedModel
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.statistics import parse_statistics, summarise

TESTS = Path(__file__).parents[1] / "tests" / "runtime" / "analyzer"
WINDOWS = 1000
ROWS = 500
CASES = 4000


def run() -> list[dict[str, Any]]:
    """Return a line for each planted change, then the recall, then the false alarms."""
    tests = _tests()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        project = _project(tests["conftest"], folder)
        found = [*_of_requests(tests, project, folder), *_of_outcomes(tests, project, folder)]
        right = sum(row["right"] == "yes" for row in found)
        found.append(
            _row("recall", f"{len(found)} changes", f"{right} told as planted", right == len(found))
        )
        counted = _false_alarms(tests["conftest"], project)
        counted["quality of numbers"] = _false_alarms_of_numbers(tests["test_numbers"])
        for monitor, alarms in counted.items():
            said = f"{alarms} of {WINDOWS} windows"
            found.append(
                _row(f"no change: {monitor}", "at most 1 %", said, alarms <= WINDOWS / 100)
            )
    return found


def _row(planted: str, expected: str, found: str, right: bool) -> dict[str, Any]:  # noqa: FBT001
    return {
        "planted": planted,
        "expected": expected,
        "told": found,
        "right": "yes" if right else "no",
    }


def _tests() -> dict[str, types.ModuleType]:
    """Import the tests' modules as a package of their own: they are not installed."""
    package = types.ModuleType("analyzer_tests")
    package.__path__ = [str(TESTS)]
    sys.modules[package.__name__] = package
    names = ("conftest", "test_planted_shifts", "planted_outcomes", "test_numbers")
    return {name: importlib.import_module(f"{package.__name__}.{name}") for name in names}


def _project(conftest: types.ModuleType, folder: Path) -> Any:
    return conftest.make_project(folder / "project")


@contextmanager
def _environment(settings: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(settings)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _explained(conftest: types.ModuleType, project: Any, place: Path, **settings: str) -> Any:
    common = conftest.settings_of(project, place / "output", place / "opt-ml")
    with _environment({**common, **settings}):
        code, _, complaint = conftest.analyzer()
    if code:
        raise RuntimeError(complaint)
    return json.loads((place / "output" / "explanation.json").read_text())


def _of_requests(
    tests: dict[str, types.ModuleType], project: Any, folder: Path
) -> Iterator[dict[str, Any]]:
    conftest, planted = tests["conftest"], tests["test_planted_shifts"]
    for number, change in enumerate(planted.PLANTED):
        place = folder / f"requests-{number}"
        frame = conftest.applicants(planted.ROWS, seed=11)
        change.change(frame, np.random.default_rng(12))
        answers = conftest.answers_of(project, frame)
        window = conftest.write_capture(place / "capture", frame, answers)
        told = _explained(conftest, project, place, dataset_source=str(window))
        causes = {finding["feature"]: finding["cause"] for finding in told["findings"]}
        yield _row(change.name, _words(change.causes), _words(causes), causes == change.causes)


def _of_outcomes(
    tests: dict[str, types.ModuleType], project: Any, folder: Path
) -> Iterator[dict[str, Any]]:
    conftest, planted = tests["conftest"], tests["planted_outcomes"]
    for number, change in enumerate(planted.PLANTED):
        place = folder / f"outcomes-{number}"
        cases = change.planted(CASES)
        answers = conftest.answers_of(project, cases[list(conftest.NAMES)])
        window, layout = conftest.write_cases(place / "opt-ml", cases, answers, merged=False)
        told = _explained(
            conftest,
            project,
            place,
            dataset_source=str(window),
            dataset_format=layout,
            MLZONE_MONITOR=change.monitor,
        )
        said = planted.said(told)
        yield _row(change.name, change.expected, said, said == change.expected)


def _words(causes: dict[str, str]) -> str:
    return ", ".join(f"{name}: {cause}" for name, cause in sorted(causes.items())) or "nothing"


def _false_alarms(conftest: types.ModuleType, project: Any) -> dict[str, int]:
    settings = Settings()
    model = WatchedModel.load(project.baseline / "model.tar.gz")
    schema = model.schema
    baseline = parse_statistics(json.loads((project.baseline / "statistics.json").read_text()))
    evaluation = Evaluation.load(project.baseline)
    calibration = Calibration.fit(evaluation.probabilities, evaluation.outcomes)
    before = bias.sides_of(
        evaluation.outcomes, evaluation.probabilities, evaluation.members, schema
    )
    sample = read_training(project.baseline / "sample.csv", schema.features)
    importance = np.abs(model.contributions(sample)[:, :-1])
    counted = dict.fromkeys(("data quality", "model quality", "bias", "explainability"), 0)
    for seed in range(WINDOWS):
        cases = conftest.closed_cases(ROWS, seed=10_000 + seed)
        lines = [line.encode() for line in conftest.csv_lines(cases[list(conftest.NAMES)])]
        builder = IntakeBuilder(schema.features)
        builder.add_lines(lines, np.zeros(ROWS))
        table = builder.finish().table
        answers = model.probabilities(table)
        builder = IntakeBuilder(schema.features)
        builder.add_lines(lines, answers)
        whole = with_predictions(builder.finish())
        current = {item.name: item for item in summarise(whole, baseline)}
        compared = compare(baseline, whole, current, settings)
        counted["data quality"] += any(item.moved for item in compared)
        outcomes = (cases["default"] == "default").to_numpy(dtype=float)
        judged = class_quality.judge(
            evaluation, calibration, (outcomes, answers), schema.threshold, settings
        )
        counted["model quality"] += any(item.holds for item in judged.losses)
        members = {
            "sex": (cases["sex"] == "female").to_numpy(dtype=float),
            "age": (cases["age"] <= 35).to_numpy(dtype=float),  # noqa: PLR2004 - as the project says
        }
        now = bias.sides_of(outcomes, answers, members, schema)
        counted["bias"] += any(item.holds for item in bias.judge(before, now, settings))
        contributions = np.abs(model.contributions(table)[:, :-1])
        order = explainability.order_of(importance, contributions, settings)
        counted["explainability"] += bool(order["holds"])
    return counted


def _false_alarms_of_numbers(numbers: types.ModuleType) -> int:
    settings, before = Settings(), numbers.drawn(CASES, 1)
    judged = (
        number_quality.judge(before, numbers.drawn(ROWS, 10_000 + seed), settings)
        for seed in range(WINDOWS)
    )
    return sum(any(item.holds for item in found.losses) for found in judged)
