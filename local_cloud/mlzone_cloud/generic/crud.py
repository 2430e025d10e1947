"""The generic resource: a record with the fields that its create operation took.

Fields that AWS adds (id, ARN, status, times) come from the output shapes of the operations. What
differs per resource stands in `facts.py`.
"""

import copy
import uuid
from typing import Any

from mlzone_cloud import moto_bridge, wire
from mlzone_cloud.errors import ApiError, NotEmulatedError
from mlzone_cloud.generic import paging, relations
from mlzone_cloud.generic.facts import ARN_TAILS, DEFAULTS, ID_PREFIXES, READY
from mlzone_cloud.generic.noun import Noun, kebab, noun_of, singular, split
from mlzone_cloud.generic.validation import validate
from mlzone_cloud.operations import Call

Record = dict[str, Any]
ARN = "_arn"
_PAGING = frozenset({"MaxResults", "NextToken", "SortBy", "SortOrder", "maxResults", "nextToken"})


def handle(call: Call) -> dict[str, Any]:
    """Serve one operation generically.

    Raises:
        NotEmulatedError: the operation is not plain create, read, update, delete or list.
    """
    verb, _ = split(call.operation)
    noun = noun_of(call.service, call.operation)
    handler = _HANDLERS.get(verb)
    if noun is None or handler is None or moto_bridge.implements(call.service, noun.create):
        # What moto makes, moto has; nobody else could find it.
        raise NotEmulatedError(call.service, call.operation)
    validate(call.service, call.operation, call.params)
    return handler(call, noun)


def records(call: Call, noun_name: str) -> dict[str, Any]:
    """Return the records of one kind in the call's account and Region, by key."""
    return call.cloud.store(f"{call.service}.{noun_name}", call.account, call.region)


def find(call: Call, noun: Noun) -> Record:
    """Return the record that the parameters name.

    Raises:
        ApiError: there is none.
    """
    store = records(call, noun.name)
    wanted = [str(call.params.get(key)) for key in noun.keys]
    record: Record | None = store.get("/".join(wanted))
    if record is None and wanted:
        record = next((item for item in store.values() if item[ARN] == wanted[-1]), None)
    if record is None:
        raise ApiError(
            _code(noun.service, "missing"), f"{noun.name} {'/'.join(wanted)} does not exist."
        )
    return record


def _create(call: Call, noun: Noun) -> dict[str, Any]:
    relations.require_parents(call, noun)
    record = _build(call, noun)
    store = records(call, noun.name)
    key = "/".join(str(record.get(name)) for name in noun.keys)
    if key in store and not call.operation.startswith("Put"):
        raise ApiError(_code(noun.service, "exists"), f"{noun.name} {key} already exists.")
    store[key] = record
    return _output(call, record)


def _build(call: Call, noun: Noun) -> Record:
    record: Record = copy.deepcopy(call.params)
    now = call.cloud.clock.now()
    short = uuid.uuid4().hex[:12]
    for name, shape in _members(noun).items():
        lowered = name.lower()
        if name in record:
            continue
        own_id = name in noun.keys and lowered.endswith("id")
        if own_id or lowered in (f"{noun.name}id".lower(), "id"):
            shortest = shape.metadata.get("min", 0)
            own = short if shortest <= len(short) else str(uuid.uuid4())
            record[name] = ID_PREFIXES.get(noun.name, "") + own
        elif lowered == "name" and f"{noun.name[:1].lower()}{noun.name[1:]}Name" in record:
            record[name] = record[f"{noun.name[:1].lower()}{noun.name[1:]}Name"]
        elif shape.type_name == "timestamp" and lowered.startswith(("creat", "lastmod", "lastup")):
            record[name] = now
        elif lowered.endswith("status") and shape.type_name == "string":
            record[name] = next((word for word in READY if word in (shape.enum or ())), "Active")
    invented = DEFAULTS.get((noun.service, noun.name), {})
    for name, default in invented.items():
        record.setdefault(name, default(call, record))
    tail = _tail(noun, record) or short
    record[ARN] = (
        record["Arn"]
        if "Arn" in invented
        else f"arn:aws:{wire.model(noun.service).signing_name}:{call.region}:{call.account}:"
        f"{kebab(noun.name)}/{tail}"
    )
    for name in _members(noun):
        if name not in record and name.lower() in (f"{noun.name}arn".lower(), "arn"):
            record[name] = record[ARN]
    return record


def _members(noun: Noun) -> dict[str, Any]:
    model = wire.model(noun.service)
    members: dict[str, Any] = {}
    for operation in (noun.create, noun.read):
        shape = model.operation_model(operation).output_shape
        found = dict(shape.members) if shape else {}
        for member in list(found.values()):
            # Some services wrap the resource in one structure.
            if len(found) == 1 and member.type_name == "structure":
                found = dict(member.members)
        members.update(found)
    return members


def _tail(noun: Noun, record: Record) -> str:
    names = ARN_TAILS.get((noun.service, noun.name))
    if names:
        return "/".join(str(record[name]) for name in names if record.get(name)).lower()
    for name in (f"{noun.name}Name", "Name", "name", f"{noun.name}Id", "Id", "id"):
        if isinstance(record.get(name), str):
            return str(record[name])
    return ""


def _read(call: Call, noun: Noun) -> dict[str, Any]:
    return _output(call, find(call, noun))


def _delete(call: Call, noun: Noun) -> dict[str, Any]:
    record = find(call, noun)
    relations.refuse_if_in_use(call, noun, record)
    store = records(call, noun.name)
    for key in [key for key, item in store.items() if item is record]:
        del store[key]
    return {}


def _update(call: Call, noun: Noun) -> dict[str, Any]:
    record = find(call, noun)
    for name, value in call.params.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            record[name] = {**record[name], **value}
        else:
            record[name] = value
    for name in record:
        if name.lower().startswith(("lastmod", "lastup")):
            record[name] = call.cloud.clock.now()
    return _output(call, record)


def _list(call: Call, noun: Noun) -> dict[str, Any]:
    selected = list(records(call, noun.name).values())
    for name, value in call.params.items():
        if name in _PAGING:
            continue
        if name == "NameContains":
            selected = [item for item in selected if value in str(_name(item, noun))]
        elif name.endswith("Equals"):
            selected = [item for item in selected if item.get(name[: -len("Equals")]) == value]
        elif any(name in item for item in selected):
            selected = [item for item in selected if item.get(name) == value]
    shape = wire.model(call.service).operation_model(call.operation).output_shape
    for name, member in (shape.members if shape else {}).items():
        if member.type_name == "list":
            page, token = paging.cut(selected, call.params)
            element = member.member
            following = {paging.token_name(shape): token} if token else {}
            if element.type_name != "structure":
                return {name: [item[ARN] for item in page], **following}
            return {
                name: [
                    {field: item[field] for field in element.members if field in item}
                    for item in page
                ],
                **following,
            }
    raise NotEmulatedError(call.service, call.operation)


def _name(record: Record, noun: Noun) -> Any:
    return record.get(f"{noun.name}Name") or record.get("Name")


def _output(call: Call, record: Record) -> dict[str, Any]:
    shape = wire.model(call.service).operation_model(call.operation).output_shape
    if shape is None:
        return {}
    result = {name: record[name] for name in shape.members if name in record}
    for name, member in shape.members.items():
        # Some services wrap the resource in one structure, named after it.
        if name not in result and member.type_name == "structure" and len(shape.members) <= 2:  # noqa: PLR2004
            result[name] = {field: record[field] for field in member.members if field in record}
    return copy.deepcopy(result)


def _code(service: str, kind: str) -> str:
    candidates = {
        "exists": (
            "ResourceInUse",
            "ResourceAlreadyExistsException",
            "ConflictException",
            "ResourceInUseException",
        ),
        "missing": ("ResourceNotFound", "ResourceNotFoundException", "NotFoundException"),
    }[kind]
    shapes = wire.model(service).shape_names
    return next((code for code in candidates if code in shapes), "ValidationException")


_HANDLERS = {
    "Create": _create,
    "Put": _create,
    "Describe": _read,
    "Get": _read,
    "Delete": _delete,
    "Update": _update,
    "List": _list,
}

__all__ = ["ARN", "find", "handle", "records", "singular"]
