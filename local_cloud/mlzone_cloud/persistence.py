"""Saves the state of the cloud and brings it back.

One file holds everything, so that objects that share others still share them afterwards. It is
written to a temporary file and renamed. Saving runs in the background after changes, at most every
few hundred milliseconds, and once more at the end: a killed process loses what it answered within
that time. The format is Python's pickle and bound to the versions that wrote it: only files of the
own state folder are read, and they are readable for their owner alone.
"""

import collections
import importlib
import io
import os
import pickle
import sys
import threading
import time
import weakref
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cloudpickle
from cryptography.hazmat.primitives import serialization
from moto.core.base_backend import BackendDict

from mlzone_cloud.errors import SeedError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

FILE = "state.pickle"
_FORMAT = 1
_QUIET_SECONDS = 0.25


class Saver:
    """Saves a while after changes; coalesces many changes into one file."""

    def __init__(self, cloud: "Cloud") -> None:
        self._cloud = cloud
        self._dirty = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="saver", daemon=True)
        cloud.change_listeners.append(self._dirty.set)

    def start(self) -> None:
        """Begin to save in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Save what is unsaved and stop."""
        self._stopping = True
        self._dirty.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._dirty.wait()
            if not self._stopping:
                time.sleep(_QUIET_SECONDS)
            self._dirty.clear()
            started = time.monotonic()
            try:
                save(self._cloud)
            except Exception as error:  # noqa: BLE001
                self._cloud.record_error(f"state was not saved: {error!r}")
            if not self._stopping:
                # Saving must not take more than a fifth of the time.
                time.sleep(4 * (time.monotonic() - started))


def save(cloud: "Cloud") -> None:
    """Write the state of a cloud."""
    with cloud.lock:
        data = _dump(cloud)
    path = cloud.state_dir / FILE
    temporary = path.with_suffix(".tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def load(cloud: "Cloud") -> bool:
    """Bring back a saved state; tell whether there was one.

    Raises:
        SeedError: the file was written by other versions, or is damaged.
    """
    path = cloud.state_dir / FILE
    if not path.exists():
        return False
    hint = f"start afresh with `mlzone cloud reset`, or remove {path}"
    try:
        with path.open("rb") as file:
            header = pickle.load(file)  # noqa: S301 - our own file, 0600
            if header != _header():
                raise SeedError(f"the saved state was written by {header}, not {_header()}; {hint}")
            state = _Unpickler(file).load()
    except SeedError:
        raise
    except Exception as error:
        raise SeedError(f"the saved state cannot be read ({error!r}); {hint}") from error
    _restore(cloud, state)
    return True


def _header() -> dict[str, Any]:
    return {"format": _FORMAT, "moto": version("moto"), "python": sys.version_info[:2]}


def _dump(cloud: "Cloud") -> bytes:
    registry = _registry()
    names = {id(backends): name for name, backends in registry.items()}
    state = {
        "backends": {
            name: {account: dict(regions.items()) for account, regions in backends.items()}
            for name, backends in registry.items()
        },
        "stores": cloud.stores,
        "callers": cloud.identities.callers,
        "offset": cloud.clock.offset,
        "organization": (cloud.organization_id, cloud.home_region, cloud.management_account),
    }
    file = io.BytesIO()
    pickle.dump(_header(), file)
    _Pickler(file, names).dump(state)
    return file.getvalue()


def _restore(cloud: "Cloud", state: dict[str, Any]) -> None:
    for (module, attribute), accounts in state["backends"].items():
        backends = getattr(importlib.import_module(module), attribute)
        for account, regions in accounts.items():
            account_backends = backends[account]
            for region, backend in regions.items():
                dict.__setitem__(account_backends, region, backend)
    cloud.stores.update(state["stores"])
    cloud.identities.callers.update(state["callers"])
    cloud.clock.offset = state["offset"]
    cloud.organization_id, cloud.home_region, cloud.management_account = state["organization"]


def _registry() -> dict[tuple[str, str], Any]:
    """Return moto's dictionaries of backends that are in use."""
    found: dict[tuple[str, str], Any] = {}
    seen: set[int] = set()
    for module_name, module in sorted(sys.modules.items()):
        if module_name.startswith("moto.") and module_name.endswith(".models"):
            for attribute, value in vars(module).items():
                if isinstance(value, BackendDict) and id(value) not in seen and value:
                    seen.add(id(value))
                    found[module_name, attribute] = value
    return found


_RLOCK, _LOCK = type(threading.RLock()), type(threading.Lock())


def _new_event(is_set: bool) -> threading.Event:  # noqa: FBT001
    event = threading.Event()
    if is_set:
        event.set()
    return event


def _new_default_dict(kind: type, factory: Any) -> Any:
    instance = kind.__new__(kind)
    instance.default_factory = factory
    return instance


def _new_private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, None)


def _nothing() -> None:
    return None


class _Pickler(cloudpickle.CloudPickler):  # type: ignore[misc]
    """Knows how to write the few things in moto that pickle refuses."""

    def __init__(self, file: io.BytesIO, names: dict[int, tuple[str, str]]) -> None:
        super().__init__(file)
        self._names = names

    def persistent_id(self, value: Any) -> Any:
        return self._names.get(id(value)) if isinstance(value, BackendDict) else None

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind is _RLOCK:
            return threading.RLock, ()
        if kind is _LOCK:
            return threading.Lock, ()
        if kind is threading.Event:
            return _new_event, (value.is_set(),)
        if isinstance(value, threading.Thread):
            return _nothing, ()
        if isinstance(value, weakref.WeakValueDictionary):
            return weakref.WeakValueDictionary, ()
        if isinstance(value, collections.defaultdict) and kind is not collections.defaultdict:
            items = iter(dict.items(value))
            return (
                _new_default_dict,
                (kind, value.default_factory),
                dict(value.__dict__),
                None,
                items,
            )
        if kind.__module__.startswith("cryptography") and hasattr(value, "private_bytes"):
            pem = value.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            return _new_private_key, (pem,)
        return super().reducer_override(value)


class _Unpickler(pickle.Unpickler):
    """Puts moto's own dictionaries of backends back in their places."""

    def persistent_load(self, name: tuple[str, str]) -> Any:
        module, attribute = name
        return getattr(importlib.import_module(module), attribute)


def remove(state_dir: Path) -> None:
    """Forget a saved state."""
    (state_dir / FILE).unlink(missing_ok=True)
