"""How far the answers of two releases are apart."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlzone_runtime.release.comparison import Comparison, Difference

PROBABILITIES = st.floats(0, 1)
PAIRS = st.lists(st.tuples(PROBABILITIES, PROBABILITIES), min_size=1, max_size=30)


def shadow(pairs: list[tuple[float, float]], *, relative: bool = False) -> Difference:
    """Compare answers to the same requests."""
    comparison = Comparison(paired=True, relative=relative)
    for number, (champion, challenger) in enumerate(pairs):
        comparison.add_champion([[number]], [champion])
        comparison.add_challenger([[number]], [challenger])
    return comparison.difference()


@given(PAIRS)
def test_probabilities_are_apart_by_points(pairs):
    found = shadow(pairs)

    assert found.requests == len(pairs)
    assert found.percent == pytest.approx(
        100 * sum(abs(one - other) for one, other in pairs) / len(pairs)
    )
    assert found.margin == 0


@given(PAIRS)
def test_it_does_not_matter_which_of_both_serves(pairs):
    assert shadow(pairs).percent == pytest.approx(
        shadow([(other, one) for one, other in pairs]).percent
    )


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=30), st.floats(0, 0.5))
def test_numbers_are_apart_by_percent_of_what_is_answered(answers, share):
    found = shadow([(answer, answer * (1 + share)) for answer in answers], relative=True)

    assert found.percent == pytest.approx(100 * share)


def test_numbers_that_are_all_nought_are_held_against_one():
    assert shadow([(0.0, 0.5)], relative=True).percent == 50


def test_only_what_both_were_asked_is_compared():
    comparison = Comparison(paired=True, relative=False)
    comparison.add_champion([["a"]], [0.2])
    comparison.add_challenger([["b"]], [0.9])

    assert comparison.difference() == Difference(requests=0, percent=0.0)

    comparison.add_challenger([["a"]], [0.3])
    comparison.add_challenger([["a"]], [0.3])
    found = comparison.difference()
    assert (found.requests, found.percent) == (2, pytest.approx(10))


def test_a_request_about_many_rows_counts_once_and_all_its_rows():
    comparison = Comparison(paired=True, relative=False)
    comparison.add_champion([[1], [2]], [0.2, 0.4])
    comparison.add_challenger([[1], [2]], [0.3, 0.4])

    found = comparison.difference()

    assert (found.requests, found.percent) == (1, pytest.approx(5))


def ab_test(champion: list[float], challenger: list[float]) -> Difference:
    """Compare answers to different callers."""
    comparison = Comparison(paired=False, relative=False)
    for number, answer in enumerate(champion):
        comparison.add_champion([["champion", number]], [answer])
    for number, answer in enumerate(challenger):
        comparison.add_challenger([["challenger", number]], [answer])
    return comparison.difference()


def test_averages_of_an_ab_test_are_apart_by_what_chance_does_not_explain():
    few = ab_test([0.1, 0.9], [0.3, 0.9])
    many = ab_test([0.1, 0.9] * 2000, [0.3, 0.9] * 2000)

    assert few.percent == many.percent == pytest.approx(10)
    assert not few.exceeds(5)
    assert many.exceeds(5)


def test_equal_averages_are_not_apart():
    assert ab_test([0.2, 0.4], [0.4, 0.2]).percent == pytest.approx(0)
    assert ab_test([0.2], []).requests == 0


def test_what_is_no_number_is_never_within_a_limit():
    found = shadow([(0.5, math.nan)])

    assert found.exceeds(100)
