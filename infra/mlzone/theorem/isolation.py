"""Theorems about teams: what belongs to one is out of reach of every other."""

from collections.abc import Callable, Iterator
from typing import Any

from mlzone.data_policy import inspector_role, team_key_roles, team_people, team_roles
from mlzone.estate.team import LANDING
from mlzone.theorem.guardrails import PARTITION, Guardrails, TeamPlace
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import Policies, Policy, Principal, PrincipalKind, catalogue
from mlzone_access.prover import AnyRole, Claim, Theorem

_OBJECT = "object"


def _strangers(
    guardrails: Guardrails, place: TeamPlace, *, known: Callable[..., tuple[str, ...]] = team_roles
) -> dict[str, Any]:
    """Return the condition that the caller is neither of the team nor of deployment."""
    owner = f"arn:{PARTITION}:iam::{place.account}:role"
    roles = known(guardrails.naming, place.unit, place.team, place.stage)
    own = [f"{owner}/mlzone/{role}" for role in roles]
    return {"ArnNotLike": {"aws:PrincipalArn": [*own, f"{owner}/cdk-*-cfn-exec-role-*"]}}


def _likely(guardrails: Guardrails, place: TeamPlace) -> tuple[str, ...]:
    """Return roles of another team in the same account, the nearest to the data."""
    others = (team for team in place.unit.teams if team != place.team)
    return tuple(
        f"arn:{PARTITION}:iam::{place.account}:role/mlzone/{role}"
        for team in list(others)[:1]
        for role in team_roles(guardrails.naming, place.unit, team, place.stage)[:1]
    )


def data_actions() -> tuple[str, ...]:
    """Return every action of the catalogue on objects, or on the list of them."""
    return tuple(
        name
        for name in catalogue.actions("s3:*")
        if _OBJECT in {kind.name for kind in catalogue.action(name).resource_types}
        or name.startswith("s3:ListBucket")
    )


def key_uses() -> tuple[str, ...]:
    """Return every action that turns data into cipher text or back, or lets others do so."""
    return (
        "kms:CreateGrant",
        "kms:Decrypt",
        "kms:DeriveSharedSecret",
        "kms:Encrypt",
        *(name for name in catalogue.actions("kms:Generate*") if name != "kms:GenerateRandom"),
        *catalogue.actions("kms:ReEncrypt*"),
        "kms:Sign",
    )


def _case(
    guardrails: Guardrails,
    place: TeamPlace,
    policy: Policy | None,
    claim: Claim,
    *,
    name: str = "",
    likely: tuple[str, ...] | None = None,
) -> Theorem:
    """Return the case of every role of every account, whatever its policies allow."""
    return Theorem(
        name=name or str(place),
        statement="",
        policies=Policies(resource=policy),
        forbidden=claim,
        caller=AnyRole(),
        resource_account=place.account,
        likely_callers=_likely(guardrails, place) if likely is None else likely,
    )


def _data(guardrails: Guardrails) -> Iterator[Theorem]:
    for place in guardrails.places():
        bucket = guardrails.team_bucket(place)
        claim = Claim.of(
            Action=list(data_actions()),
            Resource=[bucket, f"{bucket}/*"],
            Condition=_strangers(guardrails, place),
        )
        yield _case(guardrails, place, guardrails.team_data(place), claim)


def _keys(guardrails: Guardrails) -> Iterator[Theorem]:
    for place in guardrails.places():
        region = guardrails.estate.region(place.unit, place.stage)
        claim = Claim.of(
            Action=list(key_uses()),
            Resource=[f"arn:{PARTITION}:kms:{region}:{place.account}:key/*"],
            Condition=_strangers(guardrails, place, known=team_key_roles),
        )
        yield _case(guardrails, place, guardrails.team_key(place), claim)


def _apart(guardrails: Guardrails) -> Iterator[Theorem]:
    """Yield each role of a neighbour: its name must not be taken for one of the team's.

    Teams of other units have other accounts, which the theorem of team data covers.
    """
    for place in guardrails.places():
        bucket = guardrails.team_bucket(place)
        policies = Policies(resource=guardrails.team_data(place))
        for other in place.unit.teams:
            if other == place.team:
                continue
            for role in team_roles(guardrails.naming, place.unit, other, place.stage):
                arn = f"arn:{PARTITION}:iam::{place.account}:role/mlzone/{role}"
                yield Theorem(
                    name=f"{role}, {place}",
                    statement="",
                    policies=policies,
                    forbidden=Claim.of(Action="s3:GetObject", Resource=f"{bucket}/*"),
                    caller=Principal(kind=PrincipalKind.ROLE, arn=arn, account=place.account),
                    resource_account=place.account,
                )


def _landing(guardrails: Guardrails) -> Iterator[Theorem]:
    """Yield each bucket: even a role of the team that may do everything reads nothing there."""
    for place in guardrails.places():
        owner = f"arn:{PARTITION}:iam::{place.account}:role/mlzone"
        inspector = inspector_role(guardrails.naming, place.unit, place.team, place.stage)
        own = team_roles(guardrails.naming, place.unit, place.team, place.stage)
        claim = Claim.of(
            Action=[name for name in data_actions() if name.startswith("s3:GetObject")],
            Resource=f"{guardrails.team_bucket(place)}/{LANDING}/*",
            Condition={"ArnNotLike": {"aws:PrincipalArn": f"{owner}/{inspector}"}},
        )
        likely = tuple(f"{owner}/{role}" for role in own if role != inspector)[:1]
        yield _case(guardrails, place, guardrails.team_data(place), claim, likely=likely)


def _past_the_landing(guardrails: Guardrails) -> Iterator[Theorem]:
    """Yield each data zone: no role of the team's people puts anything there."""
    for place in guardrails.places():
        owner = f"arn:{PARTITION}:iam::{place.account}:role/mlzone"
        people = team_people(guardrails.naming, place.unit, place.team, place.stage)
        roles = [f"{owner}/{role}" for role in people]
        for zone in place.team.data_zones if roles else ():
            claim = Claim.of(
                Action="s3:PutObject",
                Resource=f"{guardrails.team_bucket(place)}/{zone.name}/*",
                Condition={"ArnLike": {"aws:PrincipalArn": roles}},
            )
            yield _case(
                guardrails,
                place,
                guardrails.team_data(place),
                claim,
                name=f"{zone.name}, {place}",
                likely=tuple(roles[:1]),
            )


ISOLATION = (
    EstateTheorem(
        id="team-data",
        statement="Nobody reads, writes or lists a team's data but the team's own roles, whatever "
        "other roles are allowed.",
        controls=("IAM-06",),
        cases=_data,
    ),
    EstateTheorem(
        id="team-keys",
        statement="Nobody works with a team's key but the team's own roles.",
        controls=("ENC-04",),
        cases=_keys,
    ),
    EstateTheorem(
        id="teams-apart",
        statement="Of every two teams, no role of the one reads the data of the other.",
        controls=("IAM-06",),
        cases=_apart,
    ),
    EstateTheorem(
        id="landing-is-unread",
        statement="Nobody reads data that have just arrived but the function that looks into them.",
        controls=("DAT-04",),
        cases=_landing,
    ),
    EstateTheorem(
        id="people-use-the-landing",
        statement="No person puts data into a data zone past the function that looks into them.",
        controls=("DAT-04",),
        cases=_past_the_landing,
    ),
)
