"""The daily look for changes by hand: compare, keep the report, tell of it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mlzone.change_policy import DRIFT_REPORTS
from mlzone.errors import DeploymentError, LandingZoneError
from mlzone.estate import Estate
from mlzone.naming import Naming
from mlzone.planning import PlannedStack, planned_stacks
from mlzone.serving_policy import platform_bus_arn
from mlzone_runtime.evidence import ALL_MODELS
from mlzone_runtime.handlers.platform_event import (
    EventError,
    LifeCycleEvent,
    ModelScope,
    announce,
)
from mlzone_tools.services import drift
from mlzone_tools.services.change import build
from mlzone_tools.services.drift import Drift, Unseen

COMPARED, DRIFTED = "Estate Compared", "Estate Drifted"
_TOLD, _LONGEST = 20, 300
"""How many findings an event carries, and how much of each; the report has them all."""
_NAMED = 3
"""How many findings a mail names."""


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """What a look for changes by hand has found in a unit's environments."""

    unit: str
    time: str
    """When the look was due."""
    stacks: tuple[str, ...]
    """The stacks that were compared."""
    missing: tuple[str, ...]
    """Stacks of the estate that are not deployed, or not yet."""
    drifts: tuple[Drift, ...]
    unseen: tuple[Unseen, ...]
    """Stacks that could not be compared."""

    @property
    def findings(self) -> tuple[str, ...]:
        """What a person must look at, in sentences."""
        return (
            *(drift.unseen_line(item) for item in self.unseen),
            *(drift.sentence(item) for item in self.drifts),
        )

    @property
    def summary(self) -> str:
        """What was found, in a line."""
        if not self.findings:
            return f"{len(self.stacks)} stacks are as the estate says"
        first = "; ".join(item[:_LONGEST] for item in self.findings[:_NAMED])
        more = len(self.findings) - _NAMED
        return f"{first}; and {more} more" if more > 0 else first

    @property
    def text(self) -> str:
        """The report for people."""
        return "\n".join(
            [
                f"Changes by hand in {self.unit}, {self.time}",
                f"{len(self.stacks)} stacks were compared with their templates",
                *(f"not deployed: {stack}" for stack in self.missing),
                *(drift.unseen_line(item) for item in self.unseen),
                *drift.lines(self.drifts),
                *([] if self.findings else ["everything is as the estate says"]),
            ]
        )


def check(
    estate: Estate, unit: str, *, at: str, talk: Callable[[str], None]
) -> tuple[DriftReport, str]:
    """Compare a unit's environments with their templates, keep the report and tell of it.

    Args:
        estate: the estate.
        unit: the business unit.
        at: when the look was due; its report is called so.
        talk: is told how far it is.

    Returns:
        The report, and where it is kept.

    Raises:
        ConfigError: there is no such unit.
        LandingZoneError: an account cannot be read, or the report could not be kept or told of.
    """
    report = look(estate, unit, at=at, talk=talk)
    place, digest = _keep(estate, report)
    _tell(estate, report, place, digest)
    return report, place


def require_whole(report: DriftReport) -> None:
    """Refuse a report that does not know of all stacks.

    Raises:
        DeploymentError: a stack could not be compared.
    """
    if report.unseen:
        raise DeploymentError(
            f"{len(report.unseen)} stacks could not be compared",
            hint="the report says why; a stack in the middle of a change is compared the next time",
        )


def look(estate: Estate, unit: str, *, at: str, talk: Callable[[str], None]) -> DriftReport:
    """Compare a unit's environments with their templates, in the roles that only read."""
    estate.unit(unit)
    stacks = [item for item in planned_stacks(estate, unit) if item.unit == unit and item.stage]

    @cache
    def client_of(account: str, region: str) -> Any:
        return build.stacks_client(account, region, purpose="lookup")

    there = _there(stacks, client_of)
    found = drift.compare([item for item in stacks if item.name in there], client_of, talk=talk)
    return DriftReport(
        unit=unit,
        time=at,
        stacks=found.stacks,
        missing=tuple(item.name for item in stacks if item.name not in there),
        drifts=found.drifts,
        unseen=found.unseen,
    )


def _there(stacks: list[PlannedStack], client_of: drift.ClientOf) -> set[str]:
    found = set()
    for account, region in sorted({(item.account, item.region) for item in stacks}):
        try:
            pages = client_of(account, region).get_paginator("describe_stacks").paginate()
            found |= {stack["StackName"] for page in pages for stack in page["Stacks"]}
        except ClientError as error:
            raise LandingZoneError(
                f"the stacks of account {account} in {region} cannot be read: {error}"
            ) from error
    return found


def _keep(estate: Estate, report: DriftReport) -> tuple[str, str]:
    """Keep the report, for people and as JSON; return where the JSON is, and its SHA-256."""
    shared = estate.organization.accounts.shared_services
    bucket = Naming(prefix=estate.organization.prefix).change_bucket(report.unit, shared)
    key = f"{DRIFT_REPORTS}/{report.time.replace(':', '')}"
    body = json.dumps(asdict(report), indent=2, ensure_ascii=False).encode()
    try:
        client = boto3.client("s3")
        client.put_object(Bucket=bucket, Key=f"{key}.txt", Body=report.text.encode())
        client.put_object(Bucket=bucket, Key=f"{key}.json", Body=body)
    except (BotoCoreError, ClientError) as error:
        raise LandingZoneError(
            f"the report cannot be kept in {bucket}: {error}",
            hint="this is a step of the unit's pipeline; by hand: mlzone drift",
        ) from error
    return f"s3://{bucket}/{key}.json", hashlib.sha256(body).hexdigest()


def _tell(estate: Estate, report: DriftReport, place: str, digest: str) -> None:
    event = LifeCycleEvent(
        kind=DRIFTED if report.findings else COMPARED,
        scope=ModelScope(unit=report.unit, team="platform", model=ALL_MODELS, environment="shared"),
        actor="platform",
        facts={
            "unit": report.unit,
            "stacks": len(report.stacks),
            "missing": len(report.missing),
            "changed": len(report.drifts),
            "unseen": len(report.unseen),
            "summary": report.summary,
            "findings": [item[:_LONGEST] for item in report.findings[:_TOLD]],
            "report": place,
            "sha256": digest,
        },
    )
    try:
        announce(event, bus_arn=_bus(estate))
    except (BotoCoreError, ClientError, EventError) as error:
        raise LandingZoneError(f"the platform's bus was not told: {error}") from error


def _bus(estate: Estate) -> str:
    organization = estate.organization
    return platform_bus_arn(
        Naming(prefix=organization.prefix),
        build.partition(),
        organization.home_region,
        organization.accounts.shared_services,
    )
