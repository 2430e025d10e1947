"""The repository of one container image."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.image import Image
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class ImageRepositoryProps:
    """Properties of an ImageRepository."""

    governance: Governance
    """The organization's rules."""
    image: Image
    """Which image it holds."""
    key: kms.IKey
    """Encrypts the layers."""
    reader_accounts: Sequence[str]
    """The accounts whose roles may pull; their own policies decide which."""


class ImageRepository(Construct):
    """A private repository whose versions nobody can move.

    Guarantees:
        MOD-09: a version is written once; every image is scanned when it comes.
        ENC-02: layers are encrypted with a key of ours.
        IAM-06: accounts of the organization pull, and nobody else.
        DAT-05: it outlives its stack.

    Example:
        ImageRepository(self, "Repository", ImageRepositoryProps(
            governance=governance, image="tabular", key=key, reader_accounts=accounts))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ImageRepositoryProps) -> None:
        super().__init__(scope, construct_id)
        governance, partition = props.governance, cdk.Stack.of(self).partition
        self.name = governance.naming.ecr_repository(props.image)
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
                    }
                ],
            },
        )
        repository.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self.arn = repository.attr_arn
        """The repository's ARN."""
