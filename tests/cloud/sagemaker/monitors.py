"""An endpoint with an analyzer of its own, and schedules that watch it."""

import io
import json
import tarfile
from datetime import datetime, timedelta
from typing import Any

from tests.cloud.sagemaker.conftest import BUCKET, Estate
from tests.cloud.waiting import eventually

ENDPOINT, SCHEDULE = "scoring", "hourly"
CAPTURE = f"s3://{BUCKET}/capture"
SERVER = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer(b"")
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"0.5")
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
ANALYZER = """
import json, os, pathlib
lines = [
    line
    for path in sorted(pathlib.Path(os.environ['dataset_source']).rglob('*.jsonl'))
    for line in path.read_text().splitlines()
]
constraints = json.loads(pathlib.Path(os.environ['baseline_constraints']).read_text())
baseline = sorted(path.name for path in pathlib.Path(os.environ['baseline_statistics']).iterdir())
seen = {**os.environ, 'records': len(lines), 'baseline': baseline, 'first': lines[0]}
out = pathlib.Path(os.environ['output_path'])
(out / 'seen.json').write_text(json.dumps(seen))
violated = len(lines) > constraints['most']
message = 'CompletedWithViolations: too many' if violated else 'Completed: fine'
pathlib.Path('/opt/ml/output/message').write_text(message)
"""
BASELINE_PLACE = {
    "ConstraintsResource": {"S3Uri": f"s3://{BUCKET}/baseline/constraints.json"},
    "StatisticsResource": {"S3Uri": f"s3://{BUCKET}/baseline/"},
}
ENDPOINT_INPUT = {
    "EndpointInput": {
        "EndpointName": ENDPOINT,
        "LocalPath": "/opt/ml/processing/input/endpoint",
    }
}
OUTPUTS = {
    "MonitoringOutputs": [
        {"S3Output": {"S3Uri": f"s3://{BUCKET}/reports", "LocalPath": "/opt/ml/processing/output"}}
    ]
}
RESOURCES = {
    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 20}
}


class Monitors:
    """An endpoint whose requests are captured, and what watches it."""

    def __init__(self, estate: Estate) -> None:
        self.estate, self.cloud, self.sagemaker = estate, estate.cloud, estate.sagemaker
        estate.put("baseline/constraints.json", json.dumps({"most": 2}))
        estate.put("baseline/statistics.json", "{}")
        estate.put("baseline/model.tar.gz", "model")
        estate.publish("python3", "/opt/ml/model/serve.py")
        estate.publish("python3", "-c", ANALYZER, tag="analyzer")
        self._serve()

    def _serve(self) -> None:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
            info = tarfile.TarInfo("serve.py")
            info.size = len(SERVER.encode())
            archive.addfile(info, io.BytesIO(SERVER.encode()))
        url = self.estate.put("model.tar.gz", buffer.getvalue())
        self.sagemaker.create_model(
            ModelName="m",
            ExecutionRoleArn=self.estate.role,
            PrimaryContainer={"Image": self.estate.image, "ModelDataUrl": url},
        )
        for name, captures in (("captured", True), ("not-captured", False)):
            self.sagemaker.create_endpoint_config(
                EndpointConfigName=name,
                ProductionVariants=[
                    {
                        "VariantName": "main",
                        "ModelName": "m",
                        "InstanceType": "ml.m5.large",
                        "InitialInstanceCount": 1,
                    }
                ],
                DataCaptureConfig={
                    "EnableCapture": captures,
                    "InitialSamplingPercentage": 100,
                    "DestinationS3Uri": CAPTURE,
                    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
                    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
                },
            )
        self.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="captured")
        eventually(
            lambda: self.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointStatus"],
            lambda status: status == "InService",
            self.cloud,
        )

    def ask(self, times: int) -> None:
        for _ in range(times):
            self.estate.runtime.invoke_endpoint(
                EndpointName=ENDPOINT, ContentType="text/csv", Body=b"1,2"
            )

    def capture(self, hour: datetime, lines: int = 1) -> None:
        """Put captured requests where an endpoint would have left them."""
        key = f"capture/{ENDPOINT}/main/{hour:%Y/%m/%d/%H}/00-00-000-x.jsonl"
        self.estate.put(key, '{"captureData": {}}\n' * lines)

    def define(self, name: str = "definition", **more: Any) -> None:
        application = {
            "ImageUri": self.estate.image.replace(":1", ":analyzer"),
            "Environment": {"MLZONE_RELEASE": "r1"},
        }
        self.sagemaker.create_data_quality_job_definition(
            JobDefinitionName=name,
            DataQualityAppSpecification=application,
            DataQualityBaselineConfig=BASELINE_PLACE,
            DataQualityJobInput=ENDPOINT_INPUT,
            DataQualityJobOutputConfig=OUTPUTS,
            JobResources=RESOURCES,
            NetworkConfig={"EnableNetworkIsolation": True},
            RoleArn=self.estate.role,
            StoppingCondition={"MaxRuntimeInSeconds": 600},
            **more,
        )

    def schedule(self, expression: str = "cron(0 * ? * * *)", **more: Any) -> None:
        self.sagemaker.create_monitoring_schedule(
            MonitoringScheduleName=more.pop("name", SCHEDULE),
            MonitoringScheduleConfig={
                "ScheduleConfig": {"ScheduleExpression": expression, **more},
                "MonitoringJobDefinitionName": "definition",
                "MonitoringType": "DataQuality",
            },
        )

    def next_hour(self) -> datetime:
        """Move the clock over the next full hour; return that hour."""
        now = self.cloud.clock.now()
        hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        self.cloud.advance(hour - now + timedelta(seconds=1))
        return hour

    def runs(self, name: str = SCHEDULE) -> list[dict[str, Any]]:
        """Wait for the end of all runs of a schedule; return them, newest first."""

        def look() -> list[dict[str, Any]]:
            self.cloud.tick()
            answer = self.sagemaker.list_monitoring_executions(MonitoringScheduleName=name)
            found: list[dict[str, Any]] = answer["MonitoringExecutionSummaries"]
            return found

        waiting = ("Pending", "InProgress")
        ended: list[dict[str, Any]] = eventually(
            look,
            lambda found: all(r["MonitoringExecutionStatus"] not in waiting for r in found),
            self.cloud,
        )
        return ended

    def job_of(self, run: dict[str, Any]) -> dict[str, Any]:
        name = run["ProcessingJobArn"].rsplit("/", 1)[1]
        found: dict[str, Any] = self.sagemaker.describe_processing_job(ProcessingJobName=name)
        return found
