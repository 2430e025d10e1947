"""The bias metrics agree with the published formulae on counts that can be checked by hand."""

import numpy as np
import pytest

import bias
import job

# Group a: 10 people, 8 good, 6 of the good and 1 of the bad approved.
# Group d: 5 people, 3 good, 2 of the good and 1 of the bad approved.
LABELS = np.array([1.0] * 8 + [0] * 2 + [1] * 3 + [0] * 2)
DECISIONS = np.array([1.0] * 6 + [0] * 2 + [1, 0] + [1, 1, 0] + [1, 0])
INSIDE = np.array([False] * 10 + [True] * 5)


def test_the_metrics_of_the_data() -> None:
    found = bias.pre_training(LABELS, INSIDE)
    assert found["CI"] == pytest.approx(5 / 15)
    assert found["DPL"] == pytest.approx(0.8 - 0.6)
    assert found["TVD"] == pytest.approx(0.2)
    assert found["KS"] == pytest.approx(0.2)
    assert found["LP"] == pytest.approx(np.sqrt(0.08))
    assert found["KL"] == pytest.approx(0.2 * np.log(0.2 / 0.4) + 0.8 * np.log(0.8 / 0.6))


def test_the_metrics_of_the_decisions() -> None:
    found = bias.post_training(LABELS, DECISIONS, INSIDE)
    assert found["DPPL"] == pytest.approx(0.7 - 0.6)
    assert found["DI"] == pytest.approx(0.6 / 0.7)
    assert found["DCAcc"] == pytest.approx(8 / 7 - 3 / 3)
    assert found["DCR"] == pytest.approx(2 / 2 - 2 / 3)
    assert found["RD"] == pytest.approx(6 / 8 - 2 / 3)
    assert found["SD"] == pytest.approx(1 / 2 - 1 / 2)
    assert found["DAR"] == pytest.approx(6 / 7 - 2 / 3)
    assert found["DRR"] == pytest.approx(1 / 2 - 1 / 3)
    assert found["AD"] == pytest.approx(7 / 10 - 3 / 5)
    assert found["TE"] == pytest.approx(1 / 1 - 2 / 1)


def test_a_ratio_without_denominator_is_none_and_counts_as_the_largest_gap() -> None:
    nobody = np.concatenate([np.zeros(10), DECISIONS[10:]])
    assert bias.post_training(LABELS, nobody, INSIDE)["DI"] is None
    facets = {"sex": [{"metrics": [{"name": "DI", "value": None}]}]}
    assert bias.gap({"post_training_bias_metrics": {"facets": facets}}) == 1.0


def test_the_gap_is_the_largest_over_the_facets() -> None:
    facets = {
        name: [{"metrics": [{"name": "DI", "value": value}]}]
        for name, value in (("sex", 0.9), ("age", 1.25))
    }
    assert bias.gap({"post_training_bias_metrics": {"facets": facets}}) == pytest.approx(0.25)


def test_a_facet_needs_people_on_both_sides() -> None:
    facet = {"name": "age", "column": "age_years", "at_most": 25}
    with pytest.raises(job.StepError, match="facet age: one of its two groups has no row"):
        bias.members([{"age_years": "40"}, {"age_years": "50"}], facet)


def test_the_interval_holds_the_disparate_impact() -> None:
    low, high = bias.impact_interval(DECISIONS, INSIDE, seed=1)
    assert low < 0.6 / 0.7 < high
