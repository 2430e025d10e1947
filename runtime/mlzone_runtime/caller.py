"""Who calls a function: AWS Lambda does not say, so the caller brings a proof of who they are.

The proof is a signed request to STS that the caller does not send: whoever has it can ask STS once
more, within minutes, whose it is, and learns nothing else. The signature covers the function that
it is for, so that a proof for one function is none for another.

`python -m mlzone_runtime.caller FUNCTION REASON` prints what such a function takes, for `aws lambda
invoke`, in the name of whoever the shell's AWS credentials belong to.
"""

import argparse
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from typing import Any

import boto3
from botocore.signers import RequestSigner

AUDIENCE = "X-MLZone-Function"
"""The signed header that says what a proof is for."""
PERSON_SECONDS, MACHINE_SECONDS = 60, 900
"""How long a proof holds: a person's call begins at once, a queued one later."""

_QUESTION = {"Action": "GetCallerIdentity", "Version": "2011-06-15"}
_SIGNATURE = frozenset(
    f"X-Amz-{name}"
    for name in (
        "Algorithm",
        "Credential",
        "Date",
        "Expires",
        "Security-Token",
        "Signature",
        "SignedHeaders",
    )
)
_ARN = re.compile(r"<Arn>(arn:[^<]+)</Arn>")
_LONGEST_SECONDS = 10


class UnknownCallerError(Exception):
    """A caller has not shown who they are."""


def proof(sts: Any, function: str, *, seconds: int = PERSON_SECONDS) -> str:
    """Return the proof of who acts with a client of STS, for a function.

    Args:
        sts: the client; in the function's Region.
        function: the function's name.
        seconds: how long the proof holds.
    """
    region = sts.meta.region_name
    signer = RequestSigner(
        sts.meta.service_model.service_id,
        region,
        "sts",
        "v4",
        sts._request_signer._credentials,  # noqa: SLF001 - no public way leads to a client's own
        sts.meta.events,
    )
    request = {
        "method": "GET",
        "url": f"{sts.meta.endpoint_url.rstrip('/')}/?{urllib.parse.urlencode(_QUESTION)}",
        "body": {},
        "headers": {AUDIENCE: function},
        "context": {},
    }
    signed = signer.generate_presigned_url(
        request, region_name=region, expires_in=seconds, operation_name=""
    )
    return str(urllib.parse.urlsplit(signed).query)


def caller(sts: Any, function: str, proof_given: str) -> str:
    """Return the ARN of the session whose proof it is; STS itself says so.

    Args:
        sts: a client of STS: it says where STS is, and nothing else of it is used.
        function: the name of the function that was called.
        proof_given: what the caller sent.

    Raises:
        UnknownCallerError: it is no proof for this function, or it has expired.
    """
    asked = urllib.parse.parse_qsl(proof_given, keep_blank_values=True)
    names = [name for name, _ in asked]
    expected = {**_QUESTION, **dict.fromkeys(_SIGNATURE)}
    if len(names) != len(set(names)) or not set(names) <= set(expected):
        raise UnknownCallerError("the proof of the caller is no question to STS")
    given = dict(asked)
    if any(given.get(name) != value for name, value in _QUESTION.items()):
        raise UnknownCallerError("the proof of the caller asks STS something else")
    if AUDIENCE.lower() not in given.get("X-Amz-SignedHeaders", "").split(";"):
        raise UnknownCallerError("the proof of the caller does not say what it is for")
    request = urllib.request.Request(  # noqa: S310 - the address is the client's own
        f"{sts.meta.endpoint_url.rstrip('/')}/?{urllib.parse.urlencode(asked)}",
        headers={AUDIENCE: function},
    )
    try:
        with urllib.request.urlopen(request, timeout=_LONGEST_SECONDS) as answer:  # noqa: S310
            found = _ARN.search(answer.read().decode())
    except (urllib.error.URLError, TimeoutError) as error:
        raise UnknownCallerError(f"STS does not say who calls: {error}") from None
    if not found:
        raise UnknownCallerError("STS does not say who calls")
    return found[1]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the request of a function, with the proof of who asks."""
    parser = argparse.ArgumentParser(prog="python -m mlzone_runtime.caller")
    parser.add_argument("function", help="its name")
    parser.add_argument("reason", help="kept as evidence")
    asked = parser.parse_args(arguments)
    request = {"reason": asked.reason, "proof": proof(boto3.client("sts"), asked.function)}
    print(json.dumps(request))  # noqa: T201


if __name__ == "__main__":
    main()
