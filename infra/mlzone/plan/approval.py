"""Who must approve a change, and why: by what is at stake."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mlzone.access import AccessDifference, ChangeKind
from mlzone.estate import Estate
from mlzone.plan.allowance import loses_data
from mlzone.plan.change import (
    Approval,
    CostChange,
    EstateChange,
    FindingChange,
    QuotaExcess,
    ResourceChange,
    Verb,
)

if TYPE_CHECKING:
    from mlzone.plan.plan import Changes

OWNER, PLATFORM, SECURITY, RISK, FINOPS = (
    "owner",
    "platform administrator",
    "security officer",
    "risk officer",
    "finops",
)
LEAST_RISE_USD = 100
"""A monthly cost that rises by less is the owner's own business."""
_SECURITY_FIELDS = ("guardrails", "identity", "allowed_regions", "environments", "accounts")
_ACCESS_TYPES = ("AWS::IAM::", "AWS::KMS::", "AWS::Organizations::")
"""What decides who may do what, where only templates are known."""
_RISK_FIELDS = ("risk_tier", "thresholds", "monitoring", "purpose", "retraining")


def approvals(base: Estate, head: Estate, changes: "Changes") -> tuple[Approval, ...]:
    """Return who must agree to a change; each reason is one that a person can check."""
    made = _Reasons(base, head)
    for change in changes.estate:
        _of_estate(made, change)
    for resource in changes.resources:
        _of_resource(made, resource)
    _of_access(made, changes.access)
    _of_findings(made, changes.findings)
    _of_cost(made, changes.cost, changes.quotas)
    if changes.code:
        made.add(PLATFORM, "", "the code that makes the templates differs")
    if changes.deployed:
        _of_deployed(made, changes)
    return made.result()


class _Reasons:
    """Collects reasons by role and unit."""

    def __init__(self, base: Estate, head: Estate) -> None:
        self._base, self._head = base, head
        self._found: dict[tuple[str, str], list[str]] = {}

    def add(self, role: str, unit: str, reason: str) -> None:
        reasons = self._found.setdefault((role, unit), [])
        if reason not in reasons:
            reasons.append(reason)

    def units(self) -> set[str]:
        return {unit.name for estate in (self._base, self._head) for unit in estate.units}

    def result(self) -> tuple[Approval, ...]:
        order = (SECURITY, RISK, OWNER, PLATFORM, FINOPS)
        return tuple(
            Approval(
                role=f"{role} of {unit}" if unit else role,
                people=self._people(role, unit),
                reasons=tuple(sorted(reasons)),
            )
            for (role, unit), reasons in sorted(
                self._found.items(), key=lambda item: (order.index(item[0][0]), item[0][1])
            )
        )

    def _people(self, role: str, unit: str) -> tuple[str, ...]:
        # Those of the base decide: nobody makes themselves an approver of the same change.
        organization = self._base.organization
        people = organization.people
        if role == SECURITY:
            return organization.security_officers or people.platform_admins
        if role == PLATFORM:
            return people.platform_admins
        if role == FINOPS:
            return people.finops or people.platform_admins
        for estate in (self._base, self._head):
            for item in estate.units:
                if item.name == unit:
                    return (item.owner,) if role == OWNER else item.approvers
        return people.platform_admins


def _unit_of(change: EstateChange, units: Iterable[str]) -> str:
    first = change.subject.partition("/")[0]
    return first if change.kind not in ("organization", "person") and first in units else ""


def _of_estate(made: _Reasons, change: EstateChange) -> None:
    what = f"{change.kind} {change.subject} {change.verb.value}"
    if change.field:
        what += f": {change.field}"
    if change.kind == "person":
        _of_person(made, change, what)
        return
    unit = _unit_of(change, made.units())
    made.add(OWNER if unit else PLATFORM, unit, what)
    head = change.field.partition(".")[0]
    if change.kind == "business unit" and change.verb in (Verb.ADDED, Verb.RENAMED, Verb.REMOVED):
        made.add(PLATFORM, "", what)
        made.add(SECURITY, "", what)
    if change.kind in ("organization", "business unit") and head in _SECURITY_FIELDS:
        made.add(SECURITY, "", what)
    if change.kind == "data zone":
        made.add(SECURITY, "", what)
    if change.kind == "model" and (not change.field or head in _RISK_FIELDS):
        made.add(RISK, unit, what)
    if head == "budget":
        made.add(FINOPS, "", f"{what}: {change.before} to {change.after}")


def _of_person(made: _Reasons, change: EstateChange, what: str) -> None:
    duties = f"{change.before}, {change.after}"
    for unit in sorted(made.units()):
        if re.search(rf" of {re.escape(unit)}\b(?!-)", duties):
            made.add(OWNER, unit, what)
    if "of the organization" in duties:
        made.add(PLATFORM, "", what)
    if "model-approver" in duties:
        made.add(SECURITY, "", f"{what}: who approves models changes")


def _of_resource(made: _Reasons, change: ResourceChange) -> None:
    if not loses_data(change):
        return
    unit = _unit_of_stack(made, change.stack)
    made.add(OWNER if unit else PLATFORM, unit, f"{change.stack} loses data")


def _of_deployed(made: _Reasons, changes: "Changes") -> None:
    """Ask where nobody knows which change of the estate it was: by what the stacks show."""
    for stack in changes.stacks:
        unit = _unit_of_stack(made, stack.stack)
        made.add(OWNER if unit else PLATFORM, unit, f"{stack.stack} is {stack.verb.value}")
    for change in changes.resources:
        if change.type.startswith(_ACCESS_TYPES):
            made.add(SECURITY, "", f"{change.type} of {change.stack} is {change.effect.value}")


def _unit_of_stack(made: _Reasons, stack: str) -> str:
    """Return the unit in a stack's name, the longest that fits; empty for the organization's."""
    found = sorted((unit for unit in made.units() if f"-{unit}-" in stack), key=len)
    return found[-1] if found else ""


def _of_access(made: _Reasons, access: AccessDifference) -> None:
    for change in access.gained:
        if change.kind is ChangeKind.GUARDRAIL:
            made.add(SECURITY, "", f"a guardrail is looser: {change.subject}")
        elif change.kind is ChangeKind.ROLE:
            made.add(SECURITY, "", f"role {change.subject} can do more")
        elif change.kind is ChangeKind.RESOURCE:
            made.add(SECURITY, "", f"the policy of {change.subject} lets more in")
        elif change.kind is ChangeKind.SYSTEM:
            made.add(SECURITY, "", f"a system gets in: {change.subject} for {change.what}")


def _of_findings(made: _Reasons, findings: Iterable[FindingChange]) -> None:
    for change in findings:
        if change.verb is Verb.REMOVED and change.what == "finding":
            continue
        made.add(SECURITY, "", f"{change.what} {change.verb.value}: {change.rule}")


def _of_cost(made: _Reasons, cost: CostChange, quotas: tuple[QuotaExcess, ...]) -> None:
    rise = cost.after - cost.before
    if rise >= LEAST_RISE_USD:
        made.add(FINOPS, "", f"the monthly cost rises by {rise:,.0f} USD")
    if any(line.problem for line in cost.lines):
        made.add(FINOPS, "", "a price is missing: the cost of this change is not known")
    for quota in quotas:
        made.add(PLATFORM, "", f"quota to raise in {quota.account}: {quota.quota}")
