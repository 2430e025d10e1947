"""What the tests of commands share."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from mlzone_tools.cli.shapes import SHAPES


def shape_of(command: tuple[str, ...]) -> Any:
    """Return the documented shape of what a command prints."""
    words = [word for word in command if not word.startswith("-")]
    options = [word for word in command if word.startswith("--")]
    names = (" ".join(words[:2]), words[0])
    keys = (key for name in names for key in (*(f"{name} {item}" for item in options), name))
    return SHAPES[next(key for key in keys if key in SHAPES)]


def differences(value: Any, shape: Any, path: str = "$") -> list[str]:
    """Return where a value has other fields than its shape."""
    if isinstance(shape, list) and isinstance(value, list):
        items = [(item, shape[0], f"{path}[{place}]") for place, item in enumerate(value)]
    elif isinstance(shape, dict) and isinstance(value, dict):
        if any(name.startswith("<") for name in shape):
            return []
        if set(value) != set(shape):
            return [f"{path}: {sorted(set(value) ^ set(shape))}"]
        items = [(value[name], shape[name], f"{path}.{name}") for name in shape]
    elif isinstance(shape, str) or value is None:
        return []
    else:
        return [f"{path} is a {type(value).__name__}"]
    return [found for item in items for found in differences(*item)]


@pytest.fixture(scope="session")
def documented() -> Callable[..., Any]:
    """Return a function that reads what a command printed, and checks it against the reference."""

    def read(text: str, *command: str) -> Any:
        value = json.loads(text)
        assert differences(value, shape_of(command)) == []
        return value

    return read
