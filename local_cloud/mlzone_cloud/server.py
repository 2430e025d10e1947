"""The embedded cloud as a process: a socket on loopback, a clock, saved state."""

import json
import logging
import os
import signal
import threading
from pathlib import Path
from typing import Any

from werkzeug.serving import BaseWSGIServer, make_server

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.control import control
from mlzone_cloud.errors import SeedError
from mlzone_cloud.seed import Seed, plant
from mlzone_cloud.state import Keeper

ENDPOINT_FILE = "endpoint.json"
_HOST = "127.0.0.1"


def listen(cloud: Cloud, port: int) -> BaseWSGIServer:
    """Open the socket; requests wait until `start`.

    Raises:
        SeedError: the port is taken.
    """
    from moto.moto_server.werkzeug_app import MotoRequestHandler  # noqa: PLC0415

    class Handler(MotoRequestHandler):  # type: ignore[misc]
        protocol_version = "HTTP/1.1"

        def log_request(self, *_: Any) -> None:
            """Requests are counted, not logged."""

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    cloud.routes.setdefault("/_cloud", control(cloud))
    try:
        server = make_server(_HOST, port, cloud.front_door, threaded=True, request_handler=Handler)
    except (OSError, SystemExit) as error:
        raise SeedError(
            f"port {port} is taken; choose another with --port, or stop what listens there"
        ) from error
    cloud.endpoint_url = f"http://localhost:{server.server_port}"
    return server


def start(cloud: Cloud, server: BaseWSGIServer) -> None:
    """Serve in the background."""
    threading.Thread(target=server.serve_forever, name="socket", daemon=True).start()
    threading.Thread(target=cloud.run_clock, name="clock", daemon=True).start()


def serve(*, port: int, state_dir: Path, seed_path: Path, strict: bool) -> None:
    """Run a cloud until it is told to stop.

    Raises:
        SeedError: the seed, the saved state or the port cannot be used.
    """
    seed = Seed.read(seed_path)
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SeedError(f"the folder {state_dir} cannot be used: {error}") from error
    cloud = Cloud(state_dir=state_dir, endpoint_url=f"http://localhost:{port}", strict=strict)
    server = listen(cloud, port)
    keeper = Keeper(cloud)
    keeper.load()
    plant(cloud, seed)
    keeper.start()
    start(cloud, server)
    cloud.resume()
    _announce(cloud, server.server_port)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: cloud.ask_to_end())
    cloud.ending.wait()
    server.shutdown()
    cloud.stop()
    keeper.stop()
    if cloud.forget:
        keeper.remove()
    (state_dir / ENDPOINT_FILE).unlink(missing_ok=True)


def _announce(cloud: Cloud, port: int) -> None:
    """Write where the cloud is reached, once it answers; for the owner's eyes only."""
    content = {
        "pid": os.getpid(),
        "port": port,
        "url": cloud.endpoint_url,
        "credentials": {
            caller.account: {
                "access_key_id": caller.credentials.access_key_id,
                "secret_access_key": caller.credentials.secret_access_key,
            }
            for caller in cloud.identities.callers.values()
            if not caller.session_name
        },
    }
    path = cloud.state_dir / ENDPOINT_FILE
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(content, file, indent=2)
    temporary.replace(path)
