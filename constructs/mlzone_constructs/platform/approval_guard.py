"""The second line behind the duties in the registry."""

import json
from dataclasses import dataclass

from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.risk import TIERS
from mlzone.serving_policy import announce
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus


@dataclass(frozen=True, kw_only=True)
class ApprovalGuardProps:
    """Properties of an ApprovalGuard."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts logs and settings."""
    bus: LifeCycleBus
    """Where decisions are told of."""


class ApprovalGuard(Construct):
    """Examines every decision in the registry, after access control has let it through.

    Guarantees:
        MOD-03: an approval that no second person gave goes back to waiting.
        MOD-04, MOD-06, MOD-07: so does one without the evidence that the risk tier demands.
        MOD-02: it can send a version back, and approve none.
        LOG-01: every decision is told of on the platform's bus, with who made it.

    Example:
        ApprovalGuard(self, "Guard", ApprovalGuardProps(governance=governance, key=key, bus=bus))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ApprovalGuardProps) -> None:
        super().__init__(scope, construct_id)
        governance, naming = props.governance, props.governance.naming
        prefix = f"{naming.prefix}-"
        versions = governance.arn(self, "sagemaker", f"model-package/{prefix}*/*")
        groups = governance.arn(self, "sagemaker", f"model-package-group/{prefix}*")
        guard = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function("platform", "approval-guard"),
                role_name=naming.platform_role("approval-guard"),
                description="Examines every decision in the registry",
                handler="approval_guard",
                key=props.key,
                environment={
                    "MLZONE_PLATFORM_BUS": props.bus.arn,
                    "MLZONE_EVIDENCE": json.dumps(
                        {tier: controls.evidence for tier, controls in TIERS.items()}
                    ),
                },
                statements=[
                    iam.PolicyStatement(
                        sid="ReadVersions",
                        actions=["sagemaker:DescribeModelPackage"],
                        resources=[versions],
                    ),
                    iam.PolicyStatement(
                        sid="WhoseModel", actions=["sagemaker:ListTags"], resources=[groups]
                    ),
                    iam.PolicyStatement(
                        sid="SendBack",
                        actions=["sagemaker:UpdateModelPackage"],
                        resources=[versions],
                        conditions={
                            "StringEquals": {
                                "sagemaker:ModelApprovalStatus": "PendingManualApproval"
                            }
                        },
                    ),
                    announce(props.bus.arn),
                ],
            ),
        )
        FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=naming.rule("platform", "decisions"),
                description="Decisions on versions in the registry",
                pattern={
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Model Package State Change"],
                    "detail": {
                        "ModelPackageGroupName": [{"prefix": prefix}],
                        "ModelApprovalStatus": ["Approved", "Rejected"],
                    },
                },
                function=guard,
            ),
        )
