"""What writes into the evidence vault."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone_constructs.foundation import (
    GovernedFunction,
    GovernedFunctionProps,
)
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.life_cycle_bus import LifeCycleBus


@dataclass(frozen=True, kw_only=True)
class EvidenceRecorderProps:
    """Properties of an EvidenceRecorder."""

    governance: Governance
    """The organization's rules."""
    key: kms.IKey
    """Encrypts the records, and the recorder's log."""
    bus: LifeCycleBus
    """Where the events come from."""


class EvidenceRecorder(Construct):
    """Every life-cycle step of every model, as chains of records that nobody can change.

    Guarantees:
        LOG-01: every event of the platform's bus is recorded, and names the record before it.
        IAM-06: the recorder adds records; it cannot remove or unlock one.

    Example:
        EvidenceRecorder(self, "Recorder", EvidenceRecorderProps(
            governance=governance, key=key, bus=bus))
    """

    def __init__(self, scope: Construct, construct_id: str, props: EvidenceRecorderProps) -> None:
        super().__init__(scope, construct_id)
        governance, naming = props.governance, props.governance.naming
        name = naming.evidence_bucket(governance.shared_services)
        vault = f"arn:{cdk.Stack.of(self).partition}:s3:::{name}"
        recorder = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=governance,
                function_name=naming.function("platform", "evidence-recorder"),
                role_name=naming.platform_role("evidence-recorder"),
                description="Records every life-cycle event as evidence",
                handler="evidence_recorder",
                key=props.key,
                environment={"MLZONE_EVIDENCE_BUCKET": name},
                statements=[
                    iam.PolicyStatement(
                        sid="ReadChains", actions=["s3:ListBucket"], resources=[vault]
                    ),
                    iam.PolicyStatement(
                        sid="AddRecords",
                        actions=["s3:GetObject", "s3:PutObject"],
                        resources=[f"{vault}/*.json"],
                    ),
                ],
            ),
        )
        FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=naming.rule("platform", "evidence"),
                description="Every life-cycle event of every model",
                pattern={"source": [{"prefix": "mlzone."}]},
                function=recorder,
                bus_name=props.bus.bus.ref,
            ),
        )
