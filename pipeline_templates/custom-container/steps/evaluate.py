"""Judge the model by what models of the same kind answer to records that they did not see.

Writes SageMaker's documents for the registry, `summary.json`, from which the pipeline decides, and
`held_out.csv`, with which the monitors compare how good estimates are in production.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import accuracy
import card
import explain
import job
import model
import payload
import shapley

_CLOSE = 1e-4
"""Of an answer: so far ONNX's single precision may be from scikit-learn's double."""


def alike(files: dict[str, bytes], answers: model.Vector, frame: pd.DataFrame) -> None:
    """Check that the monitors' model answers what the served one does.

    Raises:
        job.StepError: it does not.
    """
    found = model.asked(files["model.onnx"], frame)
    wrong = np.abs(found - answers) > _CLOSE * np.maximum(1, np.abs(answers))
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise job.StepError(
            f"model.onnx answers {int(wrong.sum())} of {len(answers)} records otherwise than "
            f"model.joblib; row {place + 1}: {found[place]:.6g} instead of {answers[place]:.6g}"
        )


def summary(
    given: dict[str, Any], quality: dict[str, Any], explanation: dict[str, Any]
) -> dict[str, Any]:
    """Return what the pipeline reads: numbers for its conditions, texts for the registry."""
    judged = quality["held_out"]
    numbers = {
        name: quality["regression_metrics"][name]["value"] for name in ("mae", "rmse", "r2")
    } | {name: judged[name] for name in ("error_ratio", "plain_mae", "bias")}
    texts = {name: f"{value:.6g}" for name, value in numbers.items()}
    texts["records"] = str(judged["records"])
    texts["threshold"] = f"{given['model']['threshold']:g}"
    texts["top_features"] = " ".join(list(explain.importance(explanation))[:5])
    return {
        "numbers": numbers,
        "texts": texts,
        "model_card": json.dumps(
            card.card(given, quality, explanation), sort_keys=True, separators=(",", ":")
        ),
    }


def main() -> None:
    """Judge and report."""
    root = job.base() / "processing"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=root / "input" / "model")
    parser.add_argument("--examples", type=Path, default=root / "input" / "examples")
    parser.add_argument("--output", type=Path, default=root / "output")
    args = parser.parse_args()
    given = job.settings()
    learned, document = model.load(args.model)
    files = model.files(args.model)
    rows, features = job.read_table(args.examples), job.features(given)
    frame = model.table(rows, features)
    alike(files, learned.predict(frame), frame)
    answers, plain = model.held_out(rows, given)
    quality = accuracy.report(answers, plain, model.targets(rows, given), given["model"]["folds"])
    explanation = explain.report(
        shapley.contributions(learned.predict, frame, background(files, features)),
        document["features"],
        method="sampled Shapley",
        unit=given["model"]["target"],
    )
    result = summary(given, quality, explanation)
    job.write_json(args.output / "quality.json", quality)
    job.write_json(args.output / "explanation.json", explanation)
    job.write_json(args.output / "summary.json", result)
    told = [
        {**row, model.ANSWER: f"{answer:.8g}"}
        for row, answer in zip(rows, answers.tolist(), strict=True)
    ]
    job.write_table(args.output / "held_out.csv", list(told[0]), told)
    payload.write(args.output, rows, [feature["name"] for feature in document["features"]])
    for name, text in result["texts"].items():
        print(f"{name}={text}")


def background(files: dict[str, bytes], features: list[dict[str, Any]]) -> pd.DataFrame:
    """Return the records that contributions compare with."""
    lines = files["background.csv"].decode().splitlines()
    names = lines[0].split(",")
    rows = [dict(zip(names, line.split(","), strict=True)) for line in lines[1:]]
    return model.table(rows, features)


if __name__ == "__main__":
    job.run(main)
