"""Writes steps of a pipeline with the SageMaker Python SDK; no call leaves the machine.

What every template's pipeline has in common. Jobs get code and data as plain S3 inputs;
`delivery.harden` adds what the SDK cannot say or forgets, and the build refuses a definition with
a gap.
"""

import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
logging.getLogger("sagemaker").setLevel(logging.ERROR)

import boto3  # noqa: E402
import pydantic  # noqa: E402

# The SDK declares a thousand models and a pipeline uses few: a validator is made at its first use.
pydantic.BaseModel.model_config["defer_build"] = True

from sagemaker.core.config.config_manager import SageMakerConfig  # noqa: E402
from sagemaker.core.drift_check_baselines import DriftCheckBaselines  # noqa: E402
from sagemaker.core.helper import session_helper  # noqa: E402
from sagemaker.core.local.local_session import LocalSagemakerClient  # noqa: E402
from sagemaker.core.model_life_cycle import ModelLifeCycle  # noqa: E402
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics  # noqa: E402
from sagemaker.core.processing import Processor  # noqa: E402
from sagemaker.core.shapes import (  # noqa: E402
    MetricDefinition,
    ModelPackageModelCard,
    OutputDataConfig,
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
    StoppingCondition,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables  # noqa: E402
from sagemaker.core.workflow.functions import Join, JsonGet  # noqa: E402
from sagemaker.core.workflow.parameters import ParameterString  # noqa: E402
from sagemaker.core.workflow.pipeline_context import PipelineSession  # noqa: E402
from sagemaker.core.workflow.properties import PropertyFile  # noqa: E402
from sagemaker.mlops.workflow import (  # noqa: E402
    CacheConfig,
    FailStep,
    ModelStep,
    Pipeline,
    ProcessingStep,
    TrainingStep,
)
from sagemaker.mlops.workflow import steps as workflow_steps  # noqa: E402
from sagemaker.serve import ModelBuilder  # noqa: E402
from sagemaker.train import ModelTrainer  # noqa: E402
from sagemaker.train.configs import Compute, InputData  # noqa: E402

# The SDK checks its configuration, which is fixed here, at every look into it: 60 times, 7 seconds.
SageMakerConfig.validate_sagemaker_config = staticmethod(lambda *_, **__: None)
session_helper.validate_sagemaker_config = lambda *_, **__: None
# To learn the name of a method, each processing step would make a session of the local mode.
workflow_steps.LocalSagemakerClient = lambda: LocalSagemakerClient

PROCESSING = "/opt/ml/processing"
CHANNELS = "/opt/ml/input/data"
CONTENT_TYPES = ["text/csv", "application/json"]
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")

Place = Any
"""A URI, or an expression that becomes one when the pipeline runs."""


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a definition is made from, beside the delivery parameter."""

    images: dict[str, str]
    """By purpose: training, processing, inference, analyzer; by digest."""
    code_uri: str
    """The folder of the steps; empty where the image brings them."""
    data_uri: str
    model_uri: str
    """The folder of a model that was trained elsewhere; empty where the pipeline trains."""
    code_hash: str
    data_hash: str
    model_hash: str


class Author:
    """Writes the steps of one model's pipeline."""

    def __init__(self, delivery: dict[str, Any], inputs: Inputs) -> None:
        self.delivery = delivery
        """What the platform tells the build."""
        self.inputs = inputs
        """Code, data and images."""
        self._role = delivery["pipeline"]["role_arn"]
        self._compute = delivery["compute"]
        self._root = "s3://{bucket}/{prefix}".format(**delivery["artifacts"])
        self._session = PipelineSession(
            boto_session=boto3.Session(region_name=delivery["region"]),
            default_bucket=delivery["artifacts"]["bucket"],
            sagemaker_config={
                "SchemaVersion": "1.0",
                "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
            },
        )
        # The SDK would look the bucket up, and make one, the first time that it wants to know it.
        self._session._default_bucket = delivery["artifacts"]["bucket"]  # noqa: SLF001
        self._author = ParameterString("Author", default_value="unknown")
        self._commit = ParameterString("Commit", default_value="unknown")
        self._trigger = ParameterString("Trigger", default_value="manual")
        self._tracked = {
            "mlflow_app": ParameterString("MlflowApp", default_value="none"),
            "mlflow_run": ParameterString("MlflowRun", default_value="none"),
        }
        self.summary = PropertyFile(name="Summary", output_name="evaluation", path="summary.json")
        """What the evaluation found: `numbers` for conditions, `texts` for the registry."""
        self._digest = PropertyFile(name="Digest", output_name="baseline", path="digest.json")

    def document(self, steps: Sequence[Any]) -> dict[str, Any]:
        """Return the definition of steps, as the SDK writes it."""
        pipeline = Pipeline(
            name=self.delivery["pipeline"]["name"],
            parameters=[self._author, self._commit, self._trigger, *self._tracked.values()],
            steps=list(steps),
            sagemaker_session=self._session,
            pipeline_experiment_config=None,
        )
        document: dict[str, Any] = json.loads(pipeline.definition())
        return document

    # --- steps --------------------------------------------------------------------------------

    def prepare(self, outputs: Sequence[str]) -> ProcessingStep:
        """Return the step that runs `prepare.py` over the data."""
        arguments = self._step("prepare").run(
            inputs=[*self._code(), _input("data", self.inputs.data_uri)],
            outputs=[self._output("prepare", name) for name in (*outputs, "report")],
            arguments=self._command("prepare"),
        )
        return ProcessingStep("Prepare", step_args=arguments, cache_config=CACHE)

    def train(self, channels: dict[str, Place], metric: str) -> TrainingStep:
        """Return the step that runs `train.py`.

        Args:
            channels: where each channel's data lies.
            metric: what the training prints as `metric=number`.
        """
        trainer = ModelTrainer(
            training_image=self.inputs.images["training"],
            role=self._role,
            sagemaker_session=self._session,
            base_job_name="train",
            compute=Compute(
                instance_type=self._compute["instance_type"],
                instance_count=1,
                volume_size_in_gb=self._compute["volume_gb"],
            ),
            stopping_condition=StoppingCondition(
                max_runtime_in_seconds=self._compute["max_runtime_seconds"]
            ),
            output_data_config=OutputDataConfig(s3_output_path=f"{self._root}/training"),
            input_data_config=[
                *(
                    [InputData(channel_name="code", data_source=self.inputs.code_uri)]
                    if self.inputs.code_uri
                    else []
                ),
                *(
                    InputData(channel_name=name, data_source=place, content_type="text/csv")
                    for name, place in channels.items()
                ),
            ],
        ).with_metric_definitions([MetricDefinition(name=metric, regex=f"{metric}=([0-9.]+)")])
        return TrainingStep("Train", step_args=trainer.train(), cache_config=CACHE)

    def evaluate(self, places: dict[str, Place]) -> ProcessingStep:
        """Return the step that runs `evaluate.py`; it writes `summary.json`.

        Args:
            places: its inputs, by name.
        """
        arguments = self._step("evaluate").run(
            inputs=[*self._code(), *(_input(name, place) for name, place in places.items())],
            outputs=[self._output("evaluate", "evaluation", folder="")],
            arguments=self._command("evaluate"),
        )
        return ProcessingStep(
            "Evaluate", step_args=arguments, property_files=[self.summary], cache_config=CACHE
        )

    def baseline(
        self, dataset: Place, model: Place, *, evaluation: Place, answers: str = ""
    ) -> ProcessingStep:
        """Return the step that makes what the monitors will compare production with.

        Args:
            dataset: what the model learned from.
            model: the folder of its archive.
            evaluation: records that it did not see, with their outcome: what the monitors of
                quality, bias and explanations compare with.
            answers: the column of answers that were given without knowing the outcome, such as
                those of a back-test; a classifier is asked instead, and held against the groups
                of its settings.
        """
        judged = (
            ["--answers", answers]
            if answers
            else ["--groups", f"{PROCESSING}/input/code/settings.json"]
        )
        monitoring = self.delivery["monitoring"]
        processor = self._processor("analyzer", ["python3", "-m", "mlzone_runtime.analyzer"])
        arguments = processor.run(
            inputs=[
                *([] if answers else self._code()),
                _input("dataset", dataset),
                _input("evaluation", evaluation),
                _input("model", model),
            ],
            outputs=[self._output("baseline", "baseline", folder="")],
            arguments=[
                "baseline",
                *("--dataset", f"{PROCESSING}/input/dataset"),
                *("--model", f"{PROCESSING}/input/model"),
                *("--evaluation", f"{PROCESSING}/input/evaluation"),
                *judged,
                *("--output", f"{PROCESSING}/output"),
                *("--max-psi", str(monitoring["max_psi"])),
                *("--min-records", str(monitoring["min_records"])),
            ],
        )
        return ProcessingStep(
            "Baseline", step_args=arguments, property_files=[self._digest], cache_config=CACHE
        )

    def number(self, name: str) -> JsonGet:
        """Return a number of the evaluation, for a condition."""
        return JsonGet(
            step_name="Evaluate", property_file=self.summary, json_path=f"numbers.{name}"
        )

    def reject(self, *words: object) -> FailStep:
        """Return the step that ends the pipeline without a version, and says why."""
        return FailStep("Reject", error_message=Join(on=" ", values=["not registered:", *words]))

    def register(
        self,
        *,
        model_data: Place,
        evaluate: ProcessingStep,
        baseline: ProcessingStep,
        results: Sequence[str],
        task: str,
        classifies: bool,
    ) -> ModelStep:
        """Return the step that puts the version into the registry.

        Args:
            model_data: the model's archive.
            evaluate: writes quality, explanation and card.
            baseline: writes the drift baseline.
            results: what the registry keeps of the evaluation, as text.
            task: SageMaker's word for what the model does.
            classifies: whether the evaluation writes `bias.json`, and the baseline knows groups.
        """
        builder = ModelBuilder(
            image_uri=self.inputs.images["inference"],
            s3_model_data_url=model_data,
            role_arn=self._role,
            sagemaker_session=self._session,
        )
        evaluation, folder = uri(evaluate, "evaluation"), uri(baseline, "baseline")
        text = {
            name: JsonGet(
                step_name="Evaluate", property_file=self.summary, json_path=f"texts.{name}"
            )
            for name in results
        }
        arguments = builder.register(
            model_package_group_name=self.delivery["registry"]["group_arn"],
            approval_status="PendingManualApproval",
            content_types=CONTENT_TYPES,
            response_types=CONTENT_TYPES,
            inference_instances=self._compute["inference_instance_types"],
            model_metrics=ModelMetrics(
                model_statistics=_source(evaluation, "quality.json"),
                model_data_statistics=_source(folder, "statistics.json"),
                model_data_constraints=_source(folder, "constraints.json"),
                bias=_source(evaluation, "bias.json") if classifies else None,
                explainability=_source(evaluation, "explanation.json"),
            ),
            drift_check_baselines=_baselines(folder, groups=classifies),
            customer_metadata_properties={
                "author": self._author,
                "commit": self._commit,
                "trigger": self._trigger,
                "pipeline_execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
                "risk_tier": str(self.delivery["risk_tier"]),
                "code_hash": self.inputs.code_hash,
                "data_hash": self.inputs.data_hash,
                **({"model_hash": self.inputs.model_hash} if self.inputs.model_hash else {}),
                **self._tracked,
                "manifest_sha256": JsonGet(
                    step_name="Baseline", property_file=self._digest, json_path="manifest_sha256"
                ),
                **text,
            },
            domain="MACHINE_LEARNING",
            task=task,
            sample_payload_url=Join(on="/", values=[evaluation, "sample_payload.tar.gz"]),
            model_card=ModelPackageModelCard(
                model_card_content=JsonGet(
                    step_name="Evaluate", property_file=self.summary, json_path="model_card"
                ),
                model_card_status="PendingReview",
            ),
            model_life_cycle=ModelLifeCycle(stage="Development", stage_status="PendingApproval"),
        )
        return ModelStep("Register", step_args=arguments)

    # --- their parts ------------------------------------------------------------------------

    def _step(self, name: str) -> Processor:
        """Return what runs a step: its script, or the program of the image itself."""
        brought = ["python3", f"{PROCESSING}/input/code/{name}.py"]
        return self._processor("processing", brought if self.inputs.code_uri else None)

    def _command(self, name: str) -> list[str] | None:
        """Return what the program of the image is told."""
        return None if self.inputs.code_uri else [name]

    def _processor(self, image: str, entrypoint: list[str] | None) -> Processor:
        return Processor(
            role=self._role,
            image_uri=self.inputs.images[image],
            entrypoint=entrypoint,
            instance_count=1,
            instance_type=self._compute["instance_type"],
            volume_size_in_gb=self._compute["volume_gb"],
            max_runtime_in_seconds=self._compute["max_runtime_seconds"],
            sagemaker_session=self._session,
        )

    def _code(self) -> list[ProcessingInput]:
        return [_input("code", self.inputs.code_uri)] if self.inputs.code_uri else []

    def _output(self, step: str, name: str, folder: str | None = None) -> ProcessingOutput:
        parts = [f"{self._root}/executions", ExecutionVariables.PIPELINE_EXECUTION_ID]
        parts += [step, name] if folder is None else [name]
        inside = name if folder is None else folder
        return ProcessingOutput(
            output_name=name,
            s3_output=ProcessingS3Output(
                s3_uri=Join(on="/", values=parts),
                local_path=f"{PROCESSING}/output/{inside}".rstrip("/"),
                s3_upload_mode="EndOfJob",
            ),
        )


def _input(name: str, uri: object) -> ProcessingInput:
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri,
            local_path=f"{PROCESSING}/input/{name}",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
        ),
    )


def uri(step: ProcessingStep, output: str) -> Place:
    """Return where a step's output lies."""
    return step.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri


def artifact(step: TrainingStep) -> Place:
    """Return where the model's archive lies."""
    return step.properties.ModelArtifacts.S3ModelArtifacts


def _source(folder: Any, file: str) -> MetricsSource:
    return MetricsSource(
        content_type="application/json", s3_uri=Join(on="/", values=[folder, file])
    )


def _baselines(folder: Any, *, groups: bool) -> DriftCheckBaselines:
    """Return where the monitors find what they compare with."""
    compared = (
        {
            "bias_pre_training_constraints": _source(folder, "bias_constraints.json"),
            "bias_post_training_constraints": _source(folder, "bias_constraints.json"),
        }
        if groups
        else {}
    )
    return DriftCheckBaselines(
        model_data_statistics=_source(folder, "statistics.json"),
        model_data_constraints=_source(folder, "constraints.json"),
        model_statistics=_source(folder, "model_quality_statistics.json"),
        model_constraints=_source(folder, "model_quality_constraints.json"),
        explainability_constraints=_source(folder, "explainability_constraints.json"),
        **compared,
    )


def write(definition: Callable[[Author], dict[str, Any]]) -> None:
    """Write the definition for what standard input says to the file that the argument names."""
    given = json.load(sys.stdin)
    document = definition(Author(given["delivery"], Inputs(**given["inputs"])))
    Path(sys.argv[1]).write_text(json.dumps(document), encoding="utf-8")
