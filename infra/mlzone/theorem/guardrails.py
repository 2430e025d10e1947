"""The policies of an estate that forbid, as the evaluator and the prover take them.

All of them can be edited on the way, statement by statement: that is how a theorem is asked whether
it would notice.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mlzone.boundary import boundary_document
from mlzone.data_policy import team_data_statements, team_key_roles, team_key_statement
from mlzone.errors import ConfigError
from mlzone.estate import BusinessUnit, Estate, Stage, Team
from mlzone.guardrail import ControlPolicy, PolicyType, control_policies
from mlzone.naming import Naming
from mlzone_access import Policies, Policy, PolicyKind

Document = Mapping[str, Any]
Statement = Mapping[str, Any]

BOUNDARY, TEAM_DATA, TEAM_KEY = "boundary", "team-data", "team-key"
PARTITION = "aws"
_EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
FULL_ACCESS = Policy.parse(
    {"Version": "2012-10-17", "Statement": [{"Sid": "Everything", **_EVERYTHING}]},
    name="FullAWSAccess",
)
"""What AWS attaches itself wherever SCPs are on."""

_KINDS: Mapping[PolicyType, PolicyKind] = {
    "SERVICE_CONTROL_POLICY": PolicyKind.SCP,
    "RESOURCE_CONTROL_POLICY": PolicyKind.RCP,
}


@dataclass(frozen=True, kw_only=True)
class Edit:
    """A change of one statement of the guardrails."""

    policy: str
    """The policy's name without the organization's prefix, such as `perimeter`."""
    sid: str
    """The statement's id."""
    change: Callable[[Statement], Statement | None] = lambda _: None
    """Returns what stands in its place; nothing if None."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Accounts for which the same policies of the organization are in force."""

    name: str
    account: str
    """One of them; it stands for all."""
    scps: tuple[Policy, ...]


@dataclass(frozen=True, kw_only=True)
class TeamPlace:
    """A team in one environment."""

    unit: BusinessUnit
    team: Team
    stage: Stage

    @property
    def account(self) -> str:
        """The environment's account."""
        return self.unit.environments[self.stage].account

    def __str__(self) -> str:
        """Name it for people."""
        return f"{self.unit.name}/{self.team.name} in {self.stage}"


class Guardrails:
    """What is forbidden in an estate, whatever roles are allowed."""

    def __init__(
        self,
        estate: Estate,
        edits: tuple[Edit, ...] = (),
        *,
        control: tuple[ControlPolicy, ...] | None = None,
    ) -> None:
        """Take over an estate.

        Args:
            estate: whose policies.
            edits: changes of single statements.
            control: the organization's policies, such as those that are deployed; the estate's
                unless given.
        """
        self.estate, self.edits = estate, edits
        self._given = control
        self.naming = Naming(prefix=estate.organization.prefix)

    # --- the organization's policies ------------------------------------------------------------

    @property
    def _organizations(self) -> tuple[ControlPolicy, ...]:
        return control_policies(self.estate) if self._given is None else self._given

    @cached_property
    def _control(self) -> tuple[tuple[PolicyType, Policy, tuple[str, ...]], ...]:
        found = []
        for item in self._organizations:
            if item.type in _KINDS:
                name = item.name.removeprefix(f"{self.naming.prefix}-")
                policy = self.policy(name, item.content, _KINDS[item.type])
                if policy:
                    found.append((item.type, policy, item.targets))
        return tuple(found)

    def attachments(self) -> Iterator[tuple[PolicyType, str, tuple[str, ...]]]:
        """Yield the organization's policies with the accounts that they bind."""
        for kind, policy, targets in self._control:
            yield kind, policy.name.removeprefix(f"{self.naming.prefix}-"), targets

    def scps(self, account: str) -> tuple[Policy, ...]:
        """Return the service control policies of an account."""
        return self._of("SERVICE_CONTROL_POLICY", account)

    def rcps(self, account: str) -> tuple[Policy, ...]:
        """Return the resource control policies of an account."""
        return self._of("RESOURCE_CONTROL_POLICY", account)

    def _of(self, kind: PolicyType, account: str) -> tuple[Policy, ...]:
        return tuple(
            policy
            for type_, policy, targets in self._control
            if type_ == kind and account in targets
        )

    @cached_property
    def settings(self) -> tuple[Setting, ...]:
        """The kinds of member account, each with its policies."""
        accounts = self.estate.organization.accounts
        unit = self.estate.units[0] if self.estate.units else None
        named = {"shared services": accounts.shared_services}
        if unit:
            named |= {
                "development and staging": unit.environments.dev.account,
                "production": unit.environments.prod.account,
            }
        return tuple(
            Setting(name=name, account=account, scps=self.scps(account))
            for name, account in named.items()
        )

    def setting(self, name: str) -> Setting:
        """Return one of the kinds of account."""
        return next(item for item in self.settings if item.name == name)

    def under(self, account: str, **more: Any) -> Policies:
        """Return the policies that bind every caller of an account, and others beside them."""
        return Policies(scps=((FULL_ACCESS, *self.scps(account)),), **more)

    # --- the boundary ---------------------------------------------------------------------------

    @cached_property
    def boundary(self) -> Policy | None:
        """The permissions boundary of every role."""
        return self.policy(BOUNDARY, boundary_document(self.naming), PolicyKind.BOUNDARY)

    # --- policies of resources ------------------------------------------------------------------

    def places(self) -> Iterator[TeamPlace]:
        """Yield every team in each of its environments."""
        for unit in self.estate.units:
            for team in unit.teams:
                for stage in Stage:
                    yield TeamPlace(unit=unit, team=team, stage=stage)

    def team_bucket(self, place: TeamPlace) -> str:
        """Return the ARN of a team's bucket."""
        name = self.naming.data_bucket(place.unit.name, place.team.name, place.account)
        return f"arn:{PARTITION}:s3:::{name}"

    def team_data(self, place: TeamPlace) -> Policy | None:
        """Return what the policy of a team's bucket forbids."""
        document = _document(*self._team_data(place))
        return self.policy(TEAM_DATA, document, PolicyKind.RESOURCE)

    def _team_data(self, place: TeamPlace) -> tuple[Statement, ...]:
        return team_data_statements(
            self.naming,
            place.unit,
            place.team,
            place.stage,
            partition=PARTITION,
            account=place.account,
            bucket_arn=self.team_bucket(place),
        )

    def team_key(self, place: TeamPlace) -> Policy | None:
        """Return the policy of a team's key: the account's own policies decide, for the team."""
        everybody = {
            "Sid": "Account",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:{PARTITION}:iam::{place.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        statement = team_key_statement(
            team_key_roles(self.naming, place.unit, place.team, place.stage),
            partition=PARTITION,
            account=place.account,
        )
        return self.policy(TEAM_KEY, _document(everybody, statement), PolicyKind.RESOURCE)

    # --- editing --------------------------------------------------------------------------------

    def policy(self, name: str, document: Document, kind: PolicyKind) -> Policy | None:
        """Parse a document as it is edited; None if nothing is left of it."""
        statements: list[Statement] = []
        for statement in document["Statement"]:
            edit = next(
                (e for e in self.edits if (e.policy, e.sid) == (name, statement.get("Sid"))), None
            )
            changed = statement if edit is None else edit.change(statement)
            if changed is not None:
                statements.append(changed)
        if not statements:
            return None
        text = json.dumps({"Version": "2012-10-17", "Statement": statements}, sort_keys=True)
        return _parsed(text, name if name in _OWN_NAMES else f"{self.naming.prefix}-{name}", kind)

    def fingerprint(self) -> str:
        """Return a hash of the estate and of what was edited: all that proofs depend on."""
        content = [
            self.estate.organization.model_dump_json(),
            *(unit.model_dump_json() for unit in self.estate.units),
            *(f"{edit.policy}/{edit.sid}" for edit in self.edits),
        ]
        return hashlib.sha256("\n".join(content).encode()).hexdigest()

    def statements(self) -> Iterator[tuple[str, Statement]]:
        """Yield each forbidding statement with its policy's name; those of all teams once."""
        documents: dict[str, Document] = {
            item.name.removeprefix(f"{self.naming.prefix}-"): item.content
            for item in self._organizations
            if item.type in _KINDS
        }
        documents[BOUNDARY] = boundary_document(self.naming)
        data: dict[str, Statement] = {}
        for place in self.places():
            for statement in self._team_data(place):
                data.setdefault(str(statement["Sid"]), statement)
            if TEAM_KEY not in documents:
                roles = team_key_roles(self.naming, place.unit, place.team, place.stage)
                documents[TEAM_KEY] = _document(
                    team_key_statement(roles, partition=PARTITION, account=place.account)
                )
        documents[TEAM_DATA] = _document(*data.values())
        for name, document in documents.items():
            for statement in document["Statement"]:
                if statement["Effect"] == "Deny":
                    yield name, statement

    def without(self, statement_id: str) -> "Guardrails":
        """Return the guardrails without one statement.

        Args:
            statement_id: its id, alone or as `policy/id`; alone it means every policy's.

        Raises:
            ConfigError: there is no such statement.
        """
        policy, _, sid = statement_id.rpartition("/")
        edits = tuple(
            Edit(policy=name, sid=statement["Sid"])
            for name, statement in self.statements()
            if statement["Sid"] == sid and policy in ("", name)
        )
        if not edits:
            known = ", ".join(f"{name}/{statement['Sid']}" for name, statement in self.statements())
            raise ConfigError(
                f'no guardrail has a statement "{statement_id}"', hint=f"there are: {known}"
            )
        return Guardrails(self.estate, (*self.edits, *edits), control=self._given)


_OWN_NAMES = (TEAM_DATA, TEAM_KEY)


def _document(*statements: Statement) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


@lru_cache(maxsize=1024)
def _parsed(text: str, name: str, kind: PolicyKind) -> Policy:
    return Policy.parse(text, name=name, kind=kind)
