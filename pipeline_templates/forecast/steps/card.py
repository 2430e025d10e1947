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
    about, model, tested = given["about"], given["model"], quality["backtest"]
    words = model["decisions"]
    metrics = {name: item["value"] for name, item in quality["regression_metrics"].items()}
    return {
        "model_overview": {"model_creator": about["team"]},
        "intended_uses": {
            "purpose_of_model": about["purpose"],
            "intended_uses": (
                f"Forecasts {model['target']} {model['horizon']} periods ahead, as a share. From "
                f"{model['threshold']:g} on the decision is: {words['positive']}; below: "
                f"{words['negative']}."
            ),
            "factors_affecting_model_efficiency": (
                "Trees do not go beyond what they have seen: a crisis deeper than any in the data "
                "is forecast as the deepest in it."
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
                "Gradient boosted trees over shares, by logarithmic loss, on all periods whose "
                "outcome is known."
            ),
        },
        "evaluation_details": [
            {
                "name": "Rolling back-test",
                "evaluation_observation": (
                    f"{tested['forecasts']} forecasts from {tested['origins']} origins, each by a "
                    "model that was trained on what was known then"
                ),
                "metric_groups": [
                    _group("Quality", metrics),
                    _group(
                        "Against a forecast of no change",
                        {"error_ratio": tested["error_ratio"], "naive_mae": tested["naive_mae"]},
                    ),
                    _group(
                        "Importance (mean absolute SHAP value)",
                        dict(list(explain.importance(explanation).items())[:_SHOWN]),
                    ),
                ],
            }
        ],
        "additional_information": {
            "ethical_considerations": "No data of people: published aggregates alone.",
            "caveats_and_recommendations": (
                f"Mean error over the back-test: {tested['bias']:+.4f}; positive is too high."
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
