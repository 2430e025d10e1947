"""Every kind of change has a case: what its plan says, in text and as JSON.

A case is a file in `cases/`; adding one adds a test. Lists are whole: what a plan says besides them
fails.
"""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlzone.plan import Plan
from mlzone_tools.cli import plan_layout
from mlzone_tools.cli.output import plain
from mlzone_tools.cli.plan_words import sections

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_change_has_the_plan_of_its_case(
    path: Path, document: Any, changed: Callable[..., Any], plan_of: Callable[[Any, Any], Plan]
):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))

    plan = plan_of(document, changed(document, case["change"]))

    value = json.loads(json.dumps(plain(plan)))
    assert in_json(value) == case["plan"]
    assert in_text(plan) == case["text"]


def in_json(plan: Any) -> dict[str, Any]:
    """Return what a case says of a plan, from its JSON."""
    return {
        "changed": plan["changed"],
        "blocked": [item["what"].partition(":")[0] for item in plan["blockers"]],
        "approvals": [item["role"] for item in plan["approvals"]],
        "estate": [
            " ".join(filter(None, (item["kind"], item["subject"], item["verb"], item["field"])))
            for item in plan["estate"]
        ],
        "lost": sorted(
            {
                f"{item['effect']} {item['type']} of {item['stack']}"
                for item in plan["resources"]
                if item["loss"]
            }
        ),
        "stacks": {item["stack"]: item["verb"] for item in plan["stacks"]},
        "removals": plan["removals"],
        "gained": sorted({_access(item) for item in plan["access"]["gained"]})[:6],
        "lost_access": sorted({_access(item) for item in plan["access"]["lost"]})[:6],
        "findings": [f"{item['what']} {item['verb']}" for item in plan["findings"]],
        "rise": round(plan["cost"]["after"] - plan["cost"]["before"], 2),
        "unpriced": [item["problem"] for item in plan["cost"]["lines"] if item["problem"]],
        "quotas": [item["quota"] for item in plan["quotas"]],
    }


def _access(item: Any) -> str:
    return f"{item['kind']} {item['subject']}"


def in_text(plan: Plan) -> list[str]:
    """Return the titles and the sentences on the estate, as a person reads them."""
    text = plan_layout.text(plan)
    titles = [section.title for section in sections(plan)]
    positions = [text.index(f"{title}\n") for title in titles]
    assert positions == sorted(positions), "the dangerous comes first"
    said = next((s.lines for s in sections(plan) if s.title == "Estate"), ())
    assert all(f"  {line}\n" in f"{text}\n" for line in said)
    # How many resources there are is the constructs' business.
    verdict, _, resources = text.splitlines()[-1].partition("; resources: ")
    effects = re.sub(r"\d+ ", "", resources)
    return [*(f"# {title}" for title in titles), *said, f"{verdict}; {effects}"]
