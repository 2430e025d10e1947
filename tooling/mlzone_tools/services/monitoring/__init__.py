"""Monitors of models: run one now, read what it found and what it compares with."""

from mlzone_tools.services.monitoring.baseline import Baseline, baseline
from mlzone_tools.services.monitoring.monitored import ENDED, Inspection, Monitored, monitored
from mlzone_tools.services.monitoring.page import completed
from mlzone_tools.services.monitoring.reports import (
    drifted_features,
    explanation,
    latest,
    read,
    sentences,
)
from mlzone_tools.services.monitoring.runs import inspections, run_now

__all__ = [
    "ENDED",
    "Baseline",
    "Inspection",
    "Monitored",
    "baseline",
    "completed",
    "drifted_features",
    "explanation",
    "inspections",
    "latest",
    "monitored",
    "read",
    "run_now",
    "sentences",
]
