"""A symbolic request: every caller, action, resource and context at once."""

import ipaddress
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import z3

from mlzone_access.conditions import Condition, Qualifier
from mlzone_access.errors import UnencodableError
from mlzone_access.patterns import Variable
from mlzone_access.principals import PrincipalKind
from mlzone_access.prover.caller import ACCOUNT_ID, SymbolicCaller
from mlzone_access.prover.keys import Key, Sort, Value, sort_of
from mlzone_access.prover.text import literal, matches, python_text
from mlzone_access.request import ContextValue, Request

ANY_ACCOUNT = "*"


_ARN = z3.StringVal("arn:aws:")
_TRUE = z3.BoolVal(True)


class SymbolicRequest:
    """All requests of a caller for one action at once."""

    def __init__(
        self, caller: SymbolicCaller, action: str, resource_account: str, keys: Mapping[str, Key]
    ) -> None:
        """Make the terms.

        Args:
            caller: Who asks.
            action: For what.
            resource_account: The resource's owner; empty for the caller's own account,
                `ANY_ACCOUNT` for any.
            keys: The condition keys that matter.
        """
        self.caller = caller
        self.action = action.lower()
        self._spelled = action
        self._owner = resource_account
        self.resource = z3.String("resource")
        self.bucket_abac = z3.Bool("bucket has ABAC")
        self.resource_account = self.caller.account
        self._account_rules: list[z3.BoolRef] = []
        if resource_account == ANY_ACCOUNT:
            self.resource_account = z3.String("resource account")
            self._account_rules.append(z3.InRe(self.resource_account, ACCOUNT_ID))
        elif resource_account:
            self.resource_account = z3.StringVal(resource_account)
        derived = self._derived()
        self.free = {name: key for name, key in keys.items() if name not in derived}
        self._keys = {**self.free, **derived}

    def wellformed(self) -> list[z3.BoolRef]:
        """What holds of every request."""
        rules = [
            *self.caller.rules,
            z3.Or(self.resource == z3.StringVal("*"), z3.PrefixOf(_ARN, self.resource)),
            *self._account_rules,
        ]
        for key in self.free.values():
            rules += key.wellformed()
        if self.caller.kind is PrincipalKind.USER and "aws:username" in self.free:
            rules.append(z3.Not(self.free["aws:username"].absent))
        return rules

    def same_account(self) -> z3.BoolRef:
        """Say that caller and resource are of one account."""
        if self._owner == "":
            return _TRUE
        if self._owner == ANY_ACCOUNT:
            return self.caller.account == self.resource_account
        return self.caller.in_account([self._owner])

    def owned_by(self, account: str) -> z3.BoolRef:
        """Say that the resource is the account's."""
        if self._owner == "":
            return self.caller.in_account([account])
        return self.resource_account == z3.StringVal(account)

    def service_is(self, prefix: str) -> bool:
        """Say whether the action is one of the service's."""
        return self.action.startswith(f"{prefix}:")

    def key(self, name: str) -> Key:
        """Give a key as conditions see it: S3 knows no resource tags without ABAC."""
        key = self._keys[name]
        if not name.startswith("aws:resourcetag/") or not self.service_is("s3"):
            return key
        values = (
            Value(z3.And(value.present, self.bucket_abac), value.term, value.valid, value.v6)
            for value in key.values
        )
        return Key(key.name, key.sort, tuple(values))

    def resolve(self, variable: Variable) -> tuple[z3.BoolRef, z3.SeqRef]:
        """Give whether a policy variable has a value, and the value."""
        key = self.key(variable.key)
        if key.sort is not Sort.TEXT:
            raise UnencodableError(f"the key {key.name} is used as a variable and as {key.sort}")
        if variable.default is None:
            return key.single, key.values[0].term
        default = literal(variable.default)
        return z3.Or(key.single, key.absent), z3.If(key.absent, default, key.values[0].term)

    def holds(self, condition: Condition) -> z3.BoolRef:
        """Say that a condition holds."""
        key, op = self.key(condition.key), condition.operator
        if op.name == "Null":
            cases = {"true": key.absent, "false": z3.Not(key.absent)}
            return z3.Or(*(cases[value] for value in set(condition.values)))
        if key.sort is not sort_of(op.name):
            raise UnencodableError(f"{op.name} does not fit {key.name}, which is {key.sort}")
        tests = [self._test(condition, key.sort, value) for value in key.values]
        wanted = [z3.Not(test) if op.negated else test for test in tests]
        present = [value.present for value in key.values]
        if op.qualifier is Qualifier.ALL:
            every = z3.And(*(z3.Implies(p, w) for p, w in zip(present, wanted, strict=True)))
            if key.sort is not Sort.TEXT:
                raise UnencodableError(f"ForAllValues on {key.name}, whose values are not text")
            return z3.Or(every, z3.And(key.single, key.values[0].term == z3.StringVal("")))
        if op.qualifier is Qualifier.ANY:
            some = z3.Or(*(z3.And(p, w) for p, w in zip(present, wanted, strict=True)))
            return z3.Or(some, key.absent) if op.if_exists else some
        some = z3.Or(*(z3.And(p, t) for p, t in zip(present, tests, strict=True)))
        if op.negated:
            return z3.Not(some)
        return z3.Or(some, key.absent) if op.if_exists else some

    def _test(self, condition: Condition, sort: Sort, value: Value) -> z3.BoolRef:
        name = condition.operator.name
        if condition.patterns:
            compiler = condition.compiler
            return z3.Or(
                *(matches(value.term, p, compiler, self.resolve) for p in condition.patterns)
            )
        if sort is Sort.TEXT:
            return z3.Or(*(z3.InRe(value.term, _any_case(want)) for want in condition.values))
        wanted = [_typed(name, sort, value, want) for want in condition.wanted]
        return z3.And(value.valid, z3.Or(*wanted))

    def _derived(self) -> dict[str, Key]:
        who = self.caller
        found: dict[str, z3.SeqRef] = {
            "aws:resourceaccount": self.resource_account,
            "aws:principalaccount": who.account,
            "aws:principalarn": who.arn,
        }
        if who.given is not None:
            known = Request(principal=who.given, action="x:y").known_values()
            found = {"aws:resourceaccount": self.resource_account} | {
                name: z3.StringVal(values[0])
                for name, values in known.items()
                if name != "aws:resourceaccount"
            }
        else:
            found["aws:principaltype"] = z3.StringVal("AssumedRole")
            found["aws:principalisawsservice"] = z3.StringVal("false")
        return {
            name: Key(name, Sort.TEXT, (Value(_TRUE, term, _TRUE, _TRUE),))
            for name, term in found.items()
        }

    def concrete(self, model: z3.ModelRef) -> Request:
        """Read a request out of a model."""

        def read(term: z3.SeqRef) -> str:
            return python_text(model.eval(term, model_completion=True))

        principal = self.caller.concrete(model)
        context: dict[str, ContextValue] = {}
        for name, key in self.free.items():
            values = key.concrete(model)
            if values:
                context[name] = values[0] if len(values) == 1 else values
        return Request(
            principal=principal,
            action=self._spelled,
            resource=read(self.resource),
            resource_account=read(self.resource_account) if self._owner else principal.account,
            context=context,
            bucket_abac=z3.is_true(model.eval(self.bucket_abac, model_completion=True)),
        )


def _any_case(word: str) -> z3.ReRef:
    return z3.Concat(*(z3.Union(z3.Re(c), z3.Re(c.upper())) for c in word.lower()))


def _typed(name: str, sort: Sort, value: Value, want: Any) -> z3.BoolRef:
    term = value.term
    if sort is Sort.ADDRESS:
        low, high = int(want.network_address), int(want.broadcast_address)
        is_v6 = isinstance(want, ipaddress.IPv6Network)
        version = value.v6 if is_v6 else z3.Not(value.v6)
        return z3.And(version, term >= low, term <= high)
    if sort is Sort.BYTES:
        return term == z3.StringVal(want.decode("latin-1"))
    bound: Any
    if sort is Sort.NUMBER:
        fraction = Fraction(want)
        bound = z3.Q(fraction.numerator, fraction.denominator)
    else:
        bound = z3.IntVal(round(want.timestamp() * 1_000_000))
    compare = name.removeprefix("Numeric").removeprefix("Date")
    return {
        "Equals": term == bound,
        "LessThan": term < bound,
        "LessThanEquals": term <= bound,
        "GreaterThan": term > bound,
        "GreaterThanEquals": term >= bound,
    }[compare]
