"""Who reaches a team's data and its key: the team's own roles, whatever others may do (IAM-06).

What people bring lands in a place that nobody reads until it was looked into (DAT-04).

These are statements of the bucket's and of the key's own policy. They name roles whole, since the
name of one team can be the beginning of another's.
"""

from typing import Any

from mlzone.estate import BusinessUnit, Stage, Team
from mlzone.estate.team import LANDING
from mlzone.monitor_kind import MONITORS
from mlzone.naming import PROPOSAL, ROLE_PATH, Naming
from mlzone.persona import PERSONAS, Place, Scope
from mlzone.surroundings import allow
from mlzone.system_policy import bucket_statements, system_roles

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
    """Return the names of a team's roles in an environment: people's, machines', systems'."""
    people = team_people(naming, unit, team, stage)
    inspector = inspector_role(naming, unit, team, stage)
    machines = (
        naming.service_role(unit.name, team.name, stage, purpose) for purpose in _TEAM_MACHINES
    )
    # CodePipeline reads the project, which the team's key encrypts.
    pipelines = (
        naming.service_role(unit.name, model.name, stage, "delivery") for model in team.models
    )
    if stage is Stage.DEV:
        return (*people, inspector, *machines, *pipelines)
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
    batches = (
        naming.service_role(unit.name, model.name, stage, purpose)
        for model in team.models
        if model.serving.batch
        for purpose in ("batch", "serving")
    )
    systems = (role.name for role in system_roles(naming, unit, team, stage))
    return (*people, inspector, *monitors, *batches, *systems)


def team_key_roles(naming: Naming, unit: BusinessUnit, team: Team, stage: Stage) -> tuple[str, ...]:
    """Return the names of the roles that work with a team's key in an environment.

    Beside the team's own, these are what reads and answers pull requests of its models' projects,
    which the key encrypts. They stay out of the team's data.
    """
    proposals = (
        naming.service_role(unit.name, model.name, stage, purpose)
        for model in team.models
        if stage is Stage.DEV and model.build.pull_requests
        for purpose in (PROPOSAL, "progress")
    )
    return (*team_roles(naming, unit, team, stage), *proposals)


def team_people(naming: Naming, unit: BusinessUnit, team: Team, stage: Stage) -> tuple[str, ...]:
    """Return the names of the roles of a team's people in an environment."""
    place = Place(stage.value)
    return tuple(
        naming.persona_role(persona, unit.name, team.name)
        for persona, profile in PERSONAS.items()
        if profile.scope is Scope.TEAM and place in profile.places
    )


def inspector_role(naming: Naming, unit: BusinessUnit, team: Team, stage: Stage) -> str:
    """Return the name of the role that looks into what arrives."""
    return naming.service_role(unit.name, team.name, stage, "inspector")


def team_data_statements(
    naming: Naming,
    unit: BusinessUnit,
    team: Team,
    stage: Stage,
    *,
    partition: str,
    account: str,
    bucket_arn: str,
) -> tuple[Statement, ...]:
    """Return the statements of a team's bucket.

    They keep everybody else from what is in it, everybody but the inspector from reading what has
    just arrived, people from bringing data past the inspector, and each system from all but its
    own.

    Args:
        naming: what makes the roles' names.
        unit: the business unit.
        team: whose bucket it is.
        stage: the environment.
        partition: the partition, or a token of the deployment.
        account: the account of bucket and roles, or a token.
        bucket_arn: the bucket.
    """
    roles = _names(team_roles(naming, unit, team, stage), partition, account)
    (inspector,) = _arns((inspector_role(naming, unit, team, stage),), partition, account)
    statements = [
        _team_only("TeamOnly", DATA_ACTIONS, [bucket_arn, f"{bucket_arn}/*"], roles),
        {
            "Sid": "LandingIsUnread",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["s3:GetObject*"],
            "Resource": [f"{bucket_arn}/{LANDING}/*"],
            "Condition": {"ArnNotLike": {"aws:PrincipalArn": [inspector]}},
        },
    ]
    people = _arns(team_people(naming, unit, team, stage), partition, account)
    if people:
        statements.append(
            {
                "Sid": "PeopleUseTheLanding",
                "Effect": "Deny",
                "Principal": "*",
                "Action": ["s3:PutObject"],
                "Resource": [f"{bucket_arn}/{zone.name}/*" for zone in team.data_zones],
                "Condition": {"ArnLike": {"aws:PrincipalArn": people}},
            }
        )
    statements += bucket_statements(
        system_roles(naming, unit, team, stage),
        bucket_arn=bucket_arn,
        role_arn=lambda name: _arns((name,), partition, account)[0],
    )
    return tuple(statements)


def inspector_statements(team: Team, *, bucket_arn: str, key_arn: str) -> tuple[Statement, ...]:
    """Return what the inspector may do with a team's data."""
    landing = f"{bucket_arn}/{LANDING}/*"
    zones = [f"{bucket_arn}/{zone.name}/*" for zone in team.data_zones]
    return (
        allow("TakeUp", ["s3:DeleteObject", "s3:GetObject"], [landing]),
        # Without it, S3 says of an object that is gone that it is forbidden.
        allow("SeeWhatIsGone", ["s3:ListBucket"], [bucket_arn]),
        allow("HandOn", ["s3:PutObject"], zones),
        allow("TeamKey", ["kms:Decrypt", "kms:GenerateDataKey"], [key_arn]),
    )


def team_key_statement(roles: tuple[str, ...], *, partition: str, account: str) -> Statement:
    """Return the statement of a team's key that keeps everybody else from working with it."""
    # In a key's policy, the resource is the key itself.
    return _team_only("TeamOnly", KEY_USES, "*", _names(roles, partition, account))


def _names(roles: tuple[str, ...], partition: str, account: str) -> list[str]:
    deployment = f"arn:{partition}:iam::{account}:role/{_DEPLOYMENT}"
    return [*_arns(roles, partition, account), deployment]


def _arns(roles: tuple[str, ...], partition: str, account: str) -> list[str]:
    return [f"arn:{partition}:iam::{account}:role{ROLE_PATH}{role}" for role in roles]


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
