"""Detective controls: the AWS Config managed rules that watch what is deployed.

Preventive controls come first; these find what was there before, or was made around them.
Source: AWS Config developer guide, list of managed rules.
"""

from dataclasses import dataclass

from mlzone.estate.unit import Stage

_EVERYWHERE = (Stage.DEV, Stage.STAGING, Stage.PROD)


@dataclass(frozen=True, kw_only=True)
class ConfigRule:
    """One managed rule and the control that it watches."""

    identifier: str
    """AWS's identifier; the rule's name is made of it."""
    control: str
    """The control's id."""
    stages: tuple[Stage, ...] = _EVERYWHERE
    """Environments in which it holds."""


CONFIG_RULES = (
    ConfigRule(identifier="CLOUD_TRAIL_LOG_FILE_VALIDATION_ENABLED", control="LOG-01"),
    ConfigRule(identifier="CMK_BACKING_KEY_ROTATION_ENABLED", control="ENC-03"),
    ConfigRule(identifier="IAM_POLICY_NO_STATEMENTS_WITH_ADMIN_ACCESS", control="IAM-03"),
    ConfigRule(identifier="S3_BUCKET_PUBLIC_READ_PROHIBITED", control="ENC-01"),
    ConfigRule(identifier="S3_BUCKET_SSL_REQUESTS_ONLY", control="ENC-01"),
    ConfigRule(identifier="SAGEMAKER_ENDPOINT_CONFIGURATION_KMS_KEY_CONFIGURED", control="ENC-02"),
    ConfigRule(
        identifier="SAGEMAKER_ENDPOINT_CONFIG_PROD_INSTANCE_COUNT",
        control="DEP-03",
        stages=(Stage.PROD,),
    ),
    ConfigRule(identifier="SAGEMAKER_NOTEBOOK_NO_DIRECT_INTERNET_ACCESS", control="NET-01"),
    ConfigRule(identifier="VPC_DEFAULT_SECURITY_GROUP_CLOSED", control="NET-06"),
    ConfigRule(identifier="VPC_FLOW_LOGS_ENABLED", control="NET-08"),
)
"""The rules, by identifier."""
