"""The caller of a symbolic request: a given principal, or a session of any role.

Only the ARN of a role varies, as one string; its account and the name in its sessions' ARNs are
read off that string by prefix, suffix and regular expression, which z3 decides far faster than
equations between parts of strings.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

import z3

from mlzone_access.principals import Principal, PrincipalKind
from mlzone_access.prover.text import any_of, python_text

_LETTERS = z3.Union(
    z3.Range("A", "Z"), z3.Range("a", "z"), z3.Range("0", "9"), *map(z3.Re, "+=,.@_-")
)
_NAME = z3.Plus(_LETTERS)
_FOLDERS = z3.Star(z3.Concat(_NAME, z3.Re("/")))
_IAM = "arn:aws:iam::"
_DIGITS = 12
ACCOUNT_ID = z3.Loop(z3.Range("0", "9"), _DIGITS, _DIGITS)
_SOME_ACCOUNT = "111111111111"
_SESSION = re.compile(r"arn:aws:sts::(\d{12}):assumed-role/([^/]+)/(.+)")
_ANYTHING = z3.Star(z3.AllChar(z3.ReSort(z3.StringSort())))

Values = tuple[tuple[z3.SeqRef, z3.SeqRef], ...]
"""Terms, each with a constant to try for it."""


@dataclass(frozen=True, kw_only=True)
class AnyRole:
    """A session of any role.

    Attributes:
        account: The role's account; any if not given.
        service_linked: Service-linked roles, which SCPs do not bind, are among them.
    """

    account: str = ""
    service_linked: bool = False


class SymbolicCaller:
    """The caller as z3 terms and questions."""

    def __init__(self, caller: Principal | AnyRole, *, varies: bool, own_account: bool) -> None:
        """Take over a given principal, or make any role.

        Args:
            caller: Who asks.
            varies: Something looks at the role's ARN or account; otherwise any role stands for all.
            own_account: Something needs the account as a term of its own, not only compared.
        """
        self.given = caller if isinstance(caller, Principal) else None
        self.rules: list[z3.BoolRef] = []
        text = z3.StringVal
        self.kind = PrincipalKind.ROLE
        self.service_linked = z3.BoolVal(False)
        if isinstance(caller, Principal):
            self.kind = caller.kind
            self.arn, self.account = text(caller.arn), text(caller.account)
            self.service_linked = z3.BoolVal(caller.service_linked)
            return
        account = self._account = caller.account or _SOME_ACCOUNT
        self.arn, self.account = text(f"{_IAM}{account}:role/mlzone/any"), text(account)
        self._session = z3.String("session name")
        if varies or caller.service_linked:
            self._vary(caller, own_account=own_account)

    def _vary(self, caller: AnyRole, *, own_account: bool) -> None:
        account = z3.Re(caller.account) if caller.account else ACCOUNT_ID
        head = (z3.Re(_IAM), account, z3.Re(":role/"))
        self.arn = z3.String("role ARN")
        if not caller.account and own_account:
            self.account = z3.String("account")
            self.rules.append(self.account == z3.SubString(self.arn, len(_IAM), _DIGITS))
        self.rules += [z3.InRe(self.arn, z3.Concat(*head, _FOLDERS, _NAME))]
        self.rules += [z3.InRe(self._session, _NAME)]
        linked = z3.InRe(self.arn, z3.Concat(*head, z3.Re("aws-service-role/"), _ANYTHING))
        if caller.service_linked:
            self.service_linked = linked
        else:
            self.rules.append(z3.Not(linked))

    def likely(self, arns: Collection[str]) -> list[Values]:
        """Give the roles of these ARNs, and a plain one, as values of what varies."""
        if self.given is not None or z3.is_string_value(self.arn):
            return [()]
        plain = f"{_IAM}{self._account}:role/mlzone/any"
        session = (self._session, z3.StringVal("any"))
        return [((self.arn, z3.StringVal(arn)), session) for arn in (*arns, plain)]

    def in_account(self, accounts: Collection[str]) -> z3.BoolRef:
        """Say that the caller is of one of the accounts."""
        if self.given is not None:
            return z3.BoolVal(self.given.account in accounts)
        return any_of(
            [z3.PrefixOf(z3.StringVal(f"{_IAM}{a}:"), self.arn) for a in sorted(accounts) if a]
        )

    def is_entity(self, names: Collection[str]) -> z3.BoolRef:
        """Say that one of the names is the role (or user) itself."""
        if self.given is not None:
            return z3.BoolVal(bool({self.given.arn, self.given.unique_id} & set(names)))
        return any_of([self.arn == z3.StringVal(name) for name in sorted(names)])

    def is_session(self, names: Collection[str]) -> z3.BoolRef:
        """Say that one of the names is the caller's session."""
        if self.given is not None:
            return z3.BoolVal(self.given.session_arn in names)
        cases = []
        for name in sorted(names):
            found = _SESSION.fullmatch(name)
            if found:
                account, role, session = found.groups()
                cases.append(
                    z3.And(
                        z3.PrefixOf(z3.StringVal(f"{_IAM}{account}:role/"), self.arn),
                        z3.SuffixOf(z3.StringVal(f"/{role}"), self.arn),
                        self._session == z3.StringVal(session),
                    )
                )
        return any_of(cases)

    def concrete(self, model: z3.ModelRef) -> Principal:
        """Read the caller out of a model."""
        if self.given is not None:
            return self.given
        arn = python_text(model.eval(self.arn, model_completion=True))
        account = arn.removeprefix(_IAM)[:_DIGITS]
        name = arn.rpartition("/")[2]
        session = python_text(model.eval(self._session, model_completion=True)) or "any"
        return Principal(
            kind=self.kind,
            arn=arn,
            account=account,
            session_arn=f"arn:aws:sts::{account}:assumed-role/{name}/{session}",
        )
