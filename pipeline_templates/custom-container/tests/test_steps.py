"""All steps on the project's data, by the image's entry point; documents for the registry."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from conftest import execute, pack, read
from delivery import compiling


@dataclass(frozen=True, kw_only=True)
class Run:
    """The folders that the steps wrote."""

    code: Path
    prepared: Path
    model: Path
    packed: Path
    evaluation: Path

    def document(self, name: str) -> dict[str, Any]:
        """Return a document of the evaluation."""
        return read(self.evaluation, name)


@pytest.fixture(scope="module")
def run(sources: compiling.Sources, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Run all steps as the jobs do: one process each, the program from the layer."""
    root = tmp_path_factory.mktemp("run")
    code, data, examples = root / "code", root / "data", root / "prepared" / "examples"
    sources.code.write(code)
    sources.data.write(data)
    execute(code, "main", "prepare", "--data", data, "--output", root / "prepared")
    execute(code, "main", "train", "--examples", examples, "--model-dir", root / "model")
    packed = pack(root / "model", root / "packed")
    execute(
        code,
        *("main", "evaluate"),
        *("--model", packed),
        *("--examples", examples),
        *("--output", root / "evaluation"),
    )
    return Run(
        code=code,
        prepared=root / "prepared",
        model=root / "model",
        packed=packed,
        evaluation=root / "evaluation",
    )


def test_it_beats_always_the_median_on_makers_that_it_did_not_see(run: Run) -> None:
    numbers = run.document("summary.json")["numbers"]
    assert numbers["error_ratio"] < 0.6
    assert numbers["r2"] > 0.6


def test_every_record_is_judged_once_by_a_model_that_did_not_see_it(run: Run) -> None:
    told = (run.evaluation / "held_out.csv").read_text(encoding="utf-8").splitlines()
    assert told[0].endswith(",price_usd,answer")
    assert len(told) - 1 == run.document("quality.json")["held_out"]["records"] == 201


def test_every_feature_is_explained_in_the_unit_of_the_target(run: Run) -> None:
    schema = json.loads((run.model / "schema.json").read_text(encoding="utf-8"))
    document = run.document("explanation.json")
    assert document["unit"] == schema["target"]
    values = document["explanations"]["kernel_shap"]["label0"]
    assert values["global_shap_values"].keys() == {item["name"] for item in schema["features"]}
    assert 5000 < values["expected_value"] < 30000


def test_the_registry_gets_texts_that_fit(run: Run) -> None:
    texts = run.document("summary.json")["texts"]
    assert {"error_ratio", "mae", "r2", "records", "top_features"} <= texts.keys()
    assert all(isinstance(text, str) and len(text) <= 256 for text in texts.values())


def test_the_model_card_says_how_it_was_judged(run: Run) -> None:
    card = json.loads(run.document("summary.json")["model_card"])
    found = card["evaluation_details"][0]
    assert "no make in two of them" in found["evaluation_observation"]
    groups = {group["name"]: group for group in found["metric_groups"]}
    assert groups["Against the median"]["metric_data"][0]["name"] == "error_ratio"


def test_training_twice_gives_the_same_bytes(run: Run, tmp_path: Path) -> None:
    examples = run.prepared / "examples"
    execute(run.code, "main", "train", "--examples", examples, "--model-dir", tmp_path)
    for name in ("model.joblib", "model.onnx", "schema.json", "background.csv"):
        assert (tmp_path / name).read_bytes() == (run.model / name).read_bytes(), name


def test_a_monitors_model_that_answers_otherwise_is_noticed(run: Run, tmp_path: Path) -> None:
    import evaluate  # noqa: PLC0415 - the steps are on the path of the tests
    import job  # noqa: PLC0415
    import model  # noqa: PLC0415

    given = json.loads((run.code / "settings.json").read_text(encoding="utf-8"))
    rows, features = job.read_table(run.prepared / "examples"), job.features(given)
    other = model.fit(rows[:150], given)
    model.save(tmp_path, other, rows[:150], given)
    frame = model.table(rows, features)
    learned, _ = model.load(run.packed)
    with pytest.raises(job.StepError, match=r"model\.onnx answers \d+ of 201 records otherwise"):
        evaluate.alike(model.files(tmp_path), learned.predict(frame), frame)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (",2548,", ",much,", "weight_pounds is no number: 'much' in row 1"),
        ("convertible", "rocket", "body has an unknown value: 'rocket' in row 1"),
        (",13495\n", ",\n", "price_usd is missing in row 1"),
    ],
)
def test_a_breach_of_the_contract_stops_the_pipeline(
    run: Run, sources: compiling.Sources, tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert run
    ((name, content),) = sources.data.files.items()
    (tmp_path / name).write_text(content.decode().replace(before, after, 1), encoding="utf-8")
    with pytest.raises(AssertionError) as failed:
        execute(run.code, "main", "prepare", "--data", tmp_path, "--output", tmp_path / "out")
    assert said in str(failed.value)


def test_it_serves_csv_and_json_and_refuses_by_name(run: Run) -> None:
    import serve  # noqa: PLC0415 - the steps are on the path of the tests

    estimator = serve.Estimator(run.model)
    names = [item["name"] for item in read(run.model, "schema.json")["features"]]
    lines = (run.model / "background.csv").read_text(encoding="utf-8").splitlines()
    row = dict(zip(names, lines[1].split(","), strict=True))

    by_csv = float(estimator.answer(lines[1].encode(), serve.CSV, serve.CSV))
    body = json.dumps({"instances": [row, {**row, "horsepower": None, "body": "unheard-of"}]})
    first, second = json.loads(estimator.answer(body.encode(), serve.JSON, serve.JSON))[
        "predictions"
    ]
    assert first["answer"] == by_csv
    assert first["decision"] in ("accept", "appraise")
    assert second["answer"] > 0

    for wrong, field in (
        ({**row, "horsepower": "many"}, "horsepower"),
        ({**row, "horsepower": ["x"]}, "horsepower"),
        ({**row, "horsepower": float("inf")}, "horsepower"),
        ({**row, "body": 7}, "body"),
        ({**row, "wings": 2}, "wings"),
        ({name: row[name] for name in names[1:]}, names[0]),
    ):
        with pytest.raises(serve.BadRequestError) as refused:
            estimator.answer(json.dumps({"instances": [wrong]}).encode(), serve.JSON, serve.JSON)
        assert (refused.value.status, refused.value.field) == (400, field)
        assert field in str(refused.value)
    for text, kind, status in (
        (b"1,2", serve.CSV, 400),
        (b"", serve.CSV, 400),
        (b"{", serve.JSON, 400),
        (b"\xff", serve.CSV, 400),
        (b"1", "text/plain", 415),
    ):
        with pytest.raises(serve.BadRequestError) as refused:
            estimator.answer(text, kind, serve.CSV)
        assert refused.value.status == status
