"""The metrics agree with their definitions on cases that can be counted by hand."""

import numpy as np
import pytest

import metrics

LABELS = np.array([0.0, 0.0, 1.0, 1.0, 1.0])
PROBABILITIES = np.array([0.1, 0.6, 0.4, 0.6, 0.9])


def test_auc_counts_the_pairs_in_order_and_half_of_the_ties() -> None:
    # Of 6 pairs: 0.1 lies below three; 0.6 lies above 0.4, ties 0.6, lies below 0.9.
    assert metrics.auc(LABELS, PROBABILITIES) == pytest.approx((3 + 0 + 0.5 + 1) / 6)


def test_brier_is_the_mean_squared_error() -> None:
    expected = (0.01 + 0.36 + 0.36 + 0.16 + 0.01) / 5
    assert metrics.brier(LABELS, PROBABILITIES) == pytest.approx(expected)


def test_ks_is_the_largest_distance_of_the_rates() -> None:
    # At 0.4: all positives are marked, one of two negatives.
    assert metrics.kolmogorov_smirnov(LABELS, PROBABILITIES) == pytest.approx(0.5)


def test_the_threshold_is_the_highest_that_keeps_positives_rare() -> None:
    labels = np.array([0.0, 0, 0, 1, 0, 1, 1])
    probabilities = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert metrics.choose_threshold(labels, probabilities, 0.2) == pytest.approx(0.55)
    assert metrics.choose_threshold(labels, probabilities, 0.1) == pytest.approx(0.35)


def test_there_is_no_threshold_if_the_safest_rows_are_positive() -> None:
    assert metrics.choose_threshold(np.array([1.0, 0.0]), np.array([0.1, 0.2]), 0.2) is None


def test_the_report_counts_what_the_threshold_decides() -> None:
    scores = metrics.report(LABELS, PROBABILITIES, 0.6)["binary_classification_metrics"]
    assert scores["confusion_matrix"] == {"0": {"0": 1, "1": 1}, "1": {"0": 1, "1": 2}}
    assert scores["accuracy"]["value"] == pytest.approx(3 / 5)
    assert scores["recall"]["value"] == pytest.approx(2 / 3)
