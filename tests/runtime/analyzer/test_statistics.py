"""The statistics agree with independent references, and alarms stay rare when nothing moves."""

import json
from collections.abc import Callable

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st
from scipy import spatial, stats

from mlzone_runtime.analyzer import divergence, significance
from mlzone_runtime.analyzer.block import read_block
from mlzone_runtime.analyzer.comparison import compare
from mlzone_runtime.analyzer.data_quality import with_predictions
from mlzone_runtime.analyzer.intake import IntakeBuilder
from mlzone_runtime.analyzer.model import WatchedModel
from mlzone_runtime.analyzer.repetition import Repetition
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.sketch import Sketch
from mlzone_runtime.analyzer.statistics import parse_statistics, summarise
from mlzone_runtime.tabular_schema import Feature

from .conftest import Project, Run, applicants, csv_lines

WINDOWS = 300


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [0, 1, 9])
def test_kolmogorov_smirnov_is_scipys(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    before = np.sort(rng.normal(0, 2, 900).round(digits))
    now = np.sort(rng.normal(0.1 * seed, 2, 700).round(digits))

    distance = significance.kolmogorov_smirnov(Sketch.of(before), now)
    p_value = significance.kolmogorov_smirnov_p(distance, 900, 700)

    expected = stats.ks_2samp(before, now, method="asymp")
    assert distance == pytest.approx(expected.statistic, abs=1e-12)
    assert p_value == pytest.approx(expected.pvalue, rel=0.15, abs=2e-3)


def test_a_sketch_of_many_values_moves_the_distance_by_less_than_its_resolution() -> None:
    rng = np.random.default_rng(7)
    before, now = np.sort(rng.gamma(2, 2, 100_000)), np.sort(rng.gamma(2.2, 2, 5_000))

    distance = significance.kolmogorov_smirnov(Sketch.of(before), now)

    assert distance == pytest.approx(stats.ks_2samp(before, now).statistic, abs=1 / 2048)


@pytest.mark.parametrize("seed", range(5))
def test_chi_squared_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.multinomial(3000, [0.4, 0.3, 0.2, 0.1]).astype(float)
    now = rng.multinomial(800, [0.35, 0.3, 0.2, 0.15]).astype(float)

    statistic, p_value = significance.chi_squared(before, now)

    expected = stats.chi2_contingency(np.vstack((before, now)), correction=False)
    assert statistic == pytest.approx(expected.statistic)
    assert p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize(
    ("baseline", "window"),
    [((0, 8000), (30, 3000)), ((240, 8000), (95, 3000)), ((5, 90), (0, 10)), ((5, 90), (10, 10))],
)
def test_fishers_exact_test_is_scipys(baseline: tuple[int, int], window: tuple[int, int]) -> None:
    p_value = significance.fisher_rise(*baseline, *window)

    table = [[hits, records - hits] for hits, records in (window, baseline)]
    assert p_value == pytest.approx(stats.fisher_exact(table, alternative="greater").pvalue)


def test_holm_adjusts_as_published() -> None:
    # The smallest times 4, the next times 3, and so on, never falling.
    assert significance.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_the_population_stability_index_is_its_formula() -> None:
    before, now = np.array([50.0, 30.0, 20.0]), np.array([20.0, 30.0, 50.0])

    by_hand = (0.2 - 0.5) * np.log(0.2 / 0.5) + 0 + (0.5 - 0.2) * np.log(0.5 / 0.2)

    assert divergence.population_stability_index(before, now) == pytest.approx(by_hand)
    assert divergence.population_stability_index(before, before * 7) == 0


def test_an_empty_bucket_counts_as_one_in_ten_thousand() -> None:
    found = divergence.population_stability_index(np.array([1.0, 0.0]), np.array([0.5, 0.5]))

    by_hand = -0.5 * np.log(0.5) + (0.5 - 1e-4) * np.log(0.5 / 1e-4)
    assert found == pytest.approx(by_hand)


@pytest.mark.parametrize("seed", range(5))
def test_the_jensen_shannon_distance_is_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    before = rng.multinomial(3000, [0.4, 0.3, 0.2, 0.1, 0]).astype(float)
    now = rng.multinomial(800, [0.3, 0.3, 0.2, 0, 0.2]).astype(float)

    expected = spatial.distance.jensenshannon(before, now, base=2)

    assert divergence.jensen_shannon(before, now) == pytest.approx(expected)
    assert divergence.jensen_shannon(before, before * 3) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("digits", [0, 9])
def test_the_wasserstein_distance_is_scipys(seed: int, digits: int) -> None:
    rng = np.random.default_rng(seed)
    before = np.sort(rng.normal(0, 2, 900).round(digits))
    now = np.sort(rng.normal(0.3 * seed, 2 + seed, 700).round(digits))

    distance = divergence.wasserstein(Sketch.of(before), Sketch.of(now))

    assert distance == pytest.approx(stats.wasserstein_distance(before, now))


def test_sketches_of_many_values_keep_the_wasserstein_distance() -> None:
    rng = np.random.default_rng(7)
    before, now = np.sort(rng.gamma(2, 2, 100_000)), np.sort(rng.gamma(2.2, 2, 50_000))

    distance = divergence.wasserstein(Sketch.of(before), Sketch.of(now))

    assert distance == pytest.approx(stats.wasserstein_distance(before, now), rel=0.01)


@hypothesis.given(
    rows=st.lists(
        st.tuples(
            st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5, 1e300])),
            st.one_of(st.none(), st.sampled_from("abc")),
        ),
        min_size=1,
        max_size=30,
    )
)
def test_records_that_repeat_another_one_are_counted(
    rows: list[tuple[float | None, str | None]],
) -> None:
    features = (Feature(name="x", kind="number"), Feature(name="y", kind="category"))
    text = "".join(f"{'' if x is None else x},{y or ''}\n" for x, y in rows)
    builder = IntakeBuilder(features)
    builder.add(read_block(text.encode(), features))

    found = Repetition.count(builder.finish().table)

    assert (found.records, found.of) == (len(rows) - len(set(rows)), len(rows))


def test_the_index_can_be_recomputed_from_the_two_files(
    project: Project, watch: Callable[..., Run]
) -> None:
    frame = applicants(2000, seed=41)
    frame["age"] -= 9

    run = watch(frame)

    counts = []
    for document in (
        json.loads((project.baseline / "statistics.json").read_text()),
        run.json("statistics.json"),
    ):
        ages = next(item for item in document["features"] if item["name"] == "age")
        buckets = ages["numerical_statistics"]["distribution"]["kll"]["buckets"]
        counts.append(np.array([bucket["count"] for bucket in buckets]))
    shares = [np.maximum(count / count.sum(), 1e-4) for count in counts]
    by_hand = ((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum()
    assert run.explanation["findings"][0]["psi"] == pytest.approx(by_hand)


@pytest.mark.parametrize("rows", [200, 1000])
def test_alarms_are_rare_when_nothing_moves(project: Project, rows: int) -> None:
    model = WatchedModel.load(project.model)
    baseline = parse_statistics(json.loads((project.baseline / "statistics.json").read_text()))

    builder = IntakeBuilder(model.schema.features)
    frame = applicants(WINDOWS * rows, seed=42)
    builder.add_lines([line.encode() for line in csv_lines(frame)], np.zeros(len(frame)))
    traffic = builder.finish()
    traffic.predictions[:] = model.probabilities(traffic.table)
    table = with_predictions(traffic)

    alarms = 0
    for start in range(0, len(frame), rows):
        window = table.select(np.arange(start, start + rows))
        current = {summary.name: summary for summary in summarise(window, baseline)}
        alarms += any(item.moved for item in compare(baseline, window, current, Settings()))

    assert alarms / WINDOWS <= 0.01
