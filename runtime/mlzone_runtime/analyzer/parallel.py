"""Does work on as many cores as the job has, in the order in which it came.

Parsing, sorting and counting let other threads run meanwhile, so that threads suffice.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_MOST_THREADS = 8

Given = TypeVar("Given")
Made = TypeVar("Made")


def threads() -> int:
    """Return how many threads work: one a core that the process may use."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(_MOST_THREADS, usable or 1))


def ordered(work: Callable[[Given], Made], items: Iterable[Given]) -> Iterator[Made]:
    """Yield what became of each item; no more are begun than there are threads, plus one.

    Args:
        work: What is done; what it raises is raised where its turn comes.
        items: Taken one by one, so that not all of them need be in memory.
    """
    count = threads()
    if count == 1:
        yield from map(work, items)
        return
    waiting: deque[Future[Made]] = deque()
    with ThreadPoolExecutor(count) as pool:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > count:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
