"""Git over HTTP for CodeCommit: `git clone`, `fetch` and `push` through git's own CGI program.

The address is `/git/<account>/<region>/<repository>`. The user is an access key id, for a session
followed by `%` and its token; the password is the secret access key. What the caller may do is
decided as for any other request, as codecommit:GitPull and codecommit:GitPush.
"""

import base64
import binascii
import functools
import hmac
import subprocess
import urllib.parse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud import codecommit
from mlzone_cloud.authorization import authorize
from mlzone_cloud.errors import ApiError
from mlzone_cloud.git_repository import GitRepository, changes, git_environment, read_commands
from mlzone_cloud.http_request import Answer, Environ, buffer_body
from mlzone_cloud.identity import Caller
from mlzone_cloud.operations import Call

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_PUSH, _PULL = "git-receive-pack", "git-upload-pack"
_ADDRESS_PARTS = 4


@dataclass(frozen=True)
class _Address:
    account: str
    region: str
    name: str
    rest: str
    """Such as `/info/refs`."""

    @classmethod
    def parse(cls, path: str) -> "_Address":
        parts = path.strip("/").split("/", maxsplit=_ADDRESS_PARTS)
        if len(parts) <= _ADDRESS_PARTS:
            raise ApiError("NotFound", "the address is /git/ACCOUNT/REGION/REPOSITORY", status=404)
        _, account, region, name, rest = parts
        return cls(account, region, name.removesuffix(".git"), f"/{rest}")


def install(cloud: "Cloud") -> None:
    """Answer under `/git`."""
    cloud.routes["/git"] = functools.partial(serve, cloud)


def serve(cloud: "Cloud", environ: Environ) -> Answer:
    """Answer one request of a git client."""
    buffer_body(environ)
    try:
        address = _Address.parse(environ["PATH_INFO"])
        caller = _caller(cloud, environ)
        call = _call(cloud, environ, address, caller)
        authorize(call)
        codecommit.find(cloud, address.account, address.region, address.name)
        repository = GitRepository.of(cloud, address.account, address.region, address.name)
        if not address.rest.endswith(_PUSH) or environ["REQUEST_METHOD"] != "POST":
            return _cgi(environ, repository, address, caller)
        return _push(call, address, lambda: _cgi(environ, repository, address, caller))
    except ApiError as error:
        headers = {"Content-Type": "text/plain"}
        if error.status == 401:  # noqa: PLR2004
            headers["WWW-Authenticate"] = 'Basic realm="CodeCommit"'
        return error.status, headers, f"{error.code}: {error.message}\n".encode()


def _push(call: Call, address: _Address, receive: Callable[[], Answer]) -> Answer:
    repository = GitRepository.of(call.cloud, address.account, address.region, address.name)
    before = repository.refs()
    answer = receive()
    with call.cloud.lock:
        for change in changes(before, repository.refs()):
            codecommit.announce(
                call.cloud, address.account, address.region, address.name, change, call.caller_arn
            )
    call.cloud.changed()
    return answer


def _caller(cloud: "Cloud", environ: Environ) -> Caller:
    kind, _, encoded = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    if kind.lower() != "basic":
        raise ApiError("AuthorizationRequired", "an access key is needed", status=401)
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ApiError("AuthorizationRequired", "not Basic authorization", status=401) from error
    key, _, token = user.partition("%")
    caller = cloud.identities.find(key, cloud.clock.now())
    if (
        caller is None
        or not hmac.compare_digest(caller.credentials.secret_access_key, password)
        or not hmac.compare_digest(caller.credentials.session_token, urllib.parse.unquote(token))
    ):
        raise ApiError("AuthorizationRequired", "the access key is not valid", status=401)
    return caller


def _call(cloud: "Cloud", environ: Environ, address: _Address, caller: Caller) -> Call:
    query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
    service = query.get("service", [address.rest.rsplit("/", 1)[-1]])[0]
    params: dict[str, Any] = {"repositoryName": address.name}
    if service == _PUSH and environ["REQUEST_METHOD"] == "POST":
        params["references"] = read_commands(_body(environ))
    return Call(
        cloud=cloud,
        service="codecommit",
        operation="GitPush" if service == _PUSH else "GitPull",
        params=params,
        account=address.account,
        region=address.region,
        caller=caller,
        environ=environ,
    )


def _body(environ: Environ) -> bytes:
    body: bytes = environ["wsgi.input"].getvalue()
    return body


def _cgi(environ: Environ, repository: GitRepository, address: _Address, caller: Caller) -> Answer:
    """Run `git http-backend`, which speaks CGI."""
    variables = {
        **git_environment(),
        "GIT_PROJECT_ROOT": str(repository.path.parent),
        "GIT_HTTP_EXPORT_ALL": "1",
        "PATH_INFO": f"/{repository.path.name}{address.rest}",
        "QUERY_STRING": environ.get("QUERY_STRING", ""),
        "REQUEST_METHOD": environ["REQUEST_METHOD"],
        "CONTENT_TYPE": environ.get("CONTENT_TYPE", ""),
        "CONTENT_LENGTH": environ.get("CONTENT_LENGTH", ""),
        "HTTP_CONTENT_ENCODING": environ.get("HTTP_CONTENT_ENCODING", ""),
        "GIT_PROTOCOL": environ.get("HTTP_GIT_PROTOCOL", ""),
        "REMOTE_ADDR": environ.get("REMOTE_ADDR", ""),
        "REMOTE_USER": caller.arn,
    }
    done = subprocess.run(
        [_backend()], check=False, capture_output=True, input=_body(environ), env=variables
    )
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    if not head:
        raise ApiError("InternalFailure", done.stderr.decode(errors="replace"), status=500)
    headers = dict(line.split(": ", maxsplit=1) for line in head.decode().splitlines())
    status = int(headers.pop("Status", "200 OK").split(" ", maxsplit=1)[0])
    return status, headers, body


@functools.cache
def _backend() -> str:
    folder = subprocess.run(
        ["git", "--exec-path"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return str(Path(folder) / "git-http-backend")
