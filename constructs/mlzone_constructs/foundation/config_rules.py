"""Detective controls of an environment: AWS Config."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_config as config
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.config_rule import CONFIG_RULES
from mlzone_constructs.foundation.bucket import GovernedBucket
from mlzone_constructs.governance import Governance

_SERVICE = "config.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class ConfigRulesProps:
    """Properties of ConfigRules."""

    governance: Governance
    """The organization's rules."""
    bucket: GovernedBucket
    """Keeps the recorded configurations."""
    key: kms.IKey
    """Encrypts them."""


class ConfigRules(Construct):
    """AWS Config rules over an environment, and their recorder where the account has none.

    Guarantees:
        DEP-03, ENC-01, ENC-02, ENC-03, IAM-03, LOG-01, NET-01, NET-06, NET-08: what breaks one of
            these controls around the platform is found and kept as evidence.

    Example:
        ConfigRules(self, "Config", ConfigRulesProps(governance=governance, bucket=..., key=...))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ConfigRulesProps) -> None:
        super().__init__(scope, construct_id)
        _, stage = props.governance.of_unit()
        creates = props.governance.estate.organization.config_recorder == "create"
        recorder = self._recorder(props) if creates else None
        for item in CONFIG_RULES:
            if stage not in item.stages:
                continue
            name = item.identifier.lower().replace("_", "-")
            rule = config.CfnConfigRule(
                self,
                name,
                config_rule_name=props.governance.naming.name(name),
                description=f"Watches control {item.control}",
                source=config.CfnConfigRule.SourceProperty(
                    owner="AWS", source_identifier=item.identifier
                ),
            )
            if recorder:
                rule.add_dependency(recorder)

    def _recorder(self, props: ConfigRulesProps) -> config.CfnConfigurationRecorder:
        stack = cdk.Stack.of(self)
        role = iam.CfnServiceLinkedRole(self, "Role", aws_service_name=_SERVICE)
        role.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        self._let_deliver(props.bucket)
        recorder = config.CfnConfigurationRecorder(
            self,
            "Recorder",
            name=props.governance.naming.name("recorder"),
            role_arn=(
                f"arn:{stack.partition}:iam::{stack.account}:role/aws-service-role/{_SERVICE}/"
                "AWSServiceRoleForConfig"
            ),
            recording_group=config.CfnConfigurationRecorder.RecordingGroupProperty(
                all_supported=True, include_global_resource_types=True
            ),
        )
        recorder.add_dependency(role)
        channel = config.CfnDeliveryChannel(
            self,
            "Channel",
            name=props.governance.naming.name("recorder"),
            s3_bucket_name=props.bucket.bucket.bucket_name,
            s3_kms_key_arn=props.key.key_arn,
        )
        channel.node.add_dependency(props.bucket)
        return recorder

    def _let_deliver(self, target: GovernedBucket) -> None:
        """Let AWS Config check and write the bucket, for this account alone."""
        account = cdk.Stack.of(self).account
        own = {"StringEquals": {"aws:SourceAccount": account}}
        target.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ConfigReadsAcl",
                principals=[iam.ServicePrincipal(_SERVICE)],
                actions=["s3:GetBucketAcl", "s3:ListBucket"],
                resources=[target.arn],
                conditions=own,
            )
        )
        target.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                sid="ConfigWrites",
                principals=[iam.ServicePrincipal(_SERVICE)],
                actions=["s3:PutObject"],
                resources=[target.bucket.arn_for_objects(f"AWSLogs/{account}/Config/*")],
                conditions=own,
            )
        )
