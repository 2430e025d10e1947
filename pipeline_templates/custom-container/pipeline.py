"""The training pipeline: Prepare, Train, Evaluate and Baseline, Gate, then Register or Reject."""

from typing import Any

from sagemaker.core.workflow.conditions import ConditionLessThanOrEqualTo
from sagemaker.mlops.workflow import ConditionStep

from delivery.authoring import Author, artifact, uri, write

RESULTS = (
    "bias",
    "error_ratio",
    "mae",
    "plain_mae",
    "r2",
    "records",
    "rmse",
    "threshold",
    "top_features",
)
"""What the registry keeps of the evaluation, as text."""


def definition(author: Author) -> dict[str, Any]:
    """Return the definition, as the SDK writes it."""
    prepare = author.prepare(["examples"])
    train = author.train({"examples": uri(prepare, "examples")}, "train:mae")
    evaluate = author.evaluate({"model": artifact(train), "examples": uri(prepare, "examples")})
    baseline = author.baseline(
        uri(prepare, "examples"),
        artifact(train),
        evaluation=uri(evaluate, "evaluation"),
        answers="answer",
    )
    limit = author.delivery["thresholds"]["max_error_ratio"]
    ratio = author.number("error_ratio")
    register = author.register(
        model_data=artifact(train),
        evaluate=evaluate,
        baseline=baseline,
        results=RESULTS,
        task="REGRESSION",
        classifies=False,
    )
    gate = ConditionStep(
        "Gate",
        conditions=[ConditionLessThanOrEqualTo(left=ratio, right=limit)],
        if_steps=[register],
        else_steps=[
            author.reject("error relative to always the median", ratio, f"(at most {limit})")
        ],
        depends_on=[baseline],
    )
    return author.document([prepare, train, evaluate, baseline, gate])


if __name__ == "__main__":
    write(definition)
