"""The four kinds of monitor, and what sets them apart."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MonitorKind = Literal["data-quality", "model-quality", "bias", "explainability"]
"""What a monitor looks at; the name is part of its schedule, its jobs' settings and its alarms."""

Severity = Literal["low", "medium", "high", "critical"]
"""How bad a finding is: its effect, times its importance, times what the tier puts at stake."""

SageMakerKind = Literal["DataQuality", "ModelQuality", "ModelBias", "ModelExplainability"]
"""What SageMaker calls the kinds."""


@dataclass(frozen=True, kw_only=True)
class MonitorTraits:
    """What sets a kind of monitor apart."""

    sagemaker: SageMakerKind
    """SageMaker's name of the kind."""
    alarm: str
    """What the name of its alarm ends with."""
    finding: str
    """What it means when the alarm rises; continues "The model …"."""
    needs_ground_truth: bool = False
    """Whether it compares answers with what became true."""


MONITORS: Mapping[MonitorKind, MonitorTraits] = {
    "data-quality": MonitorTraits(
        sagemaker="DataQuality",
        alarm="drift",
        finding="is asked about data that differ from what it learned from",
    ),
    "model-quality": MonitorTraits(
        sagemaker="ModelQuality",
        alarm="model-quality",
        finding="answers worse than when it was registered",
        needs_ground_truth=True,
    ),
    "bias": MonitorTraits(
        sagemaker="ModelBias",
        alarm="bias",
        finding="treats groups more differently than when it was registered",
        needs_ground_truth=True,
    ),
    "explainability": MonitorTraits(
        sagemaker="ModelExplainability",
        alarm="explainability",
        finding="decides by other features than when it was registered",
    ),
}
"""All kinds, the one that every model has first."""
