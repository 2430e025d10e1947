"""Fit the forecast on all examples whose outcome is known, write the artefact."""

import argparse
import os
from pathlib import Path

import numpy as np

import forecasting
import job
import model
import series


def main() -> None:
    """Train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=Path, default=job.channel("examples"))
    parser.add_argument(
        "--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", job.base() / "model")
    )
    args = parser.parse_args()
    given = job.settings()
    rows = job.read_table(args.examples)
    features = series.features(given)
    booster = forecasting.fit(rows, given)
    document = forecasting.schema(given)
    model.save(args.model_dir, booster, document)
    errors = booster.predict(model.data(rows, features)) - forecasting.outcomes(rows)
    print(f"train:mae={float(np.abs(errors).mean()):.6f}")


if __name__ == "__main__":
    job.run(main)
