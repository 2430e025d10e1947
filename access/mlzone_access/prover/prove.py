"""Proving a theorem, or finding a request that refutes it."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import z3

from mlzone_access.errors import ProverError
from mlzone_access.evaluation import Policies, evaluate
from mlzone_access.patterns import Tokens, has_variable
from mlzone_access.policy import Policy, Statement
from mlzone_access.prover.actions import action_kinds
from mlzone_access.prover.caller import SymbolicCaller, Values
from mlzone_access.prover.encoding import Encoding
from mlzone_access.prover.keys import keys_of
from mlzone_access.prover.strangers import without_strangers
from mlzone_access.prover.symbolic import ANY_ACCOUNT, SymbolicRequest
from mlzone_access.prover.text import TIMEOUT_SECONDS, solve
from mlzone_access.prover.theorem import Proof, Status, Theorem
from mlzone_access.request import Request

_EVERYTHING = {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}
_QUICK_SECONDS = 1.0
_RESOURCES_TRIED = 2
_SOME_ACCOUNT = "111111111111"
ALLOW_ALL = Policy.parse({"Version": "2012-10-17", "Statement": [_EVERYTHING]}, name="any policy")


def prove(
    theorem: Theorem,
    *,
    timeout: float = TIMEOUT_SECONDS,
    actions: Callable[[str], bool] | None = None,
    doubtful: bool = False,
) -> Proof:
    """Prove a theorem.

    Args:
        theorem: What to prove.
        timeout: Seconds for each of a few attempts.
        actions: Which actions (lower case) to look at, where the others are known to be right.
        doubtful: A counterexample is likely, and sought first where one is easily found.

    Returns:
        The proof, or the counterexample, which the evaluator has confirmed.

    Raises:
        ProverError: A policy cannot be encoded exactly, or evaluator and prover disagree.
    """
    start = time.perf_counter()

    def answer(status: Status, request: Request | None = None) -> Proof:
        return Proof(
            theorem=theorem,
            status=status,
            seconds=time.perf_counter() - start,
            request=request,
            decision=evaluate(request, worst_case(theorem)) if request else None,
        )

    claims = [claim.statement for claim in (*theorem.assumptions, theorem.forbidden)]
    spared = without_strangers(theorem, claims)
    if not doubtful and spared != theorem.policies:
        easier = replace(theorem, policies=spared)
        status, _ = _look(easier, claims, _QUICK_SECONDS, actions, doubtful=False, once=True)
        if status is Status.PROVED:
            return answer(status)
    return answer(*_look(theorem, claims, timeout, actions, doubtful=doubtful))


def _look(
    theorem: Theorem,
    claims: Sequence[Statement],
    timeout: float,
    actions: Callable[[str], bool] | None,
    *,
    doubtful: bool,
    once: bool = False,
) -> tuple[Status, Request | None]:
    """Look for a request that refutes a theorem, action by action.

    Args:
        theorem: What to prove.
        claims: What the requests are like that are looked for.
        timeout: Seconds for each of a few attempts.
        actions: Which actions (lower case) to look at.
        doubtful: A counterexample is likely.
        once: End as unknown as soon as something is not quickly proved.
    """
    statements = tuple(statements_of(theorem.policies))
    unknown = possible = False
    for action in action_kinds(statements, claims):
        if actions is not None and not actions(action.lower()):
            continue
        considered, allowed = _encoded(theorem, action, statements, claims)
        if once:
            verdict, model = solve([*considered.rules, allowed], timeout, seeds=1)
            if verdict != z3.unsat:
                return Status.UNKNOWN, None
        else:
            verdict, model = considered.solve(allowed, timeout=timeout, likely_first=doubtful)
        if verdict == z3.sat and model is not None:
            return Status.REFUTED, _confirmed(theorem, considered.request.concrete(model))
        unknown = unknown or verdict != z3.unsat
        possible = possible or considered.solve(timeout=timeout)[0] != z3.unsat
    if unknown:
        return Status.UNKNOWN, None
    return (Status.PROVED if possible else Status.VACUOUS), None


@dataclass(frozen=True)
class _Considered:
    """The requests that a theorem is about."""

    request: SymbolicRequest
    rules: list[z3.BoolRef]
    likely: list[Values]
    """Callers and resources that are tried first: z3 is slow to invent names that fit patterns."""

    def solve(
        self, *more: z3.BoolRef, timeout: float, likely_first: bool = False
    ) -> tuple[z3.CheckSatResult, z3.ModelRef | None]:
        """Ask for a request.

        That there is none is seldom hard to see; to find one is, unless a likely one will do.
        """
        rules = [*self.rules, *more]
        if more and not likely_first:
            verdict, model = solve(rules, _QUICK_SECONDS, seeds=1)
            if verdict != z3.unknown:
                return verdict, model
        for values in self.likely:
            fixed = [z3.simplify(z3.substitute(rule, *values)) for rule in rules]
            fixed += [term == value for term, value in values]
            verdict, model = solve(fixed, _QUICK_SECONDS, seeds=1)
            if verdict == z3.sat:
                return verdict, model
        return solve(rules, timeout)


def _likely(theorem: Theorem, caller: SymbolicCaller, request: SymbolicRequest) -> list[Values]:
    """Combine likely callers with one resource for each pattern of what is forbidden."""
    claim = theorem.forbidden.statement
    resources = [*theorem.likely_resources, *(["*"] if claim.resources is None else [])]
    if not claim.not_resource:
        resources += [text for tokens in claim.resource_patterns if (text := _example(tokens))]
    return [
        (*values, (request.resource, z3.StringVal(resource)))
        for values in caller.likely(theorem.likely_callers)
        for resource in resources[:_RESOURCES_TRIED]
    ]


def _example(tokens: Tokens) -> str:
    """Give a text that matches a pattern; empty if that depends on the request."""
    if has_variable(tokens):
        return ""
    text = "".join(token if isinstance(token, str) else "any" for token in tokens)
    return text.replace("arn:any:", "arn:aws:", 1).replace(":any:", f":{_SOME_ACCOUNT}:", 1)


def _encoded(
    theorem: Theorem, action: str, statements: Sequence[Statement], claims: Sequence[Statement]
) -> tuple[_Considered, z3.BoolRef]:
    lowered = action.lower()
    relevant = [*(s for s in statements if s.covers_action(lowered)), *claims]
    keys = keys_of(relevant)
    caller = _caller(theorem, relevant, keys)
    request = SymbolicRequest(caller, action, theorem.resource_account, keys)
    encoding = Encoding(request, theorem.policies)
    rules = [*request.wellformed(), *(encoding.covers(claim) for claim in claims)]
    allowed = encoding.allowed(any_identity=theorem.any_identity, any_resource=theorem.any_resource)
    return _Considered(request, rules, _likely(theorem, caller, request)), allowed


def _caller(
    theorem: Theorem, relevant: Sequence[Statement], keys: Collection[str]
) -> SymbolicCaller:
    """Make a caller that varies only where something can tell."""
    elements = [statement.principal for statement in relevant if statement.principal]
    named = any(element.names or element.accounts for element in elements)
    elsewhere = bool(theorem.resource_account or theorem.policies.management_account)
    as_key = bool({"aws:principalaccount", "aws:resourceaccount"} & set(keys))
    return SymbolicCaller(
        theorem.caller,
        varies=named or elsewhere or as_key or "aws:principalarn" in keys,
        own_account=as_key or theorem.resource_account == ANY_ACCOUNT,
    )


def worst_case(theorem: Theorem) -> Policies:
    """Give the policies of a theorem with its worst cases filled in, for the evaluator."""
    policies = theorem.policies
    if theorem.any_identity:
        policies = replace(policies, identity=(*policies.identity, ALLOW_ALL))
    if theorem.any_resource:
        existing = policies.resource.statements if policies.resource else ()
        policies = replace(
            policies,
            resource=Policy(
                name="any resource policy", statements=(*existing, *_ALLOW_EVERYONE.statements)
            ),
        )
    return policies


_ALLOW_EVERYONE = Policy.parse(
    {"Version": "2012-10-17", "Statement": [{**_EVERYTHING, "Sid": "Everyone", "Principal": "*"}]},
    name="any resource policy",
)


def statements_of(policies: Policies) -> Iterator[Statement]:
    """Give every statement of every policy."""
    single = (policies.boundary, policies.resource, policies.endpoint)
    levels = (*policies.scps, *policies.rcps, policies.identity, policies.session)
    for policy in (*single, *(policy for level in levels for policy in level)):
        if policy is not None:
            yield from policy.statements


def _confirmed(theorem: Theorem, request: Request) -> Request:
    if not _refutes(theorem, request):
        raise ProverError(
            f"{theorem.name}: the prover found a counterexample that the evaluator does not "
            f"confirm: {request}"
        )
    return request


def _refutes(theorem: Theorem, request: Request) -> bool:
    claims = (*theorem.assumptions, theorem.forbidden)
    return (
        all(claim.holds(request) for claim in claims)
        and evaluate(request, worst_case(theorem)).allowed
    )
