"""Which events a pattern wants, by AWS's documentation."""

import json
from typing import Any

import pytest

from mlzone_cloud.compute.events.pattern import PatternError, matches, parse

EVENT = {
    "source": "aws.sagemaker",
    "detail-type": "SageMaker Model Package State Change",
    "resources": ["arn:aws:sagemaker:x", "arn:aws:sagemaker:y"],
    "detail": {
        "name": "credit-default",
        "count": 3,
        "ratio": 0.25,
        "ok": True,
        "nothing": None,
        "empty": [],
        "address": "10.0.0.17",
        "nested": {"deep": "Value"},
        "metrics": [{"name": "auc", "value": 0.8}, {"name": "psi", "value": 0.1}],
        "tags": ["red", "blue"],
    },
}


def wants(pattern: Any, event: Any = EVENT) -> bool:
    return matches(parse(json.dumps(pattern)), event)


def detail(**pattern: Any) -> bool:
    return wants({"detail": pattern})


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.sagemaker"]}, True),
        ({"source": ["aws.s3", "aws.sagemaker"]}, True),
        ({"source": ["aws.s3"]}, False),
        ({"resources": ["arn:aws:sagemaker:y"]}, True),
        ({"resources": [{"prefix": "arn:aws:s3"}]}, False),
        ({"source": ["aws.sagemaker"], "detail": {"name": ["other"]}}, False),
        ({"$or": [{"source": ["x"]}, {"detail": {"count": [3]}}]}, True),
        ({"$or": [{"source": ["x"]}, {"source": ["y"]}]}, False),
        ({"detail": {"nested": {"deep": ["Value"]}}}, True),
        ({"detail": {"nested": {"deeper": ["Value"]}}}, False),
        ({"detail": {"name": {"deep": ["Value"]}}}, False),
        ({"nobody": ["x"]}, False),
    ],
)
def test_fields(pattern: Any, expected: bool) -> None:
    assert wants(pattern) is expected


@pytest.mark.parametrize(
    ("field", "choice", "expected"),
    [
        ("name", {"prefix": "credit"}, True),
        ("name", {"prefix": {"equals-ignore-case": "CREDIT"}}, True),
        ("name", {"suffix": "default"}, True),
        ("name", {"suffix": {"equals-ignore-case": "DEFAULT"}}, True),
        ("name", {"suffix": "credit"}, False),
        ("name", {"equals-ignore-case": "Credit-Default"}, True),
        ("name", {"wildcard": "cred*-def*"}, True),
        ("name", {"wildcard": "cred*x"}, False),
        ("name", {"wildcard": "credit\\*"}, False),
        ("name", {"anything-but": "other"}, True),
        ("name", {"anything-but": ["other", "credit-default"]}, False),
        ("name", {"anything-but": {"prefix": "credit"}}, False),
        ("name", {"anything-but": {"suffix": ["x", "y"]}}, True),
        ("name", {"anything-but": {"wildcard": "*fault"}}, False),
        ("name", {"anything-but": {"equals-ignore-case": ["CREDIT-DEFAULT"]}}, False),
        ("missing", {"anything-but": "other"}, False),
        ("count", 3.0, True),
        ("count", "3", False),
        ("count", {"numeric": [">", 2, "<=", 3]}, True),
        ("count", {"numeric": ["<", 3]}, False),
        ("name", {"numeric": ["=", 3]}, False),
        ("count", {"anything-but": [1, 2]}, True),
        ("ok", True, True),
        ("ok", 1, False),
        ("nothing", None, True),
        ("missing", None, False),
        ("name", {"exists": True}, True),
        ("missing", {"exists": False}, True),
        ("name", {"exists": False}, False),
        ("nested", {"exists": True}, False),
        ("empty", {"exists": True}, True),
        ("address", {"cidr": "10.0.0.0/24"}, True),
        ("address", {"cidr": "10.1.0.0/24"}, False),
        ("name", {"cidr": "10.1.0.0/24"}, False),
        ("tags", "blue", True),
        ("tags", {"prefix": "gre"}, False),
        ("tags", {"anything-but": ["red"]}, True),
    ],
)
def test_values(field: str, choice: Any, expected: bool) -> None:
    assert detail(**{field: [choice]}) is expected


def test_one_of_several_choices_is_enough() -> None:
    assert detail(count=[{"numeric": ["<", 1]}, {"numeric": [">", 2]}])


def test_fields_within_an_array_belong_to_the_same_element() -> None:
    assert detail(metrics={"name": ["auc"], "value": [{"numeric": [">", 0.5]}]})
    assert not detail(metrics={"name": ["psi"], "value": [{"numeric": [">", 0.5]}]})


@pytest.mark.parametrize(
    "pattern",
    [
        {},
        [],
        {"source": "aws.s3"},
        {"source": []},
        {"detail": {}},
        {"source": [["aws.s3"]]},
        {"source": [{"like": "aws"}]},
        {"source": [{"prefix": "a", "suffix": "b"}]},
        {"source": [{"prefix": 3}]},
        {"count": [{"numeric": [">", "3"]}]},
        {"count": [{"numeric": [">"]}]},
        {"count": [{"exists": "yes"}]},
        {"count": [{"cidr": "10.0.0.0/99"}]},
        {"count": [{"anything-but": []}]},
        {"count": [{"anything-but": {"numeric": ["=", 1]}}]},
        {"$or": [{"source": ["x"]}]},
    ],
)
def test_what_aws_refuses_is_refused(pattern: Any) -> None:
    with pytest.raises(PatternError):
        parse(json.dumps(pattern))


def test_text_that_is_no_json_is_refused() -> None:
    with pytest.raises(PatternError, match="Unable to parse"):
        parse("{")
