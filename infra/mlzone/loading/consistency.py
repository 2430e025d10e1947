"""Third step: what must hold between the parts of an estate.

Each check is a generator of problems over the whole estate; all of them run, so that a pull
request sees everything at once.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from ipaddress import IPv4Network, ip_network

from mlzone.estate.estate import Estate, team_members
from mlzone.estate.team import LANDING, Team
from mlzone.estate.unit import BusinessUnit, Stage
from mlzone.instance import INSTANCE_TYPES
from mlzone.loading.expiry import check_allowances, check_waivers
from mlzone.loading.message import too_loose, unknown_instance, unknown_zone
from mlzone.loading.model_consistency import Located, check_model
from mlzone.loading.parse import FieldPath
from mlzone.loading.problem import Problem
from mlzone.loading.sources import Sources
from mlzone.persona import PERSONAS, Persona
from mlzone.region import REGIONS

_WIDEST_NETWORK, _NARROWEST_NETWORK = 16, 24
_RESERVED_FEATURES = frozenset({"is_deleted", "write_time", "api_invocation_time"})


def check_consistency(estate: Estate, sources: Sources, today: date) -> list[Problem]:
    """Return everything that is inconsistent in an estate whose records are well formed."""
    problems = [
        *_organization(estate, sources),
        *_accounts(estate, sources),
        *_networks(estate, sources),
        *_people(estate, sources),
        *check_waivers(estate, sources, today),
        *check_allowances(estate, sources, today),
    ]
    names: dict[str, int] = {}
    for index, unit in enumerate(estate.units):
        if unit.name in names:
            first = sources.where(names[unit.name], ("name",))
            message = f'got "{unit.name}", which {first} has too; names of units are unique'
            problems.append(sources.in_unit(index, ("name",), message))
        names.setdefault(unit.name, index)
        problems += [
            sources.in_unit(index, path, message)
            for check in _UNIT_CHECKS
            for path, message in check(estate, unit)
        ]
    return problems


def _organization(estate: Estate, sources: Sources) -> Iterator[Problem]:
    organization = estate.organization
    for index, region in enumerate(organization.allowed_regions):
        if region not in REGIONS:
            yield sources.in_organization(("allowed_regions", index), _unknown_region(region))
    if organization.home_region not in organization.allowed_regions:
        yield sources.in_organization(
            ("home_region",),
            f'got "{organization.home_region}", which is not one of allowed_regions; add it there',
        )
    if organization.source.provider != "codecommit" and not organization.source.connection_arn:
        yield sources.in_organization(
            ("source",),
            f'provider "{organization.source.provider}" needs connection_arn; '
            "create a CodeConnections connection once and give its ARN",
        )
    if organization.source.provider != "codecommit" and not organization.source.owner:
        yield sources.in_organization(
            ("source",),
            f'provider "{organization.source.provider}" needs owner, '
            "the organization or group that holds the repositories",
        )
    for field in ("training_instance_types", "serving_instance_types"):
        for index, instance in enumerate(getattr(organization.guardrails, field)):
            if instance not in INSTANCE_TYPES:
                yield sources.in_organization(
                    ("guardrails", field, index), unknown_instance(instance)
                )
    if not (estate.folder / organization.identity.saml_metadata).is_file():
        yield sources.in_organization(
            ("identity", "saml_metadata"),
            f'got "{organization.identity.saml_metadata}", which is no file; '
            "save the identity provider's metadata document there",
        )


def _accounts(estate: Estate, sources: Sources) -> Iterator[Problem]:
    owners: dict[str, str] = {}
    for name in ("management", "shared_services", "log_archive"):
        account = getattr(estate.organization.accounts, name)
        if account in owners:
            yield sources.in_organization(
                ("accounts", name), f'got "{account}", which is already {owners[account]}'
            )
        owners.setdefault(account, f"the organization's {name} account")
    for index, unit in enumerate(estate.units):
        for stage in Stage:
            account = unit.environments[stage].account
            if account in owners:
                yield sources.in_unit(
                    index,
                    ("environments", stage.value, "account"),
                    f'got "{account}", which is already {owners[account]}; '
                    "each environment has an account of its own",
                )
            owners.setdefault(account, f"{unit.name}'s {stage} account")


def _networks(estate: Estate, sources: Sources) -> Iterator[Problem]:
    seen: list[tuple[IPv4Network, str]] = []
    for index, unit in enumerate(estate.units):
        for stage in Stage:
            environment = unit.environments[stage]
            if environment.network.create is None:
                continue
            path = ("environments", stage.value, "network", "create", "cidr")
            cidr = environment.network.create.cidr
            try:
                network = ip_network(cidr)
            except ValueError:
                yield sources.in_unit(index, path, f'got "{cidr}"; expected a network such as '
                                      "10.20.0.0/20, with no host bits set")  # fmt: skip
                continue
            if not isinstance(network, IPv4Network):
                continue
            if not _WIDEST_NETWORK <= network.prefixlen <= _NARROWEST_NETWORK:
                yield sources.in_unit(index, path, f'got "{cidr}"; expected a /16 to a /24')
            if not network.is_private:
                yield sources.in_unit(index, path, f'got "{cidr}"; expected a private range')
            for other, owner in seen:
                if network.overlaps(other):
                    yield sources.in_unit(
                        index, path, f'got "{cidr}", which overlaps {other} of {owner}'
                    )
            seen.append((network, f"{unit.name} {stage}"))


_Duties = dict[str, dict[Persona, str]]
"""Who does what, and where: person, then persona, then a place in words."""


def _people(estate: Estate, sources: Sources) -> Iterator[Problem]:
    """Segregation of duties: authors never approve, auditors do nothing else (AC-5)."""
    duties: _Duties = {}
    for assignment in estate.assignments():
        where = "/".join(filter(None, (assignment.unit, assignment.team))) or "the organization"
        duties.setdefault(assignment.person, {}).setdefault(assignment.persona, where)

    for index, unit in enumerate(estate.units):
        for position, person in enumerate(unit.approvers):
            if message := _conflict(duties, person, Persona.MODEL_APPROVER):
                yield sources.in_unit(index, ("approvers", position), message)
        for team_index, team in enumerate(unit.teams):
            for path, message in _team_people(team, duties):
                yield sources.in_unit(index, ("teams", team_index, "members", *path), message)
    people = estate.organization.people
    for persona, persons in (
        (Persona.PLATFORM_ADMIN, people.platform_admins),
        (Persona.FINOPS, people.finops),
    ):
        for position, person in enumerate(persons):
            if message := _conflict(duties, person, persona):
                yield sources.in_organization(("people", persona.value, position), message)


def _team_people(team: Team, duties: _Duties) -> Iterator[Located]:
    taken: set[str] = set()
    positions: dict[Persona, int] = {}
    for persona, person in team_members(team):
        position = positions.get(persona, 0)
        positions[persona] = position + 1
        if person in taken:
            yield (
                (persona.value, position),
                f'"{person}" is in team "{team.name}" twice; keep one persona',
            )
        elif Persona.AUDITOR in duties[person]:
            yield (persona.value, position), str(_conflict(duties, person, persona))
        taken.add(person)


def _conflict(duties: _Duties, person: str, persona: Persona) -> str | None:
    for other, where in duties[person].items():
        if _exclude_each_other(persona, other):
            return (
                f'"{person}" is {PERSONAS[persona].title.lower()} here and '
                f"{PERSONAS[other].title.lower()} of {where}; nobody holds both duties"
            )
    return None


def _exclude_each_other(one: Persona, other: Persona) -> bool:
    if one is other:
        return False
    if Persona.AUDITOR in (one, other):
        return True
    first, second = PERSONAS[one], PERSONAS[other]
    if first.authors_models and second.authors_models:
        return False
    return first.approves_models or second.approves_models


def _environments(estate: Estate, unit: BusinessUnit) -> Iterator[Located]:
    for stage in Stage:
        region = unit.environments[stage].region
        path = ("environments", stage.value, "region")
        if region is None:
            continue
        if region not in REGIONS:
            yield path, _unknown_region(region)
        elif region not in estate.organization.allowed_regions:
            allowed = ", ".join(estate.organization.allowed_regions)
            yield path, f'got "{region}", which the organization does not allow; use {allowed}'


def _duplicates(what: str, names: Iterable[tuple[FieldPath, str]]) -> Iterator[Located]:
    seen: set[str] = set()
    for path, name in names:
        if name in seen:
            yield path, f'got "{name}", which another {what} has already; names are unique'
        seen.add(name)


def _unique_names(estate: Estate, unit: BusinessUnit) -> Iterator[Located]:
    del estate
    teams = list(enumerate(unit.teams))
    yield from _duplicates(
        "team of the unit", ((("teams", index, "name"), team.name) for index, team in teams)
    )
    yield from _duplicates(
        "model of the unit",
        (
            (("teams", index, "models", number, "name"), model.name)
            for index, team in teams
            for number, model in enumerate(team.models)
        ),
    )
    for index, team in teams:
        named: tuple[tuple[str, str, list[str]], ...] = (
            ("data zone of the team", "data_zones", [zone.name for zone in team.data_zones]),
            (
                "feature group of the team",
                "feature_groups",
                [group.name for group in team.feature_groups],
            ),
        )
        for what, field, names in named:
            yield from _duplicates(
                what,
                (
                    (("teams", index, field, number, "name"), name)
                    for number, name in enumerate(names)
                ),
            )


def _team_settings(estate: Estate, unit: BusinessUnit) -> Iterator[Located]:
    limits = estate.organization.guardrails
    for index, team in enumerate(unit.teams):
        studio = ("teams", index, "studio")
        if team.studio.idle_minutes > limits.max_idle_minutes:
            yield (
                (*studio, "idle_minutes"),
                too_loose(team.studio.idle_minutes, limits.max_idle_minutes, "max_idle_minutes"),
            )
        if team.studio.max_storage_gb > limits.max_studio_storage_gb:
            yield (
                (*studio, "max_storage_gb"),
                too_loose(
                    team.studio.max_storage_gb,
                    limits.max_studio_storage_gb,
                    "max_studio_storage_gb",
                ),
            )
        if team.studio.default_storage_gb > team.studio.max_storage_gb:
            yield (
                (*studio, "default_storage_gb"),
                (
                    f"got {team.studio.default_storage_gb}; expected at most max_storage_gb, "
                    f"{team.studio.max_storage_gb}"
                ),
            )
        for number, zone in enumerate(team.data_zones):
            if zone.name == LANDING:
                yield (
                    ("teams", index, "data_zones", number, "name"),
                    f'got "{LANDING}", where data of every zone arrive; choose another',
                )
        if not any(PERSONAS[persona].authors_models for persona, _ in team_members(team)):
            yield ("teams", index, "members"), "the team has no members; name at least one person"


def _feature_groups(estate: Estate, unit: BusinessUnit) -> Iterator[Located]:
    del estate
    for index, team in enumerate(unit.teams):
        zones = {zone.name for zone in team.data_zones}
        for number, group in enumerate(team.feature_groups):
            path = ("teams", index, "feature_groups", number)
            if group.data_zone not in zones:
                yield (*path, "data_zone"), unknown_zone(group.data_zone, zones)
            taken = {group.record_identifier, group.event_time}
            for position, feature in enumerate(group.features):
                field = (*path, "features", position, "name")
                if feature.name in _RESERVED_FEATURES:
                    yield field, f'got "{feature.name}", which SageMaker reserves; choose another'
                elif feature.name in taken:
                    yield field, f'got "{feature.name}", which the group has already'
                taken.add(feature.name)


def _models(estate: Estate, unit: BusinessUnit) -> Iterator[Located]:
    for index, team in enumerate(unit.teams):
        for number, model in enumerate(team.models):
            path = ("teams", index, "models", number)
            for field, message in check_model(estate, team, model):
                yield (*path, *field), message
            if len(unit.approvers) < model.controls.approvers:
                yield (
                    (*path, "risk_tier"),
                    (
                        f"a tier-{model.risk_tier} model needs {model.controls.approvers} "
                        f"approvers; unit {unit.name} has {len(unit.approvers)}, name another "
                        "under approvers"
                    ),
                )


def _unknown_region(region: str) -> str:
    return (
        f'got "{region}", which is no Region that the platform supports; use one of '
        + ", ".join(sorted(REGIONS))
    )


_UNIT_CHECKS: tuple[Callable[[Estate, BusinessUnit], Iterator[Located]], ...] = (
    _environments,
    _unique_names,
    _team_settings,
    _feature_groups,
    _models,
)
