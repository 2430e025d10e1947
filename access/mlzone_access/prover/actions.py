"""The kinds of actions that a theorem has to look at.

Two actions that fall under the same patterns are treated alike by every policy, so one of each kind
is enough. The catalogue gives real names; z3 then looks for names that are in no catalogue yet and
fall under another combination of patterns, until there is none left.
"""

from collections.abc import Mapping, Sequence

import z3

from mlzone_access import catalogue
from mlzone_access.evaluation import OWN_BUCKET_POLICY, RCP_SERVICES
from mlzone_access.patterns import Match, compile_text, tokenize
from mlzone_access.policy import Statement
from mlzone_access.prover.text import constant_match, python_text, solve

_SPECIAL = frozenset(
    {"s3:*", "kms:*", "sts:assumerole*", "sts:getcalleridentity"}
    | {f"{service}:*" for service in RCP_SERVICES}
    | OWN_BUCKET_POLICY
)
"""What the evaluation itself treats specially."""

_LETTERS = z3.Union(z3.Range("a", "z"), z3.Range("0", "9"))
_SERVICE = z3.Plus(z3.Union(_LETTERS, z3.Re("-")))
_ACTION = z3.Concat(_SERVICE, z3.Re(":"), z3.Plus(_LETTERS))

Signature = frozenset[str]


def action_kinds(
    statements: Sequence[Statement], claims: Sequence[Statement], timeout: float
) -> tuple[str, ...] | None:
    """Give one action of each kind that all claims cover; None if z3 gives up.

    Args:
        statements: The statements of all policies.
        claims: What the actions have to fall under.
        timeout: Seconds for each question to z3.
    """
    patterns = frozenset(
        pattern for statement in (*statements, *claims) for pattern in statement.action_patterns
    )
    matchers = {
        pattern: compile_text(tokenize(pattern, variables=False, wildcards=True))
        for pattern in patterns | _SPECIAL
    }
    kinds: dict[Signature, str] = {}
    for name in catalogue.actions("*"):
        lowered = name.lower()
        if all(claim.covers_action(lowered) for claim in claims):
            signature = frozenset(p for p, match in matchers.items() if match(lowered))
            kinds.setdefault(signature, name)
    return _with_unlisted(kinds, matchers, claims, timeout)


def _with_unlisted(
    kinds: dict[Signature, str],
    matchers: Mapping[str, Match],
    claims: Sequence[Statement],
    timeout: float,
) -> tuple[str, ...] | None:
    action = z3.String("action")
    inside = {
        p: constant_match(action, tokenize(p, variables=False, wildcards=True))
        for p in sorted(matchers)
    }
    rules = [z3.InRe(action, _ACTION)]
    for claim in claims:
        covered = z3.Or(*(inside[p] for p in claim.action_patterns))
        rules.append(z3.Not(covered) if claim.not_action else covered)
    rules += [_other_than(signature, inside) for signature in kinds]
    while True:
        verdict, model = solve(rules, timeout)
        if verdict == z3.unsat:
            return tuple(kinds.values())
        if model is None:
            return None
        name = python_text(model.eval(action, model_completion=True))
        signature = frozenset(p for p, match in matchers.items() if match(name))
        kinds[signature] = name
        rules.append(_other_than(signature, inside))


def _other_than(signature: Signature, inside: dict[str, z3.BoolRef]) -> z3.BoolRef:
    return z3.Or(*(z3.Not(term) if p in signature else term for p, term in inside.items()))
