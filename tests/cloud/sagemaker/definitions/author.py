"""Writes `sdk3.json` beside it: a pipeline as SageMaker's Python SDK 3 writes it.

Run it by hand when the SDK changes; importing the SDK takes five seconds, too long for a test:
`AWS_DEFAULT_REGION=sa-east-1 python tests/cloud/sagemaker/definitions/author.py`
"""

import json
import tempfile
from pathlib import Path

import boto3
from moto import mock_aws
from sagemaker.core.model_life_cycle import ModelLifeCycle
from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow import (
    CacheConfig,
    ConditionStep,
    FailStep,
    ModelStep,
    Pipeline,
    ProcessingStep,
    StepExceptionTypeEnum,
    StepRetryPolicy,
    TrainingStep,
)
from sagemaker.serve import ModelBuilder
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

REGION, BUCKET = "sa-east-1", "ml-artifacts"
ROLE = "arn:aws:iam::111111111111:role/pipeline"
IMAGE = "100000000002.dkr.ecr.sa-east-1.amazonaws.com/aur/tabular:1"
QUIET = {
    "SchemaVersion": "1.0",
    "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}},
}


def read(name: str, uri: object, path: str) -> ProcessingInput:
    """Return an input of a processing step."""
    return ProcessingInput(
        input_name=name,
        s3_input=ProcessingS3Input(
            s3_uri=uri, local_path=path, s3_data_type="S3Prefix", s3_input_mode="File"
        ),
    )


def write(step: str, name: str) -> ProcessingOutput:
    """Return an output of a processing step."""
    parts = [f"s3://{BUCKET}/runs", ExecutionVariables.PIPELINE_EXECUTION_ID, step, name]
    return ProcessingOutput(
        output_name=name,
        s3_output=ProcessingS3Output(
            s3_uri=Join(on="/", values=parts),
            local_path=f"/opt/ml/processing/output/{name}",
            s3_upload_mode="EndOfJob",
        ),
    )


def build(folder: Path) -> Pipeline:
    """Return the pipeline: prepare, train, evaluate, and register what is good enough."""
    session = PipelineSession(
        boto_session=boto3.Session(region_name=REGION),
        default_bucket=BUCKET,
        sagemaker_config=QUIET,
    )
    for name in ("prepare", "train", "evaluate"):
        (folder / f"{name}.py").write_text("print('made in the test')\n", encoding="utf-8")
    data = ParameterString("InputData", default_value=f"s3://{BUCKET}/raw")
    least = ParameterFloat("MinAuc", default_value=0.9)
    group = ParameterString("ModelPackageGroupName", default_value="scoring")
    cache = CacheConfig(enable_caching=True, expire_after="P7D")
    retry = StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.SERVICE_FAULT],
        interval_seconds=1,
        backoff_rate=1.0,
        max_attempts=3,
    )

    def processor(name: str) -> ScriptProcessor:
        return ScriptProcessor(
            image_uri=IMAGE,
            command=["python3"],
            instance_type="ml.m5.large",
            instance_count=1,
            role=ROLE,
            sagemaker_session=session,
            base_job_name=name,
        )

    prepare = ProcessingStep(
        "Prepare",
        step_args=processor("prepare").run(
            code=str(folder / "prepare.py"),
            arguments=["--label", "target"],
            inputs=[read("raw", data, "/opt/ml/processing/input")],
            outputs=[write("prepare", "train"), write("prepare", "test")],
        ),
        cache_config=cache,
        retry_policies=[retry],
    )
    outputs = prepare.properties.ProcessingOutputConfig.Outputs
    train = TrainingStep(
        "Train",
        step_args=ModelTrainer(
            training_image=IMAGE,
            role=ROLE,
            sagemaker_session=session,
            base_job_name="train",
            source_code=SourceCode(source_dir=str(folder), entry_script="train.py"),
            compute=Compute(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=30),
            hyperparameters={"max_depth": 4},
            input_data_config=[
                InputData(
                    channel_name="train",
                    data_source=outputs["train"].S3Output.S3Uri,
                    content_type="text/csv",
                )
            ],
        ).train(),
        cache_config=cache,
    )
    artifact = train.properties.ModelArtifacts.S3ModelArtifacts
    report = PropertyFile(name="EvaluationReport", output_name="evaluation", path="evaluation.json")
    evaluate = ProcessingStep(
        "Evaluate",
        step_args=processor("evaluate").run(
            code=str(folder / "evaluate.py"),
            inputs=[
                read("model", artifact, "/opt/ml/processing/model"),
                read("test", outputs["test"].S3Output.S3Uri, "/opt/ml/processing/test"),
            ],
            outputs=[write("evaluate", "evaluation")],
        ),
        property_files=[report],
    )
    evaluation = evaluate.properties.ProcessingOutputConfig.Outputs["evaluation"].S3Output.S3Uri
    auc = JsonGet(step_name="Evaluate", property_file=report, json_path="metrics.auc.value")
    builder = ModelBuilder(
        image_uri=IMAGE, s3_model_data_url=artifact, role_arn=ROLE, sagemaker_session=session
    )
    register = ModelStep(
        "Register",
        step_args=builder.register(
            model_package_group_name=group,
            approval_status="PendingManualApproval",
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=["ml.m5.large"],
            transform_instances=["ml.m5.large"],
            model_metrics=ModelMetrics(
                model_statistics=MetricsSource(
                    s3_uri=Join(on="/", values=[evaluation, "evaluation.json"]),
                    content_type="application/json",
                )
            ),
            customer_metadata_properties={
                "author": "ana",
                "pipeline_execution": ExecutionVariables.PIPELINE_EXECUTION_ARN,
            },
            model_life_cycle=ModelLifeCycle(stage="Development", stage_status="PendingApproval"),
        ),
    )
    refuse = FailStep(
        "TooWeak", error_message=Join(on=" ", values=["the AUC", auc, "is below", least])
    )
    gate = ConditionStep(
        "Gate",
        conditions=[ConditionGreaterThanOrEqualTo(left=auc, right=least)],
        if_steps=[register],
        else_steps=[refuse],
    )
    return Pipeline(
        name="scoring",
        parameters=[data, least, group],
        steps=[prepare, train, evaluate, gate],
        sagemaker_session=session,
        pipeline_experiment_config=None,
    )


def main() -> None:
    """Write the definition."""
    with mock_aws(), tempfile.TemporaryDirectory() as folder:
        boto3.client("s3", region_name=REGION).create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        definition = json.loads(build(Path(folder)).definition())
    target = Path(__file__).parent / "sdk3.json"
    target.write_text(json.dumps(definition, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
