"""A function learns from STS who calls it, and from nobody else."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import boto3
import pytest

from mlzone_runtime.caller import AUDIENCE, UnknownCallerError, caller, main, proof

ARN = "arn:aws:sts::111111111113:assumed-role/aur-retail-model-approver/paula.reis"
FUNCTION = "aur-retail-credit-prod-stop"


class Sts:
    """STS as far as it tells who calls."""

    def __init__(self) -> None:
        self.asked: list[tuple[dict[str, str], str | None]] = []
        self.status = 200
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                query = dict(parse_qsl(urlsplit(self.path).query))
                outer.asked.append((query, self.headers[AUDIENCE]))
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(f"<R><Arn>{ARN}</Arn><Account>1</Account></R>".encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Answer)

    @property
    def client(self) -> Any:
        return boto3.client(
            "sts",
            region_name="sa-east-1",
            endpoint_url=f"http://localhost:{self.server.server_port}",
            aws_access_key_id="ASIAEXAMPLE",
            aws_secret_access_key="secret",
            aws_session_token="token/+=",
        )


@pytest.fixture
def sts() -> Iterator[Sts]:
    made = Sts()
    thread = Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def test_STS_is_asked_with_the_callers_own_signature(sts):
    given = proof(sts.client, FUNCTION)

    assert caller(sts.client, FUNCTION, given) == ARN
    ((query, audience),) = sts.asked
    assert query == dict(parse_qsl(given))
    assert query["X-Amz-Security-Token"] == "token/+="
    assert query["X-Amz-Expires"] == "60"
    assert audience == FUNCTION


def test_a_proof_signs_the_function_that_it_is_for(sts):
    signed = dict(parse_qsl(proof(sts.client, FUNCTION)))

    assert AUDIENCE.lower() in signed["X-Amz-SignedHeaders"].split(";")
    other = dict(parse_qsl(proof(sts.client, "another")))
    assert signed["X-Amz-Signature"] != other["X-Amz-Signature"]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"Action": "AssumeRole"}, "asks STS something else"),
        ({"RoleArn": "arn:aws:iam::1:role/x"}, "is no question to STS"),
        ({"X-Amz-SignedHeaders": "host"}, "does not say what it is for"),
    ],
)
def test_nothing_but_the_question_reaches_STS(sts, changed, reason):
    given = dict(parse_qsl(proof(sts.client, FUNCTION)))

    with pytest.raises(UnknownCallerError, match=reason):
        caller(sts.client, FUNCTION, urlencode({**given, **changed}))
    assert sts.asked == []


def test_a_question_asked_twice_is_none(sts):
    given = proof(sts.client, FUNCTION)

    with pytest.raises(UnknownCallerError, match="is no question to STS"):
        caller(sts.client, FUNCTION, f"{given}&Action=GetSessionToken")


def test_whom_STS_does_not_know_is_nobody(sts):
    sts.status = 403

    with pytest.raises(UnknownCallerError, match="does not say who calls: HTTP Error 403"):
        caller(sts.client, FUNCTION, proof(sts.client, FUNCTION))


def test_without_a_proof_there_is_no_caller(sts):
    with pytest.raises(UnknownCallerError):
        caller(sts.client, FUNCTION, "")


def test_a_shell_prints_what_the_function_takes(sts, monkeypatch, capsys):
    client = sts.client
    monkeypatch.setattr(boto3, "client", lambda _: client)

    main([FUNCTION, "INC-12"])

    request = json.loads(capsys.readouterr().out)
    assert request["reason"] == "INC-12"
    assert caller(client, FUNCTION, request["proof"]) == ARN
