"""Roles that the identity provider's people take."""

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.naming import ROLE_PATH
from mlzone.sign_in import SIGN_IN
from mlzone_constructs.governance import Governance

_SESSION = cdk.Duration.hours(8)


def federated_role(
    scope: Construct, governance: Governance, *, role_name: str, description: str
) -> iam.Role:
    """Make a role as its construct's main child: people of the identity provider alone, by name.

    Args:
        scope: the construct that the role belongs to.
        governance: the organization's rules.
        role_name: the role's name.
        description: who works with it.
    """
    place = governance.place(scope)
    provider = (
        f"arn:{place.partition}:iam::{place.account}:saml-provider/"
        f"{governance.estate.organization.identity.saml_provider}"
    )
    audience = {"StringEquals": {"SAML:aud": SIGN_IN}}
    role = iam.Role(
        scope,
        "Resource",
        role_name=role_name,
        path=ROLE_PATH,
        description=description,
        max_session_duration=_SESSION,
        assumed_by=iam.FederatedPrincipal(provider, audience, "sts:AssumeRoleWithSAML"),
        permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(
            scope, "Boundary", governance.boundary_arn(scope)
        ),
    )
    governance.roles.append(role)
    trust = role.assume_role_policy
    assert trust is not None  # noqa: S101 - a role that is made here has one
    trust.add_statements(
        iam.PolicyStatement(
            actions=["sts:TagSession", "sts:SetSourceIdentity"],
            principals=[iam.FederatedPrincipal(provider, audience)],
        )
    )
    trust.add_statements(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            actions=["sts:AssumeRoleWithSAML"],
            principals=[iam.FederatedPrincipal(provider, {"Null": {"sts:SourceIdentity": "true"}})],
        )
    )
    return role
