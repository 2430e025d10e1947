"""The guardrails: policies of the AWS organization that bind everybody, whatever else they may.

One condition key stands in one Deny statement: keys under one operator are ANDed, so that two of
them in one statement deny only when both are missing. Sources: Service Authorization Reference for
Amazon SageMaker; AWS's published data-perimeter policy examples.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mlzone.change_guardrail import environment_pipelines, looking
from mlzone.errors import GovernanceError
from mlzone.estate import Estate, Stage
from mlzone.guarded_action import (
    BUCKET_CHANGES,
    EMERGENCY_ACTIONS,
    EXPLORATION,
    GUARDED_KEYS,
    IDENTITY_PROVIDERS,
    INSTANCE_ACTIONS,
    INTERNET_DOORS,
    KEY_CHANGES,
    NEVER_FALSE,
    PRODUCTION_CHANGES,
    RECORD_CHANGES,
    ROLE_CHANGES,
    ROLE_TAKING,
    RUNTIME_ACTIONS,
    USER_CREDENTIALS,
)
from mlzone.guardrail_statement import (
    ACCESS_ROLE,
    DEPLOYMENT_ROLES,
    EXECUTION_ROLE,
    PLATFORM_ROLES,
    Statement,
    deny,
    platform_but,
    unless,
)
from mlzone.life_cycle_guardrail import life_cycle
from mlzone.naming import BREAK_GLASS_ENDING, Limit, Naming, fit
from mlzone.persona import Persona
from mlzone.system_policy import system_guardrail

PolicyType = Literal["SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY", "TAG_POLICY"]

QUOTAS: Mapping[PolicyType, int] = {
    "SERVICE_CONTROL_POLICY": 10_240,
    "RESOURCE_CONTROL_POLICY": 5_120,
    "TAG_POLICY": 10_000,
}
"""Most characters of a policy (AWS Organizations quotas, May 2026)."""

INCIDENT_TAG = "incident"
"""The session tag that names the incident for which the role for emergencies is taken."""

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
               _document(life_cycle(naming)), members),
        policy(scp, "private-encrypted-ml", "Networks, keys, isolation and instance types",
               _document(_private_ml(estate)), units),
        policy(scp, "production", "Production changes through delivery alone",
               _document(_production(naming)), production),
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


def people(naming: Naming) -> tuple[str, ...]:
    """Return the roles of people, in whatever unit, team and account."""
    # The pattern of one persona may include another's, whose name ends in the same way.
    endings = (
        persona
        for persona in Persona
        if not any(persona != other and persona.endswith(other) for other in Persona)
    )
    personas = (f"{PLATFORM_ROLES[:-1]}{naming.prefix}-*{ending}" for ending in endings)
    return (*personas, break_glass(naming))


def break_glass(naming: Naming) -> str:
    """Return the roles for emergencies."""
    return f"{PLATFORM_ROLES[:-1]}{naming.prefix}-*{BREAK_GLASS_ENDING}"


def _document(statements: list[Statement]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": statements}


def _perimeter(estate: Estate, naming: Naming) -> list[Statement]:
    boundary = boundary_pattern(naming)
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
        deny("StayInOrganization", "organizations:LeaveOrganization"),
        deny("NoUsersNoAccessKeys", USER_CREDENTIALS),
        deny(
            "BoundaryOnEveryRole",
            ("iam:CreateRole", "iam:PutRolePermissionsBoundary"),
            Condition={"StringNotLike": {"iam:PermissionsBoundary": boundary}},
        ),
        deny("BoundaryStays", "iam:DeleteRolePermissionsBoundary"),
        deny(
            "BoundaryIsNotEdited",
            (
                "iam:CreatePolicyVersion",
                "iam:DeletePolicy",
                "iam:DeletePolicyVersion",
                "iam:SetDefaultPolicyVersion",
            ),
            Resource=boundary,
            Condition=unless(ACCESS_ROLE),
        ),
        deny("EvidenceStays", RECORD_CHANGES, Condition=unless(EXECUTION_ROLE)),
        deny(
            "RolesOfThePlatformStay",
            ROLE_CHANGES,
            Resource=PLATFORM_ROLES,
            Condition=unless(EXECUTION_ROLE),
        ),
        deny(
            "RolesOfDeploymentStay",
            ROLE_CHANGES,
            Resource=[DEPLOYMENT_ROLES, ACCESS_ROLE],
            Condition=unless(ACCESS_ROLE, EXECUTION_ROLE),
        ),
        deny("IdentityProvidersStay", IDENTITY_PROVIDERS, Condition=unless(EXECUTION_ROLE)),
        deny(
            "PeopleTakeNoOtherRole",
            ROLE_TAKING,
            Condition={"ArnLike": {"aws:PrincipalArn": list(people(naming))}},
        ),
        deny(
            "DeploymentIsNotAssumed",
            "sts:AssumeRole",
            Resource=[DEPLOYMENT_ROLES, ACCESS_ROLE],
            Condition=platform_but(*environment_pipelines(estate)),
        ),
        *looking(estate),
        deny(
            "DeploymentIsNotPassed",
            "iam:PassRole",
            Resource=[DEPLOYMENT_ROLES, ACCESS_ROLE],
            Condition=unless(ACCESS_ROLE, DEPLOYMENT_ROLES),
        ),
        deny(
            "MachinesPassToSageMakerOnly",
            "iam:PassRole",
            Condition={
                "ArnLike": {"aws:PrincipalArn": PLATFORM_ROLES},
                "StringNotEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"},
            },
        ),
        deny(
            "BucketsOfThePlatformStay",
            BUCKET_CHANGES,
            Resource=f"arn:*:s3:::{naming.prefix}-*",
            Condition=unless(EXECUTION_ROLE),
        ),
        deny("KeysStay", KEY_CHANGES, Condition=unless(ACCESS_ROLE, EXECUTION_ROLE)),
        deny(
            "GrantsForServicesOnly",
            "kms:CreateGrant",
            Condition={"BoolIfExists": {"kms:GrantIsForAWSResource": "false"}},
        ),
        deny(
            "NoPublicEndpoints",
            ("lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"),
        ),
        deny("NoInternetDoors", INTERNET_DOORS),
        deny(
            "NoSharingOutside",
            ("ram:CreateResourceShare", "ram:UpdateResourceShare"),
            Condition={"Bool": {"ram:RequestedAllowsExternalPrincipals": "true"}},
        ),
    ]


def _private_ml(estate: Estate) -> list[Statement]:
    """Everything that computes is private, encrypted, isolated and of an allowed size."""
    guardrails = estate.organization.guardrails
    statements = []
    for guarded in GUARDED_KEYS:
        missing = {"Null": {guarded.key: "true"}}
        statements.append(deny(guarded.sid, guarded.actions, Condition=missing))
        statements.append(
            deny(
                f"{guarded.sid}UnlessDeployed",
                tuple(guarded.by_deployment),
                Condition={**missing, **unless(EXECUTION_ROLE)},
            )
        )
        if sid := NEVER_FALSE.get(guarded.key):
            off = {"Bool": {guarded.key: "false"}}
            statements.append(deny(sid, guarded.all_actions, Condition=off))
    return [
        *statements,
        deny(
            "StudioInVpcOnly",
            ("sagemaker:CreateDomain", "sagemaker:UpdateDomain"),
            Condition={"StringNotEqualsIfExists": {"sagemaker:AppNetworkAccessType": "VpcOnly"}},
        ),
        deny(
            "NotebooksWithoutInternet",
            "sagemaker:CreateNotebookInstance",
            Condition={"StringNotEquals": {"sagemaker:DirectInternetAccess": "Disabled"}},
        ),
        deny(
            "InstanceAllowList",
            INSTANCE_ACTIONS,
            Condition={
                "ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": allowed_instances(estate)}
            },
        ),
        deny(
            "JobsEnd",
            RUNTIME_ACTIONS,
            Condition={
                "NumericGreaterThan": {
                    "sagemaker:MaxRuntimeInSeconds": str(guardrails.max_job_hours * 3600)
                }
            },
        ),
    ]


def allowed_instances(estate: Estate) -> list[str]:
    """Return the instance types of the estate; Studio's own applications run on `system`."""
    guardrails = estate.organization.guardrails
    return sorted(
        {*guardrails.training_instance_types, *guardrails.serving_instance_types, "system"}
    )


def boundary_pattern(naming: Naming) -> str:
    """Return the permissions boundary, in whatever account."""
    return f"arn:*:iam::*:policy/{naming.boundary()}"


def _production(naming: Naming) -> list[Statement]:
    """Production changes by CloudFormation alone, but for emergencies (DEP-01, IAM-10)."""
    planned = tuple(action for action in PRODUCTION_CHANGES if action not in EMERGENCY_ACTIONS)
    named = f"aws:PrincipalTag/{INCIDENT_TAG}"
    return [
        deny("ChangesThroughDelivery", planned, Condition=unless(EXECUTION_ROLE)),
        deny(
            "OutOfServiceInEmergenciesOnly",
            EMERGENCY_ACTIONS,
            Condition=unless(break_glass(naming), EXECUTION_ROLE),
        ),
        deny(
            "EmergenciesHaveAName",
            "*",
            Condition={
                "ArnLike": {"aws:PrincipalArn": break_glass(naming)},
                "Null": {named: "true"},
            },
        ),
        deny("NoExplorationInProduction", EXPLORATION),
        *system_guardrail(naming),
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
