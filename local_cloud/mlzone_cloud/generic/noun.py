"""What an operation's name says: a verb and the kind of resource it is about."""

import functools
import re
from dataclasses import dataclass

from mlzone_cloud import wire

_VERBS = ("Create", "Describe", "Get", "Delete", "Update", "List", "Start", "Stop", "Put")
_MAKERS = ("Create", "Put", "Register")
_READERS = ("Describe", "Get")


@dataclass(frozen=True)
class Noun:
    """A kind of resource of a service, and the operations around it."""

    service: str
    name: str
    create: str
    read: str
    keys: tuple[str, ...]
    """The parameters that identify one resource, such as `DomainId` and `UserProfileName`."""


def split(operation: str) -> tuple[str, str]:
    """Return verb and noun, such as `Create` and `UserProfile`."""
    for verb in _VERBS:
        if operation.startswith(verb):
            return verb, operation[len(verb) :]
    return "", operation


def singular(noun: str) -> str:
    """Return the singular of a list operation's noun."""
    if noun.endswith("ies"):
        return f"{noun[:-3]}y"
    if noun.endswith("ses"):
        return noun[:-2]
    return noun.removesuffix("s")


@functools.cache
def noun_of(service: str, operation: str) -> Noun | None:
    """Return the kind of resource that an operation is about, if it is one of plain CRUD."""
    verb, name = split(operation)
    if verb == "List":
        name = singular(name)
    names = wire.model(service).operation_names
    create = next((maker + name for maker in _MAKERS if maker + name in names), "")
    read = next((reader + name for reader in _READERS if reader + name in names), "")
    if not verb or not create or not read:
        return None
    shape = wire.model(service).operation_model(read).input_shape
    keys = tuple(shape.required_members) if shape else ()
    return Noun(service=service, name=name, create=create, read=read, keys=keys)


def kebab(name: str) -> str:
    """Return `user-profile` for `UserProfile`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()
