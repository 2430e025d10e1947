"""The registry: one group of versions per model."""

from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone.estate import BusinessUnit, Model, Stage, Team
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class ModelRegistryProps:
    """Properties of a ModelRegistry."""

    governance: Governance
    """The organization's rules."""
    unit: BusinessUnit
    """Whose models they are."""


class ModelRegistry(Construct):
    """The groups of a unit's models, in the organization's one registry.

    Guarantees:
        MOD-01: there is one registry, in the shared-services account.
        MOD-02, MOD-03: a unit's development account may register and read versions, its staging
            and production accounts may read them; no other account may do anything.
        MOD-04: each group carries its model's risk tier.

    Example:
        ModelRegistry(self, "Registry", ModelRegistryProps(governance=governance, unit=unit))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ModelRegistryProps) -> None:
        super().__init__(scope, construct_id)
        self.groups = [
            self._group(props.governance, props.unit, team, model)
            for team in props.unit.teams
            for model in team.models
        ]
        """The groups, in the order of the estate."""

    def _group(
        self, governance: Governance, unit: BusinessUnit, team: Team, model: Model
    ) -> sagemaker.CfnModelPackageGroup:
        name = governance.naming.model_package_group(unit.name, model.name)
        group = sagemaker.CfnModelPackageGroup(
            self,
            f"Group-{model.name}",
            model_package_group_name=name,
            model_package_group_description=f"{model.title}. {model.purpose}"[:1024],
            model_package_group_policy=self._policy(governance, unit, team, name),
            tags=[
                cdk.CfnTag(key="mlz:business-unit", value=unit.name),
                cdk.CfnTag(key="mlz:team", value=team.name),
                cdk.CfnTag(key="mlz:model", value=model.name),
                cdk.CfnTag(key="mlz:model-tier", value=str(model.risk_tier)),
            ],
        )
        group.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        return group

    def _policy(
        self, governance: Governance, unit: BusinessUnit, team: Team, name: str
    ) -> dict[str, Any]:
        """Roles are named by a condition: a role that is not there yet cannot be a principal."""
        group = governance.arn(self, "sagemaker", f"model-package-group/{name}")
        versions = governance.arn(self, "sagemaker", f"model-package/{name}/*")
        partition = cdk.Stack.of(self).partition
        dev = unit.environments.dev.account
        readers = {stage: unit.environments[stage].account for stage in Stage}
        naming = governance.naming
        pipeline = naming.service_role(unit.name, team.name, Stage.DEV, "pipeline")
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "Register",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:{partition}:iam::{dev}:root"},
                    "Action": ["sagemaker:CreateModelPackage"],
                    "Resource": [group, versions],
                    "Condition": {
                        "ArnLike": {"aws:PrincipalArn": governance.role_arn(self, dev, pipeline)}
                    },
                },
                {
                    "Sid": "Read",
                    "Effect": "Allow",
                    "Principal": {
                        "AWS": [
                            f"arn:{partition}:iam::{account}:root" for account in readers.values()
                        ]
                    },
                    "Action": [
                        "sagemaker:BatchDescribeModelPackage",
                        "sagemaker:DescribeModelPackage",
                        "sagemaker:DescribeModelPackageGroup",
                        "sagemaker:ListModelPackages",
                    ],
                    "Resource": [group, versions],
                },
            ],
        }
