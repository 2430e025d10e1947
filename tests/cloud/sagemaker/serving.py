"""Models that are served by a tiny server, and endpoints of them."""

import io
import tarfile
from typing import Any

from tests.cloud.waiting import eventually

SERVER = """
import http.server, json, os, sys, time
assert sys.argv[1:] == ["serve"]
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.answer(200, b"")
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if body == b"bad":
            return self.answer(400, b'{"error": "income is missing"}')
        if body == b"broken":
            return self.answer(500, b"no model")
        if body == b"end":
            os._exit(1)
        if body == b"environment":
            return self.answer(200, json.dumps(dict(os.environ)).encode())
        self.answer(200, VERSION + b":" + body)
    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", self.headers.get("Accept") or "text/csv")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        print("asked", flush=True)
port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def packed(code: str) -> bytes:
    """Return a model artefact with a server in it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        info = tarfile.TarInfo("serve.py")
        info.size = len(code.encode())
        archive.addfile(info, io.BytesIO(code.encode()))
    return buffer.getvalue()


class Endpoints:
    """Makes models, configurations and endpoints."""

    def __init__(self, estate: Any) -> None:
        self.estate, self.sagemaker = estate, estate.sagemaker
        estate.publish("python3", "/opt/ml/model/serve.py")

    def model(self, name: str, code: str = SERVER, **more: Any) -> str:
        """Make a model that answers with its name; return its ARN."""
        code = code.replace("VERSION", f"b'{name}'")
        url = self.estate.put(f"models/{name}/model.tar.gz", packed(code))
        arn: str = self.sagemaker.create_model(
            ModelName=name,
            PrimaryContainer={"Image": self.estate.image, "ModelDataUrl": url},
            ExecutionRoleArn=self.estate.role,
            **more,
        )["ModelArn"]
        return arn

    def configuration(self, name: str, *models: str, called: str = "", **more: Any) -> None:
        """Make a configuration with a variant for each model, called as the model or otherwise."""
        variants = [
            {
                "VariantName": called or model,
                "ModelName": model,
                "InstanceType": "ml.m5.large",
                "InitialInstanceCount": 2,
                "InitialVariantWeight": 1.0,
            }
            for model in models
        ]
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=variants, **more
        )

    def serve(self, *models: str, name: str = "scoring", **more: Any) -> dict[str, Any]:
        """Make models, a configuration and an endpoint; wait until it serves."""
        for model in models:
            self.model(model)
        self.configuration(models[0], *models, **more)
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=models[0])
        return self.settled(name)

    def settled(self, name: str = "scoring") -> dict[str, Any]:
        """Wait until an endpoint is in no transition; describe it."""
        found: dict[str, Any] = eventually(
            lambda: self.sagemaker.describe_endpoint(EndpointName=name),
            lambda found: found["EndpointStatus"] in ("InService", "Failed"),
            self.estate.cloud,
        )
        return found

    def ask(self, body: str = "1,2", name: str = "scoring", **more: Any) -> str:
        """Ask an endpoint."""
        answer = self.estate.runtime.invoke_endpoint(
            EndpointName=name, Body=body.encode(), ContentType="text/csv", **more
        )
        text: str = answer["Body"].read().decode()
        return text
