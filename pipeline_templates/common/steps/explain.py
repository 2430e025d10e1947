"""What the model looks at: exact TreeSHAP values, in log odds, averaged over the test rows."""

from typing import Any

import numpy as np

from model import xgboost


def report(
    booster: xgboost.Booster, rows: xgboost.DMatrix, features: list[dict[str, Any]]
) -> dict[str, Any]:
    """Return the global importance in the format of SageMaker Clarify's `analysis.json`.

    The format has one key for SHAP values, `kernel_shap`; `method` says how these were computed.
    """
    values = np.asarray(booster.predict(rows, pred_contribs=True), dtype=float)
    importance = np.abs(values[:, :-1]).mean(axis=0)
    ranked = sorted(
        zip([feature["name"] for feature in features], importance.tolist(), strict=True),
        key=lambda pair: (-pair[1], pair[0]),
    )
    return {
        "version": "1.0",
        "method": "exact TreeSHAP",
        "unit": "log odds",
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
