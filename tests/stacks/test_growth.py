"""Stacks stay within CloudFormation's limits as estates grow, and stay as they are otherwise."""

import runpy
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlzone.loading import load_estate
from mlzone.plan import Effect, ResourceChange, Template, stack_inputs, touched
from mlzone.plan.resource_difference import resource_difference
from mlzone.planning import planned_stacks
from mlzone_tools.services.plan.making import replacing
from mlzone_tools.services.synthesis import synthesize

ROOT = Path(__file__).parents[2]
PAPER = runpy.run_path(str(ROOT / "benchmarks" / "paper_estate.py"))
SIZES, write = PAPER["SIZES"], PAPER["write"]
UNIT, TEAM = "unit-003", "team-01"
TEAM_STACKS = {f"aur-{UNIT}-{stage}-team-{TEAM}" for stage in ("dev", "staging", "prod")}
MOST = {"Resources": 450, "Parameters": 200, "Outputs": 200, "Mappings": 200}
"""CloudFormation takes 500 resources; a rule leaves room."""
MOST_BYTES = 1_000_000

Edit = Callable[[Any], None]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The estate of the paper's size."""
    return write(SIZES["paper"], tmp_path_factory.mktemp("bank") / "organization")


def edited(estate: Path, folder: Path, edit: Edit) -> Path:
    """Return a copy of an estate in which one team differs."""
    write(SIZES["paper"], folder)
    path = folder / "business_units" / f"{UNIT}.yaml"
    content = yaml.safe_load((estate / "business_units" / path.name).read_text(encoding="utf-8"))
    edit(next(team for team in content["teams"] if team["name"] == TEAM))
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return folder


def joins(team: Any) -> None:
    team["members"]["data-scientist"].append("zora.lima")


def one_more_model(team: Any) -> None:
    team["models"].append({**team["models"][0], "name": "one-more", "title": "One more"})


def templates(estate: Path, names: Collection[str], output: Path) -> list[Template]:
    made = synthesize(output=output, estate=estate, stacks=names)
    return [
        Template(
            stack=stack.name,
            account=stack.account,
            region=stack.region,
            content=yaml.safe_load((output / f"{stack.name}.template.json").read_bytes()),
        )
        for stack in planned_stacks(load_estate(estate))
        if stack.name in made.stacks
    ]


def changes(before: Path, after: Path, folder: Path) -> tuple[set[str], tuple[ResourceChange, ...]]:
    """Return the stacks that can differ, and what differs in them."""
    names = touched(stack_inputs(load_estate(before)), stack_inputs(load_estate(after)))
    old = templates(before, names & set(stack_inputs(load_estate(before))), folder / "before")
    new = templates(after, names, folder / "after")
    return set(names), resource_difference(old, new, replacing)


def test_one_person_more_touches_one_stack(bank: Path, tmp_path: Path):
    looked_at, found = changes(bank, edited(bank, tmp_path / "organization", joins), tmp_path)

    assert looked_at == TEAM_STACKS
    assert {change.stack for change in found} == {f"aur-{UNIT}-dev-team-{TEAM}"}
    assert [(change.effect, change.type) for change in found] == [
        (Effect.ADDED, "AWS::SageMaker::UserProfile")
    ]


def test_one_model_more_leaves_the_others_where_they_are(bank: Path, tmp_path: Path):
    after = edited(bank, tmp_path / "organization", one_more_model)
    names = touched(stack_inputs(load_estate(bank)), stack_inputs(load_estate(after)))

    others = {
        stack.name
        for stack in planned_stacks(load_estate(bank))
        if stack.name in names and stack.subject not in (TEAM, None)
    }
    assert others == set()
    old = templates(bank, ["aur-platform"], tmp_path / "before")
    new = templates(after, ["aur-platform"], tmp_path / "after")
    found = resource_difference(old, new, replacing)
    assert {change.effect for change in found} <= {Effect.ADDED, Effect.CHANGED}


def test_the_largest_stacks_of_a_bank_of_the_papers_size_are_within_the_limits(
    bank: Path, tmp_path: Path
):
    names = ["aur-guardrails", "aur-log-archive", "aur-platform"]
    names += [f"aur-{UNIT}-{stage}-foundation" for stage in ("dev", "prod")]
    names += [f"aur-{UNIT}-{stage}-team-{TEAM}" for stage in ("dev", "prod")]

    made = templates(bank, names, tmp_path / "assembly")

    assert {template.stack for template in made} == set(names)
    for template in made:
        for section, most in MOST.items():
            assert len(template.content.get(section, {})) <= most, (template.stack, section)
        path = tmp_path / "assembly" / f"{template.stack}.template.json"
        assert path.stat().st_size < MOST_BYTES
