"""Where a team compares its experiments and builds."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.estate import Team
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class ExperimentTrackingProps:
    """Properties of ExperimentTracking."""

    governance: Governance
    """The organization's rules."""
    team: Team
    """Whose experiments."""
    bucket: s3.IBucket
    """The team's data, which artefacts of runs lie among."""
    role_arn: str
    """The role in which the app works with artefacts."""


class ExperimentTracking(Construct):
    """A team's MLflow App, and the parameter from which its builds learn which it is.

    Guarantees:
        IAM-06: its tag names the team; roles of other teams are allowed nothing in it.
        ENC-04: artefacts lie in the team's bucket, encrypted with the team's key.
        DAT-05: runs outlive their stack.

    Example:
        ExperimentTracking(self, "Mlflow", ExperimentTrackingProps(
            governance=governance, team=team, bucket=bucket, role_arn=role.arn))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ExperimentTrackingProps) -> None:
        super().__init__(scope, construct_id)
        governance, team = props.governance, props.team
        unit, _ = governance.of_unit()
        self.app = sagemaker.CfnMlflowApp(
            self,
            "Resource",
            name=governance.naming.name(unit.name, team.name),
            artifact_store_uri=f"s3://{props.bucket.bucket_name}/mlflow",
            role_arn=props.role_arn,
            model_registration_mode="AutoModelRegistrationDisabled",
        )
        """The app."""
        # Apps that are there already have this name in their stack; another would replace them.
        self.app.override_logical_id(construct_id)
        self.app.apply_removal_policy(cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE)
        ssm.CfnParameter(
            self,
            "Parameter",
            name=governance.naming.experiments_parameter(team.name),
            type="String",
            value=self.app.attr_arn,
        )
