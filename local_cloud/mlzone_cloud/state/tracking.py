"""Notes which of moto's backends somebody may have changed since the last commit.

Whoever takes a backend out of moto's dictionaries may change it, unless the thread said that it
only reads.
"""

import contextlib
import threading
import weakref
from collections.abc import Iterator
from typing import Any

from moto.core.base_backend import AccountSpecificBackend, BaseBackend

_thread = threading.local()
_original = AccountSpecificBackend.__getitem__


class Touched:
    """The backends that may have changed since they were taken out of here the last time.

    Everybody who saves has one of their own, so that none takes away what another has to save.
    """

    def __init__(self) -> None:
        self._backends: set[BaseBackend] = set()
        _all.append(weakref.ref(self))
        AccountSpecificBackend.__getitem__ = _noticing

    def add(self, backend: BaseBackend) -> None:
        """Note a backend."""
        self._backends.add(backend)

    def take(self) -> set[BaseBackend]:
        """Return the backends, and forget them."""
        taken = set(self._backends)
        self._backends.difference_update(taken)
        return taken


_all: list[weakref.ref[Touched]] = []


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


def _noticing(self: Any, region_name: str) -> Any:
    backend = _original(self, region_name)
    if not is_reading():
        for reference in _all:
            if touched := reference():
                touched.add(backend)
    return backend
