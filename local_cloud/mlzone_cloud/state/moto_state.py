"""Where moto keeps its state, and how one of its backends is named, taken apart and put back."""

import importlib
import sys
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend

Name = tuple[str, str, str, str]
"""Module and attribute of a dictionary of backends, account, Region."""

SIDE_TABLES = ("bucket_accounts", "master_accounts")
"""What some of moto's dictionaries of backends know beside their accounts."""

_names: dict[type, tuple[str, str]] = {}
"""Class of a backend, to where its dictionary is."""


_known: dict[int, dict[tuple[str, str], Any]] = {}
"""The dictionaries that were found, by the number of modules that were loaded then."""


def dictionaries() -> dict[tuple[str, str], Any]:
    """Return moto's dictionaries of backends that are in use, by module and attribute."""
    loaded = len(sys.modules)
    if (known := _known.get(loaded)) is not None:
        return known
    found: dict[tuple[str, str], Any] = {}
    seen: set[int] = set()
    whole = True
    # Copies, since other threads import modules meanwhile.
    for module_name, module in sorted(sys.modules.copy().items()):
        if module_name.startswith("moto.") and module_name.endswith(".models"):
            whole = whole and not getattr(module.__spec__, "_initializing", False)
            for attribute, value in vars(module).copy().items():
                if isinstance(value, BackendDict) and id(value) not in seen:
                    seen.add(id(value))
                    found[module_name, attribute] = value
    if whole and loaded == len(sys.modules):
        # Each commit asks many times, and modules are rarely loaded.
        _known.clear()
        _known[loaded] = found
    return found


def backends() -> list[BaseBackend]:
    """Return every backend that exists."""
    return [
        backend
        for accounts in dictionaries().values()
        for regions in dict.values(accounts)
        for backend in dict.values(regions)
    ]


def dictionary(module: str, attribute: str) -> Any:
    """Return one of moto's dictionaries."""
    return getattr(importlib.import_module(module), attribute)


def name_of(backend: BaseBackend) -> Name:
    """Return what a backend is called in the saved state."""
    kind = type(backend)
    if kind not in _names:
        _names.update({value.backend: key for key, value in dictionaries().items()})
    return (*_names[kind], backend.account_id, backend.region_name)


def empty_backend(name: Name) -> Any:
    """Return the backend of a name, made without its first contents if there is none yet."""
    module, attribute, account, region = name
    backends = dictionary(module, attribute)
    regions = backends[account]
    if not dict.__contains__(regions, region):
        dict.__setitem__(regions, region, object.__new__(backends.backend))
    return dict.__getitem__(regions, region)


def side_tables() -> dict[tuple[str, str, str], dict[str, Any]]:
    """Return what moto's dictionaries know beside their accounts."""
    return {
        (*key, table): getattr(value, table)
        for key, value in dictionaries().items()
        for table in SIDE_TABLES
        # What is empty is not worth the import of its module at the next start.
        if getattr(value, table, None)
    }


def restore_side_tables(tables: dict[tuple[str, str, str], dict[str, Any]]) -> None:
    """Put back what `side_tables` returned."""
    for (module, attribute, table), content in tables.items():
        getattr(dictionary(module, attribute), table).update(content)


def forget_everything() -> None:
    """Empty moto, whose state belongs to the process rather than to a cloud."""
    for backends in dictionaries().values():
        backends.clear()
        for table in SIDE_TABLES:
            getattr(backends, table, {}).clear()
