"""The image holds what the analyzer needs: its own files, and libraries in the tested versions."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
IMAGE = ROOT / "runtime" / "images" / "analyzer"


def test_libraries_have_the_versions_that_are_tested() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    wanted = (IMAGE / "requirements.txt").read_text()

    pins = re.findall(r"^([\w-]+==\S+)", wanted, re.MULTILINE)
    assert len(pins) == 11
    for pin in pins:
        assert re.search(rf"^{re.escape(pin)}(\s|$)", lock, re.MULTILINE), pin


def test_the_files_that_are_copied_are_enough(tmp_path: Path) -> None:
    dockerfile = (IMAGE / "Dockerfile").read_text()
    copied = re.findall(r"^COPY (.+) /opt/program/(mlzone_\S+)$", dockerfile, re.MULTILINE)
    assert copied
    for sources, target in copied:
        for pattern in sources.split():
            for source in ROOT.glob(pattern):
                if source.is_dir():
                    shutil.copytree(source, tmp_path / target)
                else:
                    (tmp_path / target).mkdir(exist_ok=True)
                    shutil.copy(source, tmp_path / target)
    code = (
        "import mlzone_runtime.analyzer.monitor as m, mlzone_runtime.tabular as t;"
        "print(m.__file__, t.__file__)"
    )

    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert all(place.startswith(str(tmp_path)) for place in done.stdout.split())
