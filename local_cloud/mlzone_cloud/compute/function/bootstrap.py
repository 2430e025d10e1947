"""The program inside a function's subprocess: loads the handler once, then answers requests.

It runs as a script of its own with nothing but the standard library, so that a function sees only
what Lambda would give it. Requests come as lines of JSON on standard input; answers go as lines of
JSON to the file descriptor that the first argument names. Everything that the function prints goes
to standard output; a line with the mark of the second argument tells where an invocation's ends.
"""

import importlib
import json
import logging
import os
import sys
import time
import traceback
from datetime import UTC, datetime
from typing import IO, Any

_TASK_ROOT = os.environ.get("LAMBDA_TASK_ROOT", "")
_JSON_LOGS = os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "JSON"


class Context:
    """What a handler is given besides the event."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["request_id"]
        self.invoked_function_arn = request["arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = request.get("client_context")
        self._deadline = time.monotonic() + request["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the invocation may still take."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))

    def log(self, message: str) -> None:
        """Write to the function's log."""
        sys.stdout.write(message)


class _Handler(logging.Handler):
    """Formats records as Lambda's own handler does."""

    request_id = ""

    def emit(self, record: logging.LogRecord) -> None:
        stamp = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        stamp = stamp.replace("+00:00", "Z")
        message = record.getMessage()
        trace = traceback.format_exception(*record.exc_info) if record.exc_info else []
        if _JSON_LOGS:
            entry: dict[str, Any] = {
                "timestamp": stamp,
                "level": record.levelname,
                "message": message,
                "logger": record.name,
                "requestId": self.request_id,
            }
            if trace:
                entry["stackTrace"] = trace
            text = json.dumps(entry, default=str)
        else:
            text = f"[{record.levelname}]\t{stamp}\t{self.request_id}\t{message}"
            text += "".join(["\n", *trace]) if trace else ""
        sys.stdout.write(f"{text.rstrip()}\n")


def _failure(error: BaseException, request_id: str, frames: int = 0) -> dict[str, Any]:
    """Describe an exception as Lambda's Python runtime does."""
    stack = traceback.extract_tb(error.__traceback__)[frames:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_list(stack),
    }


def _runtime_failure(kind: str, message: str, request_id: str = "") -> dict[str, Any]:
    return {
        "errorMessage": message,
        "errorType": f"Runtime.{kind}",
        "requestId": request_id,
        "stackTrace": [],
    }


def _load() -> Any:
    """Return the handler, or the description of what is wrong with it."""
    module_name, _, name = os.environ["_HANDLER"].rpartition(".")
    if not module_name:
        return _runtime_failure(
            "MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack"
        )
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        traceback.print_exc(file=sys.stdout)
        return _runtime_failure(
            "ImportModuleError", f"Unable to import module '{module_name}': {error}"
        )
    except SyntaxError as error:
        return _runtime_failure(
            "UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}"
        )
    except Exception as error:  # noqa: BLE001 - whatever the function's module raises
        traceback.print_exc(file=sys.stdout)
        return _failure(error, "")
    handler = getattr(module, name, None)
    if handler is None:
        return _runtime_failure(
            "HandlerNotFound", f"Handler '{name}' missing on module '{module_name}'"
        )
    return handler


def _answer(handler: Any, request: dict[str, Any]) -> tuple[bool, str]:
    """Return whether the handler succeeded, and its answer as JSON."""
    request_id = request["request_id"]
    if isinstance(handler, dict):
        return False, json.dumps({**handler, "requestId": request_id})
    try:
        result = handler(request["event"], Context(request))
    except Exception as error:  # noqa: BLE001 - whatever the handler raises
        failure = _failure(error, request_id, frames=1)
        trace = "".join(failure["stackTrace"])
        sys.stdout.write(
            f"[ERROR] {failure['errorType']}: {failure['errorMessage']}\n"
            f"Traceback (most recent call last):\n{trace}"
        )
        return False, json.dumps(failure)
    try:
        return True, json.dumps(result)
    except (TypeError, ValueError) as error:
        message = f"Unable to marshal response: {error}"
        return False, json.dumps(_runtime_failure("MarshalError", message, request_id))


def _reply(answers: IO[str], mark: str, content: dict[str, Any]) -> None:
    """Answer; whatever was printed before comes before the mark."""
    sys.stdout.write(f"\n{mark}\n")
    sys.stdout.flush()
    answers.write(json.dumps(content) + "\n")
    answers.flush()


def main() -> None:
    """Answer requests until standard input ends."""
    answers = os.fdopen(int(sys.argv[1]), "w", encoding="utf-8")
    mark = sys.argv[2]
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.dup2(1, 2)
    sys.stderr = sys.stdout
    sys.path[0:0] = [path for path in sys.argv[3].split(os.pathsep) if path]
    sys.path.append(sys.argv[4])
    logs = _Handler()
    logging.getLogger().addHandler(logs)
    if level := os.environ.get("AWS_LAMBDA_LOG_LEVEL"):
        logging.getLogger().setLevel({"FATAL": "CRITICAL", "TRACE": "DEBUG"}.get(level, level))
    handler = _load()
    _reply(answers, mark, {"ready": True})
    for line in requests:
        request = json.loads(line)
        logs.request_id = request["request_id"]
        succeeded, payload = _answer(handler, request)
        _reply(answers, mark, {"succeeded": succeeded, "payload": payload})


if __name__ == "__main__":
    main()
