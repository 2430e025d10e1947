"""Removes a business unit's stacks; says what is kept, because it holds data or evidence."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlzone.estate import Estate, Stage
from mlzone.planning import PlannedStack, StackKind, planned_stacks
from mlzone_tools.cloud import cdk
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session
from mlzone_tools.services.deployment import ASSEMBLY, states
from mlzone_tools.services.leftovers import Kept, retained
from mlzone_tools.services.synthesis import synthesize

_OF_THE_ORGANIZATION = (StackKind.GUARDRAILS, StackKind.LOG_ARCHIVE, StackKind.PLATFORM)


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
    kept = [
        item
        for stack in there
        for item in _kept(account_session(endpoint, estate, stack.account), stack)
    ]
    return Removal(stacks=tuple(stack.name for stack in there), kept=tuple(kept))


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
        account_session(endpoint, estate, stack.account).client(
            "cloudformation", stack.region
        ).update_termination_protection(StackName=stack.name, EnableTerminationProtection=False)
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


def _kept(session: Session, stack: PlannedStack) -> list[Kept]:
    client = session.client("cloudformation", stack.region)
    body = client.get_template(StackName=stack.name)["TemplateBody"]
    template: dict[str, Any] = body if isinstance(body, dict) else json.loads(body)
    outliving = {name for name, _ in retained(template)}
    return [
        Kept(stack=stack.name, type=item["ResourceType"], name=item.get("PhysicalResourceId", ""))
        for page in client.get_paginator("list_stack_resources").paginate(StackName=stack.name)
        for item in page["StackResourceSummaries"]
        if item["LogicalResourceId"] in outliving
    ]
