"""`mlzone migrate users`: a directory's export becomes members of teams."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlzone.errors import ConfigError
from mlzone.loading import load_estate
from mlzone_tools.cli.main import cli

ROOT = Path(__file__).parents[2]
RULES = """\
rules:
  - {group: GG-*-LEADS, unit: retail-banking, team: marketing, persona: lead-data-scientist}
  - {group: GG-MARKETING, unit: retail-banking, team: marketing, persona: data-scientist}
  - {group: GG-PRICING, unit: insurance, team: pricing, persona: ml-engineer}
  - {group: GG-GONE, unit: insurance, team: gone, persona: ml-engineer}
"""
EXPORT = """\
person,mail,groups
new.one,x,GG-MARKETING; VPN
kleber.moraes,x,GG-MARKETING
a.lead,x,GG-MARKETING;GG-RETAIL-LEADS
an.engineer,x,GG-PRICING
Not A Name,x,GG-PRICING
no.group,x,VPN
no.team,x,GG-GONE
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example estate, with rules and an export beside it."""
    shutil.copytree(ROOT / "organization", tmp_path / "organization")
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "users.csv").write_text(EXPORT)
    return tmp_path


def migrate(folder: Path, *options: str) -> Any:
    return CliRunner().invoke(
        cli,
        [
            *("migrate", "users", str(folder / "users.csv")),
            *("--rules", str(folder / "rules.yaml")),
            *("--estate", str(folder / "organization"), *options),
        ],
    )


def files(folder: Path) -> dict[str, str]:
    units = (folder / "organization" / "business_units").glob("*.yaml")
    return {path.name: path.read_text(encoding="utf-8") for path in units}


def test_people_join_the_team_and_persona_of_their_group(
    folder: Path, documented: Callable[..., Any]
):
    result = migrate(folder, "--json")

    assert result.exit_code == 1, result.output
    value = documented(result.stdout, "migrate", "users")
    assert {(item["person"], item["team"], item["persona"]) for item in value["joining"]} == {
        ("new.one", "marketing", "data-scientist"),
        ("a.lead", "marketing", "lead-data-scientist"),
        ("an.engineer", "pricing", "ml-engineer"),
    }
    assert value["already"] == 1
    estate = load_estate(folder / "organization")
    marketing = estate.unit("retail-banking").teams[1].members
    assert "new.one" in marketing.data_scientists
    assert "a.lead" in marketing.lead_data_scientists
    assert "kleber.moraes" in marketing.data_scientists


def test_who_could_not_be_placed_is_reported_with_the_line_and_the_reason(folder: Path):
    value = json.loads(migrate(folder, "--json", "--dry-run").stdout)

    assert [(item["line"], item["reason"].split(":")[0]) for item in value["unplaced"]] == [
        (7, "no rule matches any of their groups"),
        (8, "there is no team insurance/gone in the estate"),
        (6, "the id is no user name"),
    ]


def test_a_second_run_changes_nothing_and_all_else_in_a_file_stays(folder: Path):
    before = files(folder)
    migrate(folder)
    once = files(folder)
    result = migrate(folder)

    assert files(folder) == once
    assert "0 join, 4 are there already" in result.stdout
    assert once["corporate-banking.yaml"] == before["corporate-banking.yaml"]
    kept = [line for line in before["insurance.yaml"].splitlines() if "aline.brito" not in line]
    assert set(kept) <= set(once["insurance.yaml"].splitlines())


def test_thousands_of_people_are_placed_in_one_run(folder: Path):
    people = "".join(f"person.n{number},x,GG-MARKETING\n" for number in range(3200))
    (folder / "users.csv").write_text(f"person,mail,groups\n{people}")

    result = migrate(folder)

    assert result.exit_code == 0, result.output
    members = load_estate(folder / "organization").unit("retail-banking").teams[1].members
    assert len(members.data_scientists) == 3204


def test_nothing_is_written_if_the_estate_would_be_invalid(folder: Path):
    """An approver never authors models, whatever a directory says."""
    (folder / "users.csv").write_text("person,groups\npaula.reis,GG-MARKETING\n")
    before = files(folder)

    result = migrate(folder)

    assert isinstance(result.exception, ConfigError)
    assert "nothing was written" in result.exception.message
    assert "nobody holds both duties" in result.exception.message
    assert files(folder) == before


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("users.csv", "name,groups\na,b\n", "has no column person"),
        ("rules.yaml", "rules: []\n", "the rules cannot be used"),
        ("rules.yaml", "rules:\n  - {group: A, unit: b, team: c, persona: boss}\n", "persona"),
    ],
)
def test_what_cannot_be_read_is_said(folder: Path, file: str, text: str, said: str):
    (folder / file).write_text(text)

    result = migrate(folder)

    assert isinstance(result.exception, ConfigError)
    assert said in result.exception.message
