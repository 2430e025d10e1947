"""The guardrails: policies of the AWS organization that bind everybody, whatever else they may.

One condition key stands in one Deny statement: keys under one operator are ANDed, so that two of
them in one statement deny only when both are missing. Sources: Service Authorization Reference for
Amazon SageMaker; AWS's published data-perimeter policy examples.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlzone.errors import GovernanceError
from mlzone.estate import Estate, Stage
from mlzone.guarded_action import (
    BUCKET_CHANGES,
    INSTANCE_ACTIONS,
    ISOLATION_ACTIONS,
    OUTPUT_KEY_ACTIONS,
    ROLE_CHANGES,
    TRAFFIC_ACTIONS,
    VOLUME_KEY_ACTIONS,
    VPC_ACTIONS,
)
from mlzone.naming import Limit, Naming, fit

Statement = dict[str, Any]

PolicyType = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"]

QUOTAS: Mapping[PolicyType, int] = {
    "SERVICE_CONTROL_POLICY": 10_240,
    "RESOURCE_CONTROL_POLICY": 5_120,
    "TAG_POLICY": 10_000,
}
"""Most characters of a policy (AWS Organizations quotas, May 2026)."""

ACCESS_ROLE = "arn:*:iam::*:role/OrganizationAccountAccessRole"
"""Organizations' own role in each account; used once, to bootstrap."""
EXECUTION_ROLE = "arn:*:iam::*:role/cdk-*-cfn-exec-role-*"
"""CloudFormation's role: what it makes was checked before, by rules over the template."""

GLOBAL_SERVICES = (
    "budgets:*",
    "ce:*",
    "iam:*",
    "organizations:*",
    "route53:*",
    "sso:*",
    "sts:*",
    "support:*",
)
"""Services whose calls carry a Region of AWS's own choice."""


@dataclass(frozen=True, kw_only=True)
class ControlPolicy:
    """A policy of the organization."""

    name: str
    type: PolicyType
    description: str
    content: Mapping[str, Any]
    targets: tuple[str, ...]
    """Account ids that it is attached to."""

    @property
    def text(self) -> str:
        """The policy as it is sent: without any white space."""
        return json.dumps(self.content, separators=(",", ":"))


def control_policies(estate: Estate) -> tuple[ControlPolicy, ...]:
    """Return every policy of the organization.

    Raises:
        GovernanceError: one exceeds AWS's quota; nothing would be deployed.
    """
    naming = Naming(prefix=estate.organization.prefix)
    units = tuple(unit.environments[stage].account for unit in estate.units for stage in Stage)
    accounts = estate.organization.accounts
    members = (accounts.shared_services, accounts.log_archive, *units)
    production = tuple(unit.environments.prod.account for unit in estate.units)

    def policy(
        kind: PolicyType, name: str, description: str, content: Any, targets: tuple[str, ...]
    ) -> ControlPolicy:
        return ControlPolicy(
            name=fit(naming.name(name), Limit.ORGANIZATION_POLICY),
            type=kind,
            description=description,
            content=content,
            targets=targets,
        )

    scp: PolicyType = "SERVICE_CONTROL_POLICY"
    policies = (
        policy(scp, "perimeter", "Regions, identities and the boundary",
               _document(_perimeter(estate, naming)), members),
        policy(scp, "model-life-cycle", "Who may decide on a model version",
               _document(_life_cycle(naming)), members),
        policy(scp, "private-encrypted-ml", "Networks, keys, isolation and instance types",
               _document(_private_ml(estate)), units),
        policy(scp, "production", "Production changes through delivery alone",
               _document(_production()), production),
        policy("RESOURCE_CONTROL_POLICY", "organization-only",
               "Data, keys and images stay in the organization",
               _document(_organization_only(estate)), members),
        policy("TAG_POLICY", "tags", "Spelling and values of the mandatory tags",
               _tag_policy(estate), members),
    )  # fmt: skip
    for item in policies:
        if len(item.text) > QUOTAS[item.type]:
            raise GovernanceError(
                f"policy {item.name} has {len(item.text)} characters; "
                f"AWS allows {QUOTAS[item.type]}",
                hint="shorten the allow-lists under guardrails",
            )
    return policies


def _document(statements: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _deny(sid: str, actions: tuple[str, ...] | str, **more: Any) -> Statement:
    listed = [actions] if isinstance(actions, str) else sorted(actions)
    return {"Sid": sid, "Effect": "Deny", "Action": listed, "Resource": "*", **more}


def _perimeter(estate: Estate, naming: Naming) -> list[Statement]:
    boundary = f"arn:*:iam::*:policy/{naming.boundary()}"
    unless_bootstrapping = {"ArnNotLike": {"aws:PrincipalArn": [ACCESS_ROLE]}}
    return [
        {
            "Sid": "RegionAllowList",
            "Effect": "Deny",
            "NotAction": sorted(GLOBAL_SERVICES),
            "Resource": "*",
            "Condition": {
                "StringNotEquals": {
                    "aws:RequestedRegion": list(estate.organization.allowed_regions)
                }
            },
        },
        _deny("StayInOrganization", "organizations:LeaveOrganization"),
        _deny(
            "NoUsersNoAccessKeys",
            ("iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"),
        ),
        _deny(
            "BoundaryOnEveryRole",
            ("iam:CreateRole", "iam:PutRolePermissionsBoundary"),
            Condition={"StringNotLike": {"iam:PermissionsBoundary": boundary}},
        ),
        _deny("BoundaryStays", "iam:DeleteRolePermissionsBoundary"),
        {
            "Sid": "BoundaryIsNotEdited",
            "Effect": "Deny",
            "Action": [
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ],
            "Resource": boundary,
            "Condition": unless_bootstrapping,
        },
        _deny(
            "EvidenceStays",
            (
                "cloudtrail:DeleteTrail",
                "cloudtrail:StopLogging",
                "cloudtrail:UpdateTrail",
                "config:DeleteConfigRule",
                "config:DeleteConfigurationRecorder",
                "config:StopConfigurationRecorder",
                "ec2:DeleteFlowLogs",
            ),
            Condition={"ArnNotLike": {"aws:PrincipalArn": [EXECUTION_ROLE]}},
        ),
        {
            "Sid": "RolesOfThePlatformStay",
            "Effect": "Deny",
            "Action": list(ROLE_CHANGES),
            "Resource": ["arn:*:iam::*:role/mlzone/*"],
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [EXECUTION_ROLE]}},
        },
        {
            "Sid": "RolesOfDeploymentStay",
            "Effect": "Deny",
            "Action": list(ROLE_CHANGES),
            "Resource": ["arn:*:iam::*:role/cdk-*"],
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [ACCESS_ROLE, EXECUTION_ROLE]}},
        },
        {
            "Sid": "BucketsOfThePlatformStay",
            "Effect": "Deny",
            "Action": list(BUCKET_CHANGES),
            "Resource": [f"arn:*:s3:::{naming.prefix}-*"],
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [EXECUTION_ROLE]}},
        },
        _deny(
            "KeysStay",
            ("kms:DisableKey", "kms:DisableKeyRotation", "kms:ScheduleKeyDeletion"),
            Condition={"ArnNotLike": {"aws:PrincipalArn": [ACCESS_ROLE, EXECUTION_ROLE]}},
        ),
        _deny(
            "NoPublicEndpoints",
            ("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"),
        ),
        _deny(
            "NoInternetDoors",
            (
                "ec2:AllocateAddress",
                "ec2:AssociateAddress",
                "ec2:AttachInternetGateway",
                "ec2:CreateInternetGateway",
                "ec2:CreateNatGateway",
                "ec2:CreateEgressOnlyInternetGateway",
            ),
        ),
        _deny(
            "NoSharingOutside",
            ("ram:CreateResourceShare", "ram:UpdateResourceShare"),
            Condition={"Bool": {"ram:RequestedAllowsExternalPrincipals": "true"}},
        ),
    ]


def _life_cycle(naming: Naming) -> list[Statement]:
    """Segregation of duties in the registry (MOD-02, MOD-03)."""
    decided = {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}}
    approvers = f"arn:*:iam::*:role/mlzone/{naming.prefix}-*-model-approver"
    update = "sagemaker:UpdateModelPackage"
    return [
        _deny("NobodyIsBornApproved", "sagemaker:CreateModelPackage", Condition=decided),
        _deny(
            "OnlyApproversDecide",
            update,
            Condition={**decided, "ArnNotLike": {"aws:PrincipalArn": [approvers]}},
        ),
        _deny(
            "ApproversHaveAName",
            update,
            Condition={**decided, "Null": {"aws:SourceIdentity": "true"}},
        ),
        _deny(
            "AuthorsDoNotApprove",
            update,
            Condition={
                "StringEquals": {
                    **decided["StringEquals"],
                    "sagemaker:CurrentCustomerMetadataProperties/author": "${aws:SourceIdentity}",
                }
            },
        ),
        _deny(
            "AuthorStays",
            update,
            Condition={"Null": {"sagemaker:CustomerMetadataProperties/author": "false"}},
        ),
        _deny(
            "AuthorIsNotRemoved",
            update,
            Condition={
                "ForAnyValue:StringEquals": {
                    "sagemaker:CustomerMetadataPropertiesToRemove": ["author"]
                }
            },
        ),
        _deny(
            "EveryVersionHasAnAuthor",
            "sagemaker:CreateModelPackage",
            Condition={"Null": {"sagemaker:CustomerMetadataProperties/author": "true"}},
        ),
        _deny(
            "ApproversDoNotAuthor",
            (
                "sagemaker:CreateModel",
                "sagemaker:CreateModelPackage",
                "sagemaker:CreateProcessingJob",
                "sagemaker:CreateTrainingJob",
                "sagemaker:StartPipelineExecution",
            ),
            Condition={"ArnLike": {"aws:PrincipalArn": [approvers]}},
        ),
        _deny(
            "RegistryPoliciesByPlatformOnly",
            ("sagemaker:PutModelPackageGroupPolicy", "sagemaker:DeleteModelPackageGroupPolicy"),
            Condition={"ArnNotLike": {"aws:PrincipalArn": [EXECUTION_ROLE]}},
        ),
    ]


def _private_ml(estate: Estate) -> list[Statement]:
    """Everything that computes is private, encrypted, isolated and of an allowed size."""
    guardrails = estate.organization.guardrails
    allowed = sorted(
        {*guardrails.training_instance_types, *guardrails.serving_instance_types, "system"}
    )

    def needs(sid: str, actions: tuple[str, ...], key: str) -> Statement:
        return _deny(sid, actions, Condition={"Null": {key: "true"}})

    def never_false(sid: str, actions: tuple[str, ...], key: str) -> Statement:
        return _deny(sid, actions, Condition={"Bool": {key: "false"}})

    return [
        needs("JobsInSubnets", VPC_ACTIONS, "sagemaker:VpcSubnets"),
        needs(
            "JobsInSecurityGroups",
            tuple(action for action in VPC_ACTIONS if action != "sagemaker:CreateDomain"),
            "sagemaker:VpcSecurityGroupIds",
        ),
        needs("VolumesEncrypted", VOLUME_KEY_ACTIONS, "sagemaker:VolumeKmsKey"),
        needs("OutputsEncrypted", OUTPUT_KEY_ACTIONS, "sagemaker:OutputKmsKey"),
        needs(
            "TrafficEncryptionStated", TRAFFIC_ACTIONS, "sagemaker:InterContainerTrafficEncryption"
        ),
        never_false(
            "TrafficEncrypted", TRAFFIC_ACTIONS, "sagemaker:InterContainerTrafficEncryption"
        ),
        needs("IsolationStated", ISOLATION_ACTIONS, "sagemaker:NetworkIsolation"),
        never_false("Isolated", ISOLATION_ACTIONS, "sagemaker:NetworkIsolation"),
        _deny(
            "StudioInVpcOnly",
            ("sagemaker:CreateDomain", "sagemaker:UpdateDomain"),
            Condition={"StringNotEqualsIfExists": {"sagemaker:AppNetworkAccessType": "VpcOnly"}},
        ),
        _deny(
            "NotebooksWithoutInternet",
            "sagemaker:CreateNotebookInstance",
            Condition={"StringNotEquals": {"sagemaker:DirectInternetAccess": "Disabled"}},
        ),
        _deny(
            "InstanceAllowList",
            INSTANCE_ACTIONS,
            Condition={"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": allowed}},
        ),
        _deny(
            "JobsEnd",
            TRAFFIC_ACTIONS,
            Condition={
                "NumericGreaterThan": {
                    "sagemaker:MaxRuntimeInSeconds": str(guardrails.max_job_hours * 3600)
                }
            },
        ),
    ]


def _production() -> list[Statement]:
    """Production changes by CloudFormation alone (DEP-01)."""
    return [
        _deny(
            "ChangesThroughDelivery",
            (
                "sagemaker:CreateEndpoint",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:CreateModel",
                "sagemaker:CreateMonitoringSchedule",
                "sagemaker:DeleteEndpoint",
                "sagemaker:DeleteMonitoringSchedule",
                "sagemaker:StopMonitoringSchedule",
                "sagemaker:UpdateEndpoint",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
                "sagemaker:UpdateMonitoringSchedule",
            ),
            Condition={"ArnNotLike": {"aws:PrincipalArn": [EXECUTION_ROLE]}},
        ),
        _deny(
            "NoExplorationInProduction",
            (
                "sagemaker:CreateApp",
                "sagemaker:CreateDomain",
                "sagemaker:CreateNotebookInstance",
                "sagemaker:CreateSpace",
                "sagemaker:CreateUserProfile",
            ),
        ),
    ]


def _organization_only(estate: Estate) -> list[Statement]:
    services = {"BoolIfExists": {"aws:PrincipalIsAWSService": "false"}}
    return [
        {
            "Sid": "OrganizationOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["ecr:*", "kms:*", "logs:*", "s3:*", "secretsmanager:*", "sqs:*"],
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {
                    "aws:PrincipalOrgID": estate.organization.organization_id
                },
                **services,
            },
        },
        {
            "Sid": "RolesForTheOrganization",
            "Effect": "Deny",
            "Principal": "*",
            # People come by SAML and have no organization yet; the roles' trust names their IdP.
            "Action": "sts:AssumeRole",
            "Resource": "*",
            "Condition": {
                "StringNotEqualsIfExists": {
                    "aws:PrincipalOrgID": estate.organization.organization_id
                },
                **services,
            },
        },
        {
            "Sid": "EncryptedTransportOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:*", "sqs:*"],
            "Resource": "*",
            "Condition": {"BoolIfExists": {"aws:SecureTransport": "false"}},
        },
    ]


def _tag_policy(estate: Estate) -> dict[str, Any]:
    centers = sorted({unit.cost_center for unit in estate.units} | {"PLATFORM"})
    stages = [stage.value for stage in Stage]
    values = {
        "mlz:cost-center": centers,
        "mlz:environment": [*stages, "shared"],
        "mlz:data-class": ["public", "internal", "confidential", "restricted"],
        "mlz:model-tier": ["1", "2", "3"],
    }
    return {
        "tags": {
            key: {"tag_key": {"@@assign": key}, "tag_value": {"@@assign": allowed}}
            for key, allowed in values.items()
        }
    }
