"""The model card, in SageMaker's schema for cards inside a model package (MOD-05)."""

from typing import Any

import bias
import explain
import training

_RISK = {1: "High", 2: "Medium", 3: "Low"}
_SHOWN = 10


def card(
    given: dict[str, Any],
    quality: dict[str, Any],
    fairness: dict[str, Any],
    explanation: dict[str, Any],
) -> dict[str, Any]:
    """Return the card.

    Args:
        given: the build's settings.
        quality: the report of `metrics`.
        fairness: the report of `bias`.
        explanation: the report of `explain`.
    """
    about, model = given["about"], given["model"]
    words = model["decisions"]
    scores = quality["binary_classification_metrics"]
    ranked = list(explain.importance(explanation).items())[:_SHOWN]
    hidden = ", ".join(
        column["title"]
        for column in given["contract"]["columns"]
        if column.get("sensitive") and column["name"] not in model["features"]
    )
    return {
        "model_overview": {"model_creator": about["team"]},
        "intended_uses": {
            "purpose_of_model": about["purpose"],
            "intended_uses": (
                f"From a probability of {model['positive_class']} of {quality['threshold']:.3f} on "
                f"the decision is: {words['positive']}; below: {words['negative']}."
            ),
            "factors_affecting_model_efficiency": "Inputs that drift away from the training data",
            "risk_rating": _RISK[about["risk_tier"]],
            "explanations_for_risk_rating": f"Risk tier {about['risk_tier']} of the organization.",
        },
        "business_details": {
            "business_problem": about["title"],
            "business_stakeholders": about["owner"],
            "line_of_business": about["business_unit"],
        },
        "training_details": {
            "training_observations": training.observations(given),
        },
        "evaluation_details": [
            {
                "name": "Hold-out",
                "evaluation_observation": f"{quality['rows']} rows that training did not see",
                "metric_groups": [
                    _group("Quality", {name: scores[name]["value"] for name in
                                       ("auc", "ks", "brier", "accuracy", "precision", "recall")}),
                    _group("Disparate impact", {k: v for k, v in bias.impacts(fairness).items()
                                                if v is not None}),
                    _group("Importance (mean absolute SHAP value)", dict(ranked)),
                ],
            }
        ],
        "additional_information": {
            "ethical_considerations": (
                f"Used to measure bias, not seen by the model: {hidden}."
                if hidden
                else "No protected attribute is known; bias was not measured."
            ),
            "caveats_and_recommendations": "; ".join(_intervals(fairness)) or "None known.",
        },
    }  # fmt: skip


def _group(name: str, values: dict[str, float]) -> dict[str, Any]:
    return {
        "name": name,
        "metric_data": [
            {"name": key, "type": "number", "value": round(value, 6)}
            for key, value in values.items()
        ],
    }


def _intervals(fairness: dict[str, Any]) -> list[str]:
    facets = fairness["post_training_bias_metrics"]["facets"].values()
    return [
        "{title}: disparate impact within {low:.2f}-{high:.2f} (95 %, {rows} rows)".format(
            title=group["title"],
            low=group["disparate_impact_interval_95"][0],
            high=group["disparate_impact_interval_95"][1],
            rows=group["rows"]["d"],
        )
        for groups in facets
        for group in groups
    ]
