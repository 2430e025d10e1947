"""The repository of a container image."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.image import PUSH_ACTIONS
from mlzone_constructs.governance import Governance

_LIFE_CYCLE = json.dumps(
    {
        "rules": [
            {
                "rulePriority": 1,
                "description": "What no version ever named",
                "selection": {
                    "tagStatus": "untagged",
                    "countType": "sinceImagePushed",
                    "countUnit": "days",
                    "countNumber": 14,
                },
                "action": {"type": "expire"},
            }
        ]
    },
    separators=(",", ":"),
)
"""Versions are tagged and stay: a release names its image for as long as it is kept."""


@dataclass(frozen=True, kw_only=True)
class ImageRepositoryProps:
    """Properties of an ImageRepository."""

    governance: Governance
    """The organization's rules."""
    name: str
    """Its name, from `mlzone.naming`."""
    key: kms.IKey
    """Encrypts the layers."""
    reader_accounts: Sequence[str]
    """The accounts whose roles may pull; their own policies decide which."""
    pusher: tuple[str, str] | None = None
    """Account and name of the role elsewhere that may push; nobody unless given."""


class ImageRepository(Construct):
    """A private repository whose versions nobody can move.

    Guarantees:
        MOD-09: a version is written once; every image is scanned when it comes.
        ENC-02: layers are encrypted with a key of ours.
        IAM-06: accounts of the organization pull, and nobody else; one role of another account
            pushes, if any does.
        DAT-05: it outlives its stack.

    Example:
        ImageRepository(self, "Repository", ImageRepositoryProps(
            governance=governance, name=name, key=key, reader_accounts=accounts))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ImageRepositoryProps) -> None:
        super().__init__(scope, construct_id)
        governance, partition = props.governance, cdk.Stack.of(self).partition
        self.name = props.name
        """The repository's name."""
        repository = ecr.CfnRepository(
            self,
            "Resource",
            repository_name=self.name,
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration=ecr.CfnRepository.ImageScanningConfigurationProperty(
                scan_on_push=True
            ),
            encryption_configuration=ecr.CfnRepository.EncryptionConfigurationProperty(
                encryption_type="KMS", kms_key=props.key.key_arn
            ),
            repository_policy_text={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Sid": "OrganizationPulls",
                        "Effect": "Allow",
                        "Principal": {
                            "AWS": [
                                f"arn:{partition}:iam::{account}:root"
                                for account in props.reader_accounts
                            ]
                        },
                        "Action": [
                            "ecr:BatchCheckLayerAvailability",
                            "ecr:BatchGetImage",
                            "ecr:DescribeImages",
                            "ecr:GetDownloadUrlForLayer",
                        ],
                        "Condition": {
                            "StringEquals": {
                                "aws:PrincipalOrgID": (
                                    governance.estate.organization.organization_id
                                )
                            }
                        },
                    },
                    *self._pushes(props),
                ],
            },
            lifecycle_policy=ecr.CfnRepository.LifecyclePolicyProperty(
                lifecycle_policy_text=_LIFE_CYCLE
            ),
        )
        repository.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.arn = repository.attr_arn
        """The repository's ARN."""

    def _pushes(self, props: ImageRepositoryProps) -> list[dict[str, Any]]:
        """Return what lets the role push: by a condition, since it need not be there yet."""
        if props.pusher is None:
            return []
        account, role = props.pusher
        return [
            {
                "Sid": "BuildPushes",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{cdk.Stack.of(self).partition}:iam::{account}:root"},
                "Action": list(PUSH_ACTIONS),
                "Condition": {
                    "ArnEquals": {
                        "aws:PrincipalArn": props.governance.role_arn(self, account, role)
                    }
                },
            }
        ]
