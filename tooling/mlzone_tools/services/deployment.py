"""Deploys and removes business units with the CDK's command line."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.plan import Effect, ResourceChange, Template
from mlzone.planning import planned_stacks
from mlzone_tools.cloud import cdk
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session
from mlzone_tools.services import deployed, images, leftovers, losses, protection, studio
from mlzone_tools.services.plan.saved import SavedPlan, require_current, require_same
from mlzone_tools.services.synthesis import require_clean, synthesize

ASSEMBLY = Path("cdk.out")
_CONCURRENCY = 12
_NEW = ("MISSING", "ROLLBACK_COMPLETE")


@dataclass(frozen=True, kw_only=True)
class StackState:
    """A stack of the estate in its account."""

    stack: str
    account: str
    region: str
    status: str
    """CloudFormation's status, or `MISSING`."""


def deploy(
    endpoint: Endpoint,
    estate: Estate,
    estate_path: Path,
    unit: str,
    stage: str | None,
    *,
    plan: SavedPlan | None = None,
    talk: Callable[[str], None],
) -> tuple[str, ...]:
    """Deploy the organization's stacks and a unit's into its accounts; return the stacks.

    With a plan, those of its stacks that belong here are deployed, and nothing else. With or
    without one, what is deployed is compared with what would be: no data go without an allowance.
    What holds data is then kept by a stack policy.

    Raises:
        GovernanceError: a finding is open, data would be lost without an allowance, or the plan is
            blocked, or not of what would be deployed; nothing was deployed.
        DeploymentError: a stack failed and was rolled back, or what an earlier deployment has left
            stands in the way.
    """
    estate.unit(unit)
    if plan:
        require_current(plan, estate)
    assembly = synthesize(output=ASSEMBLY, estate=estate_path, unit=unit, stage=stage)
    require_clean(assembly)
    chosen = assembly.stacks
    if plan:
        require_same(plan, estate, ASSEMBLY)
        chosen = tuple(stack for stack in assembly.stacks if stack in plan.stacks)
    talk(f"synthesized {len(assembly.stacks)} stacks in {assembly.seconds} s")
    planned = [stack for stack in planned_stacks(estate, unit) if stack.name in chosen]
    before = deployed.find(endpoint, estate, planned).ours
    changes = losses.require_allowed(estate, before, ASSEMBLY, chosen)
    wanted = [state for state in states(endpoint, estate, unit) if state.stack in chosen]
    leftovers.require_none(
        kept
        for state in wanted
        if state.status in _NEW
        for kept in leftovers.in_the_way(
            account_session(endpoint, estate, state.account),
            state.region,
            state.stack,
            ASSEMBLY / f"{state.stack}.template.json",
        )
    )
    for state in wanted:
        if state.status == "ROLLBACK_COMPLETE":
            _allow_replacement(endpoint, estate, state)
            talk(f"{state.stack} never came to be; it is made anew")
    if not chosen:
        return ()

    def client_of(account: str, region: str) -> Any:
        return account_session(endpoint, estate, account).client("cloudformation", region)

    _close_studio(endpoint, estate, changes, before, talk)
    session = account_session(endpoint, estate, estate.organization.accounts.shared_services)
    with protection.lifted(changes, before, client_of):
        cdk.run(
            [
                "deploy",
                *((*chosen, "--exclusively") if plan else ("--all",)),
                "--app",
                str(ASSEMBLY),
                "--require-approval=never",
                f"--concurrency={_CONCURRENCY}",
                "--progress=events",
            ],
            session.variables,
            talk=talk,
        )
    protection.protect([(item.stack, item.account, item.region) for item in wanted], client_of)
    images.publish(endpoint, estate)
    return chosen


def _close_studio(
    endpoint: Endpoint,
    estate: Estate,
    changes: Iterable[ResourceChange],
    before: Mapping[str, Template],
    talk: Callable[[str], None],
) -> None:
    """Close what people have running whose profile, or the space, goes with this deployment."""
    going: dict[str, list[str]] = {}
    for change in changes:
        if change.effect in (Effect.DELETED, Effect.REPLACED) and change.type in studio.TYPES:
            going.setdefault(change.stack, []).append(change.logical_id)
    for stack, names in going.items():
        session = account_session(endpoint, estate, before[stack].account)
        client = session.client("cloudformation", before[stack].region)
        resources = [
            client.describe_stack_resource(StackName=stack, LogicalResourceId=name)[
                "StackResourceDetail"
            ]
            for name in names
        ]
        studio.close(
            session.client("sagemaker", before[stack].region),
            [(item["ResourceType"], item["PhysicalResourceId"]) for item in resources],
            talk=talk,
        )


def states(endpoint: Endpoint, estate: Estate, unit: str | None = None) -> tuple[StackState, ...]:
    """Return every stack that the estate, or one unit with what it needs, should have.

    Raises:
        ConfigError: there is no such unit.
    """
    wanted = planned_stacks(estate, unit)
    found = {
        place: _stacks(account_session(endpoint, estate, place[0]), place[1])
        for place in sorted({(stack.account, stack.region) for stack in wanted})
    }
    return tuple(
        StackState(
            stack=stack.name,
            account=stack.account,
            region=stack.region,
            status=found[stack.account, stack.region].get(stack.name, "MISSING"),
        )
        for stack in wanted
    )


def _allow_replacement(endpoint: Endpoint, estate: Estate, state: StackState) -> None:
    """Let the CDK remove a stack whose first creation failed: it was protected before it was made.

    Such a stack holds nothing; AWS protects it all the same.
    """
    session = account_session(endpoint, estate, state.account)
    session.client("cloudformation", state.region).update_termination_protection(
        StackName=state.stack, EnableTerminationProtection=False
    )


def _stacks(session: Session, region: str) -> dict[str, str]:
    client = session.client("cloudformation", region)
    try:
        pages = client.get_paginator("describe_stacks").paginate()
        return {
            stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]
        }
    except ClientError as error:
        raise ConfigError(f"account {session.account} cannot be read: {error}") from error
