"""A plan: everything that a change of the estate does, with who must approve it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from mlzone.access import AccessDifference, access_difference, template_access_difference
from mlzone.estate import Estate
from mlzone.plan.allowance import allow, blocked
from mlzone.plan.approval import approvals
from mlzone.plan.change import (
    Approval,
    Blocker,
    CostChange,
    Danger,
    EstateChange,
    FindingChange,
    QuotaExcess,
    ResourceChange,
)
from mlzone.plan.cost import cost_difference
from mlzone.plan.estate_difference import estate_difference
from mlzone.plan.findings import OpenFinding, finding_difference, waiver_difference
from mlzone.plan.quota import quota_excess
from mlzone.plan.resource_difference import Replacing, Template, resource_difference
from mlzone.planning import planned_stacks

FORMAT = 1
"""The version of a saved plan; raised when a reader of before would misread it."""
DEPLOYED = "deployed"
"""How a plan names a base that is what is deployed, and no revision."""


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two revisions that are compared."""

    revision: str
    """The commit, or `working tree`."""
    estate: str
    """Digest of the estate."""
    code: str
    """Digest of the code that makes the templates."""


class StackVerb(StrEnum):
    """What happens to a stack."""

    ADDED = "added"
    CHANGED = "changed"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class StackChange:
    """What happens to one stack."""

    stack: str
    verb: StackVerb
    account: str
    region: str
    digest: str
    """Of its template in the head; empty if it is removed."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What differs between two revisions, before anybody judges it."""

    estate: tuple[EstateChange, ...]
    stacks: tuple[StackChange, ...]
    resources: tuple[ResourceChange, ...]
    access: AccessDifference
    findings: tuple[FindingChange, ...]
    cost: CostChange
    quotas: tuple[QuotaExcess, ...]
    code: bool
    """Whether the code differs."""
    deployed: bool = False
    """Whether the base is what is deployed, of which nobody knows the estate."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a change does; the same two revisions give the same plan."""

    format: int
    day: str
    """The day against which allowances were judged."""
    base: Side
    head: Side
    changed: bool
    blockers: tuple[Blocker, ...]
    approvals: tuple[Approval, ...]
    estate: tuple[EstateChange, ...]
    resources: tuple[ResourceChange, ...]
    access: AccessDifference
    findings: tuple[FindingChange, ...]
    cost: CostChange
    quotas: tuple[QuotaExcess, ...]
    stacks: tuple[StackChange, ...]
    """In the order of deployment."""
    removals: tuple[str, ...]
    """The stacks that go, in the order in which they must."""


@dataclass(frozen=True, kw_only=True)
class Assembly:
    """What synthesizing one side's stacks gave."""

    templates: tuple[Template, ...]
    digests: dict[str, str]
    findings: tuple[OpenFinding, ...]


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What is deployed, as far as an estate's accounts show it."""

    assembly: Assembly
    """Those stacks that the estate has as well."""
    orphans: tuple[Template, ...] = ()
    """Our stacks that the estate does not have any more, in the order in which they must go."""


def plan_over_deployed(
    deployed: Deployed,
    head: tuple[Side, Estate, Assembly],
    *,
    replacing: Replacing,
    today: date,
) -> Plan:
    """Compare what is deployed with what an estate says now; pure.

    Templates say nothing of the estate that they were made from: the plan tells of resources, data,
    access, findings and stacks, and neither of the estate's own words nor of costs.

    Args:
        deployed: what is there.
        head: how the plan names the estate, the estate, and the stacks that are compared.
        replacing: which changes of properties replace a resource.
        today: the day against which allowances are judged.
    """
    side, estate, assembly = head
    base = deployed.assembly
    resources = allow(
        resource_difference((*base.templates, *deployed.orphans), assembly.templates, replacing),
        estate.allowances,
        today,
    )
    removed = tuple(
        StackChange(
            stack=item.stack,
            verb=StackVerb.REMOVED,
            account=item.account,
            region=item.region,
            digest="",
        )
        for item in deployed.orphans
    )
    changes = Changes(
        estate=(),
        stacks=(*_stacks(estate, estate, base, assembly), *removed),
        resources=resources,
        access=template_access_difference(
            estate,
            map(_source, (*base.templates, *deployed.orphans)),
            map(_source, assembly.templates),
        ),
        findings=finding_difference((), assembly.findings),
        cost=cost_difference(estate, estate),
        quotas=quota_excess(estate, estate),
        code=False,
        deployed=True,
    )
    return _judged(
        (Side(revision=DEPLOYED, estate="", code=""), estate),
        (side, estate),
        changes,
        removals=tuple(item.stack for item in deployed.orphans),
        today=today,
    )


def _source(template: Template) -> tuple[str, object, str, str]:
    return template.stack, template.content, template.account, template.region


def make_plan(
    *,
    base: tuple[Side, Estate, Assembly],
    head: tuple[Side, Estate, Assembly],
    replacing: Replacing,
    today: date,
) -> Plan:
    """Compare two revisions; pure.

    Args:
        base: the revision before, its estate, and those of its stacks that can differ.
        head: the revision after, likewise.
        replacing: which changes of properties replace a resource.
        today: the day against which allowances are judged.
    """
    old_side, old, old_assembly = base
    new_side, new, new_assembly = head
    resources = allow(
        resource_difference(old_assembly.templates, new_assembly.templates, replacing),
        new.allowances,
        today,
    )
    changes = Changes(
        estate=estate_difference(old, new),
        stacks=_stacks(old, new, old_assembly, new_assembly),
        resources=resources,
        access=access_difference(old, new),
        findings=(
            *finding_difference(old_assembly.findings, new_assembly.findings),
            *waiver_difference(old, new),
        ),
        cost=cost_difference(old, new),
        quotas=quota_excess(old, new),
        code=old_side.code != new_side.code,
    )
    return _judged(
        (old_side, old), (new_side, new), changes, removals=_removals(old, new), today=today
    )


def _judged(
    base: tuple[Side, Estate],
    head: tuple[Side, Estate],
    changes: Changes,
    *,
    removals: tuple[str, ...],
    today: date,
) -> Plan:
    """Say what of the changes blocks, and who must agree to them."""
    (old_side, old), (new_side, new) = base, head
    changed = bool(
        changes.estate or changes.stacks or changes.findings
        or changes.access.gained or changes.access.lost
    )  # fmt: skip
    return Plan(
        format=FORMAT,
        day=today.isoformat(),
        base=old_side,
        head=new_side,
        changed=changed,
        blockers=(
            *_findings(changes.findings),
            *blocked(changes.resources, new.allowances, today),
        ),
        approvals=approvals(old, new, changes),
        estate=changes.estate,
        resources=changes.resources,
        access=changes.access,
        findings=changes.findings,
        cost=changes.cost,
        quotas=changes.quotas,
        stacks=changes.stacks,
        removals=removals,
    )


def _stacks(old: Estate, new: Estate, before: Assembly, after: Assembly) -> tuple[StackChange, ...]:
    found = []
    planned = {stack.name: stack for stack in (*planned_stacks(new), *planned_stacks(old))}
    for name, stack in planned.items():
        was, now = before.digests.get(name, ""), after.digests.get(name, "")
        if was == now:
            continue
        verb = StackVerb.ADDED if not was else StackVerb.CHANGED if now else StackVerb.REMOVED
        found.append(
            StackChange(
                stack=name, verb=verb, account=stack.account, region=stack.region, digest=now
            )
        )
    return tuple(found)


def _removals(old: Estate, new: Estate) -> tuple[str, ...]:
    """Return the stacks that go, the dependent ones first: the reverse of their deployment."""
    stays = {(stack.name, stack.account, stack.region) for stack in planned_stacks(new)}
    return tuple(
        stack.name
        for stack in reversed(planned_stacks(old))
        if (stack.name, stack.account, stack.region) not in stays
    )


def _findings(findings: Iterable[FindingChange]) -> tuple[Blocker, ...]:
    return tuple(
        Blocker(
            what=f"{item.where}: {item.rule}: {item.text}",
            fix="mend it, or waive it in waivers.yaml with reason, owner, ticket and expiry",
        )
        for item in findings
        if item.what == "finding" and item.danger is Danger.DANGER
    )
