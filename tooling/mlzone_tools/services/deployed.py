"""What is deployed of an estate: the templates of its stacks, read from its accounts."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.plan import Template
from mlzone.planning import PlannedStack, planned_stacks
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import account_session

_PARALLEL = 8
_EMPTY = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_IN_PROGRESS")
"""Stacks in these states hold nothing that a change could lose."""

Place = tuple[str, str]
"""An account and a Region."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found in an estate's accounts."""

    ours: Mapping[str, Template]
    """Deployed stacks of the estate, by name."""
    orphans: tuple[Template, ...]
    """Stacks of ours that the estate does not have, the newest first: what came later may build on
    what came before."""


def find(endpoint: Endpoint, estate: Estate, stacks: Iterable[PlannedStack]) -> Found:
    """Read the templates of deployed stacks, and of what lies beside them under our prefix.

    Accounts that the estate does not name are not looked into.

    Raises:
        ConfigError: an account cannot be read.
    """
    wanted = {(stack.account, stack.region, stack.name) for stack in stacks}
    planned = {(stack.account, stack.region, stack.name) for stack in planned_stacks(estate)}
    prefix = f"{estate.organization.prefix}-"
    places = sorted({(account, region) for account, region, _ in wanted})
    ours: dict[str, Template] = {}
    orphans: list[tuple[Any, Template]] = []
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        for listed in pool.map(lambda place: _read(endpoint, estate, place, prefix), places):
            for created, template in listed:
                place = (template.account, template.region, template.stack)
                if place in wanted:
                    ours[template.stack] = template
                elif place not in planned:
                    orphans.append((created, template))
    orphans.sort(key=lambda item: (item[0], item[1].stack), reverse=True)
    return Found(ours=ours, orphans=tuple(template for _, template in orphans))


def _read(
    endpoint: Endpoint, estate: Estate, place: Place, prefix: str
) -> list[tuple[Any, Template]]:
    account, region = place
    client = account_session(endpoint, estate, account).client("cloudformation", region)
    try:
        return [
            (
                stack["CreationTime"],
                Template(
                    stack=stack["StackName"],
                    account=account,
                    region=region,
                    content=template_of(client, stack["StackName"]),
                ),
            )
            for page in client.get_paginator("describe_stacks").paginate()
            for stack in page["Stacks"]
            if stack["StackName"].startswith(prefix) and stack["StackStatus"] not in _EMPTY
        ]
    except ClientError as error:
        raise ConfigError(f"account {account} cannot be read: {error}") from error


def known(client: Any, place: Place, stacks: Iterable[str]) -> dict[str, Template]:
    """Return the templates of those stacks of one place that are there, by name."""
    found = {}
    for stack in stacks:
        try:
            content = template_of(client, stack)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationError":
                raise
            continue
        found[stack] = Template(stack=stack, account=place[0], region=place[1], content=content)
    return found


def template_of(client: Any, stack: str) -> dict[str, Any]:
    """Return the template of a deployed stack, as it was handed in."""
    body = client.get_template(StackName=stack)["TemplateBody"]
    content: dict[str, Any] = body if isinstance(body, dict) else json.loads(body)
    return content
