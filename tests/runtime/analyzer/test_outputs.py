"""What a run leaves: published files, an explanation that adds up, and a page for people."""

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pandas as pd
import pytest

import mlzone_runtime.analyzer
from mlzone_runtime import tabular
from mlzone_runtime.analyzer import wording

from . import published_schema
from .conftest import NAMES, Monitor, Project, Run, answers_of, applicants, csv_lines, record

SCHEMA = json.loads(
    (Path(mlzone_runtime.analyzer.__file__).parent / "explanation.schema.json").read_text()
)


def quiet(_: pd.DataFrame) -> None:
    """Change nothing."""


def shifted(frame: pd.DataFrame) -> None:
    frame["income"] *= 0.5
    frame["age"] -= 10
    frame.loc[::10, "region"] = "abroad"


def faulty(frame: pd.DataFrame) -> None:
    frame["income"] *= 100
    frame["months_employed"] = np.nan
    frame.loc[::5, "debt_ratio"] = -1
    frame["region"] = frame["region"].str.upper()


@pytest.mark.parametrize("change", [quiet, shifted, faulty], ids=lambda change: change.__name__)
@pytest.mark.parametrize("rows", [0, 50, 2000])
def test_every_output_keeps_its_schema(
    watch: Callable[..., Run], change: Callable[[pd.DataFrame], None], rows: int
) -> None:
    frame = applicants(rows, seed=51)
    change(frame)

    run = watch(frame)

    jsonschema.validate(run.json("statistics.json"), published_schema.STATISTICS)
    jsonschema.validate(run.json("constraints.json"), published_schema.CONSTRAINTS)
    jsonschema.validate(run.json("constraint_violations.json"), published_schema.VIOLATIONS)
    jsonschema.validate(run.explanation, SCHEMA)
    assert {file.name for file in run.output.iterdir()} == {
        "statistics.json",
        "constraints.json",
        "constraint_violations.json",
        "explanation.json",
        "report.html",
    }


def test_the_baseline_keeps_the_published_schemas(project: Project) -> None:
    for name, schema in (
        ("statistics", published_schema.STATISTICS),
        ("constraints", published_schema.CONSTRAINTS),
    ):
        jsonschema.validate(json.loads((project.baseline / f"{name}.json").read_text()), schema)


def test_the_schema_of_the_explanation_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_how_far_a_feature_moved_is_told_in_other_measures_too(watch: Callable[..., Run]) -> None:
    frame = applicants(1000, seed=31)
    frame["age"] += 200

    run = watch(frame)

    sizes = {item["name"]: item["sizes"] for item in run.explanation["features"]}
    assert sizes["age"]["wasserstein"] == pytest.approx(200, rel=0.01)
    assert sizes["age"]["jensen_shannon"] > 0.8
    assert sizes["age"]["outside_range"] == 1
    assert sizes["income"]["outside_range"] < 0.01
    assert set(sizes["purpose"]) == {"jensen_shannon"}


@pytest.mark.parametrize(("again", "said"), [(0, False), (20, False), (300, True)])
def test_requests_that_are_sent_twice_are_told_without_an_alarm(
    watch: Callable[..., Run], again: int, *, said: bool
) -> None:
    frame = applicants(900, seed=31)

    run = watch(pd.concat([frame, frame[:again]], ignore_index=True))

    found, outcome = run.explanation["repetition"], run.explanation["outcome"]
    assert (found["records"], found["baseline_share"], outcome) == (again, 0, "no_drift")
    sentence = "25 % of the records repeat another one in every feature, up from 0.0 %"
    assert found["risen"] is said
    assert any(line.startswith(sentence) for line in run.explanation["sentences"]) is said


def test_contributions_add_up_to_the_shift_of_the_models_log_odds(
    project: Project, watch: Callable[..., Run]
) -> None:
    frame = applicants(2000, seed=52)
    shifted(frame)

    found = watch(frame).explanation["attribution"]

    model = tabular.load(project.model)
    means = []
    for records in (pd.read_csv(project.baseline / "sample.csv"), frame):
        rows = records.astype(object).where(records.notna(), None).to_dict("records")
        chances = model.predict(model.schema.encode_records(rows)).astype(np.float64)
        means.append(np.log(chances / (1 - chances)).mean())
    parts = [part["log_odds"] for part in found["contributions"]]
    assert {part["feature"] for part in found["contributions"]} == set(NAMES)
    assert sum(parts) == pytest.approx(means[1] - means[0], abs=1e-4)
    assert found["shift"] == pytest.approx(means[1] - means[0], abs=1e-4)
    assert sum(part["share"] for part in found["contributions"]) == pytest.approx(1)
    assert sum(part["movement"] for part in found["contributions"]) == pytest.approx(1)
    shift = found["current_probability"] - found["baseline_probability"]
    parts = [part["probability"] for part in found["contributions"]]
    assert sum(parts) == pytest.approx(shift, abs=1e-6)


def test_the_feature_that_moved_the_predictions_most_comes_first(
    watch: Callable[..., Run],
) -> None:
    frame = applicants(2000, seed=53)
    frame["temperature"] += 30  # moves far, and means nothing to the model
    frame["income"] *= 0.5

    run = watch(frame)

    findings = run.explanation["findings"]
    assert [finding["feature"] for finding in findings] == ["income", "temperature"]
    assert findings[0]["psi"] < findings[1]["psi"]
    assert findings[0]["contribution"]["share"] > 0.9
    assert run.explanation["prediction_shift"] > 0.05


def test_shifts_that_cancel_have_no_shares(watch: Callable[..., Run]) -> None:
    frame = applicants(2000, seed=54)
    frame["temperature"] += 30

    run = watch(frame)

    assert run.explanation["attribution"]["clear"] is False
    assert run.explanation["findings"][0]["contribution"]["share"] is None
    assert "could be chance" in run.explanation["findings"][0]["sentence"]


def test_without_a_finding_nothing_is_said_of_any_feature(watch: Callable[..., Run]) -> None:
    run = watch(applicants(2000, seed=55))

    assert run.explanation["outcome"] == "no_drift"
    assert len(run.explanation["sentences"]) == 1
    assert run.explanation["sentences"][0].startswith("None of 8 features moved in 2,000 records")


def numbers_of(document: Any) -> Iterator[float]:
    """Yield every number of a document, and the length of its list of features."""
    if isinstance(document, dict):
        for value in document.values():
            yield from numbers_of(value)
    elif isinstance(document, list):
        yield float(len(document))
        for value in document:
            yield from numbers_of(value)
    elif isinstance(document, int | float) and not isinstance(document, bool):
        yield float(document)


@pytest.mark.parametrize("change", [quiet, shifted, faulty], ids=lambda change: change.__name__)
def test_every_number_in_a_sentence_stands_in_the_explanation(
    watch: Callable[..., Run], change: Callable[[pd.DataFrame], None]
) -> None:
    frame = applicants(2000, seed=56)
    change(frame)

    explanation = watch(frame).explanation

    known = set()
    for number in numbers_of(explanation):
        known |= {wording.show(number), wording.percent(number).removesuffix(" %")}
        known |= {wording.show(-number), wording.percent(-number).removesuffix(" %")}
    said = re.findall(r"-?\d[\d,]*(?:\.\d+)?(?:e-?\d+)?", " ".join(explanation["sentences"]))
    assert said
    for number in said:
        assert number.removesuffix(",") in known


def test_the_message_tells_model_monitor_of_violations(
    watch: Callable[..., Run], tmp_path: Path
) -> None:
    frame = applicants(1000, seed=57)
    frame["age"] -= 15

    run = watch(frame)

    message = (tmp_path / "opt-ml" / "output" / "message").read_text()
    count = len(run.json("constraint_violations.json")["violations"])
    assert message.startswith("CompletedWithViolations: ")
    assert f" {count} violation" in message
    assert run.explanation["violations"] == count


class Page(HTMLParser):
    """Collects what a page refers to and says."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [value or "" for name, value in attrs if name in {"src", "href"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_tells_the_story_and_needs_no_network(watch: Callable[..., Run]) -> None:
    frame = applicants(2000, seed=58)
    shifted(frame)

    run = watch(frame)

    page = Page()
    page.feed((run.output / "report.html").read_text(encoding="utf-8"))
    assert page.references == []
    assert not {"script", "link", "iframe", "img"} & set(page.tags)
    for sentence in run.explanation["sentences"]:
        assert sentence in page.text
    charts = len(run.explanation["findings"]) + run.explanation["prediction"]["moved"]
    charts += len(run.explanation["timelines"])
    assert page.tags.count("svg") == charts
    assert "monthly income" in page.text


def test_the_page_shows_values_as_text(watch: Callable[..., Run]) -> None:
    frame = applicants(1000, seed=59)
    frame.loc[::4, "purpose"] = "<script>alert(1)</script>"

    run = watch(frame)

    text = (run.output / "report.html").read_text(encoding="utf-8")
    assert "<script>" not in text
    assert "&lt;script&gt;" in text


def test_the_same_window_gives_the_same_bytes(watch: Callable[..., Run], tmp_path: Path) -> None:
    frame = applicants(1000, seed=60)
    shifted(frame)
    first = {f.name: f.read_bytes() for f in watch(frame).output.iterdir()}
    (tmp_path / "capture").rename(tmp_path / "earlier")

    second = {f.name: f.read_bytes() for f in watch(frame).output.iterdir()}

    assert second == first


def at_times(project: Project, frame: pd.DataFrame, folder: Path) -> Path:
    """Capture requests evenly over an hour."""
    folder.mkdir()
    lines = [
        record(row, str(answer), when=f"10:{number * 60 // len(frame):02}:00")
        for number, (row, answer) in enumerate(
            zip(csv_lines(frame), answers_of(project, frame).tolist(), strict=True)
        )
    ]
    (folder / "a.jsonl").write_text("\n".join(lines))
    return folder


def test_the_page_says_since_when_within_the_window(
    project: Project, monitor: Monitor, tmp_path: Path
) -> None:
    frame = applicants(3000, seed=61)
    frame.loc[1500:, "income"] *= 0.3

    run = monitor(at_times(project, frame, tmp_path / "capture"))

    jsonschema.validate(run.explanation, SCHEMA)
    (line,) = run.explanation["timelines"]
    assert line["feature"] == "income"
    assert "T10:25" <= line["since"][10:] <= "T10:35"
    assert len(line["points"]) == 12
    (sentence,) = [text for text in run.explanation["sentences"] if "has been so since" in text]
    page = (run.output / "report.html").read_text(encoding="utf-8")
    assert "<dt>Since when</dt><dd><p>" + sentence in page
    assert "<polyline" in page


def test_a_fault_is_shown_in_records_of_which_all_else_is_masked(
    project: Project, monitor: Monitor, tmp_path: Path
) -> None:
    frame = applicants(1000, seed=62)
    frame.loc[::10, "income"] = -1.0

    run = monitor(at_times(project, frame, tmp_path / "capture"))

    rows = run.explanation["fault_rows"]
    assert [row["record"] for row in rows] == [1, 11, 21]
    assert {(row["feature"], row["value"], row["others"]) for row in rows} == {
        ("income", "-1", "\u2022\u2022\u2022")
    }
    assert "Records that show the faults" in (run.output / "report.html").read_text()


@pytest.mark.parametrize("change", [quiet, shifted, faulty], ids=lambda change: change.__name__)
def test_the_page_is_whole_for_screens_phones_and_paper(
    watch: Callable[..., Run], change: Callable[[pd.DataFrame], None]
) -> None:
    frame = applicants(2000, seed=63)
    change(frame)

    text = (watch(frame).output / "report.html").read_text(encoding="utf-8")

    page = Balanced()
    page.feed(text)
    assert page.open == []
    assert page.wide == [], "a table would be wider than a phone"
    assert page.nameless == [], "a chart has no words"
    for wanted in ("viewport", "prefers-color-scheme: dark", "@media print", "max-width: 30rem"):
        assert wanted in text
    assert text.index("What happened") < text.index("<h2>")


class Balanced(HTMLParser):
    """Finds tags that do not end, tables that cannot scroll, and charts without words."""

    VOID = frozenset({"meta", "br", "rect", "circle", "line", "polyline"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wide: list[int] = []
        self.nameless: list[int] = []
        self.scrolls: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "table" and not any(self.scrolls):
            self.wide.append(self.getpos()[0])
        if tag == "svg" and not named.get("aria-label"):
            self.nameless.append(self.getpos()[0])
        if tag not in self.VOID:
            self.open.append(tag)
            self.scrolls.append(named.get("class") == "scroll")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        del tag, attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.scrolls.pop()
