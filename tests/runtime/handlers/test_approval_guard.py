"""The second line behind access control: decisions in the registry are examined and told of."""

import json
from typing import Any

import pytest

from mlzone_runtime.handlers.approval_guard import GuardError, examine

BUS = "arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform"
GROUP = "arn:aws:sagemaker:sa-east-1:100000000002:model-package-group/aur-retail-churn"
VERSION = "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-churn/3"
EVENT = {"detail": {"ModelPackageArn": VERSION, "ModelApprovalStatus": "Approved"}}
TAGS = {
    "mlz:business-unit": "retail",
    "mlz:team": "marketing",
    "mlz:model": "churn",
    "mlz:model-tier": "3",
}
EVIDENCE = {"1": ["explanation", "validation"], "3": []}
VALIDATION = f"tomas.amaral sha256:{'a' * 64} report.pdf"
EXPLAINED = {"Explainability": {"Report": {"S3Uri": "s3://artifacts/explanation.json"}}}


class Registry:
    """A registry with one version."""

    def __init__(self, **decision: Any) -> None:
        self.version = {
            "ModelApprovalStatus": "Approved",
            "ApprovalDescription": "good",
            "CustomerMetadataProperties": {"author": "ana.souza"},
            "LastModifiedBy": {"IamIdentity": {"Arn": "arn:aws:sts::1:assumed-role/r/paula.reis"}},
            **decision,
        }
        self.tags = dict(TAGS)
        self.updates: list[dict[str, Any]] = []

    def describe_model_package(self, *, ModelPackageName: str) -> dict[str, Any]:  # noqa: N803
        assert ModelPackageName == VERSION
        return self.version

    def update_model_package(self, **update: Any) -> None:
        self.updates.append(update)

    def get_paginator(self, operation: str) -> "Registry":
        assert operation == "list_tags"
        return self

    def paginate(self, *, ResourceArn: str) -> list[dict[str, Any]]:  # noqa: N803
        assert ResourceArn == GROUP
        return [{"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}]


class Bus:
    """The platform's bus."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.heard += Entries
        return {"FailedEntryCount": 0}


def by(person: str) -> dict[str, Any]:
    return {"LastModifiedBy": {"IamIdentity": {"Arn": "a/b/c", "SourceIdentity": person}}}


def test_MOD_03_an_approval_by_a_second_person_stands_and_is_told_of():
    registry, bus = Registry(), Bus()

    answer = examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=bus)

    assert answer == {"kind": "Model Approved"}
    assert registry.updates == []
    (entry,) = bus.heard
    detail = json.loads(entry["Detail"])
    assert entry["Source"] == "mlzone.registry"
    assert detail["actor"] == "paula.reis"
    assert (detail["unit"], detail["team"], detail["model"]) == ("retail", "marketing", "churn")
    assert detail["model_package_arn"] == VERSION
    assert detail["facts"] == {"author": "ana.souza", "reason": "good"}


@pytest.mark.parametrize(
    ("decision", "flaw"),
    [
        (by("ana.souza"), "ana.souza made the version and approved it"),
        (by("Ana.Souza"), "ana.souza made the version and approved it"),
        ({"LastModifiedBy": {}}, "the registry does not say who approved it"),
        ({"CustomerMetadataProperties": {}}, "the version does not say who made it"),
    ],
)
def test_MOD_03_an_approval_that_no_second_person_gave_is_taken_back(decision, flaw):
    registry, bus = Registry(**decision), Bus()

    answer = examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=bus)

    assert answer == {"kind": "Approval Reverted"}
    assert registry.updates == [
        {
            "ModelPackageArn": VERSION,
            "ModelApprovalStatus": "PendingManualApproval",
            "ApprovalDescription": f"Taken back by the platform: {flaw}",
        }
    ]
    assert json.loads(bus.heard[0]["Detail"])["facts"]["reason"] == flaw


def evident(**changed: Any) -> dict[str, Any]:
    """A version with all evidence of tier 1, but for what is changed."""
    return {
        "ModelMetrics": EXPLAINED,
        "CustomerMetadataProperties": {"author": "ana.souza", "validation": VALIDATION},
        **changed,
    }


def test_MOD_06_an_approval_with_all_evidence_stands_and_the_validation_is_told():
    registry, bus = Registry(**evident()), Bus()
    registry.tags["mlz:model-tier"] = "1"

    assert examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=bus) == {
        "kind": "Model Approved"
    }
    assert json.loads(bus.heard[0]["Detail"])["facts"]["validation"] == VALIDATION


@pytest.mark.parametrize(
    ("lacking", "flaw"),
    [
        ({"ModelMetrics": {}}, "lacks an explainability report (the template's pipeline"),
        (
            {"CustomerMetadataProperties": {"author": "ana.souza"}},
            "lacks evidence of an independent validation",
        ),
        (by("tomas.amaral"), "lacks a second approver: tomas.amaral validated it and approved it"),
        (
            {
                "CustomerMetadataProperties": {
                    "author": "ana.souza",
                    "validation": VALIDATION.replace("tomas.amaral", "Ana.Souza"),
                }
            },
            "lacks evidence of an independent validation",
        ),
        (
            {
                "CustomerMetadataProperties": {
                    "author": "ana.souza",
                    "validation": "tomas.amaral looked at it",
                }
            },
            "lacks evidence of an independent validation",
        ),
    ],
)
def test_MOD_04_an_approval_without_the_tiers_evidence_is_taken_back(lacking, flaw):
    registry, bus = Registry(**evident(**lacking)), Bus()
    registry.tags["mlz:model-tier"] = "1"

    answer = examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=bus)

    assert answer == {"kind": "Approval Reverted"}
    assert registry.updates[0]["ModelApprovalStatus"] == "PendingManualApproval"
    assert flaw in json.loads(bus.heard[0]["Detail"])["facts"]["reason"]


def test_a_rejection_stands_whoever_gave_it():
    registry, bus = Registry(ModelApprovalStatus="Rejected", **by("ana.souza")), Bus()

    assert examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=bus) == {
        "kind": "Model Rejected"
    }
    assert registry.updates == []


def test_a_decision_that_was_changed_meanwhile_is_not_told_of():
    registry, bus = Registry(ModelApprovalStatus="PendingManualApproval"), Bus()

    assert examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=bus) == {}
    assert bus.heard == []


def test_a_group_of_nobody_is_an_error():
    registry = Registry()
    del registry.tags["mlz:model"]

    with pytest.raises(GuardError, match="has no tag mlz:model"):
        examine(EVENT, BUS, EVIDENCE, sagemaker=registry, events=Bus())
