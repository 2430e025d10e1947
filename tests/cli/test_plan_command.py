"""`mlzone plan`, over git, as a person at the terminal and as a program sees it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlzone.errors import ConfigError, GovernanceError
from mlzone_tools.cli.main import cli
from mlzone_tools.services import estate as estates
from mlzone_tools.services.plan import saved
from mlzone_tools.services.synthesis import synthesize

HERE = Path(__file__).parents[1] / "plan"


def git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=Ana", "-c", "user.email=ana@bank.example")
    subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def estate(tmp_path: Path) -> Path:
    """An estate in a repository of its own, with one commit."""
    path = tmp_path / "estate.yaml"
    shutil.copy(HERE / "estate.yaml", path)
    shutil.copytree(HERE / "identity", tmp_path / "identity")
    git(tmp_path, "init", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--message", "Begin")
    return path


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def plan(estate: Path, *arguments: str, base: str = "main") -> Any:
    return CliRunner().invoke(cli, ["plan", "--base", base, "--estate", str(estate), *arguments])


def failed(result: Any) -> str:
    """Return what an error says; the command line maps it to the exit code it carries."""
    assert result.exception.exit_code == 2
    return f"{result.exception.message}\n{result.exception.hint}"


def test_nothing_changes_in_the_same_estate(estate: Path, documented: Callable[..., Any]):
    result = plan(estate, "--json")

    assert result.exit_code == 0, result.output
    value = documented(result.stdout, "plan")
    assert not value["changed"]
    assert value["stacks"] == []


def test_a_change_is_planned_over_synthesized_stacks_and_the_same_plan_twice(
    estate: Path, documented: Callable[..., Any]
):
    replace(estate, "monthly_usd: 1000", "monthly_usd: 2500")

    first, second = plan(estate, "--json"), plan(estate, "--json")

    assert first.exit_code == 1, first.output
    assert first.stdout == second.stdout
    value = documented(first.stdout, "plan")
    assert [item["stack"] for item in value["stacks"]] == ["sml-retail-dev-team-risk"]
    assert value["resources"][0]["type"] == "AWS::Budgets::Budget"


def test_a_loss_of_data_blocks_and_comes_first_in_the_comment(estate: Path):
    replace(estate, "[ana.souza, bruno.lima]", "[ana.souza]")

    result = plan(estate, "--format", "markdown")

    assert result.exit_code == 3, result.output
    comment = result.stdout
    assert comment.startswith("<!-- mlzone plan -->\n### ⛔ Plan: blocked for 1 reason")
    assert comment.index("<b>Blocked</b>") < comment.index("<b>Data that is lost</b>")
    assert comment.index("<b>Data that is lost</b>") < comment.index("<b>Estate</b>")
    assert "allowances.yaml" in comment


def test_stacks_that_are_new_are_judged_by_every_rule(estate: Path):
    """None of them fails because a template is compared before it is written."""
    before = estate.read_text(encoding="utf-8")
    team = before[before.index("      - name: sales") : before.index("waivers:")]
    more = team.replace("name: sales", "name: cards").replace("title: Sales", "title: Cards")
    more = more.replace("carla.dias", "dora.reis").replace("name: campaigns", "name: cards")
    replace(estate, "waivers:\n", f"{more}waivers:\n")

    value = json.loads(plan(estate, "--json").stdout)

    assert "sml-retail-dev-team-cards" in {item["stack"] for item in value["stacks"]}
    assert "the rule failed" not in json.dumps(value["findings"])


def test_a_missing_base_is_said(estate: Path):
    assert 'git knows no revision "nowhere"' in failed(plan(estate, base="nowhere"))


def test_an_unrelated_base_is_said(estate: Path):
    git(estate.parent, "checkout", "--orphan", "other")
    git(estate.parent, "commit", "--message", "Another beginning")

    assert "shares no history" in failed(plan(estate, base="main"))


def test_an_unresolved_merge_is_said_with_its_line(estate: Path):
    replace(estate, "      - name: sales\n", "<<<<<<< HEAD\n      - name: sales\n")

    assert "an unresolved merge conflict" in failed(plan(estate))


def test_a_base_that_is_invalid_blocks_though_the_head_is_valid(estate: Path):
    valid = estate.read_text(encoding="utf-8")
    replace(estate, "owner: olga.ramos", "owner: Olga Ramos")
    git(estate.parent, "commit", "--all", "--message", "Break it")
    estate.write_text(valid, encoding="utf-8")

    said = failed(plan(estate))

    assert "the estate is invalid at main" in said
    assert "owner" in said
    assert "the last revision that is valid" in said


def test_a_head_that_is_invalid_is_told_like_by_validate(estate: Path):
    replace(estate, "owner: olga.ramos", "owner: Olga Ramos")

    assert "business_units[0].owner" in failed(plan(estate))


def test_two_units_that_claim_one_account_are_told(estate: Path):
    replace(estate, '"111111111112"', '"111111111111"')

    assert "which is already retail's dev account" in failed(plan(estate))


def test_a_base_is_judged_on_the_day_of_its_commit(estate: Path, monkeypatch: pytest.MonkeyPatch):
    """A waiver that has expired since does not keep anybody from renewing it."""
    replace(estate, "granted: 2026-01-01", "granted: 2020-01-01")
    replace(estate, "2031-01-01", "2020-02-01")
    for name in ("GIT_COMMITTER_DATE", "GIT_AUTHOR_DATE"):
        monkeypatch.setenv(name, "2020-01-01T12:00:00Z")
    git(estate.parent, "commit", "--all", "--message", "Long ago")
    replace(estate, "2020-02-01", "2031-01-01")

    result = plan(estate, "--json")

    assert "the estate is invalid" not in str(result.exception)
    assert [item["verb"] for item in json.loads(result.stdout)["findings"]] == ["changed"]


def test_a_saved_plan_holds_a_deployment_to_it(estate: Path, tmp_path: Path):
    replace(estate, "monthly_usd: 1000", "monthly_usd: 2500")
    file = tmp_path / "plan.json"
    plan(estate, "--out", str(file))
    kept = saved.read(file)

    saved.require_current(kept, estates.load(estate))
    assert set(kept.stacks) == {"sml-retail-dev-team-risk"}

    replace(estate, "monthly_usd: 2500", "monthly_usd: 2600")
    with pytest.raises(GovernanceError, match="the plan is older than the estate"):
        saved.require_current(kept, estates.load(estate))


def test_a_deployment_is_refused_where_a_template_is_not_the_planned_one(
    estate: Path, tmp_path: Path
):
    replace(estate, "monthly_usd: 1000", "monthly_usd: 2500")
    file, assembly = tmp_path / "plan.json", tmp_path / "assembly"
    plan(estate, "--out", str(file))
    synthesize(output=assembly, estate=estate, stacks=["sml-retail-dev-team-risk"])
    kept, now = saved.read(file), estates.load(estate)

    saved.require_same(kept, now, assembly)

    replace(assembly / "sml-retail-dev-team-risk.template.json", "2500", "25000")
    with pytest.raises(GovernanceError, match="is not what was planned"):
        saved.require_same(kept, now, assembly)


def test_what_a_pipeline_hands_on_says_who_must_agree_and_never_what_has_a_finding(
    estate: Path, tmp_path: Path, documented: Callable[..., Any]
):
    handed_on = tmp_path / "change"
    arguments = ["change", "plan", "retail", "--base", "main", "--out", str(handed_on)]

    same = CliRunner().invoke(cli, [*arguments, "--estate", str(estate), "--json"])
    replace(estate, "monthly_usd: 1000", "monthly_usd: 2500")
    raised = CliRunner().invoke(cli, [*arguments, "--estate", str(estate)])

    assert same.exit_code == 0, same.output
    assert documented(same.stdout, "change", "plan")["changed"] is False
    assert saved.read(handed_on / "plan.json").approvals["finops"] == ("nina.castilho",)
    assert isinstance(raised.exception, GovernanceError)
    assert "findings are open" in raised.exception.message


def test_a_pipeline_hands_on_no_templates_of_a_blocked_change(estate: Path, tmp_path: Path):
    replace(estate, "[ana.souza, bruno.lima]", "[ana.souza]")
    arguments = ["change", "plan", "retail", "--base", "main", "--out", str(tmp_path / "change")]

    result = CliRunner().invoke(cli, [*arguments, "--estate", str(estate)])

    assert result.exit_code == 3, result.output
    assert not (tmp_path / "change" / "cdk.out").exists()


def test_a_blocked_plan_is_not_deployed(estate: Path, tmp_path: Path):
    replace(estate, "[ana.souza, bruno.lima]", "[ana.souza]")
    plan(estate, "--out", str(tmp_path / "plan.json"))

    with pytest.raises(GovernanceError, match="the plan is blocked"):
        saved.require_current(saved.read(tmp_path / "plan.json"), estates.load(estate))


def test_a_file_that_is_no_plan_is_said(tmp_path: Path):
    (tmp_path / "plan.json").write_text("{}")

    with pytest.raises(ConfigError, match="is no plan"):
        saved.read(tmp_path / "plan.json")


def test_a_finding_that_loses_its_waiver_blocks(estate: Path):
    kept = estate.read_text(encoding="utf-8")
    waiver = (
        'waivers:\n  - rule: "AwsSolutions-IAM5[**]"\n    resource: sml-guardrails/**\n'
        "    reason: Auditors and FinOps read every setting of every account, and no data\n"
        "    owner: igor.teixeira\n    ticket: SEC-3\n"
        "    granted: 2026-01-01\n    expires: 2031-01-01\n"
    )
    replace(estate, "waivers:\n", waiver)
    git(estate.parent, "commit", "--all", "--message", "Waive")
    estate.write_text(kept, encoding="utf-8")

    result = plan(estate, "--json")

    assert result.exit_code == 3, result.output
    value = json.loads(result.stdout)
    found = {(item["what"], item["verb"]) for item in value["findings"]}
    assert found == {("finding", "added"), ("waiver", "removed")}
    assert all("sml-guardrails/" in item["what"] for item in value["blockers"])
    assert value["approvals"][0]["role"] == "security officer"
    assert value["stacks"] == []
