"""What a target is given of an event."""

import json
from typing import Any

import pytest

from mlzone_cloud.compute.events.target_input import payload

EVENT: dict[str, Any] = {
    "version": "0",
    "id": "1",
    "detail-type": "CodeCommit Repository State Change",
    "account": "111111111111",
    "resources": ["first", "second"],
    "detail": {
        "callerUserArn": "arn:aws:sts::111111111111:assumed-role/r/ana",
        "count": 3,
        "quote": 'he said "no"\n',
        "inner": {"a": [1, 2]},
        "items": [{"n": "x"}, {"n": "y"}],
    },
}
RULE = "arn:aws:events:sa-east-1:111111111111:rule/commits"


def given(**target: Any) -> str:
    return payload(target, EVENT, rule_arn=RULE, ingestion_time="2026-11-24T10:00:00Z")


def transformed(template: str, **paths: str) -> str:
    return given(InputTransformer={"InputTemplate": template, "InputPathsMap": paths})


def test_a_target_without_input_gets_the_event() -> None:
    assert json.loads(given()) == EVENT


def test_input_is_a_constant() -> None:
    assert given(Input='{"a": 1}') == '{"a": 1}'


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", EVENT),
        ("$.detail.count", 3),
        ("$.detail-type", EVENT["detail-type"]),
        ("$.resources[1]", "second"),
        ("$.detail['inner'].a[0]", 1),
        ("$.detail.items[*].n", ["x", "y"]),
        ("$.nobody", None),
    ],
)
def test_input_path_gives_a_part(path: str, expected: Any) -> None:
    assert json.loads(given(InputPath=path)) == expected


def test_values_get_quotes_only_where_they_stand_alone() -> None:
    text = transformed(
        '{"who": <who>, "count": <count>, "said": <said>, "inner": <inner>, '
        '"text": "<who> said <said> \\"<count>\\" of <inner>"}',
        who="$.detail.callerUserArn",
        count="$.detail.count",
        said="$.detail.quote",
        inner="$.detail.inner",
    )

    who, said = EVENT["detail"]["callerUserArn"], EVENT["detail"]["quote"]
    assert json.loads(text) == {
        "who": who,
        "count": 3,
        "said": said,
        "inner": {"a": [1, 2]},
        "text": f'{who} said {said} "3" of {{"a": [1, 2]}}',
    }


def test_variables_of_a_pipeline_come_from_the_event() -> None:
    text = transformed(
        '{"variables":[{"name":"author","value":<author>},{"name":"trigger","value":"commit"}]}',
        author="$.detail.callerUserArn",
    )

    assert json.loads(text)["variables"][0]["value"].endswith("/ana")


def test_what_the_event_has_not_is_empty() -> None:
    assert transformed('{"a": <x>, "b": "-<x>-"}', x="$.detail.x") == '{"a": "", "b": "--"}'


def test_reserved_variables() -> None:
    text = transformed(
        '{"rule": <aws.events.rule-name>, "arn": "<aws.events.rule-arn>", '
        '"at": <aws.events.event.ingestion-time>, "all": <aws.events.event.json>, '
        '"head": <aws.events.event>}'
    )

    found = json.loads(text)
    assert found["rule"] == "commits"
    assert found["arn"] == RULE
    assert found["at"] == "2026-11-24T10:00:00Z"
    assert found["all"] == EVENT
    assert "detail" not in found["head"]
    assert found["head"]["id"] == "1"


def test_angle_brackets_that_are_no_variable_stay() -> None:
    assert transformed('"<b>bold</b> <count>"', count="$.detail.count") == '"<b>bold</b> 3"'
