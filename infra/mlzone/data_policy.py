"""Who reaches a team's data and its key: the team's own roles, whatever others may do (IAM-06).

These are statements of the bucket's and of the key's own policy. They name roles whole, since the
name of one team can be the beginning of another's.
"""

from typing import Any

from mlzone.estate import BusinessUnit, Stage, Team
from mlzone.monitor_kind import MONITORS
from mlzone.naming import ROLE_PATH, Naming
from mlzone.persona import PERSONAS, Place, Scope

Statement = dict[str, Any]

DATA_ACTIONS = (
    "s3:*Object*",
    "s3:AbortMultipartUpload",
    "s3:BypassGovernanceRetention",
    "s3:InitiateReplication",
    "s3:ListBucket*",
    "s3:ListMultipartUploadParts",
    "s3:Replicate*",
)
"""What reads, writes or lists what is in a bucket."""

KEY_USES = (
    "kms:CreateGrant",
    "kms:Decrypt",
    "kms:DeriveSharedSecret",
    "kms:Encrypt",
    "kms:Generate*",
    "kms:ReEncrypt*",
    "kms:Sign",
)
"""What works with a key, or lets others work with it."""

_DEPLOYMENT = "cdk-*-cfn-exec-role-*"
_TEAM_MACHINES = ("pipeline", "studio")


def team_roles(naming: Naming, unit: BusinessUnit, team: Team, stage: Stage) -> tuple[str, ...]:
    """Return the names of a team's roles in an environment, people's and machines'."""
    place = Place(stage.value)
    people = (
        naming.persona_role(persona, unit.name, team.name)
        for persona, profile in PERSONAS.items()
        if profile.scope is Scope.TEAM and place in profile.places
    )
    machines = (
        naming.service_role(unit.name, team.name, stage, purpose) for purpose in _TEAM_MACHINES
    )
    # CodePipeline reads the project, which the team's key encrypts.
    pipelines = (
        naming.service_role(unit.name, model.name, stage, "delivery") for model in team.models
    )
    if stage is Stage.DEV:
        return (*people, *machines, *pipelines)
    # Monitors compare answers with what became true, which the team's data say.
    monitors = (
        naming.service_role(unit.name, model.name, stage, purpose)
        for model in team.models
        if any(
            MONITORS[kind].needs_ground_truth
            for kind in model.monitors(production=stage is Stage.PROD)
        )
        for purpose in ("monitor", "start-monitor")
    )
    return (*people, *monitors)


def team_data_statement(
    roles: tuple[str, ...], *, partition: str, account: str, bucket_arn: str
) -> Statement:
    """Return the statement of a team's bucket that keeps everybody else from what is in it.

    Args:
        roles: names of the team's roles.
        partition: the partition, or a token of the deployment.
        account: the account of bucket and roles, or a token.
        bucket_arn: the bucket.
    """
    return _team_only(
        "TeamOnly", DATA_ACTIONS, [bucket_arn, f"{bucket_arn}/*"],
        _names(roles, partition, account),
    )  # fmt: skip


def team_key_statement(roles: tuple[str, ...], *, partition: str, account: str) -> Statement:
    """Return the statement of a team's key that keeps everybody else from working with it."""
    # In a key's policy, the resource is the key itself.
    return _team_only("TeamOnly", KEY_USES, "*", _names(roles, partition, account))


def _names(roles: tuple[str, ...], partition: str, account: str) -> list[str]:
    owner = f"arn:{partition}:iam::{account}:role"
    return [*(f"{owner}{ROLE_PATH}{role}" for role in roles), f"{owner}/{_DEPLOYMENT}"]


def _team_only(
    sid: str, actions: tuple[str, ...], resource: list[str] | str, roles: list[str]
) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        "Principal": "*",
        "Action": list(actions),
        "Resource": resource,
        "Condition": {
            "ArnNotLike": {"aws:PrincipalArn": roles},
            # Services that act on their own are named by other statements.
            "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
        },
    }
