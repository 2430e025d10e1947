"""The cloud itself: what all its parts share."""

import functools
import json
import os
import threading
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.config
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from moto.core.botocore_stubber import MockRawResponse

from mlzone_access import Decision
from mlzone_cloud import moto_patches, service_models
from mlzone_cloud.authorization.service_trust import trusted_role
from mlzone_cloud.clock import Clock
from mlzone_cloud.components import COMPONENTS, load_components
from mlzone_cloud.errors import ApiError
from mlzone_cloud.front_door import IN_PROCESS, INTERNAL_ACCOUNT, FrontDoor
from mlzone_cloud.http_request import Answer, Environ
from mlzone_cloud.identity import Caller, Identities
from mlzone_cloud.in_process import environ_of
from mlzone_cloud.moto_patches import cloud_clock
from mlzone_cloud.operations import Call
from mlzone_cloud.state import tracking
from mlzone_cloud.state.keeper import Keeper

Ticker = Callable[["Cloud", datetime], None]
NextDue = Callable[["Cloud", datetime], datetime | None]
Listener = Callable[[str, str, dict[str, Any]], None]
"""Takes the account, the Region and the detail of an event."""
Observer = Callable[[Call, ApiError | None], None]

_CLIENT_CONFIG = botocore.config.Config(
    retries={"max_attempts": 0},
    s3={"addressing_style": "path"},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
_TICK_SECONDS = 1.0
_SETTLING_SECONDS = 5.0
_LOOK_SECONDS = 0.005
_LONGEST_SESSION = timedelta(hours=12)


@functools.cache
def _session() -> boto3.Session:
    """Return the session that all clients share, and with it the loaded service models."""
    return boto3.Session()


@dataclass
class Statistics:
    """What `status` reports."""

    requests: int = 0
    not_implemented: Counter[str] = field(default_factory=Counter)
    gaps: Counter[str] = field(default_factory=Counter)
    """Resources that were accepted with less fidelity than AWS has."""
    errors: Counter[str] = field(default_factory=Counter)
    """Failures of background work, which no client sees."""


class Cloud:
    """One embedded cloud; a process has exactly one, because moto's state is global."""

    def __init__(
        self,
        *,
        state_dir: Path,
        endpoint_url: str = "http://localhost:4599",
        strict: bool = False,
        components: Sequence[str] = COMPONENTS,
    ) -> None:
        # Jobs and builds run in folders of their own, from where a relative path leads elsewhere.
        self.state_dir = state_dir.absolute()
        self.endpoint_url = endpoint_url
        self.strict = strict
        """Whether a gap in the emulation is an error rather than a count."""
        self.clock = Clock()
        self.identities = Identities()
        self.statistics = Statistics()
        self.lock = threading.RLock()
        """Held around moto, whose dictionaries are not safe between threads."""
        self.home_region = "us-east-1"
        self.management_account = ""
        self.organization_id = ""
        self.stores: dict[tuple[str, str, str], dict[str, Any]] = {}
        self.routes: dict[str, Callable[[Environ], Answer]] = {}
        """Who answers paths that are not AWS's, by their first segment, such as `/_cloud`."""
        self._touched_stores: set[tuple[str, str, str]] = set()
        self.resting: dict[str, Callable[[dict[str, Any]], bool]] = {}
        """By the name of a store: tells that no background work holds anything of it."""
        self.keeper: Keeper | None = None
        """Who saves the state; None while nobody does."""
        self.denials: deque[dict[str, str]] = deque(maxlen=200)
        self.tickers: list[tuple[Ticker, NextDue | None]] = []
        self.settling: list[Callable[[], bool]] = []
        """Tell whether short work is under way for which `advance` waits before it goes on."""
        self.resumers: list[Callable[[Cloud], None]] = []
        self.listeners: dict[str, list[Listener]] = {}
        """By detail-type: the parts of the cloud that hear of an event without a rule."""
        self.observers: list[Observer] = []
        """Called after each call that may change something, done or refused."""
        self.stoppers: list[Callable[[], None]] = []
        """Called when the cloud stops: they end what it runs in other processes."""
        self._clients: dict[tuple[Any, ...], Any] = {}
        self._client_lock = threading.Lock()
        self._light = ThreadPoolExecutor(max_workers=32, thread_name_prefix="cloud")
        self._heavy = threading.BoundedSemaphore(max(2, os.cpu_count() or 2))
        self._stopping = threading.Event()
        self.background = 0
        """How many pieces of work run or wait in the background."""
        self.ending = threading.Event()
        """Set when the process is to end."""
        self.forget = False
        service_models.apply()
        moto_patches.apply()
        cloud_clock.follow(self.clock.now)
        load_components(self, components)
        self.front_door = FrontDoor(self)

    # --- clients ----------------------------------------------------------------------------

    def client(
        self,
        service: str,
        *,
        account: str,
        region: str | None = None,
        role: str | None = None,
        session_name: str = "cloud",
        source_identity: str = "",
    ) -> Any:
        """Return an SDK client that talks to this cloud without a socket.

        Args:
            service: the SDK's name of the service.
            account: the account to act in.
            region: the home Region unless given.
            role: act as a session of this role, authorised as such; as the AWS service itself
                unless given.
            session_name: the role session's name.
            source_identity: the role session's SourceIdentity.
        """
        region = region or self.home_region
        key = (service, account, region, role, session_name, source_identity)
        with self._client_lock:
            cached = self._clients.get(key)
        if cached is not None:
            client, expires = cached
            if expires is None or expires > self.clock.now():
                return client
        caller = None
        if role:
            caller = self.assume(
                role, session_name, source_identity=source_identity, duration=_LONGEST_SESSION
            )
        client = self._make_client(service, account, region, caller)
        expires = None
        if caller and caller.credentials.expires:
            # Services renew their sessions in time, also when the clock is moved under their work.
            expires = caller.credentials.expires - _LONGEST_SESSION / 2
        with self._client_lock:
            self._clients[key] = (client, expires)
        return client

    def _make_client(self, service: str, account: str, region: str, caller: Caller | None) -> Any:
        with self._client_lock:
            client = _session().client(
                service,
                region_name=region,
                endpoint_url=self.endpoint_url,
                aws_access_key_id=caller.credentials.access_key_id if caller else "INTERNAL",
                aws_secret_access_key=caller.credentials.secret_access_key if caller else "none",
                aws_session_token=caller.credentials.session_token if caller else None,
                config=_CLIENT_CONFIG,
            )
        internal = None if caller else account
        client.meta.events.register(
            "before-send", lambda request, **_: self._send(request, internal)
        )
        return client

    def _send(self, request: AWSPreparedRequest, internal_account: str | None) -> AWSResponse:
        environ = environ_of(request)
        environ[IN_PROCESS] = True
        if internal_account:
            environ[INTERNAL_ACCOUNT] = internal_account
        captured: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            captured["status"] = int(status.split(maxsplit=1)[0])
            captured["headers"] = headers

        body = b"".join(self.front_door(environ, start))
        headers = HTTPHeaders()
        for name, value in captured["headers"]:
            headers[name] = value
        return AWSResponse(request.url, captured["status"], headers, MockRawResponse(body))

    def assume(
        self,
        role_arn: str,
        session_name: str,
        *,
        source_identity: str = "",
        tags: dict[str, str] | None = None,
        duration: timedelta = timedelta(hours=1),
        service: str = "",
    ) -> Caller:
        """Begin a session of a role on behalf of an AWS service.

        Args:
            role_arn: the role.
            session_name: the session's name.
            source_identity: who is behind the session.
            tags: the session's tags.
            duration: how long it lasts, at most 12 hours.
            service: the service's principal, such as `events.amazonaws.com`: then the role's
                trust policy must let it.

        Raises:
            ApiError: the role does not exist, or does not trust the service.
        """
        with tracking.reading():
            role_id = trusted_role(self, role_arn, service).id
        return self.identities.add_session(
            role_arn=role_arn,
            session_name=session_name,
            now=self.clock.now(),
            duration=min(duration, _LONGEST_SESSION),
            source_identity=source_identity,
            tags=tags,
            role_id=role_id,
        )

    def credentials(
        self,
        role_arn: str,
        session_name: str,
        *,
        region: str | None = None,
        source_identity: str = "",
        tags: dict[str, str] | None = None,
        duration: timedelta = timedelta(hours=1),
        service: str = "",
    ) -> dict[str, str]:
        """Return the environment of a subprocess that acts as a session of a role, as `assume`."""
        caller = self.assume(
            role_arn,
            session_name,
            source_identity=source_identity,
            tags=tags,
            duration=duration,
            service=service,
        )
        environment = caller.credentials.environment(region or self.home_region)
        return {**environment, **self.addresses}

    @property
    def addresses(self) -> dict[str, str]:
        """The environment variables in which clients find the cloud."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": f"{self.endpoint_url}/_mlflow",
        }

    # --- events, state, background work -----------------------------------------------------

    def emit(
        self,
        *,
        account: str,
        region: str,
        source: str,
        detail_type: str,
        detail: dict[str, Any],
        resources: tuple[str, ...] = (),
    ) -> None:
        """Put an AWS service's event onto an account's default bus, in the background."""
        entry = {
            "Time": self.clock.now(),
            "Source": source,
            "DetailType": detail_type,
            "Detail": json.dumps(detail, default=str),
            "Resources": list(resources),
        }
        events = self.client("events", account=account, region=region)
        self.submit(lambda: events.put_events(Entries=[entry]))
        for listen in self.listeners.get(detail_type, ()):
            listen(account, region, detail)

    def observe(self, call: Call, error: ApiError | None) -> None:
        """Let the observers hear of a call; a failure of theirs is counted, not the caller's."""
        for observer in self.observers:
            try:
                observer(call, error)
            except Exception as failure:  # noqa: BLE001
                self.record_error(f"{observer.__module__}: {failure!r}")

    def listen(self, detail_type: str, listener: Listener) -> None:
        """Call a part of the cloud at each event of a type; it must return at once."""
        self.listeners.setdefault(detail_type, []).append(listener)

    def store(self, name: str, account: str = "", region: str = "") -> dict[str, Any]:
        """Return a dictionary of plain data that survives a restart.

        What a request changes is saved before its answer. Background work may keep the dictionary
        and change it later: its changes are saved within a quarter of a second.
        """
        key = (name, account, region)
        if not tracking.is_reading():
            self._touched_stores.add(key)
        return self.stores.setdefault(key, {})

    def take_touched_stores(self) -> set[tuple[str, str, str]]:
        """Return the stores that may have changed since the last time, for the keeper."""
        taken = set(self._touched_stores)
        self._touched_stores.difference_update(taken)
        return taken

    def submit(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        """Run something in the background; its failure is counted, never lost.

        What a stopping cloud is asked for is left undone, as by one that is killed: its next
        start takes up all that is unfinished.
        """
        self.background += 1

        def guarded() -> Any:
            try:
                return work(*arguments)
            except Exception as error:
                self.record_error(f"{getattr(work, '__qualname__', work)}: {error!r}")
                raise
            finally:
                self.background -= 1
                self.changed()

        try:
            return self._light.submit(guarded)
        except RuntimeError:
            if not self.stopping:
                raise
            self.background -= 1
            undone: Future[Any] = Future()
            undone.cancel()
            return undone

    def heavy(self) -> threading.BoundedSemaphore:
        """Return what limits work that keeps a core busy; use it as a context manager."""
        return self._heavy

    def record_error(self, text: str) -> None:
        """Count a failure that no client sees."""
        self.statistics.errors[text[:1000]] += 1

    def gap(self, what: str) -> None:
        """Count something that is emulated with less fidelity than AWS has.

        Raises:
            ApiError: the cloud is strict.
        """
        self.statistics.gaps[what] += 1
        if self.strict:
            raise ApiError("NotImplemented", f"the embedded cloud does not emulate {what}")

    def record_denial(self, caller: str, action: str, resource: str, decision: Decision) -> None:
        """Remember a refused call, newest last, for `status` and for tests."""
        self.denials.append(
            {"caller": caller, "action": action, "resource": resource, "reason": decision.reason}
        )

    def changed(self) -> None:
        """Tell that background work has changed something that wants saving."""
        if self.keeper:
            self.keeper.request()

    def commit(self, *, everything: bool = False) -> None:
        """Save what changed, with `everything` by background work too; returns when it is saved."""
        if self.keeper:
            self.keeper.commit(everything=everything)

    def request_id(self) -> str:
        """Return a new request id."""
        return str(uuid.uuid4())

    # --- time -------------------------------------------------------------------------------

    def add_ticker(self, ticker: Ticker, next_due: NextDue | None = None) -> None:
        """Call `ticker` each second and at each due moment that `advance` passes."""
        self.tickers.append((ticker, next_due))

    def tick(self) -> None:
        """Let everything that depends on time look at the clock."""
        now = self.clock.now()
        for ticker, _ in self.tickers:
            try:
                ticker(self, now)
            except Exception as error:  # noqa: BLE001
                self.record_error(f"{ticker.__module__}: {error!r}")

    def advance(self, by: timedelta) -> None:
        """Move the clock, stopping at every moment at which something is due."""
        target = self.clock.now() + by
        while (now := self.clock.now()) < target:
            due = [
                moment
                for _, next_due in self.tickers
                if next_due and (moment := next_due(self, now)) and now < moment < target
            ]
            self.clock.advance(min(due, default=target) - now)
            self.tick()
            self._settle()
        self.changed()

    def _settle(self) -> None:
        """Wait a while for what the tick has set going, so that it happens at its own time."""
        deadline = time.monotonic() + _SETTLING_SECONDS
        while any(is_busy() for is_busy in self.settling) and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)

    def run_clock(self) -> None:
        """Tick until the cloud stops."""
        while not self._stopping.wait(_TICK_SECONDS):
            self.tick()

    def resume(self) -> None:
        """Take up what a stopped process left unfinished."""
        for resume in self.resumers:
            resume(self)

    @property
    def stopping(self) -> bool:
        """Tell whether the cloud stops, and with it all that it runs."""
        return self._stopping.is_set()

    def ask_to_end(self, *, forget: bool = False) -> None:
        """Ask the process to stop; `forget` also removes what it saved."""
        self.forget = forget
        self.ending.set()

    def stop(self) -> None:
        """Stop the clock and the background work."""
        self._stopping.set()
        for stop in self.stoppers:
            stop()
        self._light.shutdown(wait=False, cancel_futures=True)
