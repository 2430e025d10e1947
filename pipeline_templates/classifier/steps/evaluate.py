"""Judge the model on rows that it has not seen: quality, bias, explanation, model card.

Writes SageMaker's documents for the registry and `summary.json`, from which the pipeline decides.
"""

import argparse
import json
from pathlib import Path
from typing import Any

import bias
import card
import explain
import job
import metrics
import model
import payload
import predictor


def summary(
    given: dict[str, Any],
    quality: dict[str, Any],
    fairness: dict[str, Any],
    explanation: dict[str, Any],
) -> dict[str, Any]:
    """Return what the pipeline reads: numbers for its conditions, texts for the registry."""
    scores = quality["binary_classification_metrics"]
    numbers = {name: scores[name]["value"] for name in ("auc", "accuracy", "brier", "ks")}
    numbers["disparate_impact_gap"] = bias.gap(fairness)
    numbers["threshold"] = quality["threshold"]
    texts = {name: f"{value:.6g}" for name, value in numbers.items()}
    for name, value in bias.impacts(fairness).items():
        texts[f"disparate_impact_{name}"] = "none" if value is None else f"{value:.6g}"
    texts["top_features"] = " ".join(list(explain.importance(explanation))[:5])
    document = card.card(given, quality, fairness, explanation)
    return {
        "numbers": numbers,
        "texts": texts,
        "model_card": json.dumps(document, sort_keys=True, separators=(",", ":")),
    }


def main() -> None:
    """Judge and report."""
    root = job.base() / "processing"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=root / "input" / "model")
    parser.add_argument("--test", type=Path, default=root / "input" / "test")
    parser.add_argument("--output", type=Path, default=root / "output")
    args = parser.parse_args()
    given = job.settings()
    judged = predictor.load(args.model)
    document = judged.document
    rows = job.read_table(args.test)
    labels = model.labels(rows, given["model"])
    if not 0 < labels.sum() < len(labels):
        raise job.StepError("the test rows are all of one class")
    expected = [feature["name"] for feature in document["features"]]
    if unknown := [name for name in expected if name not in rows[0]]:
        raise job.StepError(f"the model expects columns that the data lack: {', '.join(unknown)}")
    probabilities = judged.probabilities(rows)
    threshold = document["threshold"]
    quality = metrics.report(labels, probabilities, threshold)
    approved = (probabilities < threshold).astype(float)
    fairness = bias.report(rows, 1 - labels, approved, given)
    explanation = explain.report(
        judged.contributions(rows), document["features"], judged.attribution
    )
    result = summary(given, quality, fairness, explanation)
    job.write_json(args.output / "quality.json", quality)
    job.write_json(args.output / "bias.json", fairness)
    job.write_json(args.output / "explanation.json", explanation)
    job.write_json(args.output / "summary.json", result)
    payload.write(args.output, rows, expected)
    for name, text in result["texts"].items():
        print(f"{name}={text}")


if __name__ == "__main__":
    job.run(main)
