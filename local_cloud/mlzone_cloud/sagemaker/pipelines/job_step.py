"""The steps that run jobs: which operations they call, and what counts for their cache."""

from dataclasses import dataclass

from botocore import xform_name


@dataclass(frozen=True, kw_only=True)
class JobKind:
    """A kind of step that creates a job and waits for its end."""

    noun: str
    """Such as `TrainingJob`; operations and fields are named after it."""
    metadata: str
    """What the step's metadata calls the job."""
    cache: tuple[str, ...]
    """The arguments that decide whether an earlier result counts: SageMaker's default keys."""

    @property
    def create(self) -> str:
        """The operation that begins the job."""
        return f"Create{self.noun}"

    @property
    def describe(self) -> str:
        """The SDK's method that describes it."""
        return str(xform_name(f"Describe{self.noun}"))

    @property
    def stop(self) -> str:
        """The SDK's method that stops it."""
        return str(xform_name(f"Stop{self.noun}"))

    @property
    def name(self) -> str:
        """The parameter that names it."""
        return f"{self.noun}Name"

    @property
    def status(self) -> str:
        """The field that tells how far it is."""
        return f"{self.noun}Status"

    @property
    def arn(self) -> str:
        """The field that holds its ARN."""
        return f"{self.noun}Arn"


JOBS = {
    "Processing": JobKind(
        noun="ProcessingJob",
        metadata="ProcessingJob",
        cache=("AppSpecification", "Environment", "ProcessingInputs"),
    ),
    "Training": JobKind(
        noun="TrainingJob",
        metadata="TrainingJob",
        cache=(
            "AlgorithmSpecification",
            "CheckpointConfig",
            "DebugHookConfig",
            "DebugRuleConfigurations",
            "Environment",
            "HyperParameters",
            "InputDataConfig",
        ),
    ),
    "Transform": JobKind(
        noun="TransformJob",
        metadata="TransformJob",
        cache=("DataProcessing", "Environment", "ModelName", "TransformInput"),
    ),
}
"""By type of step. Source of the cache keys: Developer Guide, "Default cache key attributes by
pipeline step type"."""

FINISHED = frozenset({"Completed", "Failed", "Stopped"})
EVENTS = {
    "SageMaker Processing Job State Change": "Processing",
    "SageMaker Training Job State Change": "Training",
    "SageMaker Transform Job State Change": "Transform",
}
"""By detail-type: the type of step whose job it is about."""
