"""Remembers synthesized stacks by what they are made from."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from mlzone.estate import Estate
from mlzone.plan import stack_inputs
from mlzone.planning import planned_stacks
from mlzone.waiving import matches
from mlzone_tools.services.assembly.part import Frame, Part

FOLDER = Path(".mlzone/synth")
_FORM = 1
"""Raised when what is remembered must not be read by newer code."""
_TOOLS = ("aws-cdk-lib", "cdk-nag", "constructs")
_MOST_BYTES = 512 * 1024 * 1024
"""The least recently used goes when the store is larger."""


def keys_of(estate: Estate, code_digest: str) -> dict[str, str]:
    """Return the name by which each stack is remembered: a digest of all that it is made from.

    That is its part of the estate, the code, the versions of the tools, and the waivers that can
    acknowledge something in it.
    """
    tools = " ".join(f"{name} {version(name)}" for name in _TOOLS)
    waivers = [(item.resource, item.model_dump_json()) for item in estate.waivers]
    inputs = stack_inputs(estate)
    return {
        stack.name: _digest(
            str(_FORM),
            tools,
            code_digest,
            inputs[stack.name],
            *(text for pattern, text in waivers if can_match(pattern, stack.name)),
        )
        for stack in planned_stacks(estate)
    }


def can_match(pattern: str, stack: str) -> bool:
    """Tell whether a waiver's pattern can match something in a stack."""
    first = pattern.partition("/")[0]
    return "**" in first or matches(first, stack)


def frame_key(code_digest: str) -> str:
    """Return the name by which the frame of an assembly is remembered."""
    return _digest(str(_FORM), *(version(name) for name in _TOOLS), code_digest)


def read_frame(key: str) -> Frame | None:
    """Return a frame, or None if it is not remembered."""
    content = _read(FOLDER / f"{key}.frame")
    return Frame(**content) if content else None  # type: ignore[arg-type]


def write_frame(key: str, frame: Frame) -> None:
    """Remember a frame."""
    _write(FOLDER / f"{key}.frame", asdict(frame))


def read_part(key: str) -> Part | None:
    """Return a part, or None if it, or an asset of it, is not remembered."""
    content = _read(FOLDER / f"{key}.stack")
    if content is None:
        return None
    part = Part(
        files=content["files"],  # type: ignore[arg-type]
        artifacts=content["artifacts"],  # type: ignore[arg-type]
        assets=tuple(content["assets"]),  # type: ignore[arg-type]
        report=tuple(content["report"]),  # type: ignore[arg-type]
    )
    return part if all((assets() / name).exists() for name in part.assets) else None


def write_part(key: str, part: Part) -> None:
    """Remember a part; its assets must be kept first."""
    content = {
        "files": dict(part.files),
        "artifacts": part.artifacts,
        "assets": part.assets,
        "report": part.report,
    }
    _write(FOLDER / f"{key}.stack", content)


def assets() -> Path:
    """Return the folder of what stacks upload; each is named by its content."""
    return FOLDER / "assets"


def keep_assets(folder: Path, names: Iterable[str]) -> None:
    """Keep what the stacks of an assembly upload."""
    assets().mkdir(parents=True, exist_ok=True)
    for name in set(names):
        target = assets() / name
        if target.exists():
            continue
        # A folder of its own: threads and builds at the same time may keep the same.
        with tempfile.TemporaryDirectory(dir=assets(), prefix=".") as scratch:
            copied = Path(scratch, name)
            if (folder / name).is_dir():
                shutil.copytree(folder / name, copied)
            else:
                shutil.copyfile(folder / name, copied)
            with contextlib.suppress(OSError):  # Another was first.
                copied.rename(target)


def tidy() -> None:
    """Forget what was used least recently, so that the store does not grow without end."""
    known = [(path, path.stat()) for path in FOLDER.glob("*.stack")]
    size = sum(stat.st_size for _, stat in known)
    for path, stat in sorted(known, key=lambda item: item[1].st_mtime):
        if size <= _MOST_BYTES:
            return
        path.unlink(missing_ok=True)
        size -= stat.st_size


def _digest(*parts: str) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}\0{part}\0".encode())
    return digest.hexdigest()


def _read(path: Path) -> Mapping[str, object] | None:
    try:
        content: dict[str, object] = json.loads(zlib.decompress(path.read_bytes()))
        os.utime(path)
    except (OSError, ValueError, zlib.error):
        return None
    return content


def _write(path: Path, content: Mapping[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".") as scratch:
        written = Path(scratch, path.name)
        written.write_bytes(zlib.compress(json.dumps(content).encode(), level=1))
        written.replace(path)
