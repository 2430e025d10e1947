"""Systems outside of the platform: a role for one duty about one model, in production alone."""

import json
from collections.abc import Iterator
from typing import Any

TEAM = "aur-retail-banking-prod-team-credit-risk"
OUTCOMES = "aur-retail-banking-credit-default-prod-outcomes"
SYSTEM = "arn:aws:iam::100000000011:role/core-banking/outcomes"
BUCKET = "arn:aws:s3:::aur-retail-banking-credit-risk-data-111111111113"
ONLY = "SystemCreditDefaultOutcomesOnly"
LANDING = f"{BUCKET}/landing/credit-applications/ground-truth/credit-default/*"


def resources(template: Any, kind: str) -> Iterator[dict[str, Any]]:
    return (item["Properties"] for item in template["Resources"].values() if item["Type"] == kind)


def role(templates: dict[str, Any]) -> dict[str, Any]:
    return next(
        item
        for item in resources(templates[TEAM], "AWS::IAM::Role")
        if item["RoleName"] == OUTCOMES
    )


def test_IAM_11_the_named_system_alone_takes_the_role(templates: dict[str, Any]):
    (statement,) = role(templates)["AssumeRolePolicyDocument"]["Statement"]

    assert statement["Action"] == "sts:AssumeRole"
    assert statement["Principal"] == {"AWS": "arn:aws:iam::100000000011:root"}
    assert statement["Condition"] == {
        "ArnEquals": {"aws:PrincipalArn": SYSTEM},
        "StringEquals": {"aws:PrincipalOrgID": "o-aurora1234"},
    }
    assert role(templates)["PermissionsBoundary"].endswith("policy/aur-boundary")


def test_IAM_11_it_puts_outcomes_of_the_model_and_encrypts_them(templates: dict[str, Any]):
    policies = resources(templates[TEAM], "AWS::IAM::Policy")
    statements = next(
        item["PolicyDocument"]["Statement"] for item in policies if "outcomes" in item["PolicyName"]
    )

    bring, encrypt = statements
    assert (bring["Action"], bring["Resource"]) == ("s3:PutObject", LANDING)
    assert encrypt["Action"] == "kms:GenerateDataKey"


def test_IAM_11_the_buckets_own_policy_keeps_it_to_the_model(templates: dict[str, Any]):
    (policy,) = (
        item["PolicyDocument"]["Statement"]
        for item in resources(templates[TEAM], "AWS::S3::BucketPolicy")
        if ONLY in json.dumps(item)
    )
    own = next(item for item in policy if item.get("Sid") == ONLY)
    team = next(item for item in policy if item.get("Sid") == "TeamOnly")

    (arn,) = _listed(own["Condition"]["ArnLike"]["aws:PrincipalArn"])
    assert arn.endswith(f":role/mlzone/{OUTCOMES}")
    assert (own["Effect"], own["Action"]) == ("Deny", "s3:*")
    assert arn in team["Condition"]["ArnNotLike"]["aws:PrincipalArn"]


def test_IAM_11_there_is_no_such_role_where_nothing_becomes_true(templates: dict[str, Any]):
    for stage in ("dev", "staging"):
        template = templates[TEAM.replace("-prod-", f"-{stage}-")]
        names = {item["RoleName"] for item in resources(template, "AWS::IAM::Role")}

        assert not [name for name in names if name.endswith("outcomes")]


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
