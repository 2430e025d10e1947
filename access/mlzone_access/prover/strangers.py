"""Which denials a theorem can do without: fewer of them are sooner seen to suffice."""

from collections.abc import Sequence
from dataclasses import replace

from mlzone_access.evaluation import Policies
from mlzone_access.policy import Effect, Policy, Statement
from mlzone_access.principals import Principal
from mlzone_access.prover.theorem import Theorem

_CALLER = "aws:principalarn"


def without_strangers(theorem: Theorem, claims: Sequence[Statement]) -> Policies:
    """Leave out denials that are not about the callers whom a theorem is about.

    A request that is denied even so is denied by all of the policies, and z3 sees it sooner.
    Where any role may ask, what speaks of roles that the claims do not speak of is left out; where
    the caller is given, all that does not speak of that caller.
    """
    who, policies = theorem.caller, theorem.policies
    spoken_of = {
        value
        for claim in claims
        for condition in claim.conditions
        if condition.key == _CALLER
        for value in condition.values
    }

    def concerned(statement: Statement) -> bool:
        """Tell whether a denial is about the callers."""
        named = [
            condition
            for condition in statement.conditions
            if condition.key == _CALLER and not condition.operator.negated
        ]
        if isinstance(who, Principal):
            here = {_CALLER: (who.arn,)}
            return named != [] and all(condition.holds(here.get) for condition in named)
        return not any(spoken_of.isdisjoint(condition.values) for condition in named)

    def kept(policy: Policy) -> Policy:
        statements = tuple(
            statement
            for statement in policy.statements
            if statement.effect is Effect.ALLOW or concerned(statement)
        )
        whole = len(statements) == len(policy.statements)
        return policy if whole else replace(policy, statements=statements)

    spared = replace(
        policies,
        scps=tuple(tuple(map(kept, level)) for level in policies.scps),
        resource=policies.resource and kept(policies.resource),
    )
    if isinstance(who, Principal) and not any(
        statement.effect is Effect.DENY
        for policy in (*(policy for level in spared.scps for policy in level), spared.resource)
        for statement in (policy.statements if policy else ())
    ):
        return policies
    return spared
