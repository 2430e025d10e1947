"""The model server keeps SageMaker's contract and names what is wrong with a request."""

import json
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlzone_runtime import tabular

from .conftest import START_SECONDS, Served, start


def test_it_answers_ping_once_the_model_is_loaded(server: Served) -> None:
    assert server.ask("", path="/ping", method="GET").status == 200


def test_csv_rows_get_one_probability_each(server: Served, artifact: Path) -> None:
    answer = server.ask("10,car\n90,car\n90,boat\n")
    assert (answer.status, answer.kind) == (200, "text/csv")
    model = tabular.load(artifact)
    matrix = model.schema.encode([["10", "car"], ["90", "car"], ["90", "boat"]])
    assert answer.body.splitlines() == [str(value) for value in model.predict(matrix)]


def test_json_instances_get_probability_and_decision(server: Served) -> None:
    body = {"instances": [{"amount": 10, "purpose": "car"}, {"purpose": "car", "amount": 90.0}]}
    answer = server.ask(json.dumps(body), "application/json")
    assert (answer.status, answer.kind) == (200, "application/json")
    predictions = json.loads(answer.body)["predictions"]
    assert [item["decision"] for item in predictions] == ["approve", "refer"]
    assert predictions[0]["probability"] < 0.5 <= predictions[1]["probability"]


def test_both_formats_give_the_same_probability(server: Served) -> None:
    one = server.ask("33.5,house")
    other = server.ask(
        '{"instances": [{"amount": 33.5, "purpose": "house"}]}', "application/json; charset=utf-8"
    )
    assert json.loads(other.body)["predictions"][0]["probability"] == float(one.body)


def test_the_caller_may_ask_for_the_other_format(server: Served) -> None:
    answer = server.ask("10,car", accept="application/json")
    assert json.loads(answer.body)["predictions"][0]["decision"] == "approve"


@pytest.mark.parametrize("row", [",car", "10,", "10,spaceship", ","])
def test_what_is_missing_or_unseen_is_no_error(server: Served, row: str) -> None:
    assert server.ask(row).status == 200


@pytest.mark.parametrize(
    ("body", "kind", "message", "field"),
    [
        ("many,car", "text/csv", 'row 1, field "amount": "many" is not a number', "amount"),
        ("1,car\nnan,car", "text/csv", 'row 2, field "amount": "nan" is not a finite', "amount"),
        ("1e39,car", "text/csv", '"1e39" is not a finite number', "amount"),
        ("1,car,3", "text/csv", "row 1: got 3 values; expected 2", None),
        ("amount,purpose\n1,car", "text/csv", "the first row is a header", None),
        ("", "text/csv", "the body holds no row", None),
        ('1,"car', "text/csv", "the body is no CSV", None),
        (b"\xff\xfe1", "text/csv", "the body is not UTF-8", None),
        ("{", "application/json", "the body is no JSON", None),
        ("[" * 100_000, "application/json", "the body is no JSON", None),
        ("[]", "application/json", 'expected {"instances"', None),
        ('{"instances": []}', "application/json", 'expected {"instances"', None),
        ('{"instances": [3]}', "application/json", "row 1: is no object", None),
        ('{"instances": [{"amount": 1}]}', "application/json", "is not there", "purpose"),
        (
            '{"instances": [{"amount": 1, "purpose": "car", "age": 3}]}',
            "application/json",
            "is no feature of this model",
            "age",
        ),
        (
            '{"instances": [{"amount": true, "purpose": "car"}]}',
            "application/json",
            "true is not a number",
            "amount",
        ),
        (
            '{"instances": [{"amount": 1, "purpose": 2}]}',
            "application/json",
            "2 is not text",
            "purpose",
        ),
    ],
)
def test_a_bad_request_is_refused_with_its_reason(
    server: Served, body: str | bytes, kind: str, message: str, field: str | None
) -> None:
    answer = server.ask(body, kind)
    document = json.loads(answer.body)
    assert (answer.status, answer.kind) == (400, "application/json")
    assert message in document["error"]
    assert document.get("field") == field


@pytest.mark.parametrize(
    ("path", "method", "kind", "status"),
    [
        ("/invocations", "POST", "application/x-npy", 415),
        ("/invocations", "GET", "text/csv", 405),
        ("/ping", "POST", "text/csv", 405),
        ("/metrics", "GET", "text/csv", 404),
    ],
)
def test_what_it_does_not_do_has_its_own_status(
    server: Served, path: str, method: str, kind: str, status: int
) -> None:
    answer = server.ask("1,car", kind, path=path, method=method)
    assert answer.status == status
    assert "error" in json.loads(answer.body)


def test_large_requests_do_not_keep_small_ones_from_being_answered(server: Served) -> None:
    with ThreadPoolExecutor(4) as pool:
        large = [pool.submit(server.ask, "1,car\n" * 50_000) for _ in range(3)]
        assert server.ask("", path="/ping", method="GET").status == 200
        assert all(len(item.result().body.splitlines()) == 50_000 for item in large)


def test_sigterm_ends_it_without_a_word_about_requests(artifact: Path) -> None:
    served = start(artifact)
    assert served.ask("12345.5,car").status == 200
    served.process.send_signal(signal.SIGTERM)
    _, log = served.process.communicate(timeout=START_SECONDS)
    assert served.process.returncode in (0, -signal.SIGTERM)
    assert "serving example on port" in log
    assert "12345" not in log
    assert "Traceback" not in log


def test_without_a_model_it_ends_and_says_so(tmp_path: Path) -> None:
    served = start(tmp_path)
    _, log = served.process.communicate(timeout=START_SECONDS)
    assert served.process.returncode == 1
    assert "no model artefact" in log
