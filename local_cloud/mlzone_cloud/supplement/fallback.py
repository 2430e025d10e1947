"""Registers what serves an operation only if no other part of the cloud does."""

from collections.abc import Callable

from mlzone_cloud.operations import OPERATIONS, Implementation, Registered


def fallback(service: str, name: str) -> Callable[[Implementation], Implementation]:
    """Register an implementation unless there is one; a later one takes its place."""

    def register(implementation: Implementation) -> Implementation:
        OPERATIONS.setdefault((service, name), Registered(implementation, exclusive=True))
        return implementation

    return register
