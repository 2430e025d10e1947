"""Model Monitor's published schemas, as JSON schemas.

Source: SageMaker developer guide, pages model-monitor-byoc-statistics,
model-monitor-byoc-constraints and model-monitor-interpreting-violations. Containers "can adopt the
same format or enhance it as required": the one key of ours is `mlzone`, anything else is a mistake.
"""

from typing import Any

_COUNT = {"type": "integer", "minimum": 0}
_NUMBER = {"type": "number"}


def _object(required: dict[str, Any], **optional: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **optional},
        "additionalProperties": False,
    }


_COMMON = _object({"num_present": _COUNT, "num_missing": _COUNT})
_KLL = _object(
    {
        "buckets": {
            "type": "array",
            "items": _object({"lower_bound": _NUMBER, "upper_bound": _NUMBER, "count": _NUMBER}),
        },
        "sketch": _object(
            {
                "parameters": _object({"c": _NUMBER, "k": _NUMBER}),
                "data": {"type": "array", "items": {"type": "array", "items": _NUMBER}},
            }
        ),
    }
)
_TYPE = {"enum": ["Integral", "Fractional", "String", "Unknown"]}
_NAME = {"type": "string", "minLength": 1}

OWN = _object(
    {"outcome": _NAME, "left_out": {"type": "object", "additionalProperties": _COUNT}},
)
"""What is ours in `constraint_violations.json`: the outcome by its name, and what was left out."""

STATISTICS = _object(
    {
        "version": {"const": 0.0},
        "dataset": _object({"item_count": _COUNT}),
        "features": {
            "type": "array",
            "items": {
                **_object(
                    {"name": _NAME, "inferred_type": _TYPE},
                    numerical_statistics=_object(
                        {
                            "common": _COMMON,
                            "mean": _NUMBER,
                            "sum": _NUMBER,
                            "std_dev": _NUMBER,
                            "min": _NUMBER,
                            "max": _NUMBER,
                            "distribution": _object({"kll": _KLL}),
                        }
                    ),
                    string_statistics=_object(
                        {
                            "common": _COMMON,
                            "distinct_count": _NUMBER,
                            "distribution": _object(
                                {
                                    "categorical": _object(
                                        {
                                            "buckets": {
                                                "type": "array",
                                                "items": _object(
                                                    {"value": {"type": "string"}, "count": _COUNT}
                                                ),
                                            }
                                        }
                                    )
                                }
                            ),
                        }
                    ),
                ),
                "oneOf": [
                    {"required": ["numerical_statistics"]},
                    {"required": ["string_statistics"]},
                ],
            },
        },
    },
    mlzone=_object({"repeated_records": _COUNT}),
)

CONSTRAINTS = _object(
    {
        "version": {"const": 0.0},
        "features": {
            "type": "array",
            "items": _object(
                {
                    "name": _NAME,
                    "inferred_type": _TYPE,
                    "completeness": {"type": "number", "minimum": 0, "maximum": 1},
                },
                num_constraints=_object({"is_non_negative": {"type": "boolean"}}),
                string_constraints=_object(
                    {"domains": {"type": "array", "items": {"type": "string"}}}
                ),
            ),
        },
        "monitoring_config": _object(
            {
                "evaluate_constraints": {"enum": ["Enabled", "Disabled"]},
                "emit_metrics": {"enum": ["Enabled", "Disabled"]},
                "datatype_check_threshold": _NUMBER,
                "domain_content_threshold": _NUMBER,
                "distribution_constraints": _object(
                    {
                        "perform_comparison": {"enum": ["Enabled", "Disabled"]},
                        "comparison_threshold": _NUMBER,
                        "comparison_method": {"enum": ["Simple", "Robust"]},
                        "categorical_comparison_threshold": _NUMBER,
                        "categorical_drift_method": {"enum": ["LInfinity", "ChiSquared"]},
                    }
                ),
            }
        ),
    },
    mlzone={"type": "object", "additionalProperties": _NUMBER},
)

VIOLATIONS = _object(
    {
        "violations": {
            "type": "array",
            "items": _object(
                {
                    "feature_name": _NAME,
                    "constraint_check_type": {
                        "enum": [
                            "data_type_check",
                            "completeness_check",
                            "baseline_drift_check",
                            "missing_column_check",
                            "extra_column_check",
                            "categorical_values_check",
                        ]
                    },
                    "description": _NAME,
                }
            ),
        }
    },
    mlzone=OWN,
)
