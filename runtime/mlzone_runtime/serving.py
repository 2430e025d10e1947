"""The model server of the platform's endpoints: `python -m mlzone_runtime.serving [serve]`.

It keeps SageMaker's contract for inference containers: `GET /ping` answers 200 once the model is
loaded, `POST /invocations` predicts. It listens on `SAGEMAKER_BIND_TO_PORT` (8080) and reads the
model from `SM_MODEL_DIR` (`/opt/ml/model`). One model, one process; SIGTERM ends it after the
requests in flight. Requests are not logged: they are people's data.
"""

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

import uvicorn

from mlzone_runtime import tabular
from mlzone_runtime.serving_request import (
    BadRequestError,
    answer_type,
    decode,
    encode,
    media_type,
)

MAX_BODY = 25 * 1024 * 1024
"""Bytes; SageMaker's own limit of a real-time request."""
_INLINE_BODY = 32 * 1024
"""Bytes up to which a request is answered in the event loop: a thread would cost more."""
_DRAIN_SECONDS = 20

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_log = logging.getLogger("mlzone_runtime.serving")


class Server:
    """The ASGI application around one model."""

    def __init__(self, model: tabular.Model) -> None:
        self._model = model

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        try:
            status, kind, body = await self._answer(scope, receive)
        except BadRequestError as error:
            status, kind, body = error.status, "application/json", error.body()
        except Exception:  # noqa: BLE001 - one bad request must not end the server
            _log.exception("a request failed")
            status, kind = 500, "application/json"
            body = json.dumps({"error": "the model server failed; see its log"}).encode()
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(body)).encode()),
        ]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> tuple[int, str, bytes]:
        match scope["path"], scope["method"]:
            case "/ping", "GET":
                return 200, "text/plain", b""
            case "/invocations", "POST":
                headers = dict(scope["headers"])
                asked = media_type(headers.get(b"content-type", b"").decode("latin-1"))
                kind = answer_type(headers.get(b"accept", b"").decode("latin-1"), asked)
                body = await _body(receive)
                if len(body) <= _INLINE_BODY:
                    return 200, kind, self.predict(body, asked, kind)
                return 200, kind, await asyncio.to_thread(self.predict, body, asked, kind)
            case "/ping" | "/invocations", method:
                raise BadRequestError(f"{method} is not allowed here", status=405)
            case path, _:
                raise BadRequestError(f"nothing at {path}", status=404)

    def predict(self, body: bytes, asked: str, kind: str) -> bytes:
        """Return the answer to a request's body.

        Args:
            body: the request.
            asked: its media type.
            kind: the media type of the answer.

        Raises:
            BadRequestError: the body is not what the model expects.
        """
        schema = self._model.schema
        probabilities = self._model.predict(decode(schema, body, asked))
        return encode(schema, list(probabilities), kind)


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    more = True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            raise BadRequestError(f"the body has more than {MAX_BODY} bytes", status=413)
    return bytes(body)


def model_folder() -> Path:
    """Return where SageMaker puts the model."""
    base = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
    return Path(os.environ.get("SM_MODEL_DIR", f"{base}/model"))


def main() -> int:
    """Serve until SIGTERM; return the exit code."""
    logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
    folder = model_folder()
    try:
        model = tabular.load(folder, threads=1)
    except tabular.ArtifactError:
        _log.exception("cannot load the model")
        return 1
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    config = uvicorn.Config(
        Server(model),
        host="0.0.0.0",  # noqa: S104 - SageMaker reaches the container from outside
        port=port,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    _log.info("serving %s on port %d", model.schema.model, port)
    uvicorn.Server(config).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
