"""What a change of the estate lets people do that they could not do before, and the reverse."""

import dataclasses

from mlzone.access import AccessDifference, ChangeKind, access_difference
from mlzone.estate import Estate, Stage

ROLE = "aur-retail-banking-credit-default-prod-outcomes"


def changed(estate: Estate, **organization: object) -> Estate:
    made = estate.organization.model_copy(update=organization)
    return dataclasses.replace(estate, organization=made)


def with_members(estate: Estate, **members: tuple[str, ...]) -> Estate:
    """Change the members of the first team of the first unit."""
    unit, *others = estate.units
    team, *teams = unit.teams
    new = team.model_copy(update={"members": team.members.model_copy(update=members)})
    return dataclasses.replace(
        estate, units=(unit.model_copy(update={"teams": (new, *teams)}), *others)
    )


def told(changes: tuple) -> set[tuple[str, str, str]]:
    return {(change.kind.value, change.subject, change.what) for change in changes}


def test_the_same_estate_gives_and_takes_nothing(estate: Estate):
    assert access_difference(estate, estate) == AccessDifference(gained=(), lost=())


def test_a_new_member_gains_the_roles_of_their_persona(estate: Estate):
    members = (*estate.units[0].teams[0].members.ml_engineers, "new.person")

    found = access_difference(estate, with_members(estate, ml_engineers=members))

    assert found.lost == ()
    assert {(change.kind, change.subject) for change in found.gained} == {
        (ChangeKind.PERSON, "new.person")
    }
    assert {change.where.partition(" ")[2] for change in found.gained} == {
        "(dev)",
        "(staging)",
        "(prod)",
    }


def test_who_leaves_loses_them(estate: Estate):
    found = access_difference(estate, with_members(estate, data_engineers=()))

    assert found.gained == ()
    assert {change.subject for change in found.lost} == {
        *estate.units[0].teams[0].members.data_engineers
    }


def test_a_longer_allow_list_is_access_gained_and_a_shorter_one_lost(estate: Estate):
    rules = estate.organization.guardrails
    longer = rules.model_copy(
        update={"serving_instance_types": (*rules.serving_instance_types, "ml.p5.48xlarge")}
    )

    there = access_difference(estate, changed(estate, guardrails=longer))
    back = access_difference(changed(estate, guardrails=longer), estate)

    expected = {
        (
            "guardrail",
            "private-encrypted-ml/InstanceAllowList",
            "spares sagemaker:InstanceTypes ml.p5.48xlarge",
        )
    }
    assert (told(there.gained), there.lost) == (expected, ())
    assert (told(back.lost), back.gained) == (expected, ())


def test_a_higher_limit_is_access_gained(estate: Estate):
    higher = estate.organization.guardrails.model_copy(update={"max_job_hours": 48})

    found = access_difference(estate, changed(estate, guardrails=higher))

    assert {subject for _, subject, _ in told(found.gained)} == {"private-encrypted-ml/JobsEnd"}
    assert found.lost == ()


def test_a_new_unit_brings_roles_with_what_they_may_do(estate: Estate):
    smaller = dataclasses.replace(estate, units=estate.units[:-1])

    found = access_difference(smaller, estate)

    unit = estate.units[-1]
    accounts = {unit.environments[stage].account for stage in Stage}
    roles = [change for change in found.gained if change.kind is ChangeKind.ROLE]
    assert any(change.subject.endswith("data-scientist") for change in roles)
    assert all(unit.name in c.subject or c.where.split()[0] in accounts for c in roles)
    assert {change.kind for change in found.lost} <= {ChangeKind.GUARDRAIL}


def test_IAM_11_a_system_that_may_deliver_is_access_gained(estate: Estate):
    unit = next(unit for unit in estate.units if unit.name == "retail-banking")
    team = unit.teams[0]
    model = team.models[0]
    truth = model.monitoring.ground_truth
    assert truth
    silent = model.monitoring.model_copy(
        update={"ground_truth": truth.model_copy(update={"delivered_by": ()})}
    )
    models = (model.model_copy(update={"monitoring": silent}), *team.models[1:])
    teams = (team.model_copy(update={"models": models}), *unit.teams[1:])
    changed_unit = unit.model_copy(update={"teams": teams})
    units = tuple(changed_unit if item is unit else item for item in estate.units)
    before = dataclasses.replace(estate, units=units)

    found = access_difference(before, estate)

    assert told(found.gained) == {
        (
            "system",
            truth.delivered_by[0].role,
            f"outcomes of retail-banking/{model.name} ({ROLE})",
        )
    }
    assert found.lost == ()
