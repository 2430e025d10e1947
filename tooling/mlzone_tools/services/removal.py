"""Removes stacks; says what is kept, because it holds data or evidence.

A unit goes with the real `cdk destroy`. What goes by a plan is not in the estate any more, so that
the CDK could not make it: those stacks are deleted as CloudFormation knows them.
"""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import DeploymentError
from mlzone.estate import Estate, Stage
from mlzone.planning import PlannedStack, StackKind, planned_stacks
from mlzone_tools.cloud import cdk
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session
from mlzone_tools.services import studio
from mlzone_tools.services.deployed import template_of
from mlzone_tools.services.deployment import ASSEMBLY, states
from mlzone_tools.services.leftovers import Kept, retained
from mlzone_tools.services.plan.saved import SavedPlan, require_current
from mlzone_tools.services.synthesis import synthesize

_OF_THE_ORGANIZATION = (StackKind.GUARDRAILS, StackKind.LOG_ARCHIVE, StackKind.PLATFORM)
_LONGEST_SECONDS, _POLL_SECONDS = 3600, 0.5

Place = tuple[str, str, str]
"""A stack's name, account and Region."""


@dataclass(frozen=True, kw_only=True)
class Removal:
    """What a removal takes away, and what it keeps."""

    stacks: tuple[str, ...]
    kept: tuple[Kept, ...]


def plan(endpoint: Endpoint, estate: Estate, unit: str, stage: str | None) -> Removal:
    """Return what removing a unit, or one of its environments, would do; changes nothing.

    Raises:
        ConfigError: there is no such unit.
    """
    there = _deployed(endpoint, estate, unit, stage)
    return _removal(endpoint, estate, [(it.name, it.account, it.region) for it in there])


def planned(endpoint: Endpoint, estate: Estate, saved: SavedPlan) -> Removal:
    """Return what carrying out the removals of a plan would do; changes nothing.

    Raises:
        GovernanceError: the plan is blocked, or not of this estate and code.
    """
    require_current(saved, estate)
    return _removal(endpoint, estate, _there(endpoint, estate, saved.removals))


def _removal(endpoint: Endpoint, estate: Estate, places: Iterable[Place]) -> Removal:
    stacks = tuple(places)
    kept = [
        item
        for stack in stacks
        for item in _kept(account_session(endpoint, estate, stack[1]), stack)
    ]
    return Removal(stacks=tuple(stack for stack, _, _ in stacks), kept=tuple(kept))


def remove_planned(
    endpoint: Endpoint, estate: Estate, saved: SavedPlan, *, talk: Callable[[str], None]
) -> Removal:
    """Remove the stacks that a plan says go, one after the other in its order.

    What people have running in Studio is closed first. A removal that was interrupted is taken up
    by a second run.

    Raises:
        GovernanceError: the plan is blocked, or not of this estate and code; nothing was removed.
        DeploymentError: a stack could not be removed; the others before it are gone.
    """
    removal = planned(endpoint, estate, saved)
    for stack, account, region in _there(endpoint, estate, saved.removals):
        session = account_session(endpoint, estate, account)
        client = session.client("cloudformation", region)
        _unlock(session, (stack, account, region), talk)
        delete(client, stack, talk=talk)
    return removal


def delete(client: Any, stack: str, *, talk: Callable[[str], None]) -> None:
    """Delete a stack that nothing protects any more, and wait for the end.

    Raises:
        DeploymentError: it could not be removed.
    """
    client.delete_stack(StackName=stack)
    _wait(client, stack)
    talk(f"{stack} is removed")


def remove(
    endpoint: Endpoint,
    estate: Estate,
    estate_path: Path,
    unit: str,
    stage: str | None,
    *,
    talk: Callable[[str], None],
) -> Removal:
    """Remove a unit's stacks with the real `cdk destroy`, the dependent ones first.

    Stacks of the organization stay. A removal that was interrupted is taken up by a second run.

    Raises:
        ConfigError: there is no such unit.
        DeploymentError: a stack could not be removed; the others before it are gone.
    """
    removal = plan(endpoint, estate, unit, stage)
    if not removal.stacks:
        return removal
    synthesize(output=ASSEMBLY, estate=estate_path, unit=unit, stage=stage)
    for stack in _deployed(endpoint, estate, unit, stage):
        place = (stack.name, stack.account, stack.region)
        _unlock(account_session(endpoint, estate, stack.account), place, talk)
    session = account_session(endpoint, estate, estate.organization.accounts.shared_services)
    cdk.run(
        ["destroy", *removal.stacks, "--exclusively", "--force", "--app", str(ASSEMBLY)],
        session.variables,
        talk=talk,
    )
    return removal


def _deployed(
    endpoint: Endpoint, estate: Estate, unit: str, stage: str | None
) -> list[PlannedStack]:
    estate.unit(unit)
    there = {item.stack for item in states(endpoint, estate) if item.status != "MISSING"}
    return [
        stack
        for stack in planned_stacks(estate, unit)
        if stack.kind not in _OF_THE_ORGANIZATION
        and stage in (None, stack.stage and Stage(stack.stage).value)
        and stack.name in there
    ]


def _there(endpoint: Endpoint, estate: Estate, places: Iterable[Place]) -> list[Place]:
    """Return those stacks that are still there, in the same order."""
    known: dict[tuple[str, str], set[str]] = {}
    for _, account, region in places:
        if (account, region) not in known:
            client = account_session(endpoint, estate, account).client("cloudformation", region)
            pages = client.get_paginator("describe_stacks").paginate()
            known[account, region] = {it["StackName"] for page in pages for it in page["Stacks"]}
    return [place for place in places if place[0] in known[place[1:]]]


def _unlock(session: Session, stack: Place, talk: Callable[[str], None]) -> None:
    """Take a stack's protection away, and close what its people have running in Studio."""
    name, _, region = stack
    client = session.client("cloudformation", region)
    client.update_termination_protection(StackName=name, EnableTerminationProtection=False)
    pages = client.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [
        (item["ResourceType"], item.get("PhysicalResourceId", ""))
        for page in pages
        for item in page["StackResourceSummaries"]
    ]
    studio.close(session.client("sagemaker", region), resources, talk=talk)


def _wait(client: Any, stack: str) -> None:
    end = time.monotonic() + _LONGEST_SECONDS
    while True:
        try:
            (found,) = client.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if "does not exist" not in str(error):
                raise
            return
        if found["StackStatus"] == "DELETE_COMPLETE":
            return
        if not found["StackStatus"].endswith("_IN_PROGRESS") or time.monotonic() > end:
            raise DeploymentError(
                f"{stack} could not be removed: {found['StackStatus']}: "
                f"{found.get('StackStatusReason', '')}",
                hint="see its events, mend it, and run the same command again",
            )
        time.sleep(_POLL_SECONDS)


def _kept(session: Session, stack: Place) -> list[Kept]:
    name, _, region = stack
    client = session.client("cloudformation", region)
    outliving = {name for name, _ in retained(template_of(client, name))}
    return [
        Kept(stack=name, type=item["ResourceType"], name=item.get("PhysicalResourceId", ""))
        for page in client.get_paginator("list_stack_resources").paginate(StackName=name)
        for item in page["StackResourceSummaries"]
        if item["LogicalResourceId"] in outliving
    ]
