"""The search for a way from a person to an administrator, or to another team (IAM-04)."""

from collections.abc import Iterator
from dataclasses import dataclass

from mlzone.access.reach import Reach, Step
from mlzone.access.role import Role
from mlzone.persona import PERSONAS, Scope

_ADMINISTRATION = ("iam:CreateRole", "iam:PutRolePolicy", "iam:AttachRolePolicy",
                   "organizations:UpdatePolicy", "iam:UpdateAssumeRolePolicy")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Escalation:
    """A way for a person to more than is theirs."""

    person: str
    """The role of the person."""
    reached: str
    """The role at the end of the way."""
    why: str
    """What is wrong with reaching it."""
    steps: tuple[Step, ...]


def escalations(reach: Reach) -> Iterator[Escalation]:
    """Yield every way by which a person gets to decide what runs in a role that is not theirs."""
    administrators = {
        role.arn
        for role in reach.roles.values()
        if any(reach.can(role, action) for action in _ADMINISTRATION)
    }
    for role in reach.roles.values():
        if role.persona is None:
            continue
        for arn, steps in reach.paths(role, over=lambda step: step.control).items():
            why = _wrong(role, reach.roles[arn], administrators)
            if why:
                yield Escalation(person=role.arn, reached=arn, why=why, steps=steps)


def _wrong(person: Role, reached: Role, administrators: set[str]) -> str:
    if reached.arn in administrators:
        return "it administers the account"
    if person.arn == reached.arn or person.persona is None:
        return ""
    if reached.persona is not None:
        return "it is of other people"
    scope = PERSONAS[person.persona].scope
    if scope is Scope.TEAM and (reached.unit, reached.team) != (person.unit, person.team):
        return "it is of another team"
    if scope is not Scope.TEAM:
        return "people who serve several teams run nothing in any"
    return ""
