"""The JSON schemas for editors are those of the models."""

import json
from pathlib import Path

import pytest

from mlzone_tools.services.estate import SCHEMAS, schema

FOLDER = Path(__file__).parents[2] / "organization" / "schema"


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_committed_schema_is_current(name: str):
    committed = json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8"))

    assert committed == json.loads(json.dumps(schema(name)))


def test_every_field_is_described():
    undescribed = [
        f"{title}.{field}"
        for title, record in {
            "organization": schema("organization"),
            **schema("business-unit")["$defs"],
        }.items()
        for field, content in record.get("properties", {}).items()
        if "description" not in content and "$ref" not in content
    ]

    assert undescribed == []
