"""The training pipeline, written with the SageMaker Python SDK; no call leaves the machine.

Prepare → Train → Evaluate and Baseline → Gate → Register, or Reject with the reason. Jobs get
code and data as plain S3 inputs; `delivery.harden` adds what the SDK cannot say or forgets, and
the build refuses a definition with a gap.
"""

import json
import logging
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")
logging.getLogger("sagemaker").setLevel(logging.ERROR)

import boto3  # noqa: E402
from sagemaker.core.config.config_manager import SageMakerConfig  # noqa: E402
from sagemaker.core.drift_check_baselines import DriftCheckBaselines  # noqa: E402
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
from sagemaker.core.workflow.conditions import (  # noqa: E402
    ConditionGreaterThanOrEqualTo,
    ConditionLessThanOrEqualTo,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables  # noqa: E402
from sagemaker.core.workflow.functions import Join, JsonGet  # noqa: E402
from sagemaker.core.workflow.parameters import ParameterString  # noqa: E402
from sagemaker.core.workflow.pipeline_context import PipelineSession  # noqa: E402
from sagemaker.core.workflow.properties import PropertyFile  # noqa: E402
from sagemaker.mlops.workflow import (  # noqa: E402
    CacheConfig,
    ConditionStep,
    FailStep,
    ModelStep,
    Pipeline,
    ProcessingStep,
    TrainingStep,
)
from sagemaker.serve import ModelBuilder  # noqa: E402
from sagemaker.train import ModelTrainer  # noqa: E402
from sagemaker.train.configs import Compute, InputData  # noqa: E402

# The SDK checks its configuration, which is fixed here, at every look into it: 60 times, 7 seconds.
SageMakerConfig.validate_sagemaker_config = staticmethod(lambda *_, **__: None)

PROCESSING = "/opt/ml/processing"
CHANNELS = "/opt/ml/input/data"
CONTENT_TYPES = ["text/csv", "application/json"]
RESULTS = (
    "accuracy",
    "auc",
    "brier",
    "disparate_impact_gap",
    "ks",
    "threshold",
    "top_features",
)
"""What the registry keeps of the evaluation, as text."""
CACHE = CacheConfig(enable_caching=True, expire_after="P30D")


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What a definition is made from, beside the delivery parameter."""

    images: dict[str, str]
    """By purpose: training, processing, inference, analyzer; by digest."""
    code_uri: str
    data_uri: str
    code_hash: str
    data_hash: str


class Definition:
    """Writes the definition of one model's pipeline."""

    def __init__(self, delivery: dict[str, Any], inputs: Inputs) -> None:
        self._delivery = delivery
        self._inputs = inputs
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

    def document(self) -> dict[str, Any]:
        """Return the definition as the SDK writes it."""
        prepare = self._prepare()
        train = self._train(prepare)
        summary = PropertyFile(name="Summary", output_name="evaluation", path="summary.json")
        digest = PropertyFile(name="Digest", output_name="baseline", path="digest.json")
        evaluate = self._evaluate(prepare, train, summary)
        baseline = self._baseline(prepare, train, digest)
        gate = self._gate(
            summary, self._register(train, evaluate, baseline, summary, digest), baseline
        )
        pipeline = Pipeline(
            name=self._delivery["pipeline"]["name"],
            parameters=[self._author, self._commit, self._trigger],
            steps=[prepare, train, evaluate, baseline, gate],
            sagemaker_session=self._session,
            pipeline_experiment_config=None,
        )
        document: dict[str, Any] = json.loads(pipeline.definition())
        return document

    # --- the steps --------------------------------------------------------------------------

    def _prepare(self) -> ProcessingStep:
        arguments = self._processor("prepare.py").run(
            inputs=[self._code(), _input("data", self._inputs.data_uri)],
            outputs=[
                self._output("prepare", name) for name in ("train", "validation", "test", "report")
            ],
        )
        return ProcessingStep("Prepare", step_args=arguments, cache_config=CACHE)

    def _train(self, prepare: ProcessingStep) -> TrainingStep:
        trainer = ModelTrainer(
            training_image=self._inputs.images["training"],
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
                InputData(channel_name="code", data_source=self._inputs.code_uri),
                *(
                    InputData(
                        channel_name=name,
                        data_source=_uri(prepare, name),
                        content_type="text/csv",
                    )
                    for name in ("train", "validation")
                ),
            ],
        ).with_metric_definitions(
            [MetricDefinition(name="validation:auc", regex="validation:auc=([0-9.]+)")]
        )
        return TrainingStep("Train", step_args=trainer.train(), cache_config=CACHE)

    def _evaluate(
        self, prepare: ProcessingStep, train: TrainingStep, summary: PropertyFile
    ) -> ProcessingStep:
        arguments = self._processor("evaluate.py").run(
            inputs=[
                self._code(),
                _input("model", _artifact(train)),
                _input("test", _uri(prepare, "test")),
            ],
            outputs=[self._output("evaluate", "evaluation", folder="")],
        )
        return ProcessingStep(
            "Evaluate", step_args=arguments, property_files=[summary], cache_config=CACHE
        )

    def _baseline(
        self, prepare: ProcessingStep, train: TrainingStep, digest: PropertyFile
    ) -> ProcessingStep:
        monitoring = self._delivery["monitoring"]
        processor = self._processor(image="analyzer", command=["-m", "mlzone_runtime.analyzer"])
        arguments = processor.run(
            inputs=[
                self._code(),
                _input("dataset", _uri(prepare, "train")),
                _input("evaluation", _uri(prepare, "test")),
                _input("model", _artifact(train)),
            ],
            outputs=[self._output("baseline", "baseline", folder="")],
            arguments=[
                "baseline",
                *("--dataset", f"{PROCESSING}/input/dataset"),
                *("--model", f"{PROCESSING}/input/model"),
                *("--evaluation", f"{PROCESSING}/input/evaluation"),
                *("--groups", f"{PROCESSING}/input/code/settings.json"),
                *("--output", f"{PROCESSING}/output"),
                *("--max-psi", str(monitoring["max_psi"])),
                *("--min-records", str(monitoring["min_records"])),
            ],
        )
        return ProcessingStep(
            "Baseline", step_args=arguments, property_files=[digest], cache_config=CACHE
        )

    def _gate(
        self, summary: PropertyFile, register: ModelStep, baseline: ProcessingStep
    ) -> ConditionStep:
        limits = self._delivery["thresholds"]
        auc = JsonGet(step_name="Evaluate", property_file=summary, json_path="numbers.auc")
        gap = JsonGet(
            step_name="Evaluate", property_file=summary, json_path="numbers.disparate_impact_gap"
        )
        reject = FailStep(
            "Reject",
            error_message=Join(
                on=" ",
                values=[
                    "not registered: AUC",
                    auc,
                    f"(at least {limits['min_auc']}), disparate impact gap",
                    gap,
                    f"(at most {limits['max_disparate_impact_gap']})",
                ],
            ),
        )
        return ConditionStep(
            "Gate",
            conditions=[
                ConditionGreaterThanOrEqualTo(left=auc, right=limits["min_auc"]),
                ConditionLessThanOrEqualTo(left=gap, right=limits["max_disparate_impact_gap"]),
            ],
            if_steps=[register],
            else_steps=[reject],
            depends_on=[baseline],
        )

    def _register(
        self,
        train: TrainingStep,
        evaluate: ProcessingStep,
        baseline: ProcessingStep,
        summary: PropertyFile,
        digest: PropertyFile,
    ) -> ModelStep:
        builder = ModelBuilder(
            image_uri=self._inputs.images["inference"],
            s3_model_data_url=_artifact(train),
            role_arn=self._role,
            sagemaker_session=self._session,
        )
        evaluation, folder = _uri(evaluate, "evaluation"), _uri(baseline, "baseline")
        text = {
            name: JsonGet(step_name="Evaluate", property_file=summary, json_path=f"texts.{name}")
            for name in RESULTS
        }
        arguments = builder.register(
            model_package_group_name=self._delivery["registry"]["group_arn"],
            approval_status="PendingManualApproval",
            content_types=CONTENT_TYPES,
            response_types=CONTENT_TYPES,
            inference_instances=self._compute["inference_instance_types"],
            model_metrics=ModelMetrics(
                model_statistics=_source(evaluation, "quality.json"),
                model_data_statistics=_source(folder, "statistics.json"),
                model_data_constraints=_source(folder, "constraints.json"),
                bias=_source(evaluation, "bias.json"),
                explainability=_source(evaluation, "explanation.json"),
            ),
            drift_check_baselines=DriftCheckBaselines(
                model_statistics=_source(folder, "model_quality_statistics.json"),
                model_constraints=_source(folder, "model_quality_constraints.json"),
                bias_pre_training_constraints=_source(folder, "bias_constraints.json"),
                bias_post_training_constraints=_source(folder, "bias_constraints.json"),
                explainability_constraints=_source(folder, "explainability_constraints.json"),
                model_data_statistics=_source(folder, "statistics.json"),
                model_data_constraints=_source(folder, "constraints.json"),
            ),
            customer_metadata_properties={
                "author": self._author,
                "commit": self._commit,
                "trigger": self._trigger,
                "pipeline_execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
                "risk_tier": str(self._delivery["risk_tier"]),
                "code_hash": self._inputs.code_hash,
                "data_hash": self._inputs.data_hash,
                "manifest_sha256": JsonGet(
                    step_name="Baseline", property_file=digest, json_path="manifest_sha256"
                ),
                **text,
            },
            domain="MACHINE_LEARNING",
            task="CLASSIFICATION",
            sample_payload_url=Join(on="/", values=[evaluation, "sample_payload.tar.gz"]),
            model_card=ModelPackageModelCard(
                model_card_content=JsonGet(
                    step_name="Evaluate", property_file=summary, json_path="model_card"
                ),
                model_card_status="PendingReview",
            ),
            model_life_cycle=ModelLifeCycle(stage="Development", stage_status="PendingApproval"),
        )
        return ModelStep("Register", step_args=arguments)

    # --- their parts ------------------------------------------------------------------------

    def _processor(
        self, script: str = "", *, image: str = "processing", command: list[str] | None = None
    ) -> Processor:
        return Processor(
            role=self._role,
            image_uri=self._inputs.images[image],
            entrypoint=["python3", *(command or [f"{PROCESSING}/input/code/{script}"])],
            instance_count=1,
            instance_type=self._compute["instance_type"],
            volume_size_in_gb=self._compute["volume_gb"],
            max_runtime_in_seconds=self._compute["max_runtime_seconds"],
            sagemaker_session=self._session,
        )

    def _code(self) -> ProcessingInput:
        return _input("code", self._inputs.code_uri)

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


def _uri(step: ProcessingStep, output: str) -> Any:
    return step.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri


def _artifact(step: TrainingStep) -> Any:
    return step.properties.ModelArtifacts.S3ModelArtifacts


def _source(folder: Any, file: str) -> MetricsSource:
    return MetricsSource(
        content_type="application/json", s3_uri=Join(on="/", values=[folder, file])
    )


def definition(delivery: dict[str, Any], inputs: Inputs) -> dict[str, Any]:
    """Return the definition, as the SDK writes it."""
    return Definition(delivery, inputs).document()


def main() -> None:
    """Write the definition for what standard input says to the file that the argument names."""
    given = json.load(sys.stdin)
    document = definition(given["delivery"], Inputs(**given["inputs"]))
    Path(sys.argv[1]).write_text(json.dumps(document), encoding="utf-8")


if __name__ == "__main__":
    main()
