"""Theorems about systems outside of the platform: each does its one duty, and nothing else."""

from collections.abc import Iterator

from mlzone.estate.team import LANDING
from mlzone.naming import BATCHES, ROLE_PATH
from mlzone.system_policy import (
    BRING_ACTIONS,
    FETCH_ACTIONS,
    Duty,
    system_roles,
)
from mlzone.theorem.guardrails import PARTITION, Guardrails
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import Policies, Principal, PrincipalKind
from mlzone_access.prover import Claim, Theorem

_SELF = "sts:GetCallerIdentity"
"""Asks who oneself is; AWS denies it to nobody."""


def _duties(guardrails: Guardrails) -> Iterator[Theorem]:
    """Yield what is no part of a duty, for a role that is named as a system's.

    One role stands for all: nothing but the name's ending is looked at.
    """
    setting = guardrails.setting("production")
    bucket = f"arn:*:s3:::{guardrails.naming.prefix}-*"
    for duty in Duty:
        actions, move, folder = (
            (FETCH_ACTIONS, "s3:GetObject", BATCHES)
            if duty.fetches
            else (BRING_ACTIONS, "s3:PutObject", LANDING)
        )
        name = f"{guardrails.naming.prefix}-any-prod-{duty}"
        for claim in (
            Claim.of(NotAction=[*actions, _SELF]),
            Claim.of(Action=move, NotResource=f"{bucket}/{folder}/*"),
        ):
            yield Theorem(
                name=f"{duty} in {setting.name}",
                statement="",
                policies=guardrails.under(setting.account),
                forbidden=claim,
                caller=_role(setting.account, name),
            )


def _role(account: str, name: str) -> Principal:
    return Principal(
        kind=PrincipalKind.ROLE,
        arn=f"arn:{PARTITION}:iam::{account}:role{ROLE_PATH}{name}",
        account=account,
    )


def _models(guardrails: Guardrails) -> Iterator[Theorem]:
    """Yield each declared role of a system: what is not its model's is out of its reach."""
    for place in guardrails.places():
        bucket = guardrails.team_bucket(place)
        for role in system_roles(guardrails.naming, place.unit, place.team, place.stage):
            own = [f"{bucket}/{pattern}" for pattern in role.objects]
            claims = [
                Claim.of(Action="s3:*", NotResource=[bucket, *own] if role.duty.fetches else own)
            ]
            if role.duty.fetches:
                elsewhere = {"StringNotLike": {"s3:prefix": role.listed}}
                claims.append(
                    Claim.of(Action="s3:ListBucket", Resource=bucket, Condition=elsewhere)
                )
            for claim in claims:
                yield Theorem(
                    name=f"{role.name}, {place}",
                    statement="",
                    policies=Policies(resource=guardrails.team_data(place)),
                    forbidden=claim,
                    caller=_role(place.account, role.name),
                    resource_account=place.account,
                )


SYSTEMS = (
    EstateTheorem(
        id="systems-keep-to-their-duty",
        statement="A system outside of the platform puts objects into a landing, or fetches what "
        "batches answered, and does nothing else, whatever its role is allowed.",
        controls=("IAM-11",),
        cases=_duties,
    ),
    EstateTheorem(
        id="systems-keep-to-their-model",
        statement="A system outside of the platform reaches nothing in a team's data but what is "
        "its own model's.",
        controls=("IAM-11", "IAM-06"),
        cases=_models,
    ),
)
