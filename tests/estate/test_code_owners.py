"""CODEOWNERS follows from the estate."""

from pathlib import Path

from mlzone.code_owners import code_owners
from mlzone.loading import load_estate

ROOT = Path(__file__).parents[2]


def owners(text: str) -> dict[str, list[str]]:
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    return {pattern: people for pattern, *people in lines}


def test_the_committed_file_is_that_of_the_estate():
    text = code_owners(load_estate(ROOT / "organization"), "organization")

    assert (ROOT / ".github" / "CODEOWNERS").read_text(encoding="utf-8") == text, (
        "run: mlzone codeowners --write .github/CODEOWNERS"
    )


def test_a_unit_is_reviewed_by_its_owner_and_everything_else_by_the_platform():
    estate = load_estate(ROOT / "organization")

    found = owners(code_owners(estate, "organization"))

    for unit in estate.units:
        assert found[f"/organization/business_units/{unit.name}.yaml"] == [estate.email(unit.owner)]
    assert next(iter(found)) == "*", "the last rule that matches decides"


def test_security_officers_review_waivers_and_allowances():
    estate = load_estate(ROOT / "organization" / "samples" / "complete.yaml")

    found = owners(code_owners(estate, "organization"))

    assert found["/organization/waivers.yaml"] == ["sara.quintao@bank.example"]
    assert found["/organization/allowances.yaml"] == ["sara.quintao@bank.example"]
    assert "sara.quintao@bank.example" in found["/organization/organization.yaml"]
