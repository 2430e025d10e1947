"""What the model looks at: Shapley values, averaged over the test rows."""

from typing import Any

import numpy as np
import numpy.typing as npt


def report(
    values: npt.NDArray[np.float64],
    features: list[dict[str, Any]],
    method: str = "exact TreeSHAP",
    unit: str = "log odds",
) -> dict[str, Any]:
    """Return the global importance in the format of SageMaker Clarify's `analysis.json`.

    The format has one key for SHAP values, `kernel_shap`; `method` says how these were computed.

    Args:
        values: Shapley values, a row a record, a column a feature, and last the expected value.
        features: of the model's schema.
        method: how the values were computed.
        unit: what they add up to.
    """
    importance = np.abs(values[:, :-1]).mean(axis=0)
    ranked = sorted(
        zip([feature["name"] for feature in features], importance.tolist(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return {
        "version": "1.0",
        "method": method,
        "unit": unit,
        "explanations": {
            "kernel_shap": {
                "label0": {
                    "global_shap_values": dict(ranked),
                    "expected_value": float(values[0, -1]),
                }
            }
        },
    }


def importance(document: dict[str, Any]) -> dict[str, float]:
    """Return the features' importance, the largest first."""
    values: dict[str, float] = document["explanations"]["kernel_shap"]["label0"][
        "global_shap_values"
    ]
    return values
