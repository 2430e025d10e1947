"""Bodies of S3 objects: files named by their digest, read when somebody asks for them."""

import hashlib
import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from moto.s3.models import FakeKey

_BUFFER = 16 * 1024 * 1024
_folder: list[Path] = []
_seen: set[str] = set()


def install(folder: Path) -> None:
    """Keep the bodies in a folder from now on."""
    folder.mkdir(parents=True, exist_ok=True)
    _folder[:] = [folder]
    _seen.clear()
    if FakeKey.__getstate__ is not _get_state:
        FakeKey.value = property(FakeKey.value.fget, _forgetting(FakeKey.value.fset))
        FakeKey.__getstate__ = _get_state
        FakeKey.__setstate__ = _set_state


def remove_unused() -> None:
    """Remove bodies that no object had when the state was loaded."""
    for path in _folder[0].iterdir():
        if path.name not in _seen:
            path.unlink()


class StoredBody:
    """A body on disk that behaves like moto's buffer once it is touched."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._buffer: Any = None

    def __getattr__(self, name: str) -> Any:
        if self._buffer is None:
            self._buffer = tempfile.SpooledTemporaryFile(_BUFFER)  # noqa: SIM115 - moto closes it
            self._buffer.write(self._path.read_bytes())
        return getattr(self._buffer, name)

    def close(self) -> None:
        """Close the buffer, if the body was ever read."""
        if self._buffer is not None:
            self._buffer.close()


def _forgetting(setter: Callable[[Any, bytes], None]) -> Callable[[Any, bytes], None]:
    def set_value(self: Any, value: bytes) -> None:
        setter(self, value)
        self.__dict__.pop("stored_digest", None)

    return set_value


def _get_state(self: Any) -> dict[str, Any]:
    state = dict(self.__dict__)
    if "stored_digest" not in state and not self.disposed:
        state["stored_digest"] = self.stored_digest = _store(self.value)
    state.pop("_value_buffer")
    state.pop("lock")
    return state


def _set_state(self: Any, state: dict[str, Any]) -> None:
    self.__dict__.update(state)
    self.lock = threading.Lock()
    digest = state.get("stored_digest")
    if digest:
        _seen.add(digest)
        self._value_buffer = StoredBody(_folder[0] / digest)
    else:
        self._value_buffer = tempfile.SpooledTemporaryFile(_BUFFER)  # noqa: SIM115 - moto closes it


def _store(body: bytes) -> str:
    digest = hashlib.sha256(body).hexdigest()
    path = _folder[0] / digest
    if not path.exists():
        temporary = path.with_suffix(f".{threading.get_ident()}.tmp")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as f:
            f.write(body)
        temporary.replace(path)
    return digest
