"""How dangerous a change of each field is, and what follows from it: a table."""

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from mlzone.plan.change import Danger, Verb


@dataclass(frozen=True, kw_only=True)
class _FieldRule:
    kind: str
    field: str
    danger: Danger
    note: str = ""
    rising: bool | None = None
    """Only where the value rises (True) or falls (False); in both cases if None."""


_RULES = (
    _FieldRule(
        kind="organization",
        field="prefix",
        danger=Danger.DANGER,
        note="every resource of every account gets another name: all is made anew",
    ),
    _FieldRule(
        kind="organization",
        field="accounts.*",
        danger=Danger.DANGER,
        note="the stacks of the old account stay there until they are removed by hand",
    ),
    _FieldRule(
        kind="organization",
        field="home_region",
        danger=Danger.DANGER,
        note="the platform and every environment without a Region of its own move; data does not",
    ),
    _FieldRule(kind="organization", field="identity.*", danger=Danger.DANGER,
               note="everybody's way in changes; keep a break-glass session open while it deploys"),
    _FieldRule(kind="organization", field="guardrails.*", danger=Danger.CAUTION,
               note="binds every account; read the access that is gained"),
    _FieldRule(kind="organization", field="allowed_regions", danger=Danger.CAUTION,
               note="binds every account"),
    _FieldRule(kind="organization", field="monitoring.engine", danger=Danger.CAUTION,
               note="the monitors of all models are made anew under the other engine"),
    _FieldRule(
        kind="business unit",
        field="environments.*.account",
        danger=Danger.DANGER,
        note="everything is made anew in the other account; the old account keeps its stacks and "
        "data until they are removed there",
    ),
    _FieldRule(
        kind="business unit",
        field="environments.*.region",
        danger=Danger.DANGER,
        note="everything is made anew in the other Region; data is not moved",
    ),
    _FieldRule(
        kind="business unit",
        field="environments.*.network.*",
        danger=Danger.DANGER,
        note="subnets are replaced, and with them Studio domains, applications and endpoints that "
        "stand in them; save open work first",
    ),
    _FieldRule(kind="business unit", field="owner", danger=Danger.CAUTION,
               note="another person answers for the unit"),
    _FieldRule(kind="team", field="budget.monthly_usd", danger=Danger.CAUTION, rising=True),
    _FieldRule(kind="data zone", field="classification", danger=Danger.CAUTION,
               note="the tags that say how sensitive the team's data is change"),
    _FieldRule(kind="data zone", field="retention_days", danger=Danger.DANGER, rising=False,
               note="objects older than that are deleted as soon as it is deployed"),
    _FieldRule(kind="feature group", field="*", danger=Danger.DANGER,
               note="SageMaker cannot change a feature group; it is replaced and its store begins "
               "empty"),
    _FieldRule(kind="model", field="risk_tier", danger=Danger.DANGER, rising=True,
               note="a less material tier asks for less: approvals, capture, monitors"),
    _FieldRule(kind="model", field="risk_tier", danger=Danger.CAUTION, rising=False,
               note="a more material tier asks for more: approvals, capture, monitors"),
    _FieldRule(kind="model", field="thresholds.min_auc", danger=Danger.CAUTION, rising=False,
               note="weaker versions can be registered"),
    _FieldRule(kind="model", field="thresholds.max_disparate_impact_gap", danger=Danger.CAUTION,
               rising=True, note="less fair versions can be registered"),
    _FieldRule(kind="model", field="monitoring.max_psi", danger=Danger.CAUTION, rising=True,
               note="larger drift passes unseen"),
    _FieldRule(kind="model", field="serving.instance_type", danger=Danger.CAUTION,
               note="the endpoint moves to new instances at its next release"),
    _FieldRule(kind="model", field="serving.trial*", danger=Danger.CAUTION,
               note="releases to production are tried in another way, or no longer"),
    _FieldRule(kind="model", field="serving.min_instances", danger=Danger.CAUTION, rising=False,
               note="less room for a failed instance"),
)  # fmt: skip

_REMOVED = {
    "business unit": "apps, spaces, profiles, domain and file system go first, then endpoints, "
    "teams, at last the network; buckets, keys and evidence are kept in its accounts",
    "team": "apps, spaces, profiles, domain and file system go in this order; the data bucket, its "
    "key and the evidence of its models are kept",
    "model": "its endpoints stop answering as soon as this is deployed; versions, captured data "
    "and evidence are kept",
    "person": "their Studio profile and its private space are deleted; what is not committed or in "
    "the team's bucket is lost",
    "data zone": "its prefix stays in the bucket, without a Glue database and without an owner",
    "feature group": "its online store is lost; the offline store stays in the bucket",
}


def danger_of(kind: str, field: str, before: Any, after: Any) -> Danger:
    """Return how dangerous it is that a field changes from one value to another."""
    rule = _rule(kind, field, before, after)
    return rule.danger if rule else Danger.NOTE


def note_of(kind: str, field: str, verb: Verb, before: Any = None, after: Any = None) -> str:
    """Return what follows from a change, and what to do; empty if nothing is special."""
    if verb is Verb.REMOVED:
        return _REMOVED.get(kind, "")
    rule = _rule(kind, field, before, after)
    return rule.note if rule else ""


def _rule(kind: str, field: str, before: Any, after: Any) -> _FieldRule | None:
    for rule in _RULES:
        if rule.kind == kind and fnmatchcase(field, rule.field):
            rises = _rises(before, after)
            if rule.rising is None or rule.rising is rises:
                return rule
    return None


def _rises(before: Any, after: Any) -> bool | None:
    if isinstance(before, int | float) and isinstance(after, int | float):
        return after > before
    return None
