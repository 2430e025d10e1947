"""Transform jobs ask a model for all records of objects."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cloud.sagemaker.serving import Endpoints

SERVER = """
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        lines = self.rfile.read(int(self.headers["Content-Length"])).decode().splitlines()
        if "json" in self.headers["Content-Type"]:
            return self.answer(200, "\\n".join(str(json.loads(l)["a"] * 2) for l in lines).encode())
        if "x" in lines:
            return self.answer(400, b"x is no number")
        self.answer(200, "\\n".join(str(sum(map(float, l.split(",")))) for l in lines).encode())
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print(os.environ["SAGEMAKER_BATCH"], flush=True)
port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def start(endpoints: Endpoints, content_type: str = "text/csv", **more: Any) -> None:
    """Create a transform job over everything below `batch/`."""
    endpoints.model("sums", SERVER)
    bucket = endpoints.estate.bucket
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/batch/"}
    endpoints.sagemaker.create_transform_job(
        **{
            "TransformJobName": "job",
            "ModelName": "sums",
            "TransformInput": {
                "DataSource": {"S3DataSource": source},
                "ContentType": content_type,
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{bucket}/scored",
                "AssembleWith": "Line",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            **more,
        }
    )


def test_every_record_of_every_object_is_scored(endpoints: Endpoints) -> None:
    endpoints.estate.put("batch/a.csv", "1,2\n3,4\n")
    endpoints.estate.put("batch/deep/b.csv", "5,6\n")

    start(endpoints)

    job = endpoints.estate.ended("TransformJob", "job")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert endpoints.estate.get("scored/a.csv.out") == b"3.0\n7.0\n"
    assert endpoints.estate.get("scored/deep/b.csv.out") == b"11.0\n"
    assert "true" in endpoints.estate.logs("/aws/sagemaker/TransformJobs")


def test_columns_are_left_out_and_joined_again(endpoints: Endpoints) -> None:
    endpoints.estate.put("batch/a.csv", "id-1,1,2\nid-2,3,4\n")

    start(
        endpoints,
        BatchStrategy="SingleRecord",
        DataProcessing={"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
    )

    job = endpoints.estate.ended("TransformJob", "job")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    assert endpoints.estate.get("scored/a.csv.out") == b"id-1,3.0\nid-2,7.0\n"


def test_lines_of_json_are_joined_with_their_output(endpoints: Endpoints) -> None:
    endpoints.estate.put("batch/a.jsonl", '{"a": 1}\n{"a": 2}\n')

    start(endpoints, "application/json", DataProcessing={"JoinSource": "Input"})

    job = endpoints.estate.ended("TransformJob", "job")
    assert job["TransformJobStatus"] == "Completed", job.get("FailureReason")
    lines = endpoints.estate.get("scored/a.jsonl.out").splitlines()
    assert [json.loads(line) for line in lines] == [
        {"a": 1, "SageMakerOutput": 2},
        {"a": 2, "SageMakerOutput": 4},
    ]


def test_a_record_that_the_model_refuses_fails_the_job(endpoints: Endpoints) -> None:
    endpoints.estate.put("batch/a.csv", "x\n")

    start(endpoints)

    job = endpoints.estate.ended("TransformJob", "job")
    assert job["TransformJobStatus"] == "Failed"
    assert "400 from the model: x is no number" in job["FailureReason"]


def test_a_filter_that_is_not_emulated_is_refused(endpoints: Endpoints) -> None:
    with pytest.raises(ClientError) as refusal:
        start(endpoints, DataProcessing={"InputFilter": "$[?(@.a > 1)]"})

    assert refusal.value.response["Error"]["Code"] == "NotImplemented"
