"""Sets the stack policies that the CDK knows nothing of, and lifts them under an allowance."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlzone.plan import Effect, ResourceChange, Template
from mlzone.stack_policy import KEPT_TYPES, stack_policy
from mlzone_tools.services.deployed import template_of

ClientOf = Callable[[str, str], Any]
"""Returns a client of CloudFormation in an account and a Region."""

_GOES = (Effect.DELETED, Effect.REPLACED, Effect.KEPT)
_ALLOW_ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


@contextmanager
def lifted(
    changes: Iterable[ResourceChange], before: Mapping[str, Template], client_of: ClientOf
) -> Iterator[None]:
    """Let the stacks' policies make way for changes that are allowed, while something deploys.

    Whatever comes of the deployment, the policies are whole again afterwards.

    Args:
        changes: what the deployment does; nothing among them needs an allowance and lacks it.
        before: the deployed stacks, by name.
        client_of: gives a client.
    """
    going: dict[str, set[str]] = {}
    for change in changes:
        if change.effect in _GOES and change.type in KEPT_TYPES and change.stack in before:
            going.setdefault(change.stack, set()).add(change.logical_id)
    for stack, names in sorted(going.items()):
        policy = stack_policy(before[stack].content, lifted=names)
        _set(client_of(before[stack].account, before[stack].region), stack, policy)
    try:
        yield
    finally:
        protect((before[stack].place for stack in sorted(going)), client_of)


def protect(stacks: Iterable[tuple[str, str, str]], client_of: ClientOf) -> None:
    """Give each stack the policy of the template that it has now.

    Args:
        stacks: their names, each with its account and Region.
        client_of: gives a client.
    """
    clients: dict[tuple[str, str], Any] = {}
    for stack, *place in stacks:
        account, region = place
        if (account, region) not in clients:
            clients[account, region] = client_of(account, region)
        client = clients[account, region]
        _set(client, stack, stack_policy(template_of(client, stack)))


def _set(client: Any, stack: str, policy: dict[str, Any] | None) -> None:
    there = client.get_stack_policy(StackName=stack).get("StackPolicyBody")
    if policy is None and not there:
        return
    # A policy cannot be taken away; one that allows everything is the same as none.
    body = json.dumps(policy or {"Statement": [_ALLOW_ALL]}, separators=(",", ":"))
    if there != body:
        client.set_stack_policy(StackName=stack, StackPolicyBody=body)
