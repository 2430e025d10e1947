"""What an HTTP request says of itself before anybody knows its operation."""

import io
import re
import urllib.parse
from typing import Any

from moto.core.request import Request

from mlzone_cloud import wire

Environ = dict[str, Any]
"""A WSGI environment."""
Answer = tuple[int, dict[str, str], bytes]
"""Status, headers and body."""

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_CREDENTIAL_QUERY = re.compile(r"([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request")
_UNSIGNED_STS = ("AssumeRoleWithSAML", "AssumeRoleWithWebIdentity")


def buffer_body(environ: Environ) -> None:
    """Make the body readable more than once."""
    source = environ["wsgi.input"]
    if isinstance(source, io.BytesIO):
        return
    length = environ.get("CONTENT_LENGTH")
    if length:
        data = source.read(int(length))
    elif environ.get("wsgi.input_terminated"):
        data = source.read()
    else:
        data = b""
    environ["wsgi.input"] = io.BytesIO(data)
    environ["CONTENT_LENGTH"] = str(len(data))
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def signed_scope(environ: Environ, request: Request) -> tuple[str, str, str]:
    """Return service, Region and access key of a request; from its signature, where it has one."""
    match = _CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if not match and "X-Amz-Credential" in environ.get("QUERY_STRING", ""):
        query = urllib.parse.parse_qs(environ["QUERY_STRING"])
        match = _CREDENTIAL_QUERY.match(query["X-Amz-Credential"][0])
    if match:
        return wire.service_of(match[3]), match[2], match[1]
    if request.values.get("Action") in _UNSIGNED_STS:
        return "sts", "us-east-1", ""
    return "s3", "us-east-1", ""
