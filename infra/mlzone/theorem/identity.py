"""Theorems about identities: users, roles, the boundary, and taking another role than one's own."""

from collections.abc import Iterator

from mlzone.change_guardrail import environment_pipelines, lookers
from mlzone.guarded_action import (
    IDENTITY_PROVIDERS,
    ROLE_CHANGES,
    ROLE_TAKING,
    USER_CREDENTIALS,
)
from mlzone.guardrail import boundary_pattern, people
from mlzone.guardrail_statement import (
    ACCESS_ROLE,
    DEPLOYMENT_ROLES,
    EXECUTION_ROLE,
    LOOKUP_ROLES,
    PLATFORM_ROLES,
)
from mlzone.persona import Persona
from mlzone.theorem.case import everywhere, unless, within
from mlzone.theorem.guardrails import Guardrails
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import Policies
from mlzone_access.prover import Claim, Theorem

_UNBOUND = ("iam:CreateRole", "iam:PutRolePermissionsBoundary")
_POLICY_CHANGES = (
    "iam:CreatePolicyVersion",
    "iam:DeletePolicy",
    "iam:DeletePolicyVersion",
    "iam:SetDefaultPolicyVersion",
)
# Resources are written as in the policies: z3 is slow to see that one pattern includes another.
_DEPLOYMENT_RESOURCES = [DEPLOYMENT_ROLES, ACCESS_ROLE]


def _under_boundary(guardrails: Guardrails, forbidden: Claim) -> Theorem:
    """Return the case of every role that carries the boundary, with no SCP beside it."""
    return Theorem(
        name="boundary",
        statement="",
        policies=Policies(boundary=guardrails.boundary),
        forbidden=forbidden,
        likely_callers=("arn:aws:iam::111111111111:role/cdk-any-cfn-exec-role-any",),
    )


def _users(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(guardrails, Claim.of(Action=list(USER_CREDENTIALS)))
    made = ["iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"]
    yield _under_boundary(guardrails, Claim.of(Action=made))


def _boundary_on_roles(guardrails: Guardrails) -> Iterator[Theorem]:
    other = {"StringNotLike": {"iam:PermissionsBoundary": boundary_pattern(guardrails.naming)}}
    forbidden = Claim.of(Action=list(_UNBOUND), Condition=other)
    yield from everywhere(guardrails, forbidden)
    yield _under_boundary(guardrails, forbidden)


def _boundary_stays(guardrails: Guardrails) -> Iterator[Theorem]:
    removed = Claim.of(Action="iam:DeleteRolePermissionsBoundary")
    yield from everywhere(guardrails, removed)
    of_roles = Claim.of(Action="iam:DeleteRolePermissionsBoundary", Resource="arn:*:iam::*:role/*")
    yield _under_boundary(guardrails, of_roles)
    itself = boundary_pattern(guardrails.naming)
    yield from everywhere(
        guardrails,
        Claim.of(Action=list(_POLICY_CHANGES), Resource=itself, Condition=unless(ACCESS_ROLE)),
    )
    yield _under_boundary(guardrails, Claim.of(Action=list(_POLICY_CHANGES), Resource=itself))


def _roles(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails,
        Claim.of(
            Action=list(ROLE_CHANGES),
            Resource=PLATFORM_ROLES,
            Condition=unless(EXECUTION_ROLE),
        ),
    )
    yield from everywhere(
        guardrails,
        Claim.of(
            Action=list(ROLE_CHANGES),
            Resource=_DEPLOYMENT_RESOURCES,
            Condition=unless(ACCESS_ROLE, EXECUTION_ROLE),
        ),
    )


def _machines_keep_iam(guardrails: Guardrails) -> Iterator[Theorem]:
    """Under the boundary, nobody but deployment changes anything in IAM."""
    changes = ["iam:Add*", "iam:Attach*", "iam:Create*", "iam:Delete*", "iam:Detach*", "iam:Put*",
               "iam:Remove*", "iam:Set*", "iam:Tag*", "iam:Untag*", "iam:Update*",
               "iam:Upload*", "organizations:*"]  # fmt: skip
    yield _under_boundary(guardrails, Claim.of(Action=changes, Condition=unless(DEPLOYMENT_ROLES)))


def _providers(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails, Claim.of(Action=list(IDENTITY_PROVIDERS), Condition=unless(EXECUTION_ROLE))
    )


def _people(guardrails: Guardrails) -> Iterator[Theorem]:
    prefix = guardrails.naming.prefix
    person = {"ArnLike": {"aws:PrincipalArn": list(people(guardrails.naming))}}
    for setting in guardrails.settings:
        examples = (
            f"arn:aws:iam::{setting.account}:role/mlzone/{prefix}-any-{persona}"
            for persona in (*Persona, "break-glass")
        )
        likely = tuple(examples)
        forbidden = Claim.of(Action=list(ROLE_TAKING), Condition=person)
        yield within(guardrails, setting, forbidden, likely_callers=likely)
        # Whoever a role's trust policy lets in.
        assumed = Claim.of(Action="sts:AssumeRole", Condition=person)
        yield within(guardrails, setting, assumed, likely_callers=likely, any_resource=True)


def _deployment_roles(guardrails: Guardrails) -> Iterator[Theorem]:
    ours = {"ArnLike": {"aws:PrincipalArn": PLATFORM_ROLES}}
    pipelines = environment_pipelines(guardrails.estate)
    if pipelines:
        ours |= unless(*pipelines)
    assumed = Claim.of(Action="sts:AssumeRole", Resource=_DEPLOYMENT_RESOURCES, Condition=ours)
    yield from everywhere(guardrails, assumed, any_resource=True)
    others = unless(ACCESS_ROLE, DEPLOYMENT_ROLES)
    passed = Claim.of(Action="iam:PassRole", Resource=_DEPLOYMENT_RESOURCES, Condition=others)
    yield from everywhere(guardrails, passed)


def _lookers(guardrails: Guardrails) -> Iterator[Theorem]:
    """Those that look exist in the shared services alone."""
    shared = guardrails.estate.organization.accounts.shared_services
    roles = lookers(guardrails.estate)
    taken = Claim.of(
        Action="sts:AssumeRole",
        NotResource=LOOKUP_ROLES,
        Condition={"ArnLike": {"aws:PrincipalArn": list(roles)}},
    )
    likely = tuple(role.replace("arn:*", "arn:aws").replace("*", "any") for role in roles)
    for setting in guardrails.settings if roles else ():
        if setting.account == shared:
            yield within(
                guardrails,
                setting,
                taken,
                any_resource=True,
                likely_callers=likely,
                likely_resources=(f"arn:aws:iam::{shared}:role/any",),
            )


def _passing(guardrails: Guardrails) -> Iterator[Theorem]:
    elsewhere = {
        "ArnLike": {"aws:PrincipalArn": PLATFORM_ROLES},
        "StringNotEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"},
    }
    yield from everywhere(guardrails, Claim.of(Action="iam:PassRole", Condition=elsewhere))


IDENTITY = (
    EstateTheorem(
        id="no-users",
        statement="There are no users, access keys or other credentials that do not end.",
        controls=("IAM-02",),
        cases=_users,
    ),
    EstateTheorem(
        id="boundary-on-every-role",
        statement="No role is made, and none goes on, without the permissions boundary.",
        controls=("IAM-01",),
        cases=_boundary_on_roles,
    ),
    EstateTheorem(
        id="boundary-stays",
        statement="Nobody takes the boundary from a role, or edits or deletes it.",
        controls=("IAM-01",),
        cases=_boundary_stays,
    ),
    EstateTheorem(
        id="boundary-keeps-iam",
        statement="Under the boundary, nobody but deployment changes anything in IAM or in the "
        "organization.",
        controls=("IAM-01", "IAM-03"),
        cases=_machines_keep_iam,
    ),
    EstateTheorem(
        id="roles-stay",
        statement="The roles of people, machines and deployments are made and changed by "
        "deployment alone.",
        controls=("IAM-01", "IAM-03"),
        cases=_roles,
    ),
    EstateTheorem(
        id="identity-providers-stay",
        statement="Whose word is taken on who somebody is, is decided by deployment alone.",
        controls=("IAM-08",),
        cases=_providers,
    ),
    EstateTheorem(
        id="people-take-no-other-role",
        statement="No person makes anything run in, or assumes, another role than their own.",
        controls=("IAM-04", "IAM-07"),
        cases=_people,
    ),
    EstateTheorem(
        id="deployment-roles",
        statement="No person assumes a role of deployments, and no machine but the pipelines that "
        "deploy units; only deployments pass one.",
        controls=("IAM-04", "DEP-01"),
        cases=_deployment_roles,
    ),
    EstateTheorem(
        id="lookers-only-look",
        statement="What compares environments with what was deployed takes the bootstrap's roles "
        "for reading, and no other role.",
        controls=("IAM-04", "DEP-01"),
        cases=_lookers,
    ),
    EstateTheorem(
        id="passing-roles",
        statement="Machines pass roles to SageMaker alone.",
        controls=("IAM-04",),
        cases=_passing,
    ),
)
