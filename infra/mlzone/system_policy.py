"""What systems outside of the platform may do in production, as IAM statements.

A system takes a role of ours for one duty about one model: to bring outcomes, to bring what a model
is asked by the day, or to fetch what it answered. Who may take it stands in its trust policy, what
it may do in its own policy; the bucket's policy keeps it to its model, and a guardrail of the
organization to its duty, whatever else it were allowed (IAM-11).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlzone.batch_policy import input_prefix, output_prefix
from mlzone.estate.model import Model
from mlzone.estate.system import System
from mlzone.estate.team import LANDING, Team
from mlzone.estate.unit import BusinessUnit, Stage
from mlzone.guardrail_statement import PLATFORM_ROLES
from mlzone.naming import BATCHES, Naming
from mlzone.serving_policy import ground_truth_prefix
from mlzone.surroundings import Statement, Surroundings, allow

BRING_ACTIONS = ("kms:GenerateDataKey", "s3:PutObject")
"""All that a system does that brings something."""
FETCH_ACTIONS = ("kms:Decrypt", "s3:GetObject", "s3:ListBucket")
"""All that a system does that fetches something."""

SYSTEM_SID = "System"
"""What the ids of statements of a bucket begin with that are about one system."""


class Duty(StrEnum):
    """What a system is for; the names of the roles end with it, and guardrails know them by it."""

    OUTCOMES = "outcomes"
    BATCH_INPUT = "batch-input"
    BATCH_RESULTS = "batch-results"

    @property
    def fetches(self) -> bool:
        """Whether it reads; else it only writes."""
        return self is Duty.BATCH_RESULTS


def _deliverers(model: Model) -> tuple[System, ...]:
    truth = model.monitoring.ground_truth
    return truth.delivered_by if truth else ()


def _bringers(model: Model) -> tuple[System, ...]:
    return model.serving.batch.brought_by if model.serving.batch else ()


def _fetchers(model: Model) -> tuple[System, ...]:
    return model.serving.batch.fetched_by if model.serving.batch else ()


_DECLARED: Mapping[Duty, Callable[[Model], tuple[System, ...]]] = {
    Duty.OUTCOMES: _deliverers,
    Duty.BATCH_INPUT: _bringers,
    Duty.BATCH_RESULTS: _fetchers,
}


@dataclass(frozen=True, kw_only=True)
class SystemRole:
    """The platform's role for a duty about a model, and whose it is."""

    name: str
    duty: Duty
    model: Model
    systems: tuple[System, ...]
    """Who takes it."""

    @property
    def objects(self) -> tuple[str, ...]:
        """What it works on, as patterns below the team's bucket."""
        model, zone = self.model.name, self.model.data_zone
        if self.duty is Duty.OUTCOMES:
            return (f"{LANDING}/{ground_truth_prefix(model, zone)}/*",)
        if self.duty is Duty.BATCH_INPUT:
            return (f"{LANDING}/{input_prefix(model, zone)}/*",)
        made = output_prefix(model, zone)
        return (f"{made}/*/results/*", f"{made}/*/run.json")

    @property
    def listed(self) -> str:
        """What it sees the names of, as a pattern of prefixes; only where it fetches."""
        return f"{output_prefix(self.model.name, self.model.data_zone)}/*"


def system_roles(naming: Naming, unit: BusinessUnit, team: Team, stage: Stage) -> list[SystemRole]:
    """Return the roles that systems take in a team's part of an environment.

    What comes into staging are tests, which people bring.
    """
    if stage is not Stage.PROD:
        return []
    return [
        SystemRole(
            name=naming.service_role(unit.name, model.name, stage, duty),
            duty=duty,
            model=model,
            systems=systems,
        )
        for model in team.models
        for duty, declared in _DECLARED.items()
        if (systems := declared(model))
    ]


def declared_systems(model: Model) -> Iterator[tuple[tuple[str | int, ...], System]]:
    """Yield the systems that a model declares, each with its field."""
    fields: Mapping[Duty, tuple[str, ...]] = {
        Duty.OUTCOMES: ("monitoring", "ground_truth", "delivered_by"),
        Duty.BATCH_INPUT: ("serving", "batch", "brought_by"),
        Duty.BATCH_RESULTS: ("serving", "batch", "fetched_by"),
    }
    for duty, declared in _DECLARED.items():
        for index, system in enumerate(declared(model)):
            yield (*fields[duty], index), system


def trust_conditions(system: System, organization_id: str) -> dict[str, Any]:
    """Return under which conditions a system's account takes a role: as that system's role alone.

    The account is the principal, because a role that does not exist yet cannot be one.
    """
    said = {"sts:ExternalId": system.external_id} if system.external_id else {}
    return {
        "ArnEquals": {"aws:PrincipalArn": system.role},
        "StringEquals": {"aws:PrincipalOrgID": organization_id, **said},
    }


def system_statements(s: Surroundings, role: SystemRole) -> list[Statement]:
    """Return what a system may do.

    Args:
        s: where the role exists; `keys` encrypt the team's data.
        role: the system's role.
    """
    bucket = f"arn:{s.partition}:s3:::{s.naming.data_bucket(s.unit, s.team, s.account)}"
    objects = [f"{bucket}/{pattern}" for pattern in role.objects]
    if not role.duty.fetches:
        return [
            allow("Bring", ["s3:PutObject"], objects),
            allow("Encrypt", ["kms:GenerateDataKey"], list(s.keys)),
        ]
    return [
        allow("Fetch", ["s3:GetObject"], objects),
        allow("Find", ["s3:ListBucket"], [bucket], {"StringLike": {"s3:prefix": [role.listed]}}),
        allow("Decrypt", ["kms:Decrypt"], list(s.keys)),
    ]


def bucket_statements(
    roles: list[SystemRole], *, bucket_arn: str, role_arn: Callable[[str], str]
) -> Iterator[Statement]:
    """Yield what keeps each system to its model, in the policy of the team's bucket.

    Args:
        roles: the roles of the systems.
        bucket_arn: the bucket.
        role_arn: returns the ARN of a role.
    """
    for role in roles:
        sid = SYSTEM_SID + f"{role.model.name}-{role.duty}".title().replace("-", "")
        whose = {"ArnLike": {"aws:PrincipalArn": [role_arn(role.name)]}}
        own = [f"{bucket_arn}/{pattern}" for pattern in role.objects]
        yield {
            "Sid": f"{sid}Only",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "NotResource": [bucket_arn, *own] if role.duty.fetches else own,
            "Condition": whose,
        }
        if role.duty.fetches:
            yield {
                "Sid": f"{sid}List",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:ListBucket*",
                "Resource": bucket_arn,
                "Condition": {**whose, "StringNotLike": {"s3:prefix": [role.listed]}},
            }


def system_guardrail(naming: Naming) -> list[Statement]:
    """Return what keeps systems to their duties in production, whatever their policies say."""
    bringing = system_patterns(naming, Duty.OUTCOMES, Duty.BATCH_INPUT)
    fetching = system_patterns(naming, Duty.BATCH_RESULTS)
    bucket = f"arn:*:s3:::{naming.prefix}-*"
    return [
        _deny("SystemsBringOnly", bringing, NotAction=list(BRING_ACTIONS), Resource="*"),
        _deny("SystemsBringToLandings", bringing, Action="s3:PutObject",
              NotResource=f"{bucket}/{LANDING}/*"),
        _deny("SystemsFetchOnly", fetching, NotAction=list(FETCH_ACTIONS), Resource="*"),
        _deny("SystemsFetchFromBatches", fetching, Action="s3:GetObject",
              NotResource=f"{bucket}/{BATCHES}/*"),
    ]  # fmt: skip


def system_patterns(naming: Naming, *duties: Duty) -> list[str]:
    """Return the roles of systems for some duties, in whatever unit and account."""
    head = f"{PLATFORM_ROLES[:-1]}{naming.prefix}-*"
    return [f"{head}-{Stage.PROD}-{duty}" for duty in duties]


def _deny(sid: str, roles: list[str], **what: Any) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Deny",
        **what,
        "Condition": {"ArnLike": {"aws:PrincipalArn": roles}},
    }
