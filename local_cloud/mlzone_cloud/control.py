"""The control interface under `/_cloud/`: status, clock, reset. Loopback only, like the socket."""

import json
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Environ = dict[str, Any]
Answer = tuple[int, dict[str, str], bytes]
_STARTED = time.time()
_KIB = 1024


def control(cloud: "Cloud") -> Callable[[Environ], Answer]:
    """Return the handler of the control interface."""

    def handle(environ: Environ) -> Answer:
        path = environ["PATH_INFO"].removeprefix("/_cloud/")
        length = int(environ.get("CONTENT_LENGTH") or 0)
        raw = environ["wsgi.input"].read(length) if length else b"{}"
        try:
            request = json.loads(raw or b"{}")
            handler = _HANDLERS[environ["REQUEST_METHOD"], path]
        except KeyError:
            return _json(404, {"error": f"no {environ['REQUEST_METHOD']} {path} here"})
        except ValueError as error:
            return _json(400, {"error": f"not JSON: {error}"})
        try:
            return _json(200, handler(cloud, request))
        except (KeyError, TypeError, ValueError) as error:
            return _json(400, {"error": f"{path}: {error!r}"})

    return handle


def status(cloud: "Cloud") -> dict[str, Any]:
    """Describe the running cloud."""
    statistics = cloud.statistics
    return {
        "status": "ready",
        "clock": cloud.clock.now().isoformat(),
        "clock_offset_seconds": cloud.clock.offset.total_seconds(),
        "uptime_seconds": round(time.time() - _STARTED, 1),
        "memory_mib": _memory_mib(),
        "requests": statistics.requests,
        "not_implemented": dict(statistics.not_implemented),
        "gaps": dict(statistics.gaps),
        "errors": dict(statistics.errors),
        "background": cloud.background,
        "denials": list(cloud.denials)[-20:],
    }


def _memory_mib() -> float:
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        return round(pages * 4 / _KIB, 1)
    except (OSError, ValueError):
        import resource  # noqa: PLC0415

        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KIB / _KIB, 1)


def _advance(cloud: "Cloud", request: dict[str, Any]) -> dict[str, Any]:
    cloud.advance(timedelta(seconds=float(request["seconds"])))
    return {"clock": cloud.clock.now().isoformat()}


def _status(cloud: "Cloud", request: dict[str, Any]) -> dict[str, Any]:
    del request
    return status(cloud)


def _outbox(cloud: "Cloud", request: dict[str, Any]) -> dict[str, Any]:
    del request
    return {"messages": cloud.store("outbox").get("messages", [])}


def _snapshot(cloud: "Cloud", request: dict[str, Any]) -> dict[str, Any]:
    del request
    started = time.monotonic()
    cloud.commit(everything=True)
    return {"seconds": round(time.monotonic() - started, 3)}


def _reset(cloud: "Cloud", request: dict[str, Any]) -> dict[str, Any]:
    """Forget everything: the state on disk goes, and the process with it."""
    del request
    cloud.ask_to_end(forget=True)
    return {"status": "the state is removed; start the cloud again"}


_HANDLERS: dict[tuple[str, str], Callable[["Cloud", dict[str, Any]], dict[str, Any]]] = {
    ("GET", "status"): _status,
    ("GET", "outbox"): _outbox,
    ("POST", "advance"): _advance,
    ("POST", "reset"): _reset,
    ("POST", "snapshot"): _snapshot,
}


def _json(code: int, body: dict[str, Any]) -> Answer:
    return code, {"Content-Type": "application/json"}, json.dumps(body, default=str).encode()
