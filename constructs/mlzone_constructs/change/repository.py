"""The repository of the estate, where CodeCommit has it."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_codecommit as codecommit
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class EstateRepositoryProps:
    """Properties of an EstateRepository."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts the repository, and what the pipelines of units leave."""


class EstateRepository(Construct):
    """The repository whose commits the pipelines of all units deploy, and the key they work with.

    Guarantees:
        ENC-02: the repository is encrypted with a key of ours.
        DAT-05: it outlives its stack.

    Example:
        EstateRepository(self, "Change", EstateRepositoryProps(governance=governance, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: EstateRepositoryProps) -> None:
        super().__init__(scope, construct_id)
        governance = props.governance
        organization = governance.estate.organization
        ssm.CfnParameter(
            self,
            "Key",
            name=governance.naming.platform_key_parameter(),
            type="String",
            value=props.key.key_arn,
            description="The key of the shared services",
        )
        name = organization.source.repository
        if name is None or organization.source.provider != "codecommit":
            return
        repository = codecommit.CfnRepository(
            self,
            "Resource",
            repository_name=name,
            repository_description=f"{organization.name}: the estate, and what deploys it",
            kms_key_id=props.key.key_arn,
        )
        repository.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
