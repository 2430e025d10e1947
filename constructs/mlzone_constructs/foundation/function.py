"""Lambda functions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlzone.surroundings import Statement
from mlzone_constructs.foundation.log_group import GovernedLogGroup, GovernedLogGroupProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity.role import GovernedRole, GovernedRoleProps

RUNTIME_FOLDER = Path(__file__).parents[3] / "runtime"
"""The code that ships into AWS."""


@dataclass(frozen=True, kw_only=True)
class GovernedFunctionProps:
    """Properties of a GovernedFunction."""

    governance: Governance
    """The organization's rules."""
    function_name: str
    """The function's name."""
    role_name: str
    """The name of its role."""
    description: str
    """What it does."""
    handler: str
    """The module of `mlzone_runtime.handlers`, such as `kpi_collector`."""
    key: kms.IKey
    """Encrypts its logs, its settings and its dead letters."""
    statements: Sequence[Statement | iam.PolicyStatement]
    """What it may do."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Its settings; never secrets."""
    timeout: cdk.Duration = field(default_factory=lambda: cdk.Duration.minutes(1))
    """How long one call may take."""


class GovernedFunction(Construct):
    """A Lambda function of the runtime package, with its own role, log and dead letters.

    Guarantees:
        IAM-01, IAM-06: it has a role of its own, under the boundary.
        ENC-02: logs, settings and dead letters are encrypted with a key of ours.
        LOG-01: it writes to a log group that is kept.

    Example:
        GovernedFunction(self, "Collector", GovernedFunctionProps(
            governance=governance, function_name=..., handler="kpi_collector", ...))
    """

    def __init__(self, scope: Construct, construct_id: str, props: GovernedFunctionProps) -> None:
        super().__init__(scope, construct_id)
        governance = props.governance
        log = GovernedLogGroup(
            self,
            "Log",
            GovernedLogGroupProps(
                governance=governance,
                log_group_name=f"/aws/lambda/{props.function_name}",
                key=props.key,
            ),
        )
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"{props.function_name}-dead"[:80],
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=props.key,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(14),
        )
        """Events that the function could not handle."""
        key_arn = props.key.key_arn
        logs_arn = governance.arn(self, "logs", f"log-group:/aws/lambda/{props.function_name}:*")
        dead_letters_arn = self.dead_letters.queue_arn
        statements = [
            _allow("WriteLog", ["logs:CreateLogStream", "logs:PutLogEvents"], logs_arn),
            _allow("DeadLetters", ["sqs:SendMessage"], dead_letters_arn),
            _allow("OwnKey", ["kms:Decrypt", "kms:GenerateDataKey"], key_arn),
            *props.statements,
        ]
        self.role = GovernedRole(
            self,
            "Role",
            GovernedRoleProps(
                governance=governance,
                role_name=props.role_name,
                description=props.description,
                service="lambda.amazonaws.com",
                statements=statements,
            ),
        ).role
        """The function's role."""
        self.function = lambda_.CfnFunction(
            self,
            "Resource",
            function_name=props.function_name,
            description=props.description,
            role=self.role.role_arn,
            runtime="python3.14",
            architectures=["arm64"],
            handler=f"mlzone_runtime.handlers.{props.handler}.handler",
            code=self._code(),
            memory_size=256,
            timeout=props.timeout.to_seconds(),
            kms_key_arn=key_arn,
            environment=lambda_.CfnFunction.EnvironmentProperty(variables=dict(props.environment)),
            dead_letter_config=lambda_.CfnFunction.DeadLetterConfigProperty(
                target_arn=dead_letters_arn
            ),
        )
        """The function."""
        # The policies must be there before the first event comes.
        self.function.node.add_dependency(self.role, log.log_group)

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return self.function.attr_arn

    def _code(self) -> lambda_.CfnFunction.CodeProperty:
        from aws_cdk import aws_s3_assets as assets  # noqa: PLC0415

        asset = assets.Asset(
            self,
            "Code",
            path=str(RUNTIME_FOLDER),
            exclude=["**/__pycache__", "images", "**/*.md", "**/py.typed"],
        )
        return lambda_.CfnFunction.CodeProperty(
            s3_bucket=asset.s3_bucket_name, s3_key=asset.s3_object_key
        )


def _allow(sid: str, actions: list[str], resource: str) -> Statement:
    return {"Sid": sid, "Effect": "Allow", "Action": actions, "Resource": resource}
