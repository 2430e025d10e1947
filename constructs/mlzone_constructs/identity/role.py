"""Roles of machines: jobs, pipelines, functions."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.naming import ROLE_PATH
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class GovernedRoleProps:
    """Properties of a GovernedRole."""

    governance: Governance
    """The organization's rules."""
    role_name: str
    """The role's name; other accounts trust it by name."""
    description: str
    """What works with it."""
    service: str
    """The AWS service that assumes it, such as `sagemaker.amazonaws.com`."""
    statements: Sequence[iam.PolicyStatement]
    """What it may do."""


class GovernedRole(Construct):
    """A role of a machine: one service, one purpose, under the boundary.

    Guarantees:
        IAM-01: it carries the permissions boundary and the platform's path.
        IAM-05: the service can assume it for this account's resources alone.
        IAM-03: it has no AWS-managed policy.

    Example:
        GovernedRole(self, "PipelineRole", GovernedRoleProps(
            governance=governance, role_name="aur-retail-risk-dev-pipeline",
            description="Runs training pipelines", service="sagemaker.amazonaws.com",
            statements=[...]))
    """

    def __init__(self, scope: Construct, construct_id: str, props: GovernedRoleProps) -> None:
        super().__init__(scope, construct_id)
        self.role = iam.Role(
            self,
            "Resource",
            role_name=props.role_name,
            path=ROLE_PATH,
            description=props.description,
            assumed_by=iam.ServicePrincipal(
                props.service,
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            ),
            permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(
                self, "Boundary", props.governance.boundary_arn(self)
            ),
        )
        """The role."""
        props.governance.roles.append(self.role)
        for statement in props.statements:
            self.role.add_to_policy(statement)

    @property
    def arn(self) -> str:
        """The role's ARN."""
        return self.role.role_arn
