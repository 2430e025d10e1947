"""Weakens the guardrails one by one, and asks whether a theorem or a row of the matrix notices.

A mutant is one statement with a part dropped, narrowed, spared or turned round. One that nobody
notices is either a guardrail that nothing asks for, or a theorem that is missing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlzone.theorem.guardrails import Edit, Guardrails, Statement
from mlzone.theorem.matrix import outcomes
from mlzone.theorem.proving import THEOREMS
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import Policy
from mlzone_access.policy import Statement as ParsedStatement
from mlzone_access.prover import Status, prove

_NARROWED = "arn:aws:none:::nothing"
_FEWER_ACTIONS = ("without ", "sparing sagemaker")
_SPARED_OBJECTS = "arn:aws:s3:::*/spared/*"
_SPARED_ROLE = "arn:aws:iam::*:role/*any*"


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A statement of the guardrails, weakened or overdone."""

    policy: str
    sid: str
    what: str
    """What was done to it."""
    change: Callable[[Statement], Statement | None]
    narrower: bool = True
    """Whether the statement still covers the same actions, or none; else it lost one of them."""

    @property
    def id(self) -> str:
        """Name the mutant for people."""
        return f"{self.policy}/{self.sid}: {self.what}"

    def of(self, guardrails: Guardrails) -> Guardrails:
        """Return the guardrails with this change."""
        edit = Edit(policy=self.policy, sid=self.sid, change=self.change)
        return Guardrails(guardrails.estate, (*guardrails.edits, edit))


SURVIVORS: Mapping[str, str] = {
    "model-life-cycle/ValidatorsSignThemselves: sagemaker:CustomerMetadataProperties/validation "
    "also ${aws:SourceIdentity} *-other": "what it spares begins with the own name and is spared "
    "already",
    "perimeter/LookersOnlyLook: sparing arn:aws:s3:::*/spared/*": "what is taken is a role, and no "
    "object is one",
    "team-data/PeopleUseTheLanding: sparing a role": "the statement names the roles of people, of "
    "which it spares none",
}
"""Mutants that nobody notices, each with the reason why that is right."""


def mutants(guardrails: Guardrails) -> Iterator[Mutant]:
    """Yield every mutant of every forbidding statement."""
    for policy, statement in guardrails.statements():
        sid = statement["Sid"]
        for what, change in _changes(statement):
            yield Mutant(
                policy=policy,
                sid=sid,
                what=what,
                change=change,
                narrower=not what.startswith(_FEWER_ACTIONS),
            )


Change = Callable[[Statement], Statement | None]


def _changes(statement: Statement) -> Iterator[tuple[str, Change]]:
    yield "dropped", lambda _: None
    actions = _listed(statement.get("Action"))
    for action in actions if len(actions) > 1 else ():
        yield f"without {action}", _without("Action", action)
    if "NotAction" in statement:
        yield "sparing sagemaker:*", _adding("NotAction", "sagemaker:*")
    found = _listed(statement.get("Resource"))
    for resource in found if len(found) > 1 else ():
        yield f"not on {resource}", _without_resource(found.index(resource))
    if "NotResource" in statement:
        yield f"sparing {_SPARED_OBJECTS}", _adding("NotResource", _SPARED_OBJECTS)
    yield "on nothing", _on_nothing
    if "ArnNotLike" not in statement.get("Condition", {}):
        yield "sparing a role", _sparing
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield f"whatever {key}", _whatever(operator, key)
            yield from _values(operator, key, _listed(values))


def _values(operator: str, key: str, values: Sequence[str]) -> Iterator[tuple[str, Change]]:
    if operator.startswith("Null") or "Bool" in operator:
        turned = "false" if values[0] == "true" else "true"
        yield f"{key} turned to {turned}", _set(operator, key, [turned])
    elif operator.startswith("Numeric"):
        yield f"{key} ten times as high", _set(operator, key, [str(int(values[0]) * 10)])
    elif "Not" in operator:
        spared = _SPARED_ROLE if "PrincipalArn" in key else f"{values[0]}-other"
        yield f"{key} also {spared}", _also(operator, key, spared)
    elif len(values) > 1:
        for place, value in enumerate(values):
            yield f"{key} not {value}", _leaving_out(operator, key, place)


def _listed(value: Any) -> list[str]:
    if value is None:
        return []
    return [value] if isinstance(value, str) else list(value)


def _without(element: str, value: str) -> Change:
    return lambda given: {
        **given,
        element: [item for item in _listed(given[element]) if item != value],
    }


def _without_resource(place: int) -> Change:
    return lambda given: {
        **given,
        "Resource": [
            item for index, item in enumerate(_listed(given["Resource"])) if index != place
        ],
    }


def _adding(element: str, value: str) -> Change:
    return lambda given: {**given, element: [*_listed(given[element]), value]}


def _set(operator: str, key: str, values: list[str]) -> Change:
    def change(given: Statement) -> Statement:
        condition = {name: dict(keys) for name, keys in given["Condition"].items()}
        condition[operator][key] = values
        return {**given, "Condition": condition}

    return change


def _also(operator: str, key: str, value: str) -> Change:
    return lambda given: _set(operator, key, [*_listed(given["Condition"][operator][key]), value])(
        given
    )


def _leaving_out(operator: str, key: str, place: int) -> Change:
    """Leave out the value at a place: those of two teams differ, their places do not."""

    def change(given: Statement) -> Statement | None:
        values = _listed(given["Condition"][operator][key])
        return _set(operator, key, values[:place] + values[place + 1 :])(given)

    return change


def _whatever(operator: str, key: str) -> Change:
    def change(given: Statement) -> Statement:
        condition = {name: dict(keys) for name, keys in given["Condition"].items()}
        del condition[operator][key]
        kept = {name: keys for name, keys in condition.items() if keys}
        return {**{k: v for k, v in given.items() if k != "Condition"},
                **({"Condition": kept} if kept else {})}  # fmt: skip

    return change


def _on_nothing(given: Statement) -> Statement:
    kept = {key: value for key, value in given.items() if key != "NotResource"}
    return {**kept, "Resource": _NARROWED}


def _sparing(given: Statement) -> Statement:
    """Spare some roles of the platform."""
    spared = {"ArnNotLike": {"aws:PrincipalArn": _SPARED_ROLE}}
    return {**given, "Condition": {**given.get("Condition", {}), **spared}}


def notices(guardrails: Guardrails, mutant: Mutant) -> str:
    """Return which row or theorem fails with a mutant; empty if none does."""
    for outcome in outcomes(mutant.of(guardrails)):
        if not outcome.holds:
            return str(outcome.row)
    return refutes(guardrails, mutant)


def refutes(guardrails: Guardrails, mutant: Mutant) -> str:
    """Return which theorem fails with a mutant; empty if none does.

    The theorems hold without the mutant, so that only actions of its statement are looked at.
    """
    changed = mutant.of(guardrails)
    before, after = _coverage(guardrails, mutant), _coverage(changed, mutant)

    def touched(action: str) -> bool:
        return before(action) if mutant.narrower else before(action) != after(action)

    for theorem in about(guardrails, mutant):
        for case in theorem.cases(changed):
            proof = prove(case, actions=touched, doubtful=True)
            if proof.status is Status.REFUTED:
                return theorem.id
    return ""


def _coverage(guardrails: Guardrails, mutant: Mutant) -> Callable[[str], bool]:
    """Return whether the mutant's statement covers an action."""
    statement = _statement(guardrails, mutant)
    if statement is None:
        return lambda _: False
    return statement.covers_action


def _statement(guardrails: Guardrails, mutant: Mutant) -> ParsedStatement | None:
    found = next(
        item
        for name, item in guardrails.statements()
        if (name, item["Sid"]) == (mutant.policy, mutant.sid)
    )
    changed: Statement | None = found
    for edit in guardrails.edits:
        if changed is not None and (edit.policy, edit.sid) == (mutant.policy, mutant.sid):
            changed = edit.change(changed)
    if changed is None:
        return None
    document = {"Version": "2012-10-17", "Statement": [changed]}
    return Policy.parse(document, name=mutant.policy).statements[0]


def about(guardrails: Guardrails, mutant: Mutant) -> Iterator[EstateTheorem]:
    """Yield the theorems that speak of an action of a mutant's statement."""
    parsed = _statement(guardrails, mutant)
    for theorem in THEOREMS:
        claimed = (
            action
            for case in theorem.cases(guardrails)
            for action in case.forbidden.statement.action_patterns
        )
        if parsed and (
            parsed.not_action or any(_overlap(action, parsed.action_patterns) for action in claimed)
        ):
            yield theorem


def _overlap(pattern: str, others: Sequence[str]) -> bool:
    """Say whether patterns may have an action in common, judged by what stands before a star."""
    mine = pattern.partition("*")[0]
    theirs = (other.partition("*")[0] for other in others)
    return any(mine.startswith(other) or other.startswith(mine) for other in theirs)
