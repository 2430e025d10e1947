"""The training pipeline: Prepare, Train, Evaluate and Baseline, Gate, then Register or Reject."""

from typing import Any

from delivery.authoring import Author, artifact, uri, write
from delivery.classifier import gate


def definition(author: Author) -> dict[str, Any]:
    """Return the definition, as the SDK writes it."""
    prepare = author.prepare(["train", "validation", "test"])
    train = author.train(
        {name: uri(prepare, name) for name in ("train", "validation")}, "validation:auc"
    )
    evaluate = author.evaluate({"model": artifact(train), "test": uri(prepare, "test")})
    baseline = author.baseline(
        uri(prepare, "train"), artifact(train), evaluation=uri(prepare, "test")
    )
    last = gate(author, model_data=artifact(train), evaluate=evaluate, baseline=baseline)
    return author.document([prepare, train, evaluate, baseline, last])


if __name__ == "__main__":
    write(definition)
