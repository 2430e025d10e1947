"""Which of AWS's quotas an estate needs more of than accounts have by default."""

import functools
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from mlzone.estate import Estate, Stage, team_members
from mlzone.plan.change import QuotaExcess
from mlzone.planning import planned_stacks

_FILE = Path(__file__).with_name("quotas.yaml")

_Need = tuple[str, str, str]
"""Account, Region, and the quota's name."""


@functools.cache
def _quotas() -> dict[str, dict[str, Any]]:
    quotas: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))["quotas"]
    return quotas


def quota_excess(base: Estate, head: Estate) -> tuple[QuotaExcess, ...]:
    """Return the quotas that the head exceeds and of which it needs more than the base."""
    before, after = _needs(base), _needs(head)
    found = []
    for (account, region, name), needed in sorted(after.items()):
        quota = _quotas()[name]
        if needed > quota["limit"] and needed > before[account, region, name]:
            found.append(
                QuotaExcess(
                    account=account,
                    region=region,
                    quota=quota["title"],
                    code=f"{quota['service']}/{quota['code']}",
                    limit=quota["limit"],
                    needed=needed,
                    request="aws service-quotas request-service-quota-increase "
                    f"--service-code {quota['service']} --quota-code {quota['code']} "
                    f"--desired-value {needed} --region {region}",
                )
            )
    return tuple(found)


def _needs(estate: Estate) -> Counter[_Need]:
    needs: Counter[_Need] = Counter()
    for unit in estate.units:
        account, region = unit.environments.dev.account, estate.region(unit, Stage.DEV)
        needs[account, region, "domains"] += len(unit.teams)
        needs[account, region, "profiles"] += sum(
            len(list(team_members(team))) for team in unit.teams
        )
    for stack in planned_stacks(estate):
        needs[stack.account, stack.region, "stacks"] += 1
    return needs
