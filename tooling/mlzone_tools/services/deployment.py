"""Deploys and removes business units with the CDK's command line."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_tools.cloud import cdk
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session
from mlzone_tools.services.synthesis import require_clean, synthesize

ASSEMBLY = Path("cdk.out")
_CONCURRENCY = 4


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
    talk: Callable[[str], None],
) -> tuple[str, ...]:
    """Deploy the organization's stacks and a unit's into its accounts; return the stacks.

    Raises:
        GovernanceError: a finding is open; nothing was deployed.
        DeploymentError: a stack failed and was rolled back.
    """
    estate.unit(unit)
    assembly = synthesize(output=ASSEMBLY, estate=estate_path, unit=unit, stage=stage)
    require_clean(assembly)
    talk(f"synthesized {len(assembly.stacks)} stacks in {assembly.seconds} s")
    for state in states(endpoint, estate):
        if state.status == "ROLLBACK_COMPLETE":
            _allow_replacement(endpoint, estate, state)
            talk(f"{state.stack} never came to be; it is made anew")
    session = account_session(endpoint, estate, estate.organization.accounts.shared_services)
    cdk.run(
        [
            "deploy",
            "--all",
            "--app",
            str(ASSEMBLY),
            "--require-approval=never",
            f"--concurrency={_CONCURRENCY}",
            "--progress=events",
        ],
        session.variables,
        talk=talk,
    )
    return assembly.stacks


def states(endpoint: Endpoint, estate: Estate) -> tuple[StackState, ...]:
    """Return every stack that the estate should have, with its status."""
    naming = Naming(prefix=estate.organization.prefix)
    home = estate.organization.home_region
    accounts = estate.organization.accounts
    wanted = [
        (naming.guardrails_stack(), accounts.management, home),
        (naming.platform_stack(), accounts.shared_services, home),
    ]
    for unit in estate.units:
        for stage in Stage:
            account, region = unit.environments[stage].account, estate.region(unit, stage)
            wanted.append((naming.foundation_stack(unit.name, stage), account, region))
            wanted += [
                (naming.team_stack(unit.name, stage, team.name), account, region)
                for team in unit.teams
            ]
    found: dict[tuple[str, str], dict[str, str]] = {}
    for account, region in {(account, region) for _, account, region in wanted}:
        found[account, region] = _stacks(account_session(endpoint, estate, account), region)
    return tuple(
        StackState(
            stack=name,
            account=account,
            region=region,
            status=found[account, region].get(name, "MISSING"),
        )
        for name, account, region in wanted
    )


def _allow_replacement(endpoint: Endpoint, estate: Estate, state: StackState) -> None:
    """Let the CDK remove a stack whose first creation failed: it was protected before it was made.

    Such a stack holds nothing; AWS protects it all the same.
    """
    session = account_session(endpoint, estate, state.account)
    _client(session, state.region).update_termination_protection(
        StackName=state.stack, EnableTerminationProtection=False
    )


def _client(session: Session, region: str) -> Any:
    return boto3.client(
        "cloudformation",
        region_name=region,
        endpoint_url=session.variables["AWS_ENDPOINT_URL"],
        aws_access_key_id=session.variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=session.variables["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=session.variables["AWS_SESSION_TOKEN"] or None,
    )


def _stacks(session: Session, region: str) -> dict[str, str]:
    client = _client(session, region)
    try:
        pages = client.get_paginator("describe_stacks").paginate()
        return {
            stack["StackName"]: stack["StackStatus"] for page in pages for stack in page["Stacks"]
        }
    except ClientError as error:
        raise ConfigError(f"account {session.account} cannot be read: {error}") from error
