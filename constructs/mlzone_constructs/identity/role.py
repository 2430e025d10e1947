"""Roles of machines: jobs, pipelines, functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.naming import ROLE_PATH
from mlzone.surroundings import Statement
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
    statements: Sequence[Statement | iam.PolicyStatement]
    """What it may do; statements as they stand in a policy cost least to make."""


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
        account = props.governance.place(self).account
        self.role = iam.Role(
            self,
            "Resource",
            role_name=props.role_name,
            path=ROLE_PATH,
            description=props.description,
            assumed_by=iam.ServicePrincipal(
                props.service,
                conditions={"StringEquals": {"aws:SourceAccount": account}},
            ),
            permissions_boundary=iam.ManagedPolicy.from_managed_policy_arn(
                self, "Boundary", props.governance.boundary_arn(self)
            ),
        )
        """The role."""
        props.governance.roles.append(self.role)
        allow(self.role, props.statements)

    @cached_property
    def arn(self) -> str:
        """The role's ARN."""
        return self.role.role_arn


def allow(role: iam.Role, statements: Sequence[Statement | iam.PolicyStatement]) -> None:
    """Give a role its policy, whole.

    It is the policy to which `role.add_to_policy` would add one statement after the other; a large
    estate has tens of thousands of statements, and each call to the CDK has its price.
    """
    if not statements:
        return
    plain = [item for item in statements if not isinstance(item, iam.PolicyStatement)]
    if len(plain) == len(statements):
        document = iam.PolicyDocument.from_json({"Statement": plain})
    else:
        document = iam.PolicyDocument(
            statements=[
                item
                if isinstance(item, iam.PolicyStatement)
                else iam.PolicyStatement.from_json(item)
                for item in statements
            ]
        )
    iam.Policy(role, "DefaultPolicy", document=document, roles=[role])
