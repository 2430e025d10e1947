"""What the project's image holds beside the platform's: one layer, always the same bytes.

`/opt/project` holds the steps with their settings; `/opt/project/packages` what the wheels below
`wheels/` hold. The build reaches no package index: wheels come with the commit, each with its hash
in `wheels/requirements.lock`.

`python -m delivery.layer FOLDER DELIVERY.json` writes the same files into a folder.
"""

import gzip
import hashlib
import io
import re
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from delivery import bundle, parameter
from delivery.bundle import Bundle
from delivery.parameter import PROJECT, BuildError

ROOT = "opt/project"
ENTRYPOINT = ["python3", f"/{ROOT}/main.py"]
"""SageMaker appends `train` or `serve`, the pipeline the name of a step."""
PATHS = [f"/{ROOT}", f"/{ROOT}/packages"]
_LOCKED = re.compile(r"(?P<name>[\w.-]+)==(?P<version>\S+)\s+--hash=sha256:(?P<hash>[0-9a-f]{64})")
_FITTING = re.compile(r"-(py3|py2\.py3|cp311)-[\w.]+-(any|[\w.]*linux\w*_x86_64)\.whl")
_LIBRARIES = ("purelib", "platlib")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A layer of an image."""

    packed: bytes
    """As the registry keeps it."""
    plain_digest: str
    """Of the archive before it was packed, as the image's configuration names it."""

    @property
    def digest(self) -> str:
        """The digest by which the registry knows it."""
        return digest_of(self.packed)


def digest_of(content: bytes) -> str:
    """Return the digest that names bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def build(code: Bundle, project: Path = PROJECT) -> Layer:
    """Return the project's layer; the same sources give the same bytes.

    Args:
        code: the steps with their settings.
        project: the project's folder.

    Raises:
        BuildError: the entry point is missing, or a wheel is not what the lock says.
    """
    entry = PurePosixPath(ENTRYPOINT[-1]).name
    if entry not in code.files:
        raise BuildError(f"steps/{entry} is not there: the image would start nothing")
    files = {f"{ROOT}/{name}": content for name, content in code.files.items()}
    for name, content in packages(project / "wheels").items():
        files[f"{ROOT}/packages/{name}"] = content
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            entry_of = tarfile.TarInfo(name)
            entry_of.size, entry_of.mode = len(files[name]), 0o644
            archive.addfile(entry_of, io.BytesIO(files[name]))
    content = plain.getvalue()
    return Layer(packed=gzip.compress(content, mtime=0), plain_digest=digest_of(content))


def packages(folder: Path) -> dict[str, bytes]:
    """Return the files of all wheels in a folder, by their path among the packages.

    Raises:
        BuildError: a wheel is not locked, is another one, does not fit the image, or is none.
    """
    wheels = sorted(folder.glob("*.whl"))
    locked = _locked(folder / "requirements.lock") if wheels else {}
    files: dict[str, bytes] = {}
    for wheel in wheels:
        name = re.sub(r"[-_.]+", "-", wheel.name.split("-")[0]).lower()
        version = wheel.name.split("-")[1]
        content = wheel.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if (expected := locked.get((name, version), "")) != found:
            raise BuildError(
                f"wheels/{wheel.name} has SHA-256 {found}; wheels/requirements.lock says "
                f"{expected or 'nothing of it'}"
            )
        if not _FITTING.search(wheel.name):
            raise BuildError(f"wheels/{wheel.name} does not fit Python 3.11 on Linux x86_64")
        files |= _unpacked(wheel.name, content)
    return files


def _unpacked(wheel: str, content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            named = {item.filename: archive.read(item) for item in archive.infolist()}
    except zipfile.BadZipFile as error:
        raise BuildError(f"wheels/{wheel} is no wheel: {error}") from error
    files = {}
    for name, data in named.items():
        parts = PurePosixPath(name).parts
        if name.startswith("/") or ".." in parts:
            raise BuildError(f"wheels/{wheel} holds {name}, which reaches out of its folder")
        if parts[0].endswith(".data"):
            if len(parts) < 3 or parts[1] not in _LIBRARIES:  # noqa: PLR2004 - scripts are not run
                continue
            parts = parts[2:]
        if not name.endswith("/"):
            files["/".join(parts)] = data
    return files


def _locked(file: Path) -> dict[tuple[str, str], str]:
    """Return the hash of each locked wheel, by name and version."""
    if not file.is_file():
        raise BuildError(
            "wheels/requirements.lock is not there; write NAME==VERSION --hash=sha256:… of each "
            "wheel into it"
        )
    found = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        match = _LOCKED.fullmatch(text)
        if not match:
            raise BuildError(
                f"wheels/requirements.lock:{number}: expected NAME==VERSION --hash=sha256:…"
            )
        name = re.sub(r"[-_.]+", "-", match["name"]).lower()
        found[name, match["version"]] = match["hash"]
    return found


def main(folder: str, delivery: str) -> int:
    """Write what the layer holds into a folder; return the exit code."""
    try:
        given = parameter.parse(Path(delivery).read_text(encoding="utf-8"))
        made = build(bundle.code(given))
    except (BuildError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    with tarfile.open(fileobj=io.BytesIO(made.packed)) as archive:
        archive.extractall(folder, filter="data")
    print(f"wrote {folder}; as a layer {made.digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
