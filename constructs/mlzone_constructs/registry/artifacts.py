"""What trainings of a business unit have made."""

from dataclasses import dataclass

from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.estate import BusinessUnit, Stage
from mlzone_constructs.foundation import GovernedBucket, GovernedBucketProps
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class ArtifactsProps:
    """Properties of Artifacts."""

    governance: Governance
    """The organization's rules."""
    unit: BusinessUnit
    """Whose artefacts they are."""
    key: kms.IKey
    """Encrypts them."""


class Artifacts(Construct):
    """The bucket in which a unit's trainings leave what its releases take.

    Its policy names roles by what they are for, so that it is as long with forty teams as with one.

    Guarantees:
        IAM-05: the unit's pipelines and builds write, its releases read; nobody else of another
            account does either.
        ENC-01, DAT-05, LOG-01: as every bucket.

    Example:
        Artifacts(self, "Artifacts", ArtifactsProps(governance=governance, unit=unit, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ArtifactsProps) -> None:
        super().__init__(scope, construct_id)
        governance, naming, unit = props.governance, props.governance.naming, props.unit
        account = governance.shared_services
        bucket = GovernedBucket(
            self,
            "Store",
            GovernedBucketProps(
                governance=governance,
                bucket_name=naming.artifact_bucket(unit.name, account),
                key=props.key,
                access_logs=s3.Bucket.from_bucket_name(
                    self, "AccessLogs", naming.platform_log_bucket(account)
                ),
            ),
        )

        def roles(stage: Stage, purpose: str) -> str:
            return governance.role_arn(
                self,
                unit.environments[stage].account,
                naming.service_role(unit.name, "*", stage, purpose),
            )

        # Builds bring a project's code and data to where its jobs read them.
        trains = [roles(Stage.DEV, "pipeline"), roles(Stage.DEV, "build")]
        bucket.grant_organization("Trains", trains, ["s3:GetObject", "s3:PutObject"], unit.name)
        releases = [roles(stage, "release") for stage in (Stage.STAGING, Stage.PROD)]
        bucket.grant_organization(
            "Releases", releases, ["s3:GetObject", "s3:GetObjectVersion"], unit.name
        )
