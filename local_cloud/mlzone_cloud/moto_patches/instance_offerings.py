"""Reads which instance types a Region offers when somebody asks, not for all Regions at once.

moto reads them all when EC2 is first used, which costs 0.9 s and 90 MB.
"""

import sys
from collections.abc import Iterator, Sequence
from typing import Any, overload

from moto.utilities import utils

_FOLDER = "instance_type_offerings/"
_MODULE = "moto.ec2.models.instance_types"
_original = utils.load_resource


class Offerings(Sequence[dict[str, Any]]):
    """What a Region offers; read at first use."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._items: list[dict[str, Any]] | None = None

    def __iter__(self) -> Iterator[dict[str, Any]]:
        # moto's module goes through every file once while it is imported.
        return iter(()) if _is_being_imported() else iter(self._load())

    def __len__(self) -> int:
        return len(self._load())

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._load()[index]

    def _load(self) -> list[dict[str, Any]]:
        if self._items is None:
            location_type = self._path.split(_FOLDER)[1].split("/", maxsplit=1)[0]
            self._items = [
                {**item, "LocationType": location_type} for item in _original(self._path)
            ]
        return self._items


def apply() -> None:
    """Replace the reader of moto's data files."""
    utils.load_resource = _load_resource


def _load_resource(path: str, *arguments: Any, **named: Any) -> Any:
    if _FOLDER in path:
        return Offerings(path)
    return _original(path, *arguments, **named)


def _is_being_imported() -> bool:
    spec = getattr(sys.modules.get(_MODULE), "__spec__", None)
    return bool(getattr(spec, "_initializing", False))
