"""Work that must be done later or again: kept with the cloud's state until it is done.

What waits when the process ends is taken up by the next one; what ran is done again, so that each
piece of work is done at least once, as AWS's asynchronous services promise.
"""

import threading
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Item = dict[str, Any]
Handler = Callable[[Item], timedelta | None]
"""Does a piece of work; returns how long to wait before it is done again, or None if it is done.

It may change the item, for example to count its attempts.
"""

_DUE = "due"
_NOW = timedelta()


class WorkQueue:
    """The pieces of work of one kind; due by the cloud's clock, done in the background."""

    def __init__(self, cloud: "Cloud", name: str, handler: Handler) -> None:
        """Begin to watch the clock.

        Args:
            cloud: the cloud.
            name: the name of the store that holds the work.
            handler: does a piece of work.
        """
        self._cloud = cloud
        self._name = name
        self._handler = handler
        self._running: set[str] = set()
        self._lock = threading.Lock()
        cloud.add_ticker(self._tick, self._next_due)
        cloud.settling.append(lambda: bool(self._running))

    def put(self, item: Item, *, delay: timedelta = _NOW) -> None:
        """Keep a piece of work, of plain data, and do it when it is due."""
        key = str(uuid.uuid4())
        self._items()[key] = {**item, _DUE: self._cloud.clock.now() + delay}
        if not delay:
            self._begin(key)

    def items(self) -> list[Item]:
        """Return what is not done yet."""
        return list(self._items().values())

    def _items(self) -> dict[str, Item]:
        return self._cloud.store(self._name)

    def _tick(self, _: "Cloud", now: datetime) -> None:
        for key, item in list(self._items().items()):
            if item[_DUE] <= now:
                self._begin(key)

    def _next_due(self, _: "Cloud", now: datetime) -> datetime | None:
        moments = (item[_DUE] for item in list(self._items().values()))
        return min((moment for moment in moments if moment > now), default=None)

    def _begin(self, key: str) -> None:
        with self._lock:
            if key in self._running:
                return
            self._running.add(key)
        self._cloud.submit(self._work, key)

    def _work(self, key: str) -> None:
        item = self._items().get(key)
        again: timedelta | None = None
        try:
            if item is not None:
                again = self._handler(item)
        finally:
            if item is not None and again is not None:
                item[_DUE] = self._cloud.clock.now() + again
            elif not self._cloud.stopping:
                self._items().pop(key, None)
            with self._lock:
                self._running.discard(key)
