"""The permissions boundary that every role carries, and the policy of deployments.

Both are made when an account is bootstrapped, before anything else.
"""

from typing import Any

from mlzone.naming import Naming

Document = dict[str, Any]

WORKLOAD_SERVICES = (
    "access-analyzer",
    "application-autoscaling",
    "athena",
    "budgets",
    "ce",
    "cloudformation",
    "cloudtrail",
    "cloudwatch",
    "codebuild",
    "codecommit",
    "codeconnections",
    "codepipeline",
    "config",
    "dynamodb",
    "ec2",
    "ecr",
    "elasticfilesystem",
    "events",
    "glue",
    "kms",
    "lambda",
    "lakeformation",
    "logs",
    "ram",
    "s3",
    "sagemaker",
    "sagemaker-mlflow",
    "scheduler",
    "secretsmanager",
    "servicecatalog",
    "servicequotas",
    "sns",
    "sqs",
    "ssm",
    "sts",
    "tag",
    "xray",
)
"""Services that the platform's roles use; the boundary allows no other."""


def boundary_document(naming: Naming) -> Document:
    """Return the permissions boundary: what no role exceeds, whatever its policies say (IAM-01)."""
    own = f"arn:*:iam::*:policy/{naming.boundary()}"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ServicesOfThePlatform",
                "Effect": "Allow",
                "Action": [f"{service}:*" for service in WORKLOAD_SERVICES],
                # A boundary grants nothing: each role's own policy names the resources.
                "Resource": "*",
            },
            {
                "Sid": "IdentityWork",
                "Effect": "Allow",
                "Action": ["iam:Get*", "iam:List*", "iam:PassRole", "iam:SimulatePrincipalPolicy"],
                "Resource": "*",
            },
            {
                "Sid": "IdentityWorkOfDeployments",
                "Effect": "Allow",
                "Action": "iam:*",
                "Resource": "*",
                "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/cdk-*"}},
            },
            {
                "Sid": "PoliciesOfTheOrganization",
                "Effect": "Allow",
                "Action": "organizations:*",
                "Resource": "*",
                "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:role/cdk-*"}},
            },
            {
                "Sid": "BoundaryIsOutOfReach",
                "Effect": "Deny",
                "Action": [
                    "iam:CreatePolicyVersion",
                    "iam:DeletePolicy",
                    "iam:DeletePolicyVersion",
                    "iam:DeleteRolePermissionsBoundary",
                    "iam:SetDefaultPolicyVersion",
                ],
                "Resource": [own, "arn:*:iam::*:role/*"],
            },
            {
                "Sid": "RolesOnlyUnderTheBoundary",
                "Effect": "Deny",
                "Action": ["iam:CreateRole", "iam:PutRolePermissionsBoundary"],
                "Resource": "*",
                "Condition": {"StringNotLike": {"iam:PermissionsBoundary": own}},
            },
            {
                "Sid": "NoUsers",
                "Effect": "Deny",
                "Action": ["iam:CreateUser", "iam:CreateAccessKey", "iam:CreateLoginProfile"],
                "Resource": "*",
            },
        ],
    }


def deployment_document() -> Document:
    """Return the policy of CloudFormation's execution role, under the boundary.

    It is as wide as the templates it carries out; those were checked by rules before, and the
    boundary and the organization's guardrails hold on top.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "ServicesOfThePlatform",
                "Effect": "Allow",
                "Action": [f"{service}:*" for service in (*WORKLOAD_SERVICES, "iam")],
                "Resource": "*",
            },
            {
                "Sid": "PoliciesOfTheOrganization",
                "Effect": "Allow",
                "Action": [
                    "organizations:AttachPolicy",
                    "organizations:CreatePolicy",
                    "organizations:DeletePolicy",
                    "organizations:Describe*",
                    "organizations:DetachPolicy",
                    "organizations:List*",
                    "organizations:TagResource",
                    "organizations:UntagResource",
                    "organizations:UpdatePolicy",
                ],
                "Resource": "*",
            },
        ],
    }


def protection_document(naming: Naming, account: str, region: str) -> Document:
    """Return what lets the CDK's deployments set stack policies; its bootstrap does not.

    Args:
        naming: says which stacks are ours.
        account: the account of the role that deploys.
        region: its Region.
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "KeepWhatHoldsData",
                "Effect": "Allow",
                "Action": [
                    "cloudformation:GetStackPolicy",
                    "cloudformation:GetTemplate",
                    "cloudformation:SetStackPolicy",
                ],
                "Resource": f"arn:*:cloudformation:{region}:{account}:stack/{naming.prefix}-*",
            }
        ],
    }
