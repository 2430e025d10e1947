"""Keeps all statements of an event bus's policy: a statement replaces the one of the same name.

moto removes every statement with the same principal, so that of several statements for `*` with
different conditions only the last remains.
"""

from typing import Any

from moto.events.models import EventBus


def apply() -> None:
    """Replace the removal."""
    EventBus._remove_principals_statements = _keep  # noqa: SLF001


def _keep(self: EventBus, *principals: Any) -> None:
    del self, principals
