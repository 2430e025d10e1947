"""The project's image: one layer on the platform's, always the same bytes."""

import hashlib
import io
import json
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

import pytest

from delivery import compiling, container, layer
from delivery.bundle import Bundle
from delivery.layer import Layer
from delivery.parameter import BuildError
from delivery.registry import Repository

TINY = "tiny-1.0-py3-none-any.whl"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one wheel, which is locked."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / TINY, "w") as wheel:
        wheel.writestr("tiny/__init__.py", "SAID = 'from a wheel'\n")
        wheel.writestr("tiny-1.0.data/purelib/smaller.py", "")
        wheel.writestr("tiny-1.0.data/scripts/tiny", "")
    digest = hashlib.sha256((folder / TINY).read_bytes()).hexdigest()
    lock = f"# of the framework\ntiny==1.0 --hash=sha256:{digest}\n"
    (folder / "requirements.lock").write_text(lock, encoding="utf-8")
    return tmp_path


def held(made: Layer) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(made.packed)) as archive:
        return {
            item.name: content.read() for item in archive if (content := archive.extractfile(item))
        }


def test_it_holds_the_steps_their_settings_and_what_the_wheels_hold(
    sources: compiling.Sources, project: Path
) -> None:
    found = held(layer.build(sources.code, project))
    assert {"opt/project/main.py", "opt/project/serve.py"} <= found.keys()
    assert json.loads(found["opt/project/settings.json"])["about"]["model"]
    assert found["opt/project/packages/tiny/__init__.py"] == b"SAID = 'from a wheel'\n"
    assert "opt/project/packages/smaller.py" in found
    assert not any("script" in name for name in found)


def test_the_same_sources_give_the_same_bytes(sources: compiling.Sources, project: Path) -> None:
    one, other = (layer.build(sources.code, project) for _ in range(2))
    assert one == other
    changed = Bundle(kind="code", files={**sources.code.files, "serve.py": b"# other\n"})
    assert layer.build(changed, project).digest != one.digest


def test_what_it_holds_runs_by_itself(sources: compiling.Sources, tmp_path: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(layer.build(sources.code).packed)) as archive:
        archive.extractall(tmp_path, filter="data")
    done = subprocess.run(
        [sys.executable, str(tmp_path / layer.ROOT / "main.py"), "guess"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "got guess; expected one of prepare, train, evaluate, serve" in done.stderr


def test_an_image_without_its_entry_point_is_not_made(sources: compiling.Sources) -> None:
    files = {name: text for name, text in sources.code.files.items() if name != "main.py"}
    with pytest.raises(BuildError, match=r"steps/main\.py is not there"):
        layer.build(Bundle(kind="code", files=files))


@pytest.mark.parametrize(
    ("lock", "said"),
    [
        ("", "says nothing of it"),
        (f"tiny==1.0 --hash=sha256:{'0' * 64}\n", f"says {'0' * 64}"),
        ("tiny>=1\n", r"requirements\.lock:1: expected NAME==VERSION"),
        (None, r"requirements\.lock is not there"),
    ],
)
def test_a_wheel_that_is_not_the_locked_one_is_refused(
    project: Path, sources: compiling.Sources, lock: str | None, said: str
) -> None:
    file = project / "wheels" / "requirements.lock"
    if lock is None:
        file.unlink()
    else:
        file.write_text(lock, encoding="utf-8")
    with pytest.raises(BuildError, match=said):
        layer.build(sources.code, project)


def test_a_wheel_of_another_machine_is_refused(project: Path, sources: compiling.Sources) -> None:
    folder = project / "wheels"
    (folder / TINY).rename(folder / "tiny-1.0-cp311-cp311-win_amd64.whl")
    with pytest.raises(BuildError, match="does not fit Python 3"):
        layer.build(sources.code, project)


class Registry:
    """Answers as ECR does what a build asks of a base without such an image."""

    def client(self, *_: Any, **__: Any) -> "Registry":
        """Return itself."""
        return self

    def batch_get_image(self, **_: Any) -> dict[str, Any]:
        """Return no image."""
        return {"images": [], "failures": [{"failureCode": "ImageNotFound"}]}


def test_a_base_that_is_not_in_the_registry_is_named() -> None:
    uri = "444455556666.dkr.ecr.eu-west-1.amazonaws.com/acme/tabular"
    base = f"{uri}@sha256:{'a' * 64}"
    added = Layer(packed=b"", plain_digest="")
    with pytest.raises(BuildError, match=f"{base} is not in the registry"):
        container.append(Registry(), base=base, target=f"{uri}-own", added=added)


def test_a_repository_is_one_of_ecr() -> None:
    with pytest.raises(BuildError, match=r"docker\.io/x: expected <account>"):
        Repository(Registry(), "docker.io/x")


def test_a_model_of_another_template_brings_no_image(
    delivery: dict[str, Any], sources: compiling.Sources
) -> None:
    with pytest.raises(BuildError, match="names no own_image"):
        container.pinned(Registry(), delivery, sources.code)
