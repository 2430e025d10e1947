"""The pipeline that deploys a unit."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone_constructs.change import (
    ChangeSetting,
    Contributor,
    ContributorProps,
    DriftCheck,
    DriftCheckProps,
    EnvironmentPipeline,
    EnvironmentPipelineProps,
)
from mlzone_constructs.governance import Governance


class EnvironmentPipelineStack(cdk.Stack):
    """A unit's pipeline and the people who change the unit, in the shared-services account."""

    def __init__(
        self, scope: Construct, construct_id: str, *, governance: Governance, **kwargs: Any
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        if governance.unit is None:
            raise ValueError("this belongs to a business unit")
        key_arn = ssm.StringParameter.value_for_string_parameter(
            self, governance.naming.platform_key_parameter()
        )
        setting = ChangeSetting(
            governance=governance,
            unit=governance.unit,
            key=kms.Key.from_key_arn(self, "Key", key_arn),
        )
        pipeline = EnvironmentPipeline(self, "Pipeline", EnvironmentPipelineProps(setting=setting))
        Contributor(
            self,
            "Contributor",
            ContributorProps(setting=setting, approvals=pipeline.approvals),
        )
        DriftCheck(self, "Drift", DriftCheckProps(setting=setting, bucket=pipeline.bucket))
        governance.tag(self)
