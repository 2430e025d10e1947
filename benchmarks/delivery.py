"""Updates of an endpoint under load: a good release, a rollback by command, and a bad canary.

Everything goes the way of a model: commit, build, approval, staging, production; callers
ask the endpoint in production meanwhile. The bad release is good in staging: its server
begins to fail after some hundred requests, as one does that leaks. Production's alarms notice.
"""

import json
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from botocore.config import Config
from botocore.exceptions import ClientError
from small_bank import ENGINEER, MODEL, ROW, SmallBank, opened, until

from mlzone.estate import Stage
from mlzone.image import VERSIONS
from mlzone.naming import Naming
from mlzone_tools.cloud.session import account_session
from mlzone_tools.services import images
from mlzone_tools.services.model import rollback

NOTE = """
A model of the template `forecast`, risk tier 3, goes to production by commit and approval; two
callers ask it there meanwhile, one request after the other. Traffic moves by a canary of 25 %; the
waits of ten and five minutes are 60 real seconds each here. The server of the bad release fails
from its 81st request on, which staging does not reach; alarms rise by what callers see.
`failing for s` is the time between the first and the last request that failed.
"""
CALLERS = 2
LONGEST_WAIT = "MLZONE_CLOUD_LONGEST_BAKE"
WAIT_SECONDS = 60
"""The cloud's process takes this from the variable above: no wait of a deployment is longer. What
is minutes on AWS, such as ten after the canary, is a wait of so many real seconds."""
_GOOD_REQUESTS = 80
"""So many the bad release answers; staging asks fewer."""
_GOOD_IN_A_ROW = 100
_PAUSE_SECONDS = 0.05
_SETTINGS = {LONGEST_WAIT: str(WAIT_SECONDS)}
_LEAKING = f"""
import sys
from mlzone_runtime import serving
good, asked = serving.Server.predict, 0
def predict(*arguments):
    global asked
    asked += 1
    if asked > {_GOOD_REQUESTS}:
        raise MemoryError("no memory is left")
    return good(*arguments)
serving.Server.predict = predict
sys.exit(serving.main())
"""


def run() -> list[dict[str, Any]]:
    """Bring four releases to production, three of them under load; a row an update."""
    with tempfile.TemporaryDirectory() as name, opened(Path(name), **_SETTINGS) as bank:
        # Every pipeline has run once when it was made.
        known = len(bank.promotions())
        bank.approved(rounds=150)
        _promoted(bank, known, expected="Succeeded")
        return [_updated(bank), _rolled_back(bank), _sent_back(bank)]


def _updated(bank: SmallBank) -> dict[str, Any]:
    known = len(bank.promotions())
    bank.approved(rounds=120)
    with Load(bank) as load:
        _promoted(bank, known, expected="Succeeded")
    return _row("a new version", bank, load, "succeeded")


def _rolled_back(bank: SmallBank) -> dict[str, Any]:
    known = len(bank.promotions())
    with Load(bank) as load:
        rollback.roll_back(bank.stage(Stage.PROD, ENGINEER), bank.estate, MODEL, Stage.PROD)
        _promoted(bank, known, expected="Succeeded")
    return _row("a rollback by command", bank, load, "succeeded")


def _sent_back(bank: SmallBank) -> dict[str, Any]:
    known = len(bank.promotions())
    _publish_leaking(bank)
    bank.approved(rounds=90)
    with Load(bank) as load:
        # Alarms judge by the minute: the clock goes on once callers see failures.
        _promoted(
            bank,
            known,
            expected="Failed",
            meanwhile=lambda: load.failing and bank.cloud.control("advance", {"seconds": 30}),
        )
        load.until_quiet()
    return _row("a bad canary", bank, load, "failed by the alarms")


def _row(update: str, bank: SmallBank, load: "Load", promotion: str) -> dict[str, Any]:
    return {
        "update": update,
        **load.figures(),
        "promotion": promotion,
        "serves_then": f"version {bank.serving().version}",
    }


def _promoted(
    bank: SmallBank, known: int, *, expected: str, meanwhile: Callable[[], object] = lambda: None
) -> None:
    run = bank.promoted(known, meanwhile=meanwhile)
    if run.status != expected:
        raise SystemExit(f"{run.pipeline} {run.status}: {run.problem}")
    if expected == "Failed" and "ALARM" not in run.problem:
        raise SystemExit(f"it failed for another reason: {run.problem}")
    print(f"{run.pipeline} {run.status} {run.problem}", flush=True)


def _publish_leaking(bank: SmallBank) -> None:
    """Give the registry another server image under the tag that builds take."""
    naming = Naming(prefix=bank.estate.organization.prefix)
    account = bank.estate.organization.accounts.shared_services
    ecr = account_session(bank.cloud, bank.estate, account).client("ecr")
    repository, tag = naming.ecr_repository("tabular"), VERSIONS["tabular"]
    (found,) = ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageTag": tag}])[
        "images"
    ]
    manifest = json.loads(found["imageManifest"])
    manifest["annotations"][images.ENTRYPOINT] = json.dumps(["python3", "-c", _LEAKING])
    ecr.batch_delete_image(repositoryName=repository, imageIds=[{"imageTag": tag}])
    ecr.put_image(
        repositoryName=repository,
        imageManifest=json.dumps(manifest),
        imageManifestMediaType=manifest["mediaType"],
        imageTag=tag,
    )


class Load:
    """Callers in production who ask each one request after the other."""

    def __init__(self, bank: SmallBank) -> None:
        self._bank = bank
        self._runtime = bank.stage(Stage.PROD, ENGINEER).client(
            "sagemaker-runtime",
            config=Config(max_pool_connections=CALLERS, retries={"total_max_attempts": 1}),
        )
        self._endpoint = bank.serving().endpoint
        self._stop = threading.Event()
        self._callers = [threading.Thread(target=self._ask) for _ in range(CALLERS)]
        self._seconds: list[float] = []
        self._failures: list[float] = []
        self._began = time.perf_counter()

    def __enter__(self) -> Self:
        for caller in self._callers:
            caller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for caller in self._callers:
            caller.join()

    @property
    def failing(self) -> bool:
        """Whether a request has failed."""
        return bool(self._failures)

    def figures(self) -> dict[str, Any]:
        """Return what callers have seen."""
        asked = len(self._seconds)
        failed = len(self._failures)
        failing = self._failures[-1] - self._failures[0] if failed else 0.0
        return {
            "seconds": round(time.perf_counter() - self._began, 1),
            "requests": asked,
            "failed": failed,
            "failing_for_s": round(failing, 1),
            "median_ms": round(1000 * statistics.median(self._seconds), 1),
            "p99_ms": round(1000 * statistics.quantiles(self._seconds, n=100)[98], 1),
        }

    def until_quiet(self) -> None:
        """Wait until requests in a row are answered well."""

        def quiet() -> bool:
            failed, asked = len(self._failures), len(self._seconds)
            until(lambda: len(self._seconds) > asked + _GOOD_IN_A_ROW, "callers ask on")
            return len(self._failures) == failed

        until(quiet, "callers are answered again")

    def _ask(self) -> None:
        while not self._stop.is_set():
            begin = time.perf_counter()
            try:
                self._runtime.invoke_endpoint(
                    EndpointName=self._endpoint,
                    ContentType="text/csv",
                    Accept="text/csv",
                    Body=ROW.encode(),
                )["Body"].read()
            except ClientError:
                self._failures.append(begin)
            self._seconds.append(time.perf_counter() - begin)
            time.sleep(_PAUSE_SECONDS)
