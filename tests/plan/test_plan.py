"""What a plan rests on: prices, the choice of stacks, and a comment that fits."""

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from mlzone.estate import Estate
from mlzone.plan import Assembly, Plan, stack_inputs, touched
from mlzone.plan.cost import INTERFACE_ENDPOINTS
from mlzone.plan.price import prices
from mlzone_constructs.foundation import network
from mlzone_tools.cli import plan_layout


def test_a_stack_that_is_left_out_of_a_plan_has_the_same_template(
    document: Any,
    changed: Callable[..., Any],
    estate_of: Callable[[Any], Estate],
    templates_of: Callable[[Estate, Collection[str]], Assembly],
):
    """Only so may a plan look at a part of the estate."""
    team = "business_units.0.teams.0."
    before = estate_of(document)
    after = estate_of(
        changed(
            document,
            [
                [f"{team}members.data-scientist", ["ana.souza", "rita.melo"]],
                [f"{team}budget.monthly_usd", 1500],
                [f"{team}studio", {"idle_minutes": 90}],
                [f"{team}feature_groups", []],
                ["business_units.0.approvers.+", "rui.castro"],
                ["organization.people.finops", ["igor.teixeira"]],
                ["organization.guardrails.max_job_hours", 12],
            ],
        )
    )
    names = {*stack_inputs(before), *stack_inputs(after)}
    left_out = names - touched(stack_inputs(before), stack_inputs(after))

    old, new = templates_of(before, left_out), templates_of(after, names)

    assert "sml-retail-prod-serving-default" in left_out
    assert "sml-retail-prod-team-sales" not in left_out  # Guardrails bind what teams may do.
    digests = {name: digest for name, digest in new.digests.items() if name in left_out}
    assert digests == old.digests


def test_a_comment_fits_whatever_the_size_of_the_change(
    document: Any, changed: Callable[..., Any], plan_of: Callable[[Any, Any], Plan]
):
    plan = plan_of(document, changed(document, [["business_units.0.teams.1", None]]))
    huge = replace(plan, resources=plan.resources * 500)

    comment = plan_layout.markdown(huge)

    assert len(plan_layout.text(huge)) > 1_000_000
    assert len(comment.encode()) < 60_000
    assert "more; see `mlzone plan`" in comment
    assert comment.count("<details") == comment.count("</details>")


def test_what_people_write_cannot_become_markup_or_a_mention(
    document: Any, changed: Callable[..., Any], plan_of: Callable[[Any, Any], Plan]
):
    title = "<img src=x> @everybody [here](http://x)"
    plan = plan_of(document, changed(document, [["business_units.0.teams.1.title", title]]))

    comment = plan_layout.markdown(plan)

    assert "<img" not in comment
    assert "@everybody" not in comment
    assert "[here](" not in comment


def test_the_number_of_endpoints_is_that_of_the_network():
    assert len((*network.INTERFACE_ENDPOINTS, network.STUDIO_ENDPOINT)) == INTERFACE_ENDPOINTS


def test_every_price_says_where_it_is_from():
    table = prices()

    assert table.noted
    assert all(source.startswith("https://aws.amazon.com/") for source in table.sources)
    for region in table.regions.values():
        plain = [entry for name, entry in region.items() if name != "instance_hour"]
        for entry in (*region["instance_hour"].values(), *plain):
            assert entry["usd"] > 0
            assert entry["basis"] == "list" or entry["rule"]
