"""Buckets."""

from collections.abc import Sequence
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class GovernedBucketProps:
    """Properties of a GovernedBucket."""

    governance: Governance
    """The organization's rules."""
    bucket_name: str
    """The bucket's name."""
    key: kms.IKey | None
    """Encrypts the objects; None only for a bucket that receives access logs, which S3 cannot
    write with a customer-managed key."""
    access_logs: s3.IBucket | None = None
    """Receives the access logs; None only for that bucket itself."""
    lifecycle_rules: Sequence[s3.LifecycleRule] = ()
    """When objects move or expire; old versions always expire after 90 days unless locked."""
    lock_years: int | None = None
    """Nobody can delete or change an object for so many years (S3 Object Lock, compliance mode)."""
    emits_events: bool = False
    """Whether EventBridge hears of new objects."""


class GovernedBucket(Construct):
    """A private, encrypted, versioned bucket that outlives its stack.

    Guarantees:
        ENC-01: objects are encrypted with a key of ours, bucket key on; plain HTTP is denied.
        DAT-05: versioned, retained when its stack goes, locked where asked.
        LOG-01: access is logged.
        ENC-01: all public access is blocked; ACLs are off.

    Example:
        GovernedBucket(self, "Data", GovernedBucketProps(
            governance=governance, bucket_name=naming.data_bucket(...), key=key, access_logs=logs))
    """

    def __init__(self, scope: Construct, construct_id: str, props: GovernedBucketProps) -> None:
        super().__init__(scope, construct_id)
        rules = list(props.lifecycle_rules)
        if props.lock_years is None:
            rules.append(
                s3.LifecycleRule(
                    id="old-versions",
                    noncurrent_version_expiration=cdk.Duration.days(90),
                    abort_incomplete_multipart_upload_after=cdk.Duration.days(7),
                )
            )
        self.bucket = s3.Bucket(
            self,
            "Resource",
            bucket_name=props.bucket_name,
            encryption=s3.BucketEncryption.KMS if props.key else s3.BucketEncryption.S3_MANAGED,
            encryption_key=props.key,
            bucket_key_enabled=props.key is not None,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            lifecycle_rules=rules,
            object_lock_enabled=props.lock_years is not None or None,
            object_lock_default_retention=(
                s3.ObjectLockRetention.compliance(cdk.Duration.days(365 * props.lock_years))
                if props.lock_years
                else None
            ),
            removal_policy=cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        )
        """The bucket."""
        if props.key is None:
            self._admit_access_logs()
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)  # noqa: S101 - the L2's own resource
        if props.access_logs:
            self._log_access(resource, props.access_logs, props.bucket_name)
        if props.emits_events:
            # The L2's switch adds a custom resource; the property does the same.
            resource.add_property_override(
                "NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled", value=True
            )

    def _log_access(self, resource: s3.CfnBucket, target: s3.IBucket, prefix: str) -> None:
        """Log access; the L2's switch would tie the log bucket's policy to every source."""
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=target.bucket_name, log_file_prefix=f"{prefix}/"
        )
        if isinstance(target, s3.Bucket) and target.policy:
            # No access is logged before the log bucket admits the logging service.
            self.bucket.node.add_dependency(target.policy)

    def _admit_access_logs(self) -> None:
        """Let S3 write the access logs of the account's buckets, also those of other stacks."""
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AccessLogs",
                principals=[iam.ServicePrincipal("logging.s3.amazonaws.com")],
                actions=["s3:PutObject"],
                resources=[self.bucket.arn_for_objects("*")],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )

    @property
    def arn(self) -> str:
        """The bucket's ARN."""
        return self.bucket.bucket_arn

    def grant_organization(
        self,
        sid: str,
        role_arns: Sequence[str],
        actions: Sequence[str],
        prefix: str,
    ) -> None:
        """Let roles of other accounts act on a prefix; their own policies must allow it too.

        The account is the principal, because a role that does not exist yet cannot be one; the
        condition names the roles.
        """
        accounts = sorted({arn.split(":")[4] for arn in role_arns})
        principals: list[iam.IPrincipal] = [iam.AccountPrincipal(item) for item in accounts]
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=sid,
                principals=principals,
                actions=list(actions),
                resources=[self.bucket.arn_for_objects(f"{prefix}/*")],
                conditions={"ArnLike": {"aws:PrincipalArn": sorted(role_arns)}},
            )
        )
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid=f"{sid}List",
                principals=principals,
                actions=["s3:ListBucket"],
                resources=[self.bucket.bucket_arn],
                conditions={
                    "ArnLike": {"aws:PrincipalArn": sorted(role_arns)},
                    "StringLike": {"s3:prefix": [f"{prefix}/*"]},
                },
            )
        )
