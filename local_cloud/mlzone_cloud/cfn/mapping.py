"""From a type's schema to the API that serves it.

`handlers.<verb>.permissions` of a registry schema names the API calls that a type's handler makes.
The one that matches the type is called with the properties, re-keyed to the operation's input
shape. What neither schema nor service model says stands in `overrides.py`.
"""

import functools
import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from botocore.model import Shape

from mlzone_cloud import wire
from mlzone_cloud.cfn.overrides import OVERRIDES, Override
from mlzone_cloud.cfn.schema import ResourceSchema
from mlzone_cloud.cfn.state import Json

_SERVICES = {
    "access-analyzer": "accessanalyzer",
    "application-autoscaling": "application-autoscaling",
    "sso": "sso-admin",
    "states": "stepfunctions",
}
"""IAM prefix to the SDK's name, where they differ."""

_VERBS = {
    "create": r"^(Create|Put|Register|Enable|Subscribe|Add|Set|Start)",
    "update": r"^(Update|Put|Modify|Set)",
    "delete": r"^(Delete|Deregister|Disable|Unsubscribe|Remove)",
    "read": r"^(Describe|Get)",
}
_NEVER = re.compile(r"ServiceLinkedRole|Tags?$|PassRole|Policy$|Resource$")


@dataclass(frozen=True)
class Operation:
    """An API operation with members that do not come from properties."""

    service: str
    name: str
    extra: Json = field(default_factory=dict)

    @property
    def shape(self) -> Shape | None:
        """The operation's input."""
        return wire.model(self.service).operation_model(self.name).input_shape


def flat(name: str) -> str:
    """Return a name without case and punctuation, for loose comparison."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


@functools.cache
def operations_of(type_name: str, region: str) -> dict[str, Operation | None]:
    """Return the operations that serve a type, by `create`, `update`, `delete` and `read`."""
    from mlzone_cloud.cfn.schema import find_schema  # noqa: PLC0415

    schema = find_schema(type_name, region)
    override = OVERRIDES.get(type_name, Override())
    found: dict[str, Operation | None] = {}
    for verb in _VERBS:
        if verb in override.operations:
            declared = override.operations[verb]
            found[verb] = Operation(*declared) if declared else None
        else:
            found[verb] = _best(schema, verb) if schema else None
    return found


def _best(schema: ResourceSchema, verb: str) -> Operation | None:
    short = flat(schema.short_name)
    for permission in schema.handlers.get(verb, ()):
        prefix, _, name = permission.partition(":")
        service = _SERVICES.get(prefix, prefix)
        if not re.match(_VERBS[verb], name) or service not in wire.known_services():
            continue
        if name not in wire.model(service).operation_names:
            continue
        noun = flat(re.sub(r"^[A-Z][a-z]+", "", name))
        if noun == short and (not _NEVER.search(name) or noun.endswith(short)):
            return Operation(service, name)
    return None


def parameters(  # noqa: C901 - one case a source
    operation: Operation,
    properties: Json,
    *,
    account: str,
    physical_id: str | None = None,
    attributes: Json | None = None,
    name: str = "",
) -> Json:
    """Return an operation's parameters from a resource's properties."""
    shape = operation.shape
    if shape is None:
        return {}
    source = {**(attributes or {}), **properties}
    params: Json = to_shape(shape, source)
    for member in shape.required_members:
        if member in params and params[member] not in (None, ""):
            continue
        sub = shape.members[member]
        if sub.metadata.get("idempotencyToken"):
            params[member] = str(uuid.uuid4())
        elif sub.type_name == "structure" and (nested := to_shape(sub, source)):
            params[member] = nested
        elif sub.type_name == "string" and physical_id is not None:
            params[member] = physical_id.split("|")[0]
        elif sub.type_name == "string" and name:
            params[member] = name
    for path, value in operation.extra.items():
        filled = _fill(value, properties, account, physical_id, name)
        if filled is None:
            continue
        target = params
        *parents, last = path.split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = filled
    return {key: value for key, value in params.items() if key in shape.members}


def _fill(value: Any, properties: Json, account: str, physical_id: str | None, name: str) -> Any:  # noqa: PLR0911 - one case a placeholder
    """Fill in a placeholder of an override."""
    if isinstance(value, dict):
        return {
            key: _fill(item, properties, account, physical_id, name) for key, item in value.items()
        }
    if not isinstance(value, str) or not value.startswith("$"):
        return value
    kind, _, argument = value[1:].partition(":")
    if kind == "account":
        return account
    if kind == "id":
        return physical_id
    if kind == "ids":
        return [physical_id]
    if kind == "json":
        document = properties.get(argument)
        return document if isinstance(document, str) else json.dumps(document)
    if kind == "name":
        return properties.get(argument) or name
    return properties.get(argument)


def to_shape(shape: Shape, value: Any) -> Any:
    """Re-key CloudFormation data to an API shape, without regard to case."""
    kind = shape.type_name
    if kind in ("structure", "map") and isinstance(value, str) and value.lstrip().startswith("{"):
        # Some schemas have as JSON text what the API has as a structure.
        value = json.loads(value)
    if kind == "structure" and isinstance(value, dict):
        index = {flat(member): member for member in shape.members}
        return {
            index[flat(key)]: to_shape(shape.members[index[flat(key)]], item)
            for key, item in value.items()
            if flat(key) in index
        }
    if kind == "list":
        return _to_list(shape, value)
    if kind == "map":
        if isinstance(value, list) and all(isinstance(tag, dict) and "Key" in tag for tag in value):
            return {tag["Key"]: str(tag.get("Value", "")) for tag in value}
        if isinstance(value, dict):
            return {key: to_shape(shape.value, item) for key, item in value.items()}
        return value
    return _to_scalar(kind, value)


def _to_list(shape: Shape, value: Any) -> Any:
    element = shape.member
    if isinstance(value, dict) and element.type_name == "structure":
        names = {flat(member): member for member in element.members}
        if {"key", "value"} <= set(names):
            return [{names["key"]: key, names["value"]: item} for key, item in value.items()]
    if isinstance(value, list):
        return [to_shape(element, item) for item in value]
    return [to_shape(element, value)]


def _to_scalar(kind: str, value: Any) -> Any:  # noqa: PLR0911 - one case a type
    if kind == "string":
        if isinstance(value, dict | list):
            return json.dumps(value)
        return str(value).lower() if isinstance(value, bool) else str(value)
    if kind in ("integer", "long") and isinstance(value, str):
        return int(value)
    if kind in ("float", "double") and isinstance(value, str):
        return float(value)
    if kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if kind == "blob" and isinstance(value, str):
        return value.encode()
    return value


def harvest(schema: ResourceSchema, response: Json) -> Json:
    """Return the read-only properties that an API's answer tells, at any depth."""
    found: Json = {}
    _flatten(response, found, 0)
    short = flat(schema.short_name)
    aliases = OVERRIDES.get(schema.type_name, Override()).attributes
    attributes: Json = {}
    for path in schema.read_only:
        if len(path) != 1:
            continue
        wanted = flat(aliases.get(path[0], path[0]))
        stripped = wanted.removeprefix(short)
        for candidate in (wanted, short + wanted, stripped):
            if candidate in found and not isinstance(found[candidate], dict | list):
                value = found[candidate]
                attributes[path[0]] = value if isinstance(value, bool | int) else str(value)
                break
    return attributes


def to_properties(schema: ResourceSchema, described: Json) -> Json:
    """Return what a read operation shows in the form of a type's properties."""
    found: Json = {}
    bodies = [described, *(item for item in described.values() if isinstance(item, dict))]
    short = flat(schema.short_name)
    for name in schema.properties:
        if (name,) in schema.read_only or name == schema.tag_property:
            continue
        for body in bodies:
            index = {flat(key): key for key in body}
            key = index.get(flat(name)) or index.get(flat(name).removeprefix(short))
            if key and body[key] is not None and key != "ResponseMetadata":
                found[name] = _reshape(schema, schema.node(name), body[key])
                break
    return found


def _reshape(schema: ResourceSchema, node: Json, value: Any) -> Any:
    """Re-key API data to a schema's names."""
    node = schema.resolve(node)
    if isinstance(value, dict) and node.get("properties"):
        names = {flat(name): name for name in node["properties"]}
        return {
            names[flat(key)]: _reshape(schema, node["properties"][names[flat(key)]], item)
            for key, item in value.items()
            if flat(key) in names
        }
    if isinstance(value, list) and isinstance(node.get("items"), dict):
        return [_reshape(schema, node["items"], item) for item in value]
    return value


def _flatten(value: Any, into: Json, depth: int) -> None:
    if isinstance(value, dict):
        items = [(key, item) for key, item in value.items() if key != "ResponseMetadata"]
        for key, item in items:
            into.setdefault(flat(key), item)
        if depth < 3:  # noqa: PLR2004
            for _, item in items:
                _flatten(item, into, depth + 1)
    elif isinstance(value, list) and len(value) == 1:
        _flatten(value[0], into, depth + 1)
