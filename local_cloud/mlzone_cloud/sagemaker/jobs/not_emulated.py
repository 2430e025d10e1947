"""Jobs that moto completes without doing any work; here they are refused."""

from mlzone_cloud.errors import NotEmulatedError
from mlzone_cloud.operations import Call, Result, operation


@operation(
    "sagemaker",
    "CreateAutoMLJob",
    "CreateAutoMLJobV2",
    "CreateCompilationJob",
    "CreateHyperParameterTuningJob",
    "CreateInferenceRecommendationsJob",
    "CreateLabelingJob",
)
def refuse(call: Call) -> Result:
    """Refuse to pretend."""
    raise NotEmulatedError(call.service, call.operation)
