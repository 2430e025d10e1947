"""What goes wrong in a build ends in a clear reason, and registers nothing."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.conftest import Server
from tests.cloud.templates.test_build import ANSWERS, TEMPLATES, Platform, delivery

from mlzone_tools.services.model import template

pytestmark = pytest.mark.cloud

THRESHOLDS = {"max_error_ratio": 0.9}


@pytest.fixture(scope="module")
def pristine(
    start_server: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    """A platform with the project of a forecast, whose steps are quick."""
    server = start_server(tmp_path_factory.mktemp("cloud"))
    project = tmp_path_factory.mktemp("model") / "project"
    template.render("forecast", ANSWERS, project, templates=TEMPLATES)
    told = {**delivery(server, project), "thresholds": THRESHOLDS}
    return Platform(server=server, project=project, delivery=told)


@pytest.fixture
def platform(pristine: Platform, tmp_path: Path) -> Iterator[Platform]:
    """The platform with a copy of the project, which a test may spoil."""
    project = tmp_path / "project"
    shutil.copytree(pristine.project, project)
    made = replace(pristine, project=project)
    made.tell()
    yield made
    assert made.versions() == [], "something was registered"


def spoil(platform: Platform, file: str, old: str, new: str) -> None:
    place = platform.project / file
    text = place.read_text(encoding="utf-8")
    assert old in text
    place.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new", "step", "reason"),
    [
        (
            "steps/train.py",
            "    given = job.settings()\n",
            "    given = job.settings()\n    raise ValueError('no such series')\n",
            "Train",
            "ValueError: no such series",
        ),
        (
            "steps/train.py",
            "    given = job.settings()\n",
            # As the kernel ends what has taken all memory.
            "    given = job.settings()\n    os.kill(os.getpid(), 9)\n",
            "Train",
            "it ran out of memory: let the platform team give the model a larger",
        ),
        (
            "steps/train.py",
            "    model.save(args.model_dir, booster, document)\n",
            "",
            "Evaluate",
            "model",
        ),
        (
            "steps/evaluate.py",
            'for name in ("error_ratio", "naive_mae", "bias")',
            'for name in ("naive_mae", "bias")',
            "Gate",
            "error_ratio",
        ),
        (
            "steps/evaluate.py",
            "    texts = {name",
            '    numbers["error_ratio"] = float("nan")\n    texts = {name',
            "Evaluate",
            "nan",
        ),
    ],
    ids=["crash", "out of memory", "no model", "metric missing", "metric not a number"],
)
def test_a_step_that_goes_wrong_is_named_with_its_reason(
    platform: Platform, file: str, old: str, new: str, step: str, reason: str
) -> None:
    spoil(platform, file, old, new)

    failed = platform.build()

    assert failed.returncode == 1
    assert f"{step}: " in failed.stderr, failed.stderr
    assert reason in failed.stderr, failed.stderr


def test_an_image_that_is_not_there_is_named_before_anything_runs(platform: Platform) -> None:
    images = platform.delivery["images"]
    missing = images["training"].replace(":1.0.0", ":9.9.9")
    platform.tell(images={**images, "training": missing})

    failed = platform.build()

    assert failed.returncode == 1
    assert f"image {missing} is not in the registry" in failed.stderr
    assert "execution" not in failed.stdout
