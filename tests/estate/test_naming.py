"""Names keep to AWS's limits, are stable, and do not collide when they are cut."""

import re

from hypothesis import given
from hypothesis import strategies as st

from mlzone.estate import Stage
from mlzone.naming import MAXIMUM, Limit, Naming, fit
from mlzone.persona import Persona

names = st.from_regex(r"[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,10}){0,2}", fullmatch=True).filter(
    lambda text: len(text) <= 32
)
units = names.filter(lambda text: len(text) <= 20)
naming = Naming(prefix="aur")


@given(text=st.text(alphabet="abcdefghij-", min_size=1, max_size=400), limit=st.sampled_from(Limit))
def test_no_name_exceeds_its_limit(text: str, limit: Limit):
    assert len(fit(text, limit)) <= MAXIMUM[limit]


@given(text=st.text(alphabet="abcdefghij-", min_size=200, max_size=400))
def test_names_that_are_cut_stay_different(text: str):
    assert fit(text + "a", Limit.ROLE) != fit(text + "b", Limit.ROLE)


def test_a_short_name_is_left_alone():
    assert fit("aur-retail", Limit.BUCKET) == "aur-retail"


@given(unit=units, team=names, model=names)
def test_names_of_resources_keep_to_the_characters_that_aws_allows(unit, team, model):
    role = re.compile(r"[\w+=,.@-]{1,64}")
    bucket = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
    sagemaker = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")

    assert role.fullmatch(naming.persona_role(Persona.LEAD_DATA_SCIENTIST, unit, team))
    assert bucket.fullmatch(naming.data_bucket(unit, team, "111111111111"))
    assert sagemaker.fullmatch(naming.endpoint(unit, model, Stage.PROD))
    assert sagemaker.fullmatch(naming.model_package_group(unit, model))
    assert sagemaker.fullmatch(naming.versioned(naming.endpoint(unit, model, Stage.PROD), "a" * 64))


@given(unit=names, model=names)
def test_a_versioned_name_leaves_room_for_the_release(unit, model):
    base = naming.endpoint(unit, model, Stage.STAGING)

    assert len(naming.versioned(base, "0" * 64, reserve=9)) + 9 <= MAXIMUM[Limit.SAGEMAKER]


@given(unit=names.filter(lambda text: len(text) <= 20), owner=names)
def test_a_role_begins_and_ends_as_policies_expect_it_however_long_its_owner_is(unit, owner):
    wide = Naming(prefix="aurorabk")

    role = wide.service_role(unit, owner, Stage.STAGING, "monitor-schedule")
    person = wide.persona_role(Persona.LEAD_DATA_SCIENTIST, unit, owner)

    assert re.fullmatch(rf"aurorabk-{unit}-.+-staging-monitor-schedule", role)
    assert re.fullmatch(rf"aurorabk-{unit}-.+-lead-data-scientist", person)
    assert max(len(role), len(person)) <= MAXIMUM[Limit.ROLE]


def test_roles_of_long_owners_stay_different():
    unit = "small-business-loans"
    first = naming.service_role(unit, "acceptance-of-a-higher-limit", Stage.PROD, "release")
    second = naming.service_role(unit, "acceptance-of-a-lower-limit", Stage.PROD, "release")

    assert first != second


def test_a_user_profile_has_no_dots():
    assert naming.user_profile("ana.souza") == "ana-souza"


def test_glue_databases_have_underscores():
    assert naming.glue_database("retail", "risk", "loans") == "aur_retail_risk_loans"
