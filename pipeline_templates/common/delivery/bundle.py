"""What the jobs get: the steps with their settings, and the data, each under its own hash."""

import gzip
import hashlib
import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from delivery import fit
from delivery.parameter import PROJECT, BuildError

_PREFIX_LENGTH = 16
_ABOUT = ("model", "title", "purpose", "owner", "team", "business_unit", "risk_tier")


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """Files that a job finds in one folder."""

    kind: str
    files: dict[str, bytes]

    @property
    def digest(self) -> str:
        """The SHA-256 of names and contents."""
        total = hashlib.sha256()
        for name in sorted(self.files):
            total.update(f"{name}\0{hashlib.sha256(self.files[name]).hexdigest()}\n".encode())
        return total.hexdigest()

    @property
    def key(self) -> str:
        """Where it lies below the model's prefix."""
        return f"{self.kind}/{self.digest[:_PREFIX_LENGTH]}"

    def write(self, folder: Path) -> None:
        """Write the files to a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)


def code(delivery: dict[str, Any], project: Path = PROJECT) -> Bundle:
    """Return the steps and their `settings.json`.

    Raises:
        BuildError: a settings file cannot be read, or they do not fit together.
    """
    settings = {
        "about": {name: delivery[name] for name in _ABOUT},
        "model": _settings(project / "model.yaml"),
        "contract": _settings(project / "data_contract.yaml"),
    }
    fit.check(settings)
    files = {file.name: file.read_bytes() for file in sorted((project / "steps").glob("*.py"))}
    files["settings.json"] = (json.dumps(settings, indent=2, sort_keys=True) + "\n").encode()
    return Bundle(kind="code", files=files)


def data(project: Path = PROJECT) -> Bundle:
    """Return the data file that `model.yaml` names.

    Raises:
        BuildError: it is not there.
    """
    file = project / _settings(project / "model.yaml")["data"]
    if not file.is_file():
        raise BuildError(f"model.yaml: data: {file} is not there")
    return Bundle(kind="data", files={file.name: file.read_bytes()})


def model(project: Path = PROJECT) -> Bundle | None:
    """Return the archive of a model that was trained elsewhere; None where the pipeline trains.

    The same files give the same archive.

    Raises:
        BuildError: the folder that `model.yaml` names holds no file.
    """
    name = _settings(project / "model.yaml").get("trained_model")
    if not name:
        return None
    files = sorted(item for item in (project / name).glob("*") if item.is_file())
    if not files:
        raise BuildError(f"model.yaml: trained_model: {project / name} holds no file")
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for file in files:
            entry = tarfile.TarInfo(file.name)
            entry.size = file.stat().st_size
            archive.addfile(entry, io.BytesIO(file.read_bytes()))
    return Bundle(kind="model", files={"model.tar.gz": gzip.compress(plain.getvalue(), mtime=0)})


def _settings(file: Path) -> dict[str, Any]:
    try:
        loaded: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise BuildError(f"{file.name}: {error}") from error
    return loaded
