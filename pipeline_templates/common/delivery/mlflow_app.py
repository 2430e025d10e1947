"""Calls MLflow's REST API at a SageMaker MLflow App, each request signed with the build's role.

The few calls that a build makes need no client library, which would take longer to import than all
of them together.
"""

import hashlib
import json
import time
import urllib.parse
from collections.abc import Mapping
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session

ENDPOINT = "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT"
"""The variable with another address of the API, as AWS's plugin for MLflow knows it."""
_CONNECT_SECONDS, _READ_SECONDS = 3, 10
_ATTEMPTS = 2
_PAUSE_SECONDS = 0.5
_ARN_PARTS = 6
_FAILED, _BROKEN = 400, 500


class MlflowError(Exception):
    """MLflow refuses a call; the message says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnreachableError(MlflowError):
    """MLflow does not answer, and will not in a moment."""


class App:
    """An MLflow App."""

    def __init__(self, session: Any, arn: str, environment: Mapping[str, str]) -> None:
        parts = arn.split(":", maxsplit=_ARN_PARTS - 1)
        if len(parts) < _ARN_PARTS or not parts[-1].startswith("mlflow-app/"):
            raise MlflowError("INVALID_PARAMETER_VALUE", f"{arn} is no ARN of an MLflow App")
        self.arn = arn
        self._region = parts[3]
        self._session = session
        host = environment.get(ENDPOINT) or f"https://mlflow.sagemaker.{self._region}.app.aws"
        self._base = f"{host.rstrip('/')}/api/2.0/mlflow"
        self._http = URLLib3Session(timeout=(_CONNECT_SECONDS, _READ_SECONDS))

    def get(self, path: str, **asked: str) -> dict[str, Any]:
        """Ask for something.

        Raises:
            MlflowError: MLflow refuses.
            UnreachableError: it does not answer.
        """
        return self._send("GET", f"{path}?{urllib.parse.urlencode(asked)}", b"")

    def post(self, path: str, **given: Any) -> dict[str, Any]:
        """Change or search something.

        Raises:
            MlflowError: MLflow refuses.
            UnreachableError: it does not answer.
        """
        return self._send("POST", path, json.dumps(given).encode())

    def _send(self, method: str, path: str, body: bytes) -> dict[str, Any]:
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(_PAUSE_SECONDS)
            try:
                answer = self._http.send(self._signed(method, path, body))
                content = answer.content
            except (HTTPClientError, NoConnectionError) as error:
                problem = str(error)
                continue
            if answer.status_code < _FAILED:
                parsed: dict[str, Any] = json.loads(content or b"{}")
                return parsed
            problem = content.decode(errors="replace")
            if answer.status_code < _BROKEN:
                raise _refusal(problem)
        raise UnreachableError("UNAVAILABLE", problem)

    def _signed(self, method: str, path: str, body: bytes) -> Any:
        request = AWSRequest(
            method=method,
            url=f"{self._base}/{path}",
            data=body,
            headers={
                "Content-Type": "application/json",
                "X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest(),
                "x-sm-mlflow-app-arn": self.arn,
            },
        )
        credentials = self._session.get_credentials()
        if credentials is None:
            raise UnreachableError("UNAUTHENTICATED", "there are no AWS credentials")
        SigV4Auth(credentials.get_frozen_credentials(), "sagemaker", self._region).add_auth(request)
        return request.prepare()


def _refusal(text: str) -> MlflowError:
    try:
        told = json.loads(text)
        return MlflowError(told.get("error_code", ""), told.get("message", text))
    except (ValueError, AttributeError):
        return MlflowError("", text)
