"""Train the booster, choose the threshold on the validation rows, write the artefact.

The same rows and settings give the same bytes: one thread, a fixed seed.
"""

import argparse
import os
from pathlib import Path

import job
import metrics
import model


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--train", type=Path, default=job.channel("train"))
    parser.add_argument("--validation", type=Path, default=job.channel("validation"))
    parser.add_argument(
        "--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", job.base() / "model")
    )
    args = parser.parse_args()
    given = job.settings()
    document = model.schema(given, job.features(given), threshold=0.5)
    features = document["features"]
    train, validation = job.read_table(args.train), job.read_table(args.validation)
    truth = model.labels(validation, given["model"])
    held_out = model.data(validation, features, truth)
    training = given["model"]["training"]
    booster = model.xgboost.train(
        {
            "objective": "binary:logistic",
            "eval_metric": "logloss",
            "tree_method": "hist",
            "nthread": 1,
            **training["parameters"],
        },
        model.data(train, features, model.labels(train, given["model"])),
        num_boost_round=training["max_rounds"],
        evals=[(held_out, "validation")],
        early_stopping_rounds=training["early_stopping_rounds"],
        verbose_eval=False,
    )
    rounds = booster.best_iteration + 1
    booster = booster[:rounds]
    probabilities = booster.predict(held_out).astype(float)
    most = given["model"]["threshold"]["max_default_rate_of_approved"]
    threshold = metrics.choose_threshold(truth, probabilities, most)
    if threshold is None:
        raise job.StepError(
            f"at no threshold do at most {most:.0%} of the approved validation rows belong to "
            f"{given['model']['positive_class']}"
        )
    document["threshold"] = round(threshold, 6)
    model.save(args.model_dir, booster, document)
    print(f"rounds={rounds}")
    print(f"validation:auc={metrics.auc(truth, probabilities):.6f}")
    print(f"validation:threshold={document['threshold']}")


if __name__ == "__main__":
    job.run(main)
