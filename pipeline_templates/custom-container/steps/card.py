"""The model card, in SageMaker's schema for cards inside a model package (MOD-05)."""

from typing import Any

import explain

_RISK = {1: "High", 2: "Medium", 3: "Low"}
_SHOWN = 10


def card(
    given: dict[str, Any], quality: dict[str, Any], explanation: dict[str, Any]
) -> dict[str, Any]:
    """Return the card.

    Args:
        given: the build's settings.
        quality: the report of `accuracy`.
        explanation: the report of `explain`.
    """
    about, model, judged = given["about"], given["model"], quality["held_out"]
    words = model["decisions"]
    metrics = {name: item["value"] for name, item in quality["regression_metrics"].items()}
    return {
        "model_overview": {"model_creator": about["team"]},
        "intended_uses": {
            "purpose_of_model": about["purpose"],
            "intended_uses": (
                f"Estimates {model['target']}. From {model['threshold']:g} on the decision is: "
                f"{words['positive']}; below: {words['negative']}."
            ),
            "factors_affecting_model_efficiency": (
                "Trees do not go beyond what they have seen: what is worth more than anything in "
                "the data is estimated as the dearest in it."
            ),
            "risk_rating": _RISK[about["risk_tier"]],
            "explanations_for_risk_rating": f"Risk tier {about['risk_tier']} of the organization.",
        },
        "business_details": {
            "business_problem": about["title"],
            "business_stakeholders": about["owner"],
            "line_of_business": about["business_unit"],
        },
        "training_details": {
            "training_observations": (
                "Gradient boosted trees of scikit-learn, in the image that the project brings; "
                "words as indicators, missing numbers as the median."
            ),
        },
        "evaluation_details": [
            {
                "name": "Cross-validation by groups",
                "evaluation_observation": (
                    f"{judged['records']} records in {judged['folds']} parts, no {model['group']} "
                    "in two of them; each part is answered for by a model of the others"
                ),
                "metric_groups": [
                    _group("Quality", metrics),
                    _group(
                        "Against the median",
                        {"error_ratio": judged["error_ratio"], "plain_mae": judged["plain_mae"]},
                    ),
                    _group(
                        "Importance (mean absolute Shapley value)",
                        dict(list(explain.importance(explanation).items())[:_SHOWN]),
                    ),
                ],
            }
        ],
        "additional_information": {
            "ethical_considerations": "No data of people: published facts about goods alone.",
            "caveats_and_recommendations": (
                f"Mean error over what was held out: {judged['bias']:+.6g}; positive is too high."
            ),
        },
    }


def _group(name: str, values: dict[str, float]) -> dict[str, Any]:
    return {
        "name": name,
        "metric_data": [
            {"name": key, "type": "number", "value": round(value, 6)}
            for key, value in values.items()
        ],
    }
