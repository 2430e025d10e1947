"""Notes which of moto's backends somebody may have changed since the last commit.

Whoever takes a backend out of moto's dictionaries may change it, unless the thread said that it
only reads.
"""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from moto.core.base_backend import AccountSpecificBackend, BaseBackend

_thread = threading.local()
_original = AccountSpecificBackend.__getitem__
_touched: set[BaseBackend] = set()


def install() -> None:
    """Begin to notice; doing it twice changes nothing."""
    AccountSpecificBackend.__getitem__ = _noticing


@contextlib.contextmanager
def reading() -> Iterator[None]:
    """Declare that this thread changes nothing of moto's for a while."""
    before = getattr(_thread, "reading", False)
    _thread.reading = True
    try:
        yield
    finally:
        _thread.reading = before


@contextlib.contextmanager
def changing() -> Iterator[None]:
    """Declare the opposite, inside of `reading`."""
    before = getattr(_thread, "reading", False)
    _thread.reading = False
    try:
        yield
    finally:
        _thread.reading = before


def is_reading() -> bool:
    """Tell whether this thread declared that it only reads."""
    return getattr(_thread, "reading", False)


def take_touched() -> set[BaseBackend]:
    """Return the backends that may have changed, and forget them."""
    taken = set(_touched)
    _touched.difference_update(taken)
    return taken


def touch(backend: BaseBackend) -> None:
    """Note a backend again, because it could not be saved."""
    _touched.add(backend)


def _noticing(self: Any, region_name: str) -> Any:
    backend = _original(self, region_name)
    if not is_reading():
        _touched.add(backend)
    return backend
