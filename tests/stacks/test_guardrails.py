"""The organization's policies, decided for callers who may do everything else."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from mlzone.guardrail import QUOTAS, control_policies
from mlzone.loading import load_estate
from mlzone_access import (
    Decision,
    Policies,
    Policy,
    Principal,
    PrincipalKind,
    Request,
    evaluate,
)

ROOT = Path(__file__).parents[2]
ORGANIZATION = "o-aurora1234"
DEV, PROD, SHARED, MANAGEMENT = "111111111111", "111111111113", "100000000002", "100000000001"
EXECUTION = "cdk-hnb659fds-cfn-exec-role-111111111111-sa-east-1"
APPROVER = "mlzone/aur-retail-banking-model-approver"
SCIENTIST = "mlzone/aur-retail-banking-credit-risk-data-scientist"
PIPELINE = "mlzone/aur-retail-banking-credit-risk-dev-pipeline"
VERSION = f"arn:aws:sagemaker:sa-east-1:{SHARED}:model-package/aur-retail-banking-churn/1"
JOB = "arn:aws:sagemaker:sa-east-1:111111111111:training-job/pipelines-1-Train"
_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYTHING = Policy.parse({"Version": "2012-10-17", "Statement": _ALL}, name="everything")
EVERYBODY = Policy.parse(
    {"Version": "2012-10-17", "Statement": {**_ALL, "Principal": "*"}}, name="everybody"
)
AUTHOR = "sagemaker:CurrentCustomerMetadataProperties/author"
PRIVATE_JOB = {
    "sagemaker:VpcSubnets": ("subnet-1",),
    "sagemaker:VpcSecurityGroupIds": ("sg-1",),
    "sagemaker:VolumeKmsKey": "arn:aws:kms:sa-east-1:111111111111:key/k",
    "sagemaker:OutputKmsKey": "arn:aws:kms:sa-east-1:111111111111:key/k",
    "sagemaker:InterContainerTrafficEncryption": "true",
    "sagemaker:NetworkIsolation": "true",
    "sagemaker:InstanceTypes": ("ml.m5.large",),
    "sagemaker:MaxRuntimeInSeconds": "3600",
}


@pytest.fixture(scope="session")
def controls() -> Any:
    return control_policies(load_estate(ROOT / "organization"))


@pytest.fixture
def ask(controls):
    def policies(kind: str, account: str) -> Iterable[Policy]:
        return tuple(
            Policy.parse(item.content, name=item.name)
            for item in controls
            if item.type == kind and account in item.targets
        )

    def decide(role: str, action: str, resource: str = "*", **context: Any) -> Decision:
        account = context.pop("account", DEV)
        caller = Principal(
            kind=PrincipalKind.ROLE, arn=f"arn:aws:iam::{account}:role/{role}", account=account
        )
        organization = context.pop("organization", ORGANIZATION)
        values = {
            "aws:RequestedRegion": "sa-east-1",
            "aws:PrincipalOrgID": organization,
            "aws:SecureTransport": "true",
            **context.pop("keys", {}),
        }
        request = Request(
            principal=caller,
            action=action,
            resource=resource,
            resource_account=account,
            context=values,
        )
        levels = ((EVERYTHING, *policies("SERVICE_CONTROL_POLICY", account)),)
        limits = ((EVERYBODY, *policies("RESOURCE_CONTROL_POLICY", account)),)
        return evaluate(request, Policies(identity=(EVERYTHING,), scps=levels, rcps=limits))

    return decide


def test_policies_are_within_the_quotas_and_bind_every_account_but_the_management(controls):
    for policy in controls:
        assert len(policy.text) <= QUOTAS[policy.type], policy.name
        assert len(policy.targets) == len(set(policy.targets))
        assert MANAGEMENT not in policy.targets


@pytest.mark.parametrize(
    ("statement", "role", "action", "resource", "keys"),
    [
        ("RegionAllowList", "x", "s3:CreateBucket", "*", {"aws:RequestedRegion": "eu-west-1"}),
        ("StayInOrganization", EXECUTION, "organizations:LeaveOrganization", "*", {}),
        ("NoUsersNoAccessKeys", EXECUTION, "iam:CreateUser", "*", {}),
        ("BoundaryOnEveryRole", EXECUTION, "iam:CreateRole", "*", {}),
        ("BoundaryStays", EXECUTION, "iam:DeleteRolePermissionsBoundary", "*", {}),
        (
            "BoundaryIsNotEdited",
            EXECUTION,
            "iam:CreatePolicyVersion",
            "arn:aws:iam::111111111111:policy/aur-boundary",
            {},
        ),
        (
            "RolesOfThePlatformStay",
            SCIENTIST,
            "iam:PutRolePolicy",
            f"arn:aws:iam::111111111111:role/{PIPELINE}",
            {},
        ),
        (
            "RolesOfDeploymentStay",
            SCIENTIST,
            "iam:UpdateAssumeRolePolicy",
            f"arn:aws:iam::111111111111:role/{EXECUTION}",
            {},
        ),
        (
            "BucketsOfThePlatformStay",
            SCIENTIST,
            "s3:PutBucketPolicy",
            "arn:aws:s3:::aur-retail-banking-credit-risk-data-111111111111",
            {},
        ),
        ("KeysStay", SCIENTIST, "kms:ScheduleKeyDeletion", "*", {}),
        ("EvidenceStays", SCIENTIST, "cloudtrail:StopLogging", "*", {}),
        ("NoInternetDoors", EXECUTION, "ec2:CreateNatGateway", "*", {}),
        ("NoPublicEndpoints", EXECUTION, "lambda:CreateFunctionUrlConfig", "*", {}),
        (
            "NoSharingOutside",
            EXECUTION,
            "ram:CreateResourceShare",
            "*",
            {"ram:RequestedAllowsExternalPrincipals": "true"},
        ),
        (
            "StudioInVpcOnly",
            EXECUTION,
            "sagemaker:UpdateDomain",
            "*",
            {"sagemaker:AppNetworkAccessType": "PublicInternetOnly"},
        ),
    ],
)
def test_a_guardrail_denies_whoever_may_do_everything(
    ask, statement: str, role: str, action: str, resource: str, keys: dict
):
    decision = ask(role, action, resource, keys=keys)

    assert (decision.allowed, decision.statement) == (False, statement)


@pytest.mark.parametrize(
    ("statement", "role", "action", "keys"),
    [
        (
            "NobodyIsBornApproved",
            PIPELINE,
            "sagemaker:CreateModelPackage",
            {
                "sagemaker:ModelApprovalStatus": "Approved",
                "sagemaker:CustomerMetadataProperties/author": "ana.souza",
            },
        ),
        (
            "EveryVersionHasAnAuthor",
            PIPELINE,
            "sagemaker:CreateModelPackage",
            {"sagemaker:ModelApprovalStatus": "PendingManualApproval"},
        ),
        (
            "OnlyApproversDecide",
            SCIENTIST,
            "sagemaker:UpdateModelPackage",
            {
                "sagemaker:ModelApprovalStatus": "Approved",
                "aws:SourceIdentity": "bruno.lima",
                AUTHOR: "ana.souza",
            },
        ),
        (
            "ApproversHaveAName",
            APPROVER,
            "sagemaker:UpdateModelPackage",
            {"sagemaker:ModelApprovalStatus": "Approved", AUTHOR: "ana.souza"},
        ),
        (
            "AuthorsDoNotApprove",
            APPROVER,
            "sagemaker:UpdateModelPackage",
            {
                "sagemaker:ModelApprovalStatus": "Approved",
                "aws:SourceIdentity": "ana.souza",
                AUTHOR: "ana.souza",
            },
        ),
        (
            "AuthorStays",
            APPROVER,
            "sagemaker:UpdateModelPackage",
            {"sagemaker:CustomerMetadataProperties/author": "somebody"},
        ),
        (
            "AuthorIsNotRemoved",
            APPROVER,
            "sagemaker:UpdateModelPackage",
            {"sagemaker:CustomerMetadataPropertiesToRemove": ("author",)},
        ),
        ("ApproversDoNotAuthor", APPROVER, "sagemaker:CreateTrainingJob", {}),
        ("RegistryPoliciesByPlatformOnly", APPROVER, "sagemaker:PutModelPackageGroupPolicy", {}),
    ],
)
def test_MOD_03_duties_are_segregated(ask, statement: str, role: str, action: str, keys: dict):
    decision = ask(role, action, VERSION, account=SHARED, keys=keys)

    assert (decision.allowed, decision.statement) == (False, statement)


def test_MOD_03_a_second_person_approves(ask):
    keys = {
        "sagemaker:ModelApprovalStatus": "Approved",
        "aws:SourceIdentity": "paula.reis",
        AUTHOR: "ana.souza",
    }

    decision = ask(APPROVER, "sagemaker:UpdateModelPackage", VERSION, account=SHARED, keys=keys)

    assert decision.allowed, decision.reason


def test_NET_03_a_private_encrypted_job_of_allowed_size_runs(ask):
    decision = ask(PIPELINE, "sagemaker:CreateTrainingJob", JOB, keys=PRIVATE_JOB)

    assert decision.allowed, decision.reason


@pytest.mark.parametrize(
    ("key", "value", "statement"),
    [
        ("sagemaker:VpcSubnets", None, "JobsInSubnets"),
        ("sagemaker:VpcSecurityGroupIds", None, "JobsInSecurityGroups"),
        ("sagemaker:VolumeKmsKey", None, "VolumesEncrypted"),
        ("sagemaker:OutputKmsKey", None, "OutputsEncrypted"),
        ("sagemaker:InterContainerTrafficEncryption", None, "TrafficEncryptionStated"),
        ("sagemaker:InterContainerTrafficEncryption", "false", "TrafficEncrypted"),
        ("sagemaker:NetworkIsolation", None, "IsolationStated"),
        ("sagemaker:NetworkIsolation", "false", "Isolated"),
        ("sagemaker:InstanceTypes", ("ml.p5.48xlarge",), "InstanceAllowList"),
        ("sagemaker:MaxRuntimeInSeconds", "432000", "JobsEnd"),
    ],
)
def test_NET_03_a_job_that_lacks_one_protection_is_denied(ask, key, value, statement):
    keys = {name: held for name, held in PRIVATE_JOB.items() if name != key}
    if value is not None:
        keys[key] = value

    decision = ask(PIPELINE, "sagemaker:CreateTrainingJob", JOB, keys=keys)

    assert (decision.allowed, decision.statement) == (False, statement)


def test_DEP_01_production_changes_by_deployment_alone(ask):
    endpoint = "arn:aws:sagemaker:sa-east-1:111111111113:endpoint/e"

    by_hand = ask("admin", "sagemaker:UpdateEndpoint", endpoint, account=PROD)
    deployed = ask(EXECUTION, "sagemaker:UpdateEndpoint", endpoint, account=PROD)

    assert by_hand.statement == "ChangesThroughDelivery"
    assert deployed.allowed, deployed.reason


@pytest.mark.parametrize("action", ["s3:GetObject", "kms:Decrypt", "ecr:BatchGetImage"])
def test_IAM_06_nobody_outside_the_organization_reaches_data(ask, action: str):
    outside = ask("x", action, organization="o-somebodyelse")
    inside = ask("x", action)

    assert outside.statement == "OrganizationOnly"
    assert inside.allowed, inside.reason


def test_IAM_05_nobody_outside_the_organization_assumes_a_role(ask):
    role = "arn:aws:iam::111111111111:role/any"

    decision = ask("x", "sts:AssumeRole", role, organization="o-somebodyelse")

    assert decision.statement == "RolesForTheOrganization"


def test_deployments_change_what_people_cannot(ask):
    for action, resource in (
        ("iam:PutRolePolicy", f"arn:aws:iam::111111111111:role/{PIPELINE}"),
        ("s3:PutBucketPolicy", "arn:aws:s3:::aur-evidence-100000000002"),
        ("kms:DisableKey", "*"),
    ):
        decision = ask(EXECUTION, action, resource)

        assert decision.allowed, decision.reason
