"""A team's feature groups."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from constructs import Construct

from mlzone.estate import FeatureGroup, Team
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class TeamFeaturesProps:
    """Properties of TeamFeatures."""

    governance: Governance
    """The organization's rules."""
    team: Team
    """Whose features they are."""
    bucket: s3.IBucket
    """Holds the offline stores, each under its data zone."""
    key: kms.IKey
    """Encrypts both stores."""
    role_arn: str
    """The role in which the offline stores are written."""


class TeamFeatures(Construct):
    """The feature groups of a team.

    Guarantees:
        ENC-02: offline and online stores are encrypted with the team's key.
        DAT-02: the offline store is kept, so that training data can be had as of any time.

    Example:
        TeamFeatures(self, "Features", TeamFeaturesProps(
            governance=governance, team=team, bucket=bucket, key=key, role_arn=role.arn))
    """

    def __init__(self, scope: Construct, construct_id: str, props: TeamFeaturesProps) -> None:
        super().__init__(scope, construct_id)
        self.groups = [self._group(props, group) for group in props.team.feature_groups]
        """The feature groups, in the order of the estate."""

    def _group(self, props: TeamFeaturesProps, group: FeatureGroup) -> sagemaker.CfnFeatureGroup:
        unit, stage = props.governance.of_unit()
        definition = sagemaker.CfnFeatureGroup.FeatureDefinitionProperty
        resource = sagemaker.CfnFeatureGroup(
            self,
            f"Group-{group.name}",
            feature_group_name=props.governance.naming.feature_group(
                unit.name, props.team.name, group.name, stage
            ),
            record_identifier_feature_name=group.record_identifier,
            event_time_feature_name=group.event_time,
            feature_definitions=[
                definition(feature_name=group.record_identifier, feature_type="String"),
                definition(feature_name=group.event_time, feature_type="String"),
                *(
                    definition(feature_name=feature.name, feature_type=feature.type)
                    for feature in group.features
                ),
            ],
            role_arn=props.role_arn,
            offline_store_config={
                "S3StorageConfig": {
                    "S3Uri": f"s3://{props.bucket.bucket_name}/{group.data_zone}/features",
                    "KmsKeyId": props.key.key_arn,
                },
                "DisableGlueTableCreation": False,
            },
            online_store_config=(
                {
                    "EnableOnlineStore": True,
                    "SecurityConfig": {"KmsKeyId": props.key.key_arn},
                }
                if group.online
                else None
            ),
        )
        resource.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        return resource
