"""The official resource schemas, as cfn-lint bundles them: what a type takes and returns."""

import functools
import importlib.util
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema

Json = dict[str, Any]
PropertyPath = tuple[str, ...]

_VALIDATED_KEYWORDS = (
    "properties",
    "definitions",
    "required",
    "additionalProperties",
    "allOf",
    "anyOf",
    "oneOf",
    "patternProperties",
    "type",
)
_LENGTH_KEYWORDS = ("pattern", "minLength", "maxLength", "format")
_CHANGEABLE = frozenset({"AWS::AccessAnalyzer::Analyzer"})
"""Types whose conditionally create-only properties can be changed in place."""
_TYPE_NAMES = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
}


@functools.cache
def _data() -> Path:
    spec = importlib.util.find_spec("cfnlint")
    assert spec is not None and spec.origin is not None, "cfn-lint is installed"  # noqa: S101, PT018
    return Path(spec.origin).parent / "data" / "schemas"


@functools.cache
def _types(region: str) -> dict[str, str]:
    path = _data() / "providers" / f"{region}.json"
    if not path.exists():
        path = _data() / "providers" / "us-east-1.json"
    types: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
    return types


@functools.cache
def _load(digest: str) -> "ResourceSchema":
    path = _data() / "resources" / f"{digest}.json"
    return ResourceSchema(json.loads(path.read_text(encoding="utf-8")))


def find_schema(type_name: str, region: str) -> "ResourceSchema | None":
    """Return the schema of a resource type in a Region, or None if the Region lacks the type."""
    digest = _types(region).get(type_name)
    return _load(digest) if digest else None


class ResourceSchema:
    """One resource type's schema."""

    def __init__(self, raw: Json) -> None:
        self.raw = raw
        self.type_name: str = raw["typeName"]
        self.properties: Json = raw.get("properties", {})
        self.read_only = _paths(raw, "readOnlyProperties")
        self.create_only = _paths(raw, "createOnlyProperties")
        if self.type_name not in _CHANGEABLE:
            self.create_only += _paths(raw, "conditionalCreateOnlyProperties")
        self.primary = _paths(raw, "primaryIdentifier")
        self.handlers: dict[str, list[str]] = {
            verb: handler.get("permissions", [])
            for verb, handler in raw.get("handlers", {}).items()
        }
        tagging = raw.get("tagging") or {}
        tag_property = str(tagging.get("tagProperty", "/properties/Tags")).rsplit("/", 1)[-1]
        taggable = tagging.get("taggable", raw.get("taggable", "Tags" in self.properties))
        self.tag_property = tag_property if taggable and tag_property in self.properties else None
        subset = {key: raw[key] for key in _VALIDATED_KEYWORDS if key in raw}
        self._validator = _Validator({"type": "object", **subset})

    @property
    def short_name(self) -> str:
        """The last part of the type's name, such as `Bucket`."""
        return self.type_name.rsplit("::", 1)[-1]

    def resolve(self, node: Json) -> Json:
        """Follow a node's references."""
        while "$ref" in node:
            target: Any = self.raw
            for part in node["$ref"].removeprefix("#/").split("/"):
                target = target[part]
            node = target
        return node

    def node(self, name: str) -> Json:
        """Return the schema of a top-level property."""
        return self.resolve(self.properties.get(name, {}))

    def coerce(self, value: Any, node: Json | None = None) -> Any:
        """Convert scalars as CloudFormation does before it validates: `"true"` to true."""
        node = self.resolve(self.raw if node is None else node)
        if isinstance(value, dict):
            return self._coerce_object(value, node)
        if isinstance(value, list):
            items = node.get("items")
            return [self.coerce(item, items) if isinstance(items, dict) else item for item in value]
        raw_types = node.get("type")
        types = raw_types if isinstance(raw_types, list) else [raw_types] if raw_types else []
        return _coerce_scalar(value, types) if types else value

    def _coerce_object(self, value: Json, node: Json) -> Any:
        properties = dict(node.get("properties") or {})
        for keyword in ("oneOf", "anyOf", "allOf"):
            for option in node.get(keyword, []):
                for name, sub in (self.resolve(option).get("properties") or {}).items():
                    properties.setdefault(name, sub)
        patterns = node.get("patternProperties") or {}
        result = {}
        for name, item in value.items():
            sub = properties.get(name) or next(
                (schema for pattern, schema in patterns.items() if _search(pattern, name)), None
            )
            result[name] = self.coerce(item, sub) if isinstance(sub, dict) else item
        raw_types = node.get("type")
        if raw_types == "string":
            return json.dumps(result)
        return result

    def validate(self, properties: Json, unresolved: Json | None = None) -> list[str]:
        """Return what is wrong with a resource's properties, in AWS's wording.

        Args:
            properties: the evaluated properties.
            unresolved: the properties as the template has them; the length and pattern of a value
                that was computed is the emulation's doing, not the template's.
        """
        problems = []
        for error in sorted(self._validator.iter_errors(properties), key=_error_key):
            path = list(error.absolute_path)
            if error.validator in _LENGTH_KEYWORDS and _is_computed(unresolved, path):
                continue
            problems.append(_describe(error))
        inputs = {*self.create_only, *(p for p in self.primary if p not in self.read_only)}
        problems += [
            f"#: extraneous key [{path[0]}] is not permitted"
            for path in self.read_only
            if len(path) == 1 and path[0] in properties and path not in inputs
        ]
        return problems

    def replaced_by(self, old: Json, new: Json) -> list[str]:
        """Return the create-only properties that differ: changing them replaces the resource."""
        return [
            "/".join(path)
            for path in self.create_only
            if value_at(old, path) != value_at(new, path)
        ]


def value_at(value: Any, path: PropertyPath) -> Any:
    """Return the value at a schema's path; `*` walks lists and maps."""
    if not path:
        return value
    if isinstance(value, list):
        rest = path[1:] if path[0] in ("*", "items") else path
        return [value_at(item, rest) for item in value]
    if isinstance(value, dict):
        if path[0] == "*":
            return [value_at(item, path[1:]) for item in value.values()]
        return value_at(value.get(path[0]), path[1:])
    return None


def _paths(raw: Json, key: str) -> list[PropertyPath]:
    return [tuple(pointer.split("/")[2:]) for pointer in raw.get(key, [])]


def _coerce_scalar(value: Any, types: list[str]) -> Any:  # noqa: PLR0911 - one case a type
    if isinstance(value, bool):
        return str(value).lower() if "boolean" not in types and "string" in types else value
    if isinstance(value, int | float):
        return str(value) if types == ["string"] else value
    if not isinstance(value, str) or "string" in types:
        return value
    if "boolean" in types and value.lower() in ("true", "false"):
        return value.lower() == "true"
    if "integer" in types and re.fullmatch(r"-?\d+", value):
        return int(value)
    if "number" in types and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if "object" in types and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


@functools.lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    for candidate in (pattern, _for_python(pattern)):
        try:
            return re.compile(candidate)
        except re.error:
            continue
    return None


def _for_python(pattern: str) -> str:
    """Write ECMAScript's character classes in Python's way."""
    for theirs, ours in (
        (r"\p{L}", r"\w"),
        (r"\p{Z}", r"\s"),
        (r"\p{N}", r"\d"),
        (r"\p{M}", ""),
        (r"\p{Lu}", "A-Z"),
    ):
        pattern = pattern.replace(theirs, ours)
    return re.sub(r"\\u\{?([0-9a-fA-F]{4})\}?", r"\\u\1", pattern)


def _search(pattern: str, text: str) -> bool:
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(text) is not None


def _check_pattern(validator: Any, pattern: str, value: Any, _: Json) -> Iterator[Any]:
    if validator.is_type(value, "string") and not _search(pattern, value):
        yield jsonschema.ValidationError(f"{value!r} does not match {pattern!r}")


def _check_pattern_properties(validator: Any, patterns: Json, value: Any, _: Json) -> Iterator[Any]:
    if validator.is_type(value, "object"):
        for pattern, sub in patterns.items():
            for name, item in value.items():
                if _search(pattern, name):
                    yield from validator.descend(item, sub, path=name, schema_path=pattern)


def _check_additional(validator: Any, allowed: Any, value: Any, schema: Json) -> Iterator[Any]:
    if not validator.is_type(value, "object"):
        return
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name in value:
        if name in known or any(_search(pattern, name) for pattern in patterns):
            continue
        if isinstance(allowed, dict):
            yield from validator.descend(value[name], allowed, path=name)
        elif not allowed:
            yield jsonschema.ValidationError(f"extraneous key [{name}] is not permitted")


_Validator = jsonschema.validators.extend(
    jsonschema.Draft7Validator,
    {
        "pattern": _check_pattern,
        "patternProperties": _check_pattern_properties,
        "additionalProperties": _check_additional,
    },
)


def _error_key(error: Any) -> list[str]:
    return [str(part) for part in error.absolute_path]


def _is_computed(unresolved: Any, path: list[Any]) -> bool:
    node = unresolved
    for part in [*path, None]:
        if isinstance(node, dict) and any(
            name == "Ref" or name.startswith("Fn::") for name in node
        ):
            return True
        if part is None:
            return False
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return False
    return False


def _describe(error: Any) -> str:  # noqa: PLR0911 - one case a keyword
    path = "#" + "".join(f"/{part}" for part in error.absolute_path)
    if error.validator == "required":
        missing = error.message.split("'")[1]
        return f"{path}: required key [{missing}] not found"
    if error.validator == "type":
        expected = error.validator_value
        name = expected if isinstance(expected, str) else expected[0]
        found = next(
            label
            for kind, label in _TYPE_NAMES.items()
            if _Validator({}).is_type(error.instance, kind)
        )
        return f"{path}: expected type: {_TYPE_NAMES.get(name, name)}, found: {found}"
    if error.validator == "enum":
        return f"{path}: {error.instance} is not a valid enum value"
    if error.validator == "pattern":
        return f"{path}: failed validation constraint for keyword [pattern]"
    if error.validator in ("minLength", "maxLength"):
        actual = len(error.instance)
        return f"{path}: expected {error.validator}: {error.validator_value}, actual: {actual}"
    if error.validator in ("oneOf", "anyOf", "allOf"):
        reasons = sorted({_describe(inner) for inner in (error.context or [])})[:4]
        suffix = f" ({'; '.join(reasons)})" if reasons else ""
        return f"{path}: 0 subschemas matched instead of one{suffix}"
    return f"{path}: {error.message}"
