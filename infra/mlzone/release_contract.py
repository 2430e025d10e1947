"""What a release hands to the stacks that serve and watch a model: their parameters.

The stacks are deployed before there is any release; a promotion then updates them with the
parameters below and nothing else. An empty release means that there is none: the stacks then hold
roles, logs and alarms, but no endpoint and no monitor. So it is while the model is stopped, too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

MOST_RELEASE_CHARACTERS = 12
"""A release's id ends the names of models and monitors, which leave it this much room."""

Parameter = Literal[
    "AnalyzerImage",
    "BaselineConstraints",
    "BaselineStatistics",
    "InferenceImage",
    "ModelDataUrl",
    "ModelPackageArn",
    "Release",
    "Stopped",
    "VariantsChange",
]
"""The parameters of both stacks."""


@dataclass(frozen=True, kw_only=True)
class ParameterRule:
    """What a parameter holds."""

    description: str
    """For whoever reads the stack."""
    pattern: str
    """What CloudFormation accepts; the empty text is always allowed."""


PARAMETERS: Mapping[Parameter, ParameterRule] = {
    "Release": ParameterRule(
        description="Id of the release that serves; empty before the first",
        pattern=rf"[a-z0-9](?:[a-z0-9-]{{0,{MOST_RELEASE_CHARACTERS - 2}}}[a-z0-9])?",
    ),
    "ModelDataUrl": ParameterRule(
        description="The model's model.tar.gz in the environment's release bucket",
        pattern=r"s3://.+/model\.tar\.gz",
    ),
    "InferenceImage": ParameterRule(
        description="The image that serves, by digest",
        pattern=r".+\.dkr\.ecr\..+@sha256:[0-9a-f]{64}",
    ),
    "ModelPackageArn": ParameterRule(
        description="The version in the registry that the release was made of",
        pattern=r"arn:[^:]+:sagemaker:[^:]+:[0-9]{12}:model-package/.+",
    ),
    "BaselineStatistics": ParameterRule(
        description="Folder of the baseline in the environment's release bucket",
        pattern=r"s3://.+",
    ),
    "BaselineConstraints": ParameterRule(
        description="The baseline's constraints.json in the environment's release bucket",
        pattern=r"s3://.+/constraints\.json",
    ),
    "AnalyzerImage": ParameterRule(
        description="The image that compares requests with the baseline",
        pattern=r".+\.dkr\.ecr\..+",
    ),
    "Stopped": ParameterRule(
        description="Who took the model out of service, and why; empty while it may serve",
        pattern=r".{1,400}",
    ),
    "VariantsChange": ParameterRule(
        description="Set while a trial begins or ends; empty while releases are deployed",
        pattern="yes",
    ),
}
"""What each parameter holds."""

SERVING: tuple[Parameter, ...] = ("Release", "ModelDataUrl", "InferenceImage", "ModelPackageArn")
"""What a promotion sets of a Serving stack; what stops the model sets `Stopped`."""

CHALLENGER = "Challenger"
"""What parameters of a release on trial begin with, and what its variant is called.

A Serving stack has `SERVING` a second time, each with this before it, where the estate lets
releases be tried. `VariantsChange` is set with them, whenever they are set or emptied: SageMaker
shifts traffic only between configurations with the same variants.
"""

MONITORING: tuple[Parameter, ...] = (
    "Release",
    "BaselineStatistics",
    "BaselineConstraints",
    "AnalyzerImage",
)
"""What a promotion sets of a Monitoring stack; what stops the model sets `Stopped`."""
