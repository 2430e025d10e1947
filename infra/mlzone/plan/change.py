"""The words that a plan is made of."""

from dataclasses import dataclass
from enum import StrEnum


class Danger(StrEnum):
    """How much a change can hurt; plans begin with the worst."""

    DANGER = "danger"
    CAUTION = "caution"
    NOTE = "note"

    @property
    def rank(self) -> int:
        """The place in a plan: the worst first."""
        return list(Danger).index(self)


class Verb(StrEnum):
    """What happens to a part of the estate."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    MOVED = "moved"
    RENAMED = "renamed"


@dataclass(frozen=True, kw_only=True)
class EstateChange:
    """One change of the estate, in its own words."""

    danger: Danger
    verb: Verb
    kind: str
    """Such as `team`, `person`, `model` or `environment`."""
    subject: str
    """Such as `retail-banking/credit-risk`."""
    field: str = ""
    """The field, such as `budget.monthly_usd`; empty for the whole."""
    before: str = ""
    after: str = ""
    note: str = ""
    """What follows from it, and what to do."""


class Effect(StrEnum):
    """What an update does to a resource."""

    ADDED = "added"
    CHANGED = "changed"
    REPLACED = "replaced"
    DELETED = "deleted"
    KEPT = "kept"
    """It leaves the stack and goes on existing: it holds data or evidence."""


@dataclass(frozen=True, kw_only=True)
class ResourceChange:
    """What happens to one resource."""

    danger: Danger
    effect: Effect
    stack: str
    type: str
    logical_id: str
    properties: tuple[str, ...] = ()
    """Which properties differ; for a replacement, those that cause it."""
    loss: str = ""
    """What is lost with it; empty where nothing is."""
    allowed: str = ""
    """The ticket of the allowance under which data may be lost."""


@dataclass(frozen=True, kw_only=True)
class FindingChange:
    """A finding of the checks, or a waiver of one."""

    danger: Danger
    what: str
    """`finding` or `waiver`."""
    verb: Verb
    rule: str
    where: str
    """The construct, or the waiver's pattern."""
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class CostLine:
    """One cost that differs; a month in US dollars."""

    scope: str
    """Whose cost: `unit/environment`, a team or a model."""
    item: str
    before: float | None
    after: float | None
    """None where a price is missing; `problem` says which."""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class CostChange:
    """The monthly cost of the estate before and after."""

    before: float
    after: float
    complete: bool
    """Whether every price was known."""
    lines: tuple[CostLine, ...]
    assumptions: tuple[str, ...]
    priced: str
    """The day of the prices, and where they come from."""


@dataclass(frozen=True, kw_only=True)
class QuotaExcess:
    """A quota that the change would exceed."""

    account: str
    region: str
    quota: str
    code: str
    """Service and quota code, for a request; empty where AWS cannot raise it."""
    limit: int
    needed: int
    request: str
    """The command that asks AWS for more, or what to do instead."""


@dataclass(frozen=True, kw_only=True)
class Approval:
    """Somebody who must agree, and why."""

    role: str
    people: tuple[str, ...]
    """Any one of them."""
    reasons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Blocker:
    """Why the change must not be merged as it is."""

    what: str
    fix: str
