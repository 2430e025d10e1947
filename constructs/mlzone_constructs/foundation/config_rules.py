"""Detective controls of an environment: AWS Config."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_config as config
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.config_rule import CONFIG_RULES
from mlzone_constructs.governance import Governance

_SERVICE = "config.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class ConfigRulesProps:
    """Properties of ConfigRules."""

    governance: Governance
    """The organization's rules."""
    archive: str
    """The bucket that keeps the recorded configurations, encrypted with its own key."""


class ConfigRules(Construct):
    """AWS Config rules over an environment, and their recorder where the account has none.

    Guarantees:
        DEP-03, ENC-01, ENC-02, ENC-03, IAM-03, LOG-01, NET-01, NET-06, NET-08: what breaks one of
            these controls around the platform is found and kept as evidence.

    Example:
        ConfigRules(self, "Config", ConfigRulesProps(governance=governance, archive=...))
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
        config.CfnDeliveryChannel(
            self,
            "Channel",
            name=props.governance.naming.name("recorder"),
            s3_bucket_name=props.archive,
        )
        return recorder
