"""What the second line does with a version, and whom a version waits for."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cli.registered import GROUP, version

from mlzone.errors import ConfigError, GovernanceError
from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone.loading.problem import EstateError
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import person_session
from mlzone_tools.services.model import decision
from mlzone_tools.services.model.registry import Version

ROOT = Path(__file__).parents[2]
ARN = f"{GROUP}/3"
TIER_THREE = "retail-banking/churn"
SIGNED = f"tomas.amaral sha256:{'a' * 64} report.pdf"
EXPLAINED = {"Explainability": {"Report": {"S3Uri": "s3://artifacts/explanation.json"}}}


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(ROOT / "organization")


class Registry:
    """A person's session in the registry, which holds one version."""

    def __init__(self, *, refuses: str = "", **version: Any) -> None:
        self.version = {
            "ModelPackageArn": ARN,
            "CustomerMetadataProperties": {"author": "bruno.lima", "validation": SIGNED},
            "ModelMetrics": EXPLAINED,
            **version,
        }
        self.refuses = refuses
        self.updates: list[dict[str, Any]] = []

    def client(self, service: str) -> "Registry":
        assert service == "sagemaker"
        return self

    def describe_model_package(self, **_: str) -> dict[str, Any]:
        return dict(self.version)

    def update_model_package(self, **update: Any) -> None:
        if self.refuses:
            error = {"Code": "AccessDeniedException", "Message": self.refuses}
            raise ClientError({"Error": error}, "UpdateModelPackage")
        self.updates.append(update)


def approve(registry: Any, estate: Estate, person: str, item: Version | None = None) -> Any:
    return decision.decide(
        registry, estate, item or version(), "Approved", person=person, reason="read"
    )


def test_an_approval_with_all_evidence_is_given_with_its_reason(estate):
    registry = Registry()

    done = approve(registry, estate, "paula.reis")

    assert registry.updates == [
        {
            "ModelPackageArn": ARN,
            "ModelApprovalStatus": "Approved",
            "ApprovalDescription": "read",
        }
    ]
    assert (done.person, done.reason, done.validation) == ("paula.reis", "read", SIGNED)


def test_MOD_04_a_version_of_tier_one_without_evidence_is_refused_with_what_it_lacks(estate):
    registry = Registry(ModelMetrics={}, CustomerMetadataProperties={"author": "bruno.lima"})

    with pytest.raises(GovernanceError) as refusal:
        approve(registry, estate, "paula.reis")

    assert refusal.value.message == (
        "retail-banking/credit-default:3 is of risk tier 1 and lacks an explainability report; "
        "and evidence of an independent validation"
    )
    assert "mlzone model submit" in refusal.value.hint
    assert (
        "mlzone model validate retail-banking/credit-default:3 --as PERSON --report FILE"
        in refusal.value.hint
    )
    assert registry.updates == []


def test_MOD_04_a_version_of_tier_three_needs_no_validation(estate):
    registry = Registry(ModelMetrics={}, CustomerMetadataProperties={"author": "laura.campos"})

    approve(registry, estate, "paula.reis", version(TIER_THREE, author="laura.campos"))

    assert len(registry.updates) == 1


@pytest.mark.parametrize("person", ["tomas.amaral", "bruno.lima"])
def test_MOD_06_who_may_not_decide_is_told_the_deciding_statement(estate, person):
    registry = Registry(refuses="explicit deny in a service control policy [x: Statement]")

    with pytest.raises(GovernanceError, match=r":3 stays PendingManualApproval: .* \[x: Statement"):
        approve(registry, estate, person)


def test_a_version_without_evidence_can_be_rejected(estate):
    registry = Registry(CustomerMetadataProperties={"author": "bruno.lima"})

    decision.decide(registry, estate, version(), "Rejected", person="paula.reis", reason="no")

    assert registry.updates[0]["ModelApprovalStatus"] == "Rejected"


def test_MOD_06_a_validation_keeps_the_reports_hash_and_who_signed_it():
    registry = Registry()

    signed = decision.validate(
        registry, version(), person="tomas.amaral", report="report.pdf", content=b"sound"
    )

    digest = hashlib.sha256(b"sound").hexdigest()
    assert signed.sha256 == digest
    assert registry.updates == [
        {
            "ModelPackageArn": ARN,
            "CustomerMetadataProperties": {
                "validation": f"tomas.amaral sha256:{digest} report.pdf"
            },
        }
    ]


@pytest.mark.parametrize(
    ("item", "content", "reason"),
    [
        (version(status="Approved"), b"sound", "is Approved already"),
        (version(), b" \n", "the report report.pdf is empty"),
    ],
)
def test_a_validation_that_says_nothing_or_comes_late_is_refused(item, content, reason):
    registry = Registry()

    with pytest.raises(ConfigError, match=reason):
        decision.validate(
            registry, item, person="tomas.amaral", report="report.pdf", content=content
        )
    assert registry.updates == []


@pytest.mark.parametrize(
    ("item", "asked", "people"),
    [
        (version(), False, {"paula.reis": "validation", "tomas.amaral": "validation"}),
        (version(waits_for="approval", validation=SIGNED), False, {"paula.reis": "approval"}),
        (
            version(status="Approved", waits_for="", validation=SIGNED, decided_by="paula.reis"),
            True,
            {"tomas.amaral": "production"},
        ),
        (
            version(status="Approved", waits_for="", validation=SIGNED, decided_by="paula.reis"),
            False,
            {},
        ),
        (version(status="Rejected", waits_for=""), True, {}),
        (version(author="paula.reis"), False, {"tomas.amaral": "validation"}),
    ],
)
def test_a_version_waits_for_those_who_can_bring_it_on(estate, item, asked, people):
    waits = {
        person: found.waits_for
        for person in ("paula.reis", "tomas.amaral", "bruno.lima", "ines.duarte")
        for found in decision.waiting_for([item], estate, person, lambda _: asked)
    }

    assert waits == people


def test_only_the_newest_approved_version_waits_for_production(estate):
    approved = version(status="Approved", waits_for="", decided_by="paula.reis")
    older = version(status="Approved", waits_for="", decided_by="paula.reis", version=2)

    found = decision.waiting_for([approved, older], estate, "tomas.amaral", lambda _: True)

    assert [item.version for item in found] == [3]


def test_what_waited_for_an_approver_who_left_waits_for_the_others(tmp_path):
    left, stays, new = "paula.reis", "tomas.amaral", "rita.silva"
    folder = tmp_path / "organization"
    shutil.copytree(ROOT / "organization", folder)
    for unit in (folder / "business_units").glob("*.yaml"):
        unit.write_text(unit.read_text(encoding="utf-8").replace(left, new), encoding="utf-8")
    after = load_estate(folder)
    signed_by_left = version(waits_for="approval", validation=SIGNED.replace("tomas.amaral", left))
    approved_by_left = version(status="Approved", waits_for="", decided_by=left)

    def waiting(item: Version) -> list[str]:
        return [
            person
            for person in (left, stays, new)
            if list(decision.waiting_for([item], after, person, lambda _: True))
        ]

    assert waiting(signed_by_left) == waiting(approved_by_left) == [stays, new]
    endpoint = Endpoint(pid=1, port=1, url="http://localhost:1", credentials={})
    with pytest.raises(ConfigError, match=f'nobody called "{left}" is in the estate'):
        person_session(endpoint, after, left)


def test_a_unit_whose_last_but_one_approver_leaves_is_told_to_name_another(tmp_path):
    folder = tmp_path / "organization"
    shutil.copytree(ROOT / "organization", folder)
    unit = folder / "business_units" / "retail-banking.yaml"
    text = unit.read_text(encoding="utf-8").replace("[paula.reis, tomas.amaral]", "[tomas.amaral]")
    unit.write_text(text, encoding="utf-8")

    with pytest.raises(EstateError) as refusal:
        load_estate(folder)

    assert any("name another under approvers" in str(it) for it in refusal.value.problems)
