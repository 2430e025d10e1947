"""The estates that come with the repository, and what holds for any estate."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from mlzone.errors import ConfigError
from mlzone.estate import Estate
from mlzone.loading import EstateError, load_estate
from mlzone.loading.load import EstateFile
from mlzone.persona import PERSONAS, Persona

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "organization" / "samples"


@pytest.fixture(scope="module")
def bank() -> Estate:
    return load_estate(ROOT / "organization")


def test_the_example_bank_is_as_large_as_promised(bank: Estate):
    people = {assignment.person for assignment in bank.assignments()}

    assert len(bank.units) >= 3
    assert sum(len(unit.teams) for unit in bank.units) >= 8
    assert len(people) >= 60
    assert len(list(bank.models())) >= 10


def test_the_example_bank_has_every_persona_and_every_tier(bank: Estate):
    assert {assignment.persona for assignment in bank.assignments()} == set(Persona)
    assert {model.risk_tier for _, _, model in bank.models()} == {1, 2, 3}


def test_nobody_in_the_example_bank_authors_and_approves(bank: Estate):
    authors = {a.person for a in bank.assignments() if PERSONAS[a.persona].authors_models}
    approvers = {a.person for a in bank.assignments() if PERSONAS[a.persona].approves_models}

    assert not authors & approvers


def test_the_minimal_sample_is_valid_and_short():
    path = SAMPLES / "minimal.yaml"

    assert len(path.read_text(encoding="utf-8").splitlines()) < 40
    assert load_estate(path).units[0].name == "retail"


def test_the_complete_sample_uses_every_field():
    text = (SAMPLES / "complete.yaml").read_text(encoding="utf-8")

    missing = [name for name in sorted(field_names(EstateFile, set())) if f"{name}:" not in text]

    assert missing == []
    assert load_estate(SAMPLES / "complete.yaml", today=date(2026, 11, 24)).waivers


def field_names(record: type[BaseModel], seen: set[type[BaseModel]]) -> set[str]:
    """Return the names of all fields of a record and of the records in it."""
    if record in seen:
        return set()
    seen.add(record)
    names: set[str] = set()
    for name, field in record.model_fields.items():
        names.add(field.alias or name)
        for inner in records_in(field.annotation):
            names |= field_names(inner, seen)
    return names


def records_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [record for part in getattr(annotation, "__args__", ()) for record in records_in(part)]


def test_a_place_without_an_estate_says_how_to_make_one(tmp_path: Path):
    with pytest.raises(ConfigError, match="there is no estate at") as error:
        load_estate(tmp_path / "nowhere")

    assert "mlzone init" in error.value.hint


def test_an_empty_folder_says_what_is_missing(tmp_path: Path):
    with pytest.raises(EstateError) as error:
        load_estate(tmp_path)

    text = "\n".join(map(str, error.value.problems))
    assert "organization.yaml:1:1  the file cannot be read: no such file or directory" in text
    assert "no business unit" in text


def test_an_unknown_unit_lists_those_that_exist(bank: Estate):
    with pytest.raises(ConfigError) as error:
        bank.unit("retial")

    assert error.value.hint == "it has: corporate-banking, insurance, retail-banking"


def test_a_model_is_found_by_name_or_with_its_unit(bank: Estate):
    assert bank.model("churn")[2].name == "churn"
    assert bank.model("retail-banking/churn")[1].name == "marketing"
    with pytest.raises(ConfigError, match='model "chrun" is not in the estate'):
        bank.model("chrun")


yaml_like = st.text(
    alphabet=st.sampled_from(list("abc:-[]{}&*!|>%@`'\"#,? \n\t0123456789.<=~\x00é")), max_size=200
)


@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=st.one_of(st.text(max_size=200), yaml_like))
def test_no_text_makes_a_traceback(text: str, tmp_path: Path):
    path = tmp_path / "estate.yaml"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")

    with pytest.raises(EstateError) as error:
        load_estate(path)

    assert error.value.problems


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_no_edit_of_a_valid_estate_makes_a_traceback(data: st.DataObject, tmp_path: Path):
    lines = (SAMPLES / "complete.yaml").read_text(encoding="utf-8").splitlines()
    index = data.draw(st.integers(0, len(lines) - 1))
    lines[index] = data.draw(st.one_of(yaml_like, st.just(""), st.just(lines[index] + " x")))
    path = tmp_path / "estate.yaml"
    path.write_text("\n".join(lines), encoding="utf-8")

    try:
        load_estate(path)
    except EstateError as error:
        assert error.problems  # noqa: PT017 - both outcomes are fine, a traceback is not


def test_MON_02_a_forecast_is_watched_as_its_tier_demands_but_for_groups_of_people():
    estate = load_estate(SAMPLES / "complete.yaml")
    _, _, model = next(estate.models())
    plain = {"monitoring": model.monitoring.model_copy(update={"schedules": {}}), "risk_tier": 1}

    classifier = model.model_copy(update=plain)
    forecast = model.model_copy(update={**plain, "template": "forecast"})

    assert len(classifier.monitors(production=True)) == 4
    assert set(forecast.monitors(production=True)) == {
        "data-quality",
        "model-quality",
        "explainability",
    }
