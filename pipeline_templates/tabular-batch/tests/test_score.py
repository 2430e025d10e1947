"""A day's file: what the model answers for it, and which files are refused."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import execute, pack
from delivery import compiling

EXAMPLE = Path(__file__).parents[1] / "batch" / "example.csv"


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The steps, and a folder with a packed model."""

    code: Path
    model: Path


@pytest.fixture(scope="module")
def trained(sources: compiling.Sources, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """Train a model as the pipeline does."""
    root = tmp_path_factory.mktemp("trained")
    code, data, prepared = root / "code", root / "data", root / "prepared"
    sources.code.write(code)
    sources.data.write(data)
    execute(code, "prepare", "--data", data, "--output", prepared)
    execute(
        code,
        "train",
        *("--train", prepared / "train"),
        *("--validation", prepared / "validation"),
        *("--model-dir", root / "model"),
    )
    return Trained(code=code, model=pack(root / "model", root / "packed"))


def test_every_record_gets_its_answer_in_its_place(trained: Trained, tmp_path: Path) -> None:
    answered = tmp_path / "answers.csv"
    execute(
        trained.code,
        "score",
        *("--model", trained.model),
        *("--input", EXAMPLE),
        *("--output", answered),
    )
    given = EXAMPLE.read_text(encoding="utf-8").splitlines()[1:]
    found = answered.read_text(encoding="utf-8").splitlines()
    assert [line.rpartition(",")[0] for line in found] == given
    assert all(0 < float(line.rpartition(",")[2]) < 1 for line in found)


def test_the_order_of_the_columns_does_not_matter(trained: Trained, tmp_path: Path) -> None:
    turned = tmp_path / "turned.csv"
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    turned.write_text("\n".join(",".join(line.split(",")[::-1]) for line in lines) + "\n")
    answers = []
    for number, file in enumerate((EXAMPLE, turned)):
        output = tmp_path / str(number)
        arguments = ("--model", trained.model, "--input", file, "--output", output)
        execute(trained.code, "score", *arguments)
        answers.append(output.read_text(encoding="utf-8"))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("id,", "number,", "expected the columns id, checking_status"),
        ("loan-2,", "loan 2,", "row 3: the id is not up to 64 letters"),
        (",24,", ",two years,", "row 2: duration_months is two years, no number"),
    ],
)
def test_a_file_that_is_not_as_agreed_is_refused(
    trained: Trained, tmp_path: Path, old: str, new: str, reason: str
) -> None:
    file = tmp_path / "day.csv"
    text = EXAMPLE.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(trained.code / "score.py"), "--model", str(trained.model),
         "--input", str(file), "--output", "-"],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert reason in done.stderr
