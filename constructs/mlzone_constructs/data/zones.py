"""A team's data: one bucket, a prefix and a catalogue database per zone."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_glue as glue
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.data_policy import team_data_statements
from mlzone.estate import Team
from mlzone.estate.team import LANDING
from mlzone_constructs.foundation.bucket import GovernedBucket, GovernedBucketProps
from mlzone_constructs.governance import Governance

_LANDING_DAYS = 30
"""So long the owner has to look at a file that was refused."""


@dataclass(frozen=True, kw_only=True)
class DataZonesProps:
    """Properties of DataZones."""

    governance: Governance
    """The organization's rules."""
    team: Team
    """Whose data it is."""
    key: kms.IKey
    """Encrypts it; the team's own."""
    access_logs: s3.IBucket
    """Receives the access logs."""


class DataZones(Construct):
    """The data of a team.

    Guarantees:
        DAT-01: every zone is in the catalogue with owner, purpose, classification and legal basis.
        DAT-04: what has just arrived is read by nobody, and people put data nowhere else.
        DAT-05: objects expire when the zone's retention ends.
        ENC-04: the data is encrypted with the team's own key.
        IAM-06: the bucket's own policy keeps everybody but the team's roles from what is in it.

    Example:
        DataZones(self, "Data", DataZonesProps(
            governance=governance, team=team, key=key, access_logs=logs))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DataZonesProps) -> None:
        super().__init__(scope, construct_id)
        governance, team = props.governance, props.team
        unit, stage = governance.of_unit()
        account = unit.environments[stage].account
        self.bucket = GovernedBucket(
            self,
            "Bucket",
            GovernedBucketProps(
                governance=governance,
                bucket_name=governance.naming.data_bucket(unit.name, team.name, account),
                key=props.key,
                access_logs=props.access_logs,
                lifecycle_rules=[
                    *(
                        s3.LifecycleRule(
                            id=f"retention-{zone.name}",
                            prefix=f"{zone.name}/",
                            expiration=cdk.Duration.days(zone.retention_days),
                        )
                        for zone in team.data_zones
                    ),
                    # What was refused, and what is masked by now, does not stay.
                    s3.LifecycleRule(
                        id=LANDING,
                        prefix=f"{LANDING}/",
                        expiration=cdk.Duration.days(_LANDING_DAYS),
                        noncurrent_version_expiration=cdk.Duration.days(1),
                    ),
                ],
                emits_events=True,
            ),
        )
        """The bucket."""
        place = governance.place(self)
        for statement in team_data_statements(
            governance.naming,
            unit,
            team,
            stage,
            partition=place.partition,
            account=place.account,
            bucket_arn=self.bucket.arn,
        ):
            self.bucket.bucket.add_to_resource_policy(iam.PolicyStatement.from_json(statement))
        for zone in team.data_zones:
            name = governance.naming.glue_database(unit.name, team.name, zone.name)
            database = glue.CfnDatabase(
                self,
                f"Database-{zone.name}",
                catalog_id=place.account,
                database_name=name,
                database_input=glue.CfnDatabase.DatabaseInputProperty(
                    name=name,
                    description=zone.purpose,
                    location_uri=f"s3://{self.bucket.bucket.bucket_name}/{zone.name}/",
                    parameters={
                        "owner": zone.owner,
                        "classification": zone.classification,
                        "legal-basis": zone.legal_basis,
                        "retention-days": str(zone.retention_days),
                    },
                ),
            )
            database.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
