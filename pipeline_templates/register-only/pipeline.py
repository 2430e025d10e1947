"""Registers a model that was trained elsewhere: Prepare, Evaluate and Baseline, Gate, Register."""

from typing import Any

from delivery.authoring import Author, uri, write
from delivery.classifier import gate


def definition(author: Author) -> dict[str, Any]:
    """Return the definition, as the SDK writes it."""
    model = author.inputs.model_uri
    prepare = author.prepare(["reference", "test"])
    evaluate = author.evaluate({"model": model, "test": uri(prepare, "test")})
    baseline = author.baseline(uri(prepare, "reference"), model, evaluation=uri(prepare, "test"))
    last = gate(author, model_data=f"{model}/model.tar.gz", evaluate=evaluate, baseline=baseline)
    return author.document([prepare, evaluate, baseline, last])


if __name__ == "__main__":
    write(definition)
