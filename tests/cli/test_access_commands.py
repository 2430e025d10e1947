"""`mlzone access`, as a person at the terminal and as a program sees it."""

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from mlzone.loading import load_estate
from mlzone.theorem import THEOREMS, EstateProof, EstateTheorem, Guardrails
from mlzone_tools.cli.main import cli
from mlzone_tools.services import proof_cache, synthesis

ROOT = Path(__file__).parents[2]
MINIMAL = str(ROOT / "organization" / "samples" / "minimal.yaml")


def access(*arguments: str) -> Any:
    return CliRunner().invoke(cli, ["access", *arguments])


@pytest.fixture(scope="module")
def sample_assembly(tmp_path_factory: pytest.TempPathFactory) -> str:
    output = tmp_path_factory.mktemp("sample")
    synthesis.synthesize(output=output, estate=Path(MINIMAL))
    return str(output)


def test_every_theorem_of_a_sample_is_proved(documented: Callable[..., Any]):
    result = access("prove", "--estate", MINIMAL, "--json")

    assert result.exit_code == 0, result.output
    report = documented(result.stdout, "access", "prove")
    assert {theorem["status"] for theorem in report["theorems"]} == {"proved"}


def test_what_was_proved_is_not_proved_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(proof_cache, "FOLDER", tmp_path)
    proofs: list[str] = []
    prove_one = proof_cache.prove_one

    def counted(guardrails: Guardrails, theorem: EstateTheorem) -> EstateProof:
        proofs.append(theorem.id)
        return prove_one(guardrails, theorem)

    monkeypatch.setattr(proof_cache, "prove_one", counted)
    theorem = next(item for item in THEOREMS if item.id == "membership")
    guardrails = Guardrails(load_estate(Path(MINIMAL)))

    first = proof_cache.proved(guardrails, theorem)
    second = proof_cache.proved(guardrails, theorem)
    other = proof_cache.proved(guardrails.without("StayInOrganization"), theorem)

    assert proofs == ["membership", "membership"]
    assert (first.proved, second.proved, other.proved) == (True, True, False)
    assert first.cases == second.cases


def test_without_a_guardrail_the_counterexample_is_shown_and_the_command_fails():
    result = access("prove", "--estate", MINIMAL, "--without", "AuthorsDoNotApprove")

    assert result.exit_code == 3
    assert "refuted   authors-do-not-approve" in result.stdout
    assert "could sagemaker:UpdateModelPackage" in result.stdout
    assert "allowed by Everything of any policy" in result.stdout


def test_a_change_of_the_estate_is_shown_against_its_revision(
    tmp_path: Path, documented: Callable[..., Any]
):
    shutil.copy(MINIMAL, tmp_path / "estate.yaml")
    shutil.copytree(Path(MINIMAL).parent / "identity", tmp_path / "identity")
    for arguments in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=n", "-c", "user.email=n@e", "commit", "-qm", "as it was"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *arguments], check=True)
    estate = tmp_path / "estate.yaml"
    unchanged = access("diff", "--base", "HEAD", "--estate", str(estate))
    text = estate.read_text(encoding="utf-8")
    estate.write_text(text.replace("[ana.souza]}", "[ana.souza, new.person]}"), encoding="utf-8")

    result = access("diff", "--base", "HEAD", "--estate", str(estate), "--json")

    assert unchanged.exit_code == 0
    assert result.exit_code == 1
    found = documented(result.stdout, "access", "diff")
    assert {change["subject"] for change in found["gained"]} == {"new.person"}
    assert json.loads(result.stdout)["lost"] == []


def test_an_unknown_revision_is_bad_input():
    result = access("diff", "--base", "no-such-revision")

    assert result.exit_code != 0
    assert "no such revision" in str(result.exception)


def test_who_can_change_an_endpoint_is_told_with_the_way(
    sample_assembly: str, documented: Callable[..., Any]
):
    arguments = ("--estate", MINIMAL, "--assembly", sample_assembly)

    result = access("who-can", "sagemaker:CreateEndpoint", "-e", "prod", *arguments, "--json")
    text = access("who-can", "sagemaker:UpdateModelPackage", *arguments)

    holders = documented(result.stdout, "access", "who-can")
    assert [holder["role"].partition("/")[2][:9] for holder in holders] == ["cdk-hnb65"]
    assert "min-retail-model-approver" in text.stdout


def test_a_refusal_is_explained_by_the_deciding_statement(
    sample_assembly: str, documented: Callable[..., Any]
):
    arguments = (
        "ana.souza",
        "sagemaker:CreateTrainingJob",
        "-e",
        "dev",
        "-c",
        "aws:RequestedRegion=eu-west-1",
        "--estate",
        MINIMAL,
        "--assembly",
        sample_assembly,
    )

    result = access("explain", *arguments)
    (found,) = documented(access("explain", *arguments, "--json").stdout, "access", "explain")

    assert result.exit_code == 3
    assert "denied by RegionAllowList of min-perimeter (service control policy)" in result.stdout
    assert found["decision"]["statement"] == "RegionAllowList"
    assert {"RegionAllowList", "ServicesOfThePlatform"} <= {
        link["statement"] for link in found["chain"]
    }


def test_who_and_what_do_not_exist_is_said(sample_assembly: str):
    arguments = ("--estate", MINIMAL, "--assembly", sample_assembly)

    nobody = access("explain", "no.body", "s3:GetObject", *arguments)
    nothing = access("who-can", "sagemaker:CreateModle", *arguments)

    assert "neither a role nor a person" in str(nobody.exception)
    assert "did you mean" in str(nothing.exception)
