"""Judge the forecast by a rolling back-test; explain the model; write its card.

Writes SageMaker's documents for the registry, `summary.json`, from which the pipeline decides, and
`backtest.csv`, with which the monitors compare how good forecasts are in production.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import accuracy
import card
import explain
import forecasting
import job
import model
import payload

FORECAST = "forecast"
"""The column of the back-test's forecasts, which the monitors' baseline takes for answers."""


def summary(
    given: dict[str, Any], quality: dict[str, Any], explanation: dict[str, Any]
) -> dict[str, Any]:
    """Return what the pipeline reads: numbers for its conditions, texts for the registry."""
    tested = quality["backtest"]
    numbers = {
        name: quality["regression_metrics"][name]["value"] for name in ("mae", "rmse", "r2")
    } | {name: tested[name] for name in ("error_ratio", "naive_mae", "bias")}
    texts = {name: f"{value:.6g}" for name, value in numbers.items()}
    texts["origins"] = str(tested["origins"])
    texts["horizon"] = str(given["model"]["horizon"])
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
    booster, document = model.load(args.model)
    rows = job.read_table(args.examples)
    tested = forecasting.backtest(rows, given)
    quality = accuracy.report(tested)
    matrix = model.data(rows, document["features"])
    explanation = explain.report(model.contributions(booster, matrix), document["features"])
    result = summary(given, quality, explanation)
    job.write_json(args.output / "quality.json", quality)
    job.write_json(args.output / "explanation.json", explanation)
    job.write_json(args.output / "summary.json", result)
    job.write_table(
        args.output / "backtest.csv", [*tested.rows[0], FORECAST], tested.table(FORECAST)
    )
    payload.write(args.output, rows, [feature["name"] for feature in document["features"]])
    for name, text in result["texts"].items():
        print(f"{name}={text}")


if __name__ == "__main__":
    job.run(main)
