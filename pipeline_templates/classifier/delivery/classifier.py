"""The gate of a classifier: the thresholds of the estate, which no parameter changes."""

from sagemaker.core.workflow.conditions import (
    ConditionGreaterThanOrEqualTo,
    ConditionLessThanOrEqualTo,
)
from sagemaker.mlops.workflow import ConditionStep, ProcessingStep

from delivery.authoring import Author, Place

RESULTS = (
    "accuracy",
    "auc",
    "brier",
    "disparate_impact_gap",
    "ks",
    "threshold",
    "top_features",
)
"""What the registry keeps of the evaluation, as text."""


def gate(
    author: Author, *, model_data: Place, evaluate: ProcessingStep, baseline: ProcessingStep
) -> ConditionStep:
    """Return the step that registers a version that is good and fair enough, or says why not."""
    limits = author.delivery["thresholds"]
    auc, gap = author.number("auc"), author.number("disparate_impact_gap")
    register = author.register(
        model_data=model_data,
        evaluate=evaluate,
        baseline=baseline,
        results=RESULTS,
        task="CLASSIFICATION",
        classifies=True,
    )
    reject = author.reject(
        "AUC",
        auc,
        f"(at least {limits['min_auc']}), disparate impact gap",
        gap,
        f"(at most {limits['max_disparate_impact_gap']})",
    )
    return ConditionStep(
        "Gate",
        conditions=[
            ConditionGreaterThanOrEqualTo(left=auc, right=limits["min_auc"]),
            ConditionLessThanOrEqualTo(left=gap, right=limits["max_disparate_impact_gap"]),
        ],
        if_steps=[register],
        else_steps=[reject],
        depends_on=[baseline],
    )
