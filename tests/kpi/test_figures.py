"""The key figures of a recorded history, each by its definition in docs/kpi.md."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone_tools.services.kpi import Delivery, Event, Figures, Period, Spread, figures

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 1, tzinfo=UTC)
CREDIT, LIMIT, CHURN = (
    f"retail-banking/{name}" for name in ("credit-default", "limit-increase", "churn")
)
TEAMS = {CREDIT: "credit-risk", LIMIT: "credit-risk", CHURN: "marketing"}


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(ROOT / "organization")


@pytest.fixture(scope="module")
def kept() -> list[Event]:
    rows = yaml.safe_load((Path(__file__).parent / "history.yaml").read_text(encoding="utf-8"))
    found = [
        Event(
            id="",
            time=datetime.fromisoformat(str(time).replace("Z", ":00+00:00")),
            model=model,
            team=TEAMS[model],
            environment=environment,
            kind=kind,
            actor=actor,
            version=version,
        )
        for time, model, environment, kind, actor, version in rows
    ]
    return sorted(found, key=lambda item: item.time)


@pytest.fixture(scope="module")
def all_of_it(kept: list[Event], estate: Estate) -> Figures:
    return figures(kept, estate, Period(start=None, end=NOW))


def of(found: Figures, model: str) -> Delivery:
    return next(item for item in found.models if item.scope == model)


def test_lead_time_runs_from_the_build_to_the_validation_in_production(all_of_it: Figures):
    credit = of(all_of_it, CREDIT)

    assert credit.lead_time == Spread(median=33.0, p90=49.8, count=2)
    assert of(all_of_it, CHURN).lead_time == Spread(median=5.0, p90=5.0, count=1)
    assert of(all_of_it, LIMIT).lead_time is None


def test_the_first_release_counts_from_a_models_first_build(all_of_it: Figures):
    assert of(all_of_it, CREDIT).first_release == Spread(median=54.0, p90=54.0, count=1)
    assert all_of_it.total.first_release == Spread(median=29.5, p90=49.1, count=2)


def test_the_parts_of_the_lead_time_add_up(all_of_it: Figures):
    churn = of(all_of_it, CHURN)
    parts = {name: spread.median for name, spread in churn.phases.items() if spread}

    assert parts == {"build": 2.0, "decision": 1.0, "staging": 1.0, "production": 1.0}
    assert churn.lead_time
    assert sum(parts.values()) == churn.lead_time.median


def test_a_failed_release_counts_as_a_failed_change_until_one_is_validated(all_of_it: Figures):
    credit = of(all_of_it, CREDIT)

    assert credit.change_failure_rate == 0.5
    assert credit.time_to_restore == Spread(median=5.0, p90=5.0, count=1)
    assert of(all_of_it, LIMIT).change_failure_rate is None


def test_what_came_back_by_itself_restores_as_well(kept: list[Event], estate: Estate):
    failed = next(item for item in kept if item.kind == "Release Failed")
    back = replace(failed, kind="Release Restored", time=failed.time + timedelta(minutes=6))
    known = sorted([*kept, back], key=lambda item: item.time)

    credit = of(figures(known, estate, Period(start=None, end=NOW)), CREDIT)

    # The second failure of the history comes later, and is mended by the release that follows.
    assert credit.time_to_restore == Spread(median=2.3, p90=4.06, count=2)
    assert credit.change_failure_rate == 0.5


def test_a_version_whose_approval_was_reverted_waits_since_its_registration(all_of_it: Figures):
    limit = of(all_of_it, LIMIT)

    assert (limit.waiting, limit.longest_wait_hours) == (1, 254.0)
    assert of(all_of_it, CREDIT).waiting == 0


def test_a_promotion_waits_from_its_question_to_its_answer(kept: list[Event], estate: Estate):
    asked = replace(
        kept[-1], model=CREDIT, environment="prod", kind="Promotion Waiting", version="",
        time=NOW - timedelta(hours=5),
    )  # fmt: skip
    answered = replace(asked, kind="Promotion Answered", time=NOW - timedelta(hours=1))
    period = Period(start=None, end=NOW)

    waiting = of(figures([*kept, asked], estate, period), CREDIT)
    over = of(figures([*kept, asked, answered], estate, period), CREDIT)

    assert (waiting.waiting, waiting.longest_wait_hours) == (1, 5.0)
    assert over.waiting == 0


def test_a_published_model_is_monitored_if_its_monitor_has_run_lately(all_of_it: Figures):
    assert (all_of_it.published, all_of_it.monitored) == (2, 1)


def test_only_people_of_the_estate_are_people_at_work(all_of_it: Figures):
    assert all_of_it.people == 5


def test_adoption_counts_declared_and_published_models_by_template(all_of_it: Figures):
    (realtime,) = [item for item in all_of_it.templates if item.template == "tabular-realtime"]

    assert realtime.models >= realtime.published == 2


def test_events_that_are_about_no_single_model_make_no_model(kept: list[Event], estate: Estate):
    arrival = replace(kept[0], model="retail-banking/all-models", kind="Data Inspected")

    found = figures([*kept, arrival], estate, Period(start=None, end=NOW))

    assert {item.scope for item in found.models} == {CREDIT, LIMIT, CHURN}
    assert found.events == len(kept) + 1


def test_waivers_are_counted_and_grow_old(kept: list[Event], estate: Estate):
    waivers = figures(kept, estate, Period(start=None, end=NOW)).waivers
    later = figures(kept, estate, Period(start=None, end=NOW + timedelta(days=30))).waivers

    assert waivers.count == later.count == len(estate.waivers) > 0
    assert later.oldest_days == waivers.oldest_days + 30
    assert waivers.next_expiry == min(item.expires for item in estate.waivers)


def test_a_period_counts_what_ends_in_it(kept: list[Event], estate: Estate):
    lately = figures(kept, estate, Period(start=NOW - timedelta(days=14), end=NOW))
    credit = of(lately, CREDIT)

    assert (credit.releases, credit.builds, credit.drifts) == (1, 1, 1)
    assert credit.lead_time == Spread(median=12.0, p90=12.0, count=1)
    assert credit.first_release is None
    assert credit.releases_per_week == 0.5


def test_a_team_sees_its_own_models(kept: list[Event], estate: Estate):
    own = figures(kept, estate, Period(start=None, end=NOW), team="marketing")

    assert [item.scope for item in own.models] == [CHURN]
    assert own.total.scope == "marketing"
    assert own.published == 1


def test_nothing_is_reckoned_from_nothing(estate: Estate):
    nothing = figures([], estate, Period(start=None, end=NOW))

    assert nothing.models == ()
    assert nothing.total.lead_time is None
    assert nothing.total.releases_per_week == 0
