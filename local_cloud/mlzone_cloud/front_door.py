"""The front door: every request comes through here, from the socket or in process.

It finds out who calls what, asks whether they may, and passes the call to the implementation: the
cloud's own, moto's, or the generic one.
"""

import contextlib
import re
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from mlzone_cloud import generic, moto_bridge, wire
from mlzone_cloud.authorization import authorize
from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.http_request import Answer, Environ, buffer_body, signed_scope
from mlzone_cloud.identity import Caller
from mlzone_cloud.operations import OPERATIONS, SIDE_EFFECTS, Call, Implementation
from mlzone_cloud.state import tracking

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

StartResponse = Callable[..., Any]

_MUTATING = re.compile(
    r"^(?!Get|List|Describe|BatchGet|Head|Search|Query|Lookup|Filter|Scan|InvokeEndpoint)"
)
_CDK = "aws-cdk/"
_PATIENCE_SECONDS = 10.0
_HOP_HEADERS = frozenset({"content-length", "status", "date", "server", "connection"})
_HOP_ACCOUNT = "HTTP_X_MOTO_ACCOUNT_ID"
IN_PROCESS = "mlzone_cloud.in_process"
"""Set for requests that do not come from the socket; they are not waited for by a client that may
outlive the cloud."""
INTERNAL_ACCOUNT = "mlzone_cloud.internal_account"
"""Set by in-process clients that act as an AWS service; clients on the socket cannot set it."""


class _Moto(DomainDispatcherApplication):  # type: ignore[misc]
    """moto's dispatcher, without reading its package directory at every request."""

    def __init__(self) -> None:
        super().__init__(create_backend_app)
        self._backends: dict[str | None, Any] = {}

    def get_backend_for_host(self, host: str | None) -> Any:
        if host not in self._backends:
            self._backends[host] = super().get_backend_for_host(host)
        return self._backends[host]


class FrontDoor:
    """The WSGI application."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._moto = _Moto()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request (WSGI)."""
        status, headers, body = self._answer(environ)
        listing = [
            (name, str(value))
            for name, value in headers.items()
            if name.lower() not in _HOP_HEADERS
        ]
        if not any(name.lower() == "x-amzn-requestid" for name in headers):
            listing.append(("x-amzn-RequestId", self._cloud.request_id()))
        if environ["REQUEST_METHOD"] == "HEAD" and "Content-Length" in headers:
            listing.append(("Content-Length", headers["Content-Length"]))
        else:
            listing.append(("Content-Length", str(len(body))))
        start_response(f"{status} OK" if status < 400 else f"{status} Error", listing)  # noqa: PLR2004
        return [body]

    def _answer(self, environ: Environ) -> Answer:
        first = "/" + environ.get("PATH_INFO", "").lstrip("/").split("/", 1)[0]
        if first in self._cloud.routes:
            return self._cloud.routes[first](environ)
        self._cloud.statistics.requests += 1
        buffer_body(environ)
        request = Request(environ)
        service, region, access_key = signed_scope(environ, request)
        operation = ""
        call = None
        try:
            service = _known(service, environ)
            caller = self._caller(environ, service, access_key)
            operation, params = wire.parse(service, request)
            account = environ.get(INTERNAL_ACCOUNT) or (caller.account if caller else "")
            call = Call(
                cloud=self._cloud,
                service=service,
                operation=operation,
                params=params,
                account=account,
                region=region,
                caller=caller,
                environ=environ,
                internal=INTERNAL_ACCOUNT in environ,
            )
            with tracking.reading():
                call.account = authorize(call)
            answer = self._run_and_save(call, request)
            _linger(call)
        except ApiError as error:
            self._observed(call, error)
            if isinstance(error, NotEmulatedError):
                self._cloud.statistics.not_implemented[f"{error.service}:{error.operation}"] += 1
            return _error(service, operation, request, error)
        except Exception as error:  # noqa: BLE001 - one bad request must not end the connection
            self._cloud.record_error(
                f"{service}:{operation}: {''.join(traceback.format_exception(error)[-3:])}"
            )
            failure = ApiError("InternalFailure", f"{operation}: {error!r}", status=500)
            return _error(service, operation, request, failure)
        else:
            self._observed(call)
            return answer

    def _observed(self, call: Call | None, error: ApiError | None = None) -> None:
        """Let those who watch hear of a call that changes something, or would have."""
        if call and _MUTATING.match(call.operation):
            self._cloud.observe(call, error)

    def _caller(self, environ: Environ, service: str, access_key: str) -> Caller | None:
        if INTERNAL_ACCOUNT in environ:
            return None
        if not access_key:
            return None
        caller = self._cloud.identities.find(access_key, self._cloud.clock.now())
        if caller is None:
            raise ApiError(
                _unknown_key_code(service),
                "The security token included in the request is invalid or has expired.",
                status=403,
            )
        return caller

    def _run_and_save(self, call: Call, request: Request) -> Answer:
        """Run a call; what it changed is on disk before a client on the socket hears of it."""
        if not _MUTATING.match(call.operation):
            with tracking.reading():
                return self._run(call, request)
        with tracking.changing():
            try:
                answer = self._run(call, request)
            finally:
                if IN_PROCESS in call.environ:
                    self._cloud.changed()
                else:
                    self._cloud.commit()
        return answer

    def _run(self, call: Call, request: Request) -> Answer:
        key = (call.service, call.operation)
        registered = OPERATIONS.get(key)
        fallback, moto_answers = self._fallback(call)
        if registered is None and moto_answers is not None and key not in SIDE_EFFECTS:
            with self._cloud.lock:
                answer = moto_answers()
        else:
            implementations: list[Implementation] = [fallback]
            if registered:
                implementations.insert(0, registered.implementation)
            call.rest = implementations
            exclusive = registered.exclusive if registered else True
            with self._cloud.lock if exclusive else contextlib.nullcontext():
                result = call.forward()
                for effect in SIDE_EFFECTS.get(key, ()):
                    effect(call, result)
            answer = wire.serialize(call.service, call.operation, request, result)
        return answer

    def _fallback(self, call: Call) -> tuple[Implementation, Callable[[], Answer] | None]:
        """Return what serves a call that the cloud does not replace.

        The second part answers the request as it came, when moto serves it and nobody needs to
        look inside.
        """
        if not moto_bridge.implements(call.service, call.operation):
            return generic.handle, None
        call.environ[_HOP_ACCOUNT] = call.account

        def verbatim() -> Answer:
            call.environ["wsgi.input"].seek(0)
            return self._ask_moto(call)

        def parsed(inner: Call) -> dict[str, Any]:
            return moto_bridge.invoke(inner, self.client_answer)

        return parsed, verbatim

    def _ask_moto(self, call: Call) -> Answer:
        captured: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            captured["status"] = int(status.split(maxsplit=1)[0])
            captured["headers"] = dict(headers)

        try:
            body = b"".join(self._moto(call.environ, start))
        except NotImplementedError as error:
            raise NotEmulatedError(call.service, call.operation) from error
        return captured["status"], captured["headers"], body

    def client_answer(self, environ: Environ) -> Answer:
        """Pass a prepared request straight to moto."""
        captured: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            captured["status"] = int(status.split(maxsplit=1)[0])
            captured["headers"] = dict(headers)

        body = b"".join(self._moto(environ, start))
        return captured["status"], captured["headers"], body


def _linger(call: Call) -> None:
    """Let the CDK's command line find done what it has set going.

    It looks once at once, and then only every five seconds. Others get their answer at once.
    """
    if call.begun and _CDK in call.environ.get("HTTP_USER_AGENT", ""):
        wait([call.begun], timeout=_PATIENCE_SECONDS)


def _unknown_key_code(service: str) -> str:
    """Return how a service words that it does not know an access key."""
    if service == "s3":
        return "InvalidAccessKeyId"
    protocol = wire.model(service).metadata["protocol"]
    return "UnrecognizedClientException" if protocol == "json" else "InvalidClientTokenId"


def _known(service: str, environ: Environ) -> str:
    if service not in wire.known_services():
        raise ApiError("UnknownService", f"there is no AWS service {service}", status=404)
    if service == "sagemaker" and environ["PATH_INFO"].startswith("/endpoints/"):
        return "sagemaker-runtime"
    return service


def _error(service: str, operation: str, request: Request, error: ApiError) -> Answer:
    known = service if service in wire.known_services() else "sts"
    status, headers, body = wire.serialize_error(known, operation, request, error)
    return status, headers, body
