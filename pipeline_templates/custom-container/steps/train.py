"""Fit the model on all examples, write the artefact."""

import argparse
import os
from pathlib import Path

import numpy as np

import job
import model


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
    learned = model.fit(rows, given)
    model.save(args.model_dir, learned, rows, given)
    errors = learned.predict(model.table(rows, job.features(given))) - model.targets(rows, given)
    print(f"train:mae={float(np.abs(errors).mean()):.6f}")


if __name__ == "__main__":
    job.run(main)
