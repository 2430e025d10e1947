"""Turns a partition into bytes and back.

moto's objects pickle plainly but for locks, keys and a few closures. References to other backends
are written as names, so that a partition holds only what is its own.
"""

import collections
import copyreg
import io
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import cloudpickle
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.core.base_backend import AccountSpecificBackend, BackendDict

from mlzone_cloud.state.moto_state import (
    dictionaries,
    dictionary,
    empty_backend,
    name_of,
)

Reducer = Callable[[Any], Any]


def dump(state: Any) -> bytes:
    """Return a partition as bytes."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = _dispatch_table()
    try:
        pickler.dump(state)
    except (pickle.PicklingError, AttributeError, TypeError):
        # A closure or a class made at run time: slower, but it can write them.
        file = io.BytesIO()
        _Thorough(file).dump(state)
    return file.getvalue()


def load(data: bytes) -> Any:
    """Return a partition from its bytes."""
    return pickle.loads(data)  # noqa: S301 - files of our own, 0600


def _default_dict(kind: Any, factory: Any) -> Any:
    instance = kind.__new__(kind)
    instance.default_factory = factory
    return instance


def _event(is_set: bool) -> threading.Event:  # noqa: FBT001
    event = threading.Event()
    if is_set:
        event.set()
    return event


def _private_key(pem: bytes) -> Any:
    return serialization.load_pem_private_key(pem, None)


def _regions(module: str, attribute: str, account: str) -> Any:
    return dictionary(module, attribute)[account]


def _reduce_private_key(key: Any) -> Any:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return _private_key, (pem,)


def _reduce_backend(backend: Any) -> Any:
    return empty_backend, (name_of(backend),)


def _reduce_regions(regions: Any) -> Any:
    for (module, attribute), backends in dictionaries().items():
        if backends.get(regions.account_id) is regions:
            return _regions, (module, attribute, regions.account_id)
    raise pickle.PicklingError(f"nobody knows these backends of {regions.service_name}")


def _reduce_dictionary(value: Any) -> Any:
    for (module, attribute), backends in dictionaries().items():
        if backends is value:
            return dictionary, (module, attribute)
    raise pickle.PicklingError("nobody knows this dictionary of backends")


_FIXED: dict[type, Reducer] = {
    type(threading.RLock()): lambda _: (threading.RLock, ()),
    type(threading.Lock()): lambda _: (threading.Lock, ()),
    threading.Event: lambda event: (_event, (event.is_set(),)),
    weakref.WeakValueDictionary: lambda _: (weakref.WeakValueDictionary, ()),
    AccountSpecificBackend: _reduce_regions,
    type(rsa.generate_private_key(public_exponent=65537, key_size=1024)): _reduce_private_key,  # noqa: S505
    type(ec.generate_private_key(ec.SECP256R1())): _reduce_private_key,
}
_tables: dict[int, dict[type, Reducer]] = {}


def _dispatch_table() -> dict[type, Reducer]:
    """Return the reducers by type; made again when moto has loaded more services."""
    known = dictionaries()
    if len(known) not in _tables:
        table: dict[type, Reducer] = {**copyreg.dispatch_table, **_FIXED}
        for backends in known.values():
            table[backends.backend] = _reduce_backend
            table[type(backends)] = _reduce_dictionary
        _tables.clear()
        _tables[len(known)] = table
    return _tables[len(known)]


class _Thorough(cloudpickle.CloudPickler):  # type: ignore[misc]
    """Writes what plain pickle refuses."""

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        reducer = _dispatch_table().get(kind)
        if reducer is not None and kind not in copyreg.dispatch_table:
            return reducer(value)
        if isinstance(value, threading.Thread):
            return _nothing, ()
        if isinstance(value, BackendDict):
            return _reduce_dictionary(value)
        if isinstance(value, collections.defaultdict) and kind is not collections.defaultdict:
            items = iter(dict.items(value))
            made = (kind, value.default_factory)
            return _default_dict, made, dict(value.__dict__), None, items
        return super().reducer_override(value)


def _nothing() -> None:
    return None
