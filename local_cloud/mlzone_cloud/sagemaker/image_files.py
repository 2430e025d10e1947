"""What an image's layers hold, laid out on this machine for its containers.

There is no container engine: a program runs on this machine's own files, beside which it sees what
the image's layers hold below `/opt`. So that no image changes anything else, a layer with files
elsewhere, with links or with devices is refused.

Source: Open Container Initiative, "Image Format Specification", layer and configuration.
"""

import hashlib
import io
import json
import posixpath
import shutil
import tarfile
import tempfile
import threading
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

ROOT = "opt"
_OURS = "opt/ml"
_DELETED = ".wh."
_GZIP = 16 + zlib.MAX_WBITS
_lock = threading.Lock()

Read = Callable[[str], bytes]
"""From the digest of a blob to its bytes."""


class LayerError(Exception):
    """A layer or the configuration of an image cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Contents:
    """What an image's configuration and layers say."""

    entrypoint: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    """From a folder in a container, such as `/opt/project`, to what it is on this machine."""


def contents(cloud: "Cloud", manifest: Mapping[str, Any], digest: str, read: Read) -> Contents:
    """Lay an image's layers out, unless they are already; return what its containers have of it.

    Args:
        cloud: the cloud.
        manifest: the image's manifest.
        digest: the manifest's digest.
        read: returns a blob, checked against its digest.

    Raises:
        LayerError: the configuration or a layer is not as the specification says.
    """
    try:
        configuration = json.loads(read(manifest["config"]["digest"]))
        said = configuration.get("config") or {}
        start = (*(said.get("Entrypoint") or ()), *(said.get("Cmd") or ()))
        environment = dict(str(item).split("=", 1) for item in said.get("Env") or ())
        expected = list(configuration["rootfs"]["diff_ids"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LayerError(f"its configuration is none: {error!r}") from error
    layers = [layer["digest"] for layer in manifest.get("layers", ())]
    if len(layers) != len(expected):
        raise LayerError(
            f"its manifest has {len(layers)} layers, its configuration {len(expected)}"
        )
    folder = cloud.state_dir / "images" / digest.removeprefix("sha256:")[:32]
    with _lock:
        if layers and not folder.is_dir():
            _lay_out(
                folder, [(read(layer), diff) for layer, diff in zip(layers, expected, strict=True)]
            )
    found = sorted((folder / ROOT).iterdir()) if (folder / ROOT).is_dir() else []
    return Contents(
        entrypoint=tuple(str(part) for part in start),
        environment=environment,
        folders={f"/{ROOT}/{item.name}": str(item) for item in found},
    )


def _lay_out(folder: Path, layers: Sequence[tuple[bytes, str]]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent))
    try:
        for number, (content, expected) in enumerate(layers, start=1):
            try:
                _unpack(_plain(content), expected, temporary)
            except LayerError as error:
                raise LayerError(f"layer {number}: {error}") from error
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _plain(content: bytes) -> bytes:
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return zlib.decompress(content, _GZIP)
    except zlib.error as error:
        raise LayerError(f"it cannot be decompressed: {error}") from error


def _unpack(content: bytes, expected: str, folder: Path) -> None:
    found = f"sha256:{hashlib.sha256(content).hexdigest()}"
    if found != expected:
        raise LayerError(f"its bytes have the digest {found}; the configuration says {expected}")
    try:
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            for member in archive:
                _place(archive, member, folder)
    except (tarfile.TarError, OSError) as error:
        raise LayerError(f"it is no archive: {error}") from error


def _place(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    path = posixpath.normpath(member.name.lstrip("/"))
    if member.isdir() and path in (".", ROOT):
        return
    below = path.startswith(f"{ROOT}/") and ".." not in path.split("/")
    if not below or path == _OURS or path.startswith(f"{_OURS}/"):
        raise LayerError(
            f"it holds /{path}; the embedded cloud lays out files below /{ROOT} alone, and "
            f"/{_OURS} belongs to SageMaker"
        )
    target = folder / path
    name = posixpath.basename(path)
    if name.startswith(_DELETED):
        gone = target.with_name(name.removeprefix(_DELETED))
        shutil.rmtree(gone) if gone.is_dir() else gone.unlink(missing_ok=True)
    elif member.isdir():
        target.mkdir(parents=True, exist_ok=True)
    elif member.isfile() and (stream := archive.extractfile(member)):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(stream.read())
        target.chmod(0o755 if member.mode & 0o100 else 0o644)
    else:
        raise LayerError(f"/{path} is neither a file nor a folder")


def reader(cloud: "Cloud", client: Any, repository: Mapping[str, str]) -> Read:
    """Return what reads an image's blobs with the rights of a client.

    Args:
        cloud: the cloud.
        client: of ECR, in the name of who pulls.
        repository: the parameters that name the repository.
    """
    # Imported here, as its operations belong to another component.
    from mlzone_cloud import ecr_layers  # noqa: PLC0415 - see above

    def read(digest: str) -> bytes:
        client.get_download_url_for_layer(**repository, layerDigest=digest)
        try:
            return ecr_layers.read(cloud, digest)
        except ApiError as error:
            raise LayerError(error.message) from error

    return read
