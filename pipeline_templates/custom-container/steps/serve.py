"""The model's server, under SageMaker's contract for inference containers.

`GET /ping` answers 200 once the model is loaded, `POST /invocations` estimates. CSV: rows without
header in the order of the features; an estimate a line comes back. JSON:
`{"instances": [{feature: value, …}, …]}`; `{"predictions": [{"answer", "decision"}, …]}`. A wrong
request is answered with 400 and the feature at fault. Requests are not logged: they may be people's
data.
"""

import csv
import io
import json
import math
import os
import signal
import sys
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import job
import model

CSV, JSON = "text/csv", "application/json"
MOST_BYTES = 25 * 1024 * 1024
_DRAIN_SECONDS = 20


class BadRequestError(Exception):
    """A request that cannot be answered; `field` is the feature at fault, if one is."""

    def __init__(self, message: str, *, field: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.field, self.status = field, status


class Estimator:
    """Answers requests with a model."""

    def __init__(self, folder: Path) -> None:
        self._model, self._schema = model.load(folder)
        self._features: list[dict[str, Any]] = self._schema["features"]
        self._names = [feature["name"] for feature in self._features]

    def answer(self, body: bytes, asked: str, wanted: str) -> bytes:
        """Return the answer to a request.

        Args:
            body: the request.
            asked: its media type.
            wanted: the media type of the answer.

        Raises:
            BadRequestError: the body is not what the model expects.
        """
        if asked not in (CSV, JSON):
            raise BadRequestError(
                f"content type {asked or 'absent'}; expected {CSV} or {JSON}", status=415
            )
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadRequestError(f"the body is not UTF-8: {error.reason}") from error
        rows = self._csv(text) if asked == CSV else self._json(text)
        found = self._model.predict(model.table(self._checked(rows), self._features)).tolist()
        if wanted == CSV:
            return "".join(f"{number!r}\n" for number in found).encode()
        words, threshold = self._schema["decisions"], self._schema["threshold"]
        return json.dumps(
            {
                "predictions": [
                    {
                        model.ANSWER: number,
                        "decision": words["positive" if number >= threshold else "negative"],
                    }
                    for number in found
                ]
            }
        ).encode()

    def _csv(self, text: str) -> list[dict[str, Any]]:
        try:
            rows = [row for row in csv.reader(io.StringIO(text), strict=True) if row]
        except csv.Error as error:
            raise BadRequestError(f"the body is no CSV: {error}") from error
        if not rows:
            raise BadRequestError("the body holds no row")
        for number, row in enumerate(rows, start=1):
            if len(row) != len(self._names):
                raise BadRequestError(
                    f"row {number}: got {len(row)} values; expected {len(self._names)}"
                )
        return [dict(zip(self._names, row, strict=True)) for row in rows]

    def _json(self, text: str) -> list[dict[str, Any]]:
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BadRequestError(f"the body is no JSON: {error}") from error
        rows = document.get("instances") if isinstance(document, dict) else None
        if not isinstance(rows, list) or not rows or not all(isinstance(r, dict) for r in rows):
            raise BadRequestError('expected {"instances": [{feature: value, …}, …]}')
        for number, row in enumerate(rows, start=1):
            for name in sorted(set(row) ^ set(self._names)):
                what = "is no feature of this model" if name in row else "is not there; send null"
                raise BadRequestError(f'row {number}, field "{name}": {what}', field=name)
        return rows

    def _checked(self, rows: Sequence[dict[str, Any]]) -> list[job.Row]:
        return [
            {
                feature["name"]: _cell(row[feature["name"]], feature, number)
                for feature in self._features
            }
            for number, row in enumerate(rows, start=1)
        ]


def _cell(value: Any, feature: dict[str, Any], row: int) -> str:
    """Return a value as the text of a cell; what is unknown is empty."""
    if value is None or value == "":
        return ""
    category = feature["type"] == "category"
    fits = isinstance(value, str) if category else not isinstance(value, bool | list | dict)
    if fits and not category:
        try:
            fits = math.isfinite(float(value))
        except (TypeError, ValueError, OverflowError):
            fits = False
    if not fits:
        shown = json.dumps(value, default=repr)[:40]
        expected = "text" if category else "a finite number"
        name = feature["name"]
        raise BadRequestError(f'row {row}, field "{name}": {shown} is not {expected}', field=name)
    return str(value)


class InFlight:
    """The requests that are being answered."""

    def __init__(self) -> None:
        self._number, self._changed = 0, threading.Condition()

    def __enter__(self) -> None:
        """One more."""
        with self._changed:
            self._number += 1

    def __exit__(self, *_: object) -> None:
        """One fewer."""
        with self._changed:
            self._number -= 1
            self._changed.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait until there is none, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: not self._number, timeout=seconds)


def handler(estimator: Estimator, requests: InFlight) -> type[BaseHTTPRequestHandler]:
    """Return what answers HTTP requests with an estimator."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """Tell that the model is loaded."""
            found = self.path == "/ping"
            self._send(200 if found else 404, "text/plain", b"")

        def do_POST(self) -> None:
            """Estimate."""
            length = int(self.headers.get("Content-Length") or 0)
            if length > MOST_BYTES:
                self.close_connection = True
                self._refuse(BadRequestError(f"more than {MOST_BYTES} bytes", status=413))
                return
            body = self.rfile.read(length)
            with requests:
                self._estimate(body)

        def _estimate(self, body: bytes) -> None:
            asked = _media_type(self.headers.get("Content-Type", ""))
            accepted = [_media_type(kind) for kind in self.headers.get("Accept", "").split(",")]
            wanted = next((kind for kind in accepted if kind in (CSV, JSON)), asked)
            if self.path != "/invocations":
                self._refuse(BadRequestError(f"nothing at {self.path}", status=404))
                return
            try:
                self._send(200, wanted, estimator.answer(body, asked, wanted))
            except BadRequestError as error:
                self._refuse(error)
            except Exception as error:  # noqa: BLE001 - one bad request must not end the server
                print(f"a request failed: {type(error).__name__}", file=sys.stderr, flush=True)
                self._send(500, JSON, b'{"error": "the model server failed; see its log"}')

        def _refuse(self, error: BadRequestError) -> None:
            told = {"error": str(error)} | ({"field": error.field} if error.field else {})
            self._send(error.status, JSON, json.dumps(told).encode())

        def _send(self, status: int, kind: str, body: bytes) -> None:
            self.send_response_only(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def _media_type(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def main() -> None:
    """Serve until SIGTERM, and end after the requests in flight."""
    estimator = Estimator(Path(os.environ.get("SM_MODEL_DIR", job.base() / "model")))
    requests = InFlight()
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    # SageMaker reaches the container from outside.
    server = ThreadingHTTPServer(("0.0.0.0", port), handler(estimator, requests))  # noqa: S104
    # The server's own thread cannot wait for itself.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"serving on port {port}", file=sys.stderr, flush=True)
    server.serve_forever(poll_interval=0.1)
    requests.wait(_DRAIN_SECONDS)


if __name__ == "__main__":
    job.run(main)
