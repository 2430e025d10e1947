"""One concrete request, decided by the prover's encoding: must agree with the evaluator."""

from fractions import Fraction

import z3

from mlzone_access.conditions import read_bytes, read_date, read_network, read_number
from mlzone_access.evaluation import Policies
from mlzone_access.prover.caller import SymbolicCaller
from mlzone_access.prover.encoding import Encoding
from mlzone_access.prover.keys import Key, Sort, Value, keys_of
from mlzone_access.prover.prove import statements_of
from mlzone_access.prover.symbolic import SymbolicRequest
from mlzone_access.prover.text import literal
from mlzone_access.request import Request


def encoded_decision(request: Request, policies: Policies) -> bool:
    """Decide a request by solving the encoding with everything fixed to the request's values.

    Raises:
        UnencodableError: The policies have no exact encoding.
    """
    given = {
        name.lower(): (value,) if isinstance(value, str) else value
        for name, value in request.context.items()
    }
    most = max(map(len, given.values()), default=1)
    keys = keys_of(list(statements_of(policies)), at_least=most)
    caller = SymbolicCaller(request.principal, varies=True, own_account=True)
    symbolic = SymbolicRequest(caller, request.action, request.resource_account, keys)
    allowed = Encoding(symbolic, policies).allowed(any_identity=False, any_resource=False)
    solver = z3.Solver()
    solver.add(
        allowed,
        symbolic.resource == literal(request.resource),
        symbolic.bucket_abac == z3.BoolVal(request.bucket_abac),
    )
    for name, key in symbolic.free.items():
        solver.add(*_fixed(key, given.get(name, request.known_values().get(name, ()))))
    return bool(solver.check() == z3.sat)


def _fixed(key: Key, texts: tuple[str, ...]) -> list[z3.BoolRef]:
    rules = [z3.Not(value.present) for value in key.values[len(texts) :]]
    for value, text in zip(key.values, texts, strict=False):
        rules += [value.present, *_equal(key.sort, value, text)]
    return rules


def _equal(sort: Sort, value: Value, text: str) -> list[z3.BoolRef]:
    if sort is Sort.TEXT:
        return [value.term == literal(text)]
    term = _term(sort, text)
    if term is None:
        return [z3.Not(value.valid)]
    rules = [value.valid, value.term == term]
    if sort is Sort.ADDRESS:
        network = read_network(text)
        rules.append(value.v6 == z3.BoolVal(network is not None and network.version != 4))  # noqa: PLR2004
    return rules


def _term(sort: Sort, text: str) -> z3.ExprRef | None:
    if sort is Sort.NUMBER:
        number = read_number(text)
        if number is None:
            return None
        fraction = Fraction(number)
        return z3.Q(fraction.numerator, fraction.denominator)
    if sort is Sort.MOMENT:
        date = read_date(text)
        return None if date is None else z3.IntVal(round(date.timestamp() * 1_000_000))
    if sort is Sort.BYTES:
        raw = read_bytes(text)
        return None if raw is None else literal(raw.decode("latin-1"))
    network = read_network(text)
    return None if network is None else z3.IntVal(int(network.network_address))
