"""The thresholds of a monitor: written into the baseline's constraints, read back by each run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from mlzone_runtime.analyzer.errors import AnalysisError

OWN_KEY = "mlzone"
"""The key of `constraints.json` that holds what the published schema has no place for."""

PREDICTION = "prediction"
"""The name under which statistics and findings hold the model's output."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """When a difference counts as drift: it must be significant and large enough, both.

    Attributes:
        max_psi: Population stability index from which a distribution counts as moved.
        min_records: Fewest records that allow a judgement.
        significance: Probability of any false alarm in a window where nothing moved, over all
            features and checks together (Holm's correction).
        min_missing_increase: Rise of the share of missing values from which it counts.
        datatype_threshold: Share of a number's values that must be numbers.
        domain_threshold: Share of a category's values that the baseline must know.
        min_special_share: Rise of the share of one exact value from which it is looked at as a
            stand-in for a missing value.
        max_quality_loss: Loss of a metric of model quality from which it counts.
        max_error_rise: Rise of the error of answers that are numbers, in parts of the baseline's,
            from which it counts.
        max_bias: Distance from even treatment that is let be, whatever the baseline's.
        max_bias_rise: Rise of that distance from which it counts.
        min_attribution_ndcg: How well the order of the features' importance must be kept.
    """

    max_psi: float = 0.2
    min_records: int = 200
    significance: float = 0.01
    min_missing_increase: float = 0.01
    datatype_threshold: float = 0.99
    domain_threshold: float = 0.99
    min_special_share: float = 0.01
    max_quality_loss: float = 0.05
    max_error_rise: float = 0.2
    max_bias: float = 0.1
    max_bias_rise: float = 0.05
    min_attribution_ndcg: float = 0.9

    def to_constraints(self) -> dict[str, Any]:
        """Return the settings as `monitoring_config` and our own key of `constraints.json`."""
        return {
            "monitoring_config": {
                "evaluate_constraints": "Enabled",
                "emit_metrics": "Enabled",
                "datatype_check_threshold": self.datatype_threshold,
                "domain_content_threshold": self.domain_threshold,
                "distribution_constraints": {
                    "perform_comparison": "Enabled",
                    "comparison_threshold": self.max_psi,
                    "comparison_method": "Robust",
                    "categorical_comparison_threshold": self.max_psi,
                    "categorical_drift_method": "ChiSquared",
                },
            },
            OWN_KEY: {
                "min_records": self.min_records,
                "significance": self.significance,
                "min_missing_increase": self.min_missing_increase,
                "min_special_share": self.min_special_share,
                "max_quality_loss": self.max_quality_loss,
                "max_error_rise": self.max_error_rise,
                "max_bias": self.max_bias,
                "max_bias_rise": self.max_bias_rise,
                "min_attribution_ndcg": self.min_attribution_ndcg,
            },
        }

    @classmethod
    def from_constraints(cls, constraints: dict[str, Any]) -> Self:
        """Read the settings back; what a foreign baseline does not set keeps its default."""
        config = constraints.get("monitoring_config", {})
        own = constraints.get(OWN_KEY, {})
        found = {
            "max_psi": config.get("distribution_constraints", {}).get("comparison_threshold"),
            "datatype_threshold": config.get("datatype_check_threshold"),
            "domain_threshold": config.get("domain_content_threshold"),
            **own,
        }
        try:
            return cls(**{name: value for name, value in found.items() if value is not None})
        except TypeError as error:
            raise AnalysisError(
                f"constraints.json: unknown setting under '{OWN_KEY}': {error}"
            ) from error

    def overridden(self, environment: Mapping[str, str]) -> Self:
        """Return the settings with those that the estate sets on the job.

        Raises:
            AnalysisError: A variable is no number.
        """
        changes: dict[str, Any] = {}
        for variable, name, kind in (
            ("MLZONE_MAX_PSI", "max_psi", float),
            ("MLZONE_MIN_RECORDS", "min_records", int),
        ):
            if text := environment.get(variable):
                try:
                    changes[name] = kind(text)
                except ValueError as error:
                    raise AnalysisError(f"{variable} is {text!r}; expected a number") from error
        return replace(self, **changes)
