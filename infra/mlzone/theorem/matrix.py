"""The access matrix: single decisions that must come out as the table says.

Theorems say what nobody can do; the matrix also says what the right ones can, so that a guardrail
that forbids too much is noticed.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from mlzone.access.decision import policies_of, request_of
from mlzone.access.people import organization_account, people_roles
from mlzone.access.role import PARTITION, Role
from mlzone.boundary import deployment_document
from mlzone.break_glass import break_glass_statements
from mlzone.data_policy import inspector_role, inspector_statements
from mlzone.delivery_policy import (
    Delivery,
    project_statements,
    proposal_source_statements,
)
from mlzone.estate import BusinessUnit, Stage, Team
from mlzone.naming import PROPOSAL, ROLE_PATH
from mlzone.persona import Persona, Place
from mlzone.service_policy import pipeline_statements
from mlzone.surroundings import Surroundings
from mlzone.system_policy import Duty, SystemRole, system_roles, system_statements
from mlzone.theorem.guardrails import Guardrails, TeamPlace
from mlzone_access import (
    Decision,
    Policy,
    PolicyKind,
    Principal,
    PrincipalKind,
    Request,
    evaluate,
)

_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
EVERYTHING = Policy.parse({"Version": "2012-10-17", "Statement": [_ALL]}, name="everything")
EVERYBODY = Policy.parse(
    {"Version": "2012-10-17", "Statement": [{"Sid": "Everybody", "Principal": "*", **_ALL}]},
    name="everybody",
)
_SERVICE = Principal(kind=PrincipalKind.SERVICE, arn="any.amazonaws.com")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of the table."""

    control: str
    who: str
    where: str
    action: str
    resource: str
    allowed: bool
    by: str = ""
    """The statement that refuses; any if empty."""
    open: bool = False
    """Whether the resource's policy lets everybody in."""
    context: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Name the row for people."""
        verb = "may" if self.allowed else "may not"
        return f"{self.control}: {self.who} in {self.where} {verb} {self.action} {self.resource}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A row in one place, and how it came out."""

    row: Row
    subject: str
    decision: Decision

    @property
    def holds(self) -> bool:
        """Whether the decision is the table's."""
        if self.decision.allowed != self.row.allowed:
            return False
        return not self.row.by or self.decision.statement == self.row.by


@lru_cache(maxsize=1)
def rows() -> tuple[Row, ...]:
    """Return the table."""
    text = (resources.files("mlzone.theorem") / "matrix.yaml").read_text(encoding="utf-8")
    return tuple(Row(context=item.pop("with", {}), **item) for item in yaml.safe_load(text))


def outcomes(
    guardrails: Guardrails,
    roles: Iterable[Role] = (),
    policies: Mapping[str, Policy] | None = None,
) -> Iterator[Outcome]:
    """Yield each row in each place that it fits.

    Args:
        guardrails: the estate's.
        roles: the roles of an assembly, which take the place of those that the estate declares.
        policies: the policies of buckets and keys of an assembly, likewise.
    """
    table = _Table(guardrails, {role.arn: role for role in roles}, policies or {})
    for row in rows():
        yield from table.outcomes(row)


class _Table:
    """Fills the rows with the names of an estate."""

    def __init__(
        self, guardrails: Guardrails, roles: Mapping[str, Role], policies: Mapping[str, Policy]
    ) -> None:
        self._guardrails, self._rendered, self._policies = guardrails, roles, policies
        self._people = tuple(people_roles(guardrails.estate))

    def outcomes(self, row: Row) -> Iterator[Outcome]:
        if row.where in set(Stage):
            stage = Stage(row.where)
            for unit in self._guardrails.estate.units:
                for team in unit.teams:
                    if self._has(row, unit, team, stage):
                        account = unit.environments[stage].account
                        yield self._outcome(row, unit, team, stage, account)
        else:
            account = organization_account(self._guardrails.estate, Place(row.where))
            for unit in self._guardrails.estate.units:
                yield self._outcome(row, unit, unit.teams[0], Stage.DEV, account)

    def _has(self, row: Row, unit: BusinessUnit, team: Team, stage: Stage) -> bool:
        """Tell whether a team has whom a row is about."""
        if row.who == "proposal":
            return bool(team.models)
        return row.who not in set(Duty) or self._system(row, unit, team, stage) is not None

    def _outcome(
        self, row: Row, unit: BusinessUnit, team: Team, stage: Stage, account: str
    ) -> Outcome:
        place = TeamPlace(unit=unit, team=team, stage=stage)
        role = self._role(row, place, account)
        names = self._names(row, place, account)
        resource = row.resource.format(**names)
        context = {
            key: value.format(**names) if isinstance(value, str) else tuple(value)
            for key, value in row.context.items()
            if value is not None
        }
        request = request_of(self._guardrails, role, row.action, resource, context=context)
        left_out = {key for key, value in row.context.items() if value is None}
        request = replace(
            request, context={k: v for k, v in request.context.items() if k not in left_out}
        )
        if resource.startswith(f"arn:{PARTITION}:s3"):
            request = replace(request, resource_account=account)
        policies = policies_of(
            self._guardrails, role, resource=self._resource(row, place, resource)
        )
        if row.who == "service":
            request = _by_service(request)
        return Outcome(row=row, subject=str(place), decision=evaluate(request, policies))

    # --- who ------------------------------------------------------------------------------------

    def _role(self, row: Row, place: TeamPlace, account: str) -> Role:
        naming = self._guardrails.naming
        region = self._guardrails.estate.organization.home_region
        if row.who in set(Persona):
            return self._person(Persona(row.who), place, row.where)
        machines = {
            "pipeline": self._pipeline,
            "proposal": self._proposal,
            "inspector": self._inspector,
            "break-glass": self._break_glass,
        }
        if row.who in machines:
            return machines[row.who](place)
        if system := self._system(row, place.unit, place.team, place.stage):
            statements = system_statements(self._surroundings(place), system)
            return self._machine(system.name, place, statements)
        name, path, policy = {
            "deployment": (f"cdk-hnb659fds-cfn-exec-role-{account}-{region}", "/",
                           Policy.parse(deployment_document(), name="deployment")),
            "deployer": (f"cdk-hnb659fds-deploy-role-{account}-{region}", "/", EVERYTHING),
            "bootstrap": ("OrganizationAccountAccessRole", "/", EVERYTHING),
            "environment-pipeline": (naming.change_role(place.unit.name, "deploy-dev"), "/mlzone/",
                                     EVERYTHING),
            "drift-check": (naming.change_role(place.unit.name, "drift"), "/mlzone/", EVERYTHING),
            "any": (f"{naming.prefix}-any", "/mlzone/", EVERYTHING),
            "service": (f"{naming.prefix}-service", "/mlzone/", EVERYTHING),
        }[row.who]  # fmt: skip
        return Role(
            name=name, account=account, path=path, policies=(policy,), region=region,
            bounded=row.who != "bootstrap",
        )  # fmt: skip

    def _person(self, persona: Persona, place: TeamPlace, where: str) -> Role:
        role = next(
            role
            for role in self._people
            if role.persona is persona
            and role.environment == where
            and role.unit in ("", place.unit.name)
            and role.team in ("", place.team.name)
        )
        return self._as_rendered(role)

    def _as_rendered(self, role: Role) -> Role:
        found = self._rendered.get(role.arn)
        return role if found is None else replace(found, tags=role.tags, persona=role.persona)

    def _break_glass(self, place: TeamPlace) -> Role:
        name = self._guardrails.naming.break_glass_role(place.unit.name)
        return self._machine(name, place, break_glass_statements(self._surroundings(place)))

    def _pipeline(self, place: TeamPlace) -> Role:
        name = self._guardrails.naming.service_role(
            place.unit.name, place.team.name, place.stage, "pipeline"
        )
        statements = pipeline_statements(
            self._surroundings(place),
            role_arn=f"arn:{PARTITION}:iam::{place.account}:role{ROLE_PATH}{name}",
            data_bucket_arn=self._guardrails.team_bucket(place),
        )
        return self._machine(name, place, statements)

    def _proposal(self, place: TeamPlace) -> Role:
        """Return the role in which pull requests of the team's first model are tested."""
        naming, unit, model = self._guardrails.naming, place.unit.name, place.team.models[0].name
        delivery = Delivery(
            surroundings=self._surroundings(place),
            model=model,
            pipeline=naming.proposal_pipeline(unit, model),
        )
        repository = naming.repository(unit, model)
        statements = [
            *proposal_source_statements(delivery, repository=repository, key=self._key(place)),
            *project_statements(
                delivery, project=naming.codebuild_project(unit, model, place.stage, PROPOSAL)
            ),
        ]
        return self._machine(self._proposal_role(place), place, statements)

    def _proposal_role(self, place: TeamPlace) -> str:
        return self._guardrails.naming.service_role(
            place.unit.name, place.team.models[0].name, place.stage, PROPOSAL
        )

    def _inspector(self, place: TeamPlace) -> Role:
        name = inspector_role(self._guardrails.naming, place.unit, place.team, place.stage)
        statements = inspector_statements(
            place.team,
            bucket_arn=self._guardrails.team_bucket(place),
            key_arn=self._key(place),
        )
        return self._machine(name, place, list(statements))

    def _system(self, row: Row, unit: BusinessUnit, team: Team, stage: Stage) -> SystemRole | None:
        """Return the first role of a system for a duty; None where a team declares none."""
        roles = system_roles(self._guardrails.naming, unit, team, stage)
        return next((role for role in roles if role.duty == row.who), None)

    def _machine(self, name: str, place: TeamPlace, statements: list[dict[str, Any]]) -> Role:
        document = {"Version": "2012-10-17", "Statement": statements}
        role = Role(
            name=name,
            account=place.account,
            policies=(Policy.parse(document, name=name, kind=PolicyKind.IDENTITY),),
            region=self._guardrails.estate.region(place.unit, place.stage),
        )
        return self._as_rendered(role)

    def _surroundings(self, place: TeamPlace) -> Surroundings:
        estate = self._guardrails.estate
        return Surroundings(
            naming=self._guardrails.naming,
            partition=PARTITION,
            account=place.account,
            region=estate.region(place.unit, place.stage),
            shared_services=estate.organization.accounts.shared_services,
            home_region=estate.organization.home_region,
            title="",
            unit=place.unit.name,
            team=place.team.name,
            stage=place.stage,
            keys=(self._key(place),),
        )

    # --- what -----------------------------------------------------------------------------------

    def _names(self, row: Row, place: TeamPlace, account: str) -> dict[str, str]:
        estate = self._guardrails.estate
        system = self._system(row, place.unit, place.team, place.stage)
        other = next((t for t in place.unit.teams if t != place.team), place.team)
        bucket = self._guardrails.team_bucket(place)
        elsewhere = self._guardrails.team_bucket(replace(place, team=other))
        return {
            "prefix": self._guardrails.naming.prefix,
            "unit": place.unit.name,
            "team": place.team.name,
            "other": other.name if other != place.team else "another",
            "account": account,
            "shared": estate.organization.accounts.shared_services,
            "home": estate.organization.home_region,
            "region": estate.region(place.unit, place.stage),
            "bucket": bucket,
            "zone": system.model.data_zone if system else place.team.data_zones[0].name,
            "model": system.model.name if system else _first_model(row, place),
            "other_bucket": elsewhere if other != place.team else f"{bucket}-other",
            "key": self._key(place, row.who),
        }

    def _key(self, place: TeamPlace, who: str = "") -> str:
        """Return the team's key: its ARN in the templates, or one with the team's name.

        A model's stack knows the key by a parameter, and so under another name than the team's.
        """
        region = self._guardrails.estate.region(place.unit, place.stage)
        own = f"arn:{PARTITION}:kms:{region}:{place.account}:key/"
        arns = (
            [f"arn:{PARTITION}:iam::{place.account}:role{ROLE_PATH}{self._proposal_role(place)}"]
            if who == "proposal"
            else [
                role.arn
                for role in self._people
                if (role.unit, role.team) == (place.unit.name, place.team.name)
            ]
        )
        theirs = (self._rendered[arn] for arn in arns if arn in self._rendered)
        for policy in (policy for role in theirs for policy in role.policies):
            for statement in policy.statements:
                for tokens in statement.resource_patterns:
                    if isinstance(tokens[0], str) and tokens[0].startswith(own):
                        return tokens[0]
        return f"{own}{place.team.name}"

    def _resource(self, row: Row, place: TeamPlace, resource: str) -> Policy | None:
        policy = self._policies.get(resource.partition("/")[0]) or self._policies.get(resource)
        if policy is None and resource.startswith(self._guardrails.team_bucket(place)):
            policy = self._guardrails.team_data(place)
        if policy is None and resource == self._key(place, row.who):
            policy = self._guardrails.team_key(place)
        if not row.open:
            return policy
        own = policy.statements if policy else ()
        return Policy(name="open", statements=(*own, *EVERYBODY.statements))


def _first_model(row: Row, place: TeamPlace) -> str:
    return place.team.models[0].name if row.who == "proposal" else "any"


def _by_service(request: Request) -> Request:
    return replace(
        request,
        principal=_SERVICE,
        context={
            key: value
            for key, value in request.context.items()
            if not key.startswith(("aws:Principal", "sagemaker:"))
        },
    )
