"""Stacks stay within CloudFormation's limits as estates grow, and stay as they are otherwise."""

import runpy
from collections.abc import Callable, Collection
from dataclasses import replace
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

    there = {stack.name for stack in planned_stacks(load_estate(bank))}
    shared = {name for name in names & there if name not in TEAM_STACKS}
    assert shared == {f"aur-{UNIT}-registry"}
    old = templates(bank, shared, tmp_path / "before")
    new = templates(after, shared, tmp_path / "after")
    found = resource_difference(old, new, replacing)
    assert [(change.effect, change.type) for change in found] == [
        (Effect.ADDED, "AWS::SageMaker::ModelPackageGroup")
    ]


def test_one_team_more_leaves_what_is_shared_as_it_is(bank: Path, tmp_path: Path):
    """Its models are in the unit's registry; without any, only the team's own stacks come."""
    estate = write(SIZES["paper"], tmp_path / "organization")
    path = estate / "business_units" / f"{UNIT}.yaml"
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    zones = [{**zone, "name": "more"} for zone in content["teams"][0]["data_zones"]]
    content["teams"].append(
        {**content["teams"][0], "name": "more", "models": [], "data_zones": zones}
    )
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")

    looked_at, found = changes(bank, estate, tmp_path)

    assert {change.stack for change in found} == {
        f"aur-{UNIT}-{stage}-team-more" for stage in ("dev", "staging", "prod")
    }
    assert "aur-platform" not in looked_at


def test_ten_times_the_bank_needs_no_larger_stack_in_the_shared_services(
    bank: Path, tmp_path: Path
):
    names = ["aur-platform", f"aur-{UNIT}-registry"]
    larger = write(SIZES["ten"], tmp_path / "organization")

    of_the_bank = templates(bank, names, tmp_path / "bank")
    of_ten = templates(larger, names, tmp_path / "ten")

    for small, large in zip(of_the_bank, of_ten, strict=True):
        assert small.stack == large.stack
        assert len(small.content["Resources"]) == len(large.content["Resources"])


def test_a_unit_of_forty_teams_and_four_hundred_models_is_within_the_limits(tmp_path: Path):
    size = replace(SIZES["paper"], units=1, teams=40, models=400)
    estate = write(size, tmp_path / "organization")

    (made,) = templates(estate, ["aur-unit-000-registry"], tmp_path / "assembly")

    assert len(made.content["Resources"]) <= MOST["Resources"]
    path = tmp_path / "assembly" / "aur-unit-000-registry.template.json"
    assert path.stat().st_size < MOST_BYTES


def test_the_largest_stacks_of_a_bank_of_the_papers_size_are_within_the_limits(
    bank: Path, tmp_path: Path
):
    names = ["aur-guardrails", "aur-log-archive", "aur-platform", f"aur-{UNIT}-registry"]
    names += [f"aur-{UNIT}-{stage}-foundation" for stage in ("dev", "prod")]
    names += [f"aur-{UNIT}-{stage}-team-{TEAM}" for stage in ("dev", "prod")]

    made = templates(bank, names, tmp_path / "assembly")

    assert {template.stack for template in made} == set(names)
    for template in made:
        for section, most in MOST.items():
            assert len(template.content.get(section, {})) <= most, (template.stack, section)
        path = tmp_path / "assembly" / f"{template.stack}.template.json"
        assert path.stat().st_size < MOST_BYTES
