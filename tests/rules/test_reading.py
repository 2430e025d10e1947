"""Templates of others are read, or refused with the reason."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlzone.errors import ConfigError
from mlzone.rules import read
from mlzone.rules.expression import text

YAML = """
Resources:
  It:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: !Sub "${AWS::StackName}-topic"
      KmsMasterKeyId: !GetAtt Key.Arn
      DisplayName: !Join ["-", [a, !Ref Name]]
"""


def test_short_forms_of_functions_are_understood(tmp_path: Path):
    path = tmp_path / "stack.template.yaml"
    path.write_text(YAML, encoding="utf-8")

    (resource,) = read(path).of("AWS::SNS::*")

    assert resource.place == "stack/It"
    assert resource.properties == {
        "TopicName": {"Fn::Sub": "${AWS::StackName}-topic"},
        "KmsMasterKeyId": {"Fn::GetAtt": ["Key", "Arn"]},
        "DisplayName": {"Fn::Join": ["-", ["a", {"Ref": "Name"}]]},
    }
    assert text(resource.get("DisplayName")) == "a-${Name}"


def assembly(folder: Path, version: str, artifacts: dict[str, Any]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").write_text(
        json.dumps({"version": version, "artifacts": artifacts}), encoding="utf-8"
    )
    return folder


def stack(folder: Path, name: str) -> dict[str, Any]:
    topic = {"Resources": {"It": {"Type": "AWS::SNS::Topic"}}}
    (folder / f"{name}.template.json").write_text(json.dumps(topic), encoding="utf-8")
    return {
        "type": "aws:cloudformation:stack",
        "properties": {"templateFile": f"{name}.template.json"},
    }


def test_an_assembly_is_read_with_those_that_it_holds(tmp_path: Path):
    inner = tmp_path / "assembly-prod"
    inner.mkdir()
    assembly(inner, "48.0.0", {"prod": stack(inner, "prod")})
    nested = {"type": "cdk:cloud-assembly", "properties": {"directoryName": "assembly-prod"}}
    assembly(tmp_path, "48.0.0", {"dev": stack(tmp_path, "dev"), "nested": nested})

    assert [template.name for template in read(tmp_path).templates] == ["dev", "prod"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it has no Resources"),
        ("[]", "it has no Resources"),
        ("Resources: [", "cannot be parsed"),
        ('{"Resources": 3}', "it has no Resources"),
        ("Resources: &a {b: *a, c: *d}", "cannot be parsed"),
        ("{" * 20_000, "cannot be parsed"),
    ],
)
def test_what_is_no_template_is_refused(tmp_path: Path, content: str, reason: str):
    path = tmp_path / "template.yaml"
    path.write_text(content, encoding="utf-8")

    with pytest.raises(ConfigError, match=reason):
        read(path)


def test_an_assembly_of_another_time_is_refused(tmp_path: Path):
    assembly(tmp_path, "99.0.0", {"dev": stack(tmp_path, "dev")})

    with pytest.raises(ConfigError, match="schema version 99; versions 36 to"):
        read(tmp_path)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"no cloud assembly: it has no manifest\.json"):
        read(tmp_path)


def test_an_assembly_that_lost_a_template_is_refused(tmp_path: Path):
    assembly(tmp_path, "48.0.0", {"dev": stack(tmp_path, "dev")})
    (tmp_path / "dev.template.json").unlink()

    with pytest.raises(ConfigError, match="cannot be read"):
        read(tmp_path)


def test_a_large_template_is_read(tmp_path: Path):
    path = tmp_path / "large.json"
    large = {f"Topic{index}": {"Type": "AWS::SNS::Topic"} for index in range(1000)}
    path.write_text(
        json.dumps({"Metadata": "x" * 20_000_000, "Resources": large}), encoding="utf-8"
    )

    assert sum(1 for _ in read(path).of("AWS::SNS::Topic")) == 1000


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(json_values)
def test_nothing_in_a_template_makes_a_traceback(tmp_path_factory: Any, value: Any):
    path = tmp_path_factory.mktemp("any") / "template.json"
    path.write_text(json.dumps({"Resources": value}), encoding="utf-8")

    with contextlib.suppress(ConfigError):
        for resource in read(path).of("AWS::*"):
            _ = resource.tags, resource.get("a", 0), text(resource.properties)
