"""Every way in which an estate can be wrong: file, line, column, field and what to do.

Each case file edits the complete sample, or holds a whole file, and lists the exact problems.
"""

from datetime import date
from pathlib import Path

import pytest
import yaml

from mlzone.loading import EstateError, load_estate

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "organization" / "samples"
CASES = sorted((Path(__file__).parent / "invalid").glob("*.yaml"))
TODAY = date(2026, 11, 24)


def write_estate(folder: Path, text: str) -> Path:
    metadata = "identity/saml-metadata.xml"
    (folder / "identity").mkdir()
    (folder / metadata).write_bytes((SAMPLES / metadata).read_bytes())
    path = folder / "estate.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def text_of(case: dict) -> str:
    if "content" in case:
        return case["content"]
    text = (SAMPLES / "complete.yaml").read_text(encoding="utf-8")
    for edit in case["edits"]:
        assert text.count(edit["replace"]) >= 1, f"the sample has no {edit['replace']!r}"
        text = text.replace(edit["replace"], edit["with"], 1)
    return text


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_an_invalid_estate_is_explained(path: Path, tmp_path: Path):
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    estate = write_estate(tmp_path, text_of(case))

    with pytest.raises(EstateError) as error:
        load_estate(estate, today=TODAY)

    problems = [
        str(problem).replace(str(estate), "estate.yaml") for problem in error.value.problems
    ]
    assert problems == case["expected"]
    assert error.value.exit_code == 2


def test_there_are_at_least_forty_cases():
    assert len(CASES) >= 40


def test_a_file_of_ten_megabytes_is_refused_unread(tmp_path: Path):
    path = write_estate(tmp_path, "# " + "x" * 10_000_000)

    with pytest.raises(EstateError) as error:
        load_estate(path, today=TODAY)

    assert "split it by business unit" in str(error.value.problems[0])


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    path = write_estate(tmp_path, "")
    path.write_bytes(b"name: \xff\xfe")

    with pytest.raises(EstateError) as error:
        load_estate(path, today=TODAY)

    assert str(error.value.problems[0]).endswith(
        "the file is not UTF-8 text: byte 6 cannot be read"
    )


def test_aliases_that_explode_are_refused(tmp_path: Path):
    lines = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for previous, name in zip("abcdef", "bcdefg", strict=True):
        lines.append(f"{name}: &{name} [{', '.join(['*' + previous] * 10)}]")
    path = write_estate(tmp_path, "\n".join(lines))

    with pytest.raises(EstateError) as error:
        load_estate(path, today=TODAY)

    assert "expand to too many values" in str(error.value.problems[0])
