"""The templates that rules look at: those of a cloud assembly, or any that CloudFormation takes."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from mlzone.errors import ConfigError
from mlzone.rules.expression import text

Json = dict[str, Any]

MANIFEST = "manifest.json"
_SCHEMA = range(36, 56)
"""Versions of the cloud assembly's schema that are understood (aws-cdk-lib 2.100 to 2.275)."""
_MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource of a template."""

    template: "Template"
    logical_id: str
    raw: Json

    @property
    def type(self) -> str:
        """Its CloudFormation type."""
        return str(self.raw.get("Type", ""))

    @property
    def properties(self) -> Json:
        """Its properties."""
        found = self.raw.get("Properties")
        return found if isinstance(found, dict) else {}

    @property
    def place(self) -> str:
        """Where it is, for people and waivers: `stack/LogicalId`."""
        return f"{self.template.name}/{self.logical_id}"

    def names(self, name: str) -> set[str]:
        """Return how expressions name it: by reference, and by the property that is its name."""
        return {f"${{{self.logical_id}}}", text(self.get(name))} - {""}

    @cached_property
    def tags(self) -> Mapping[str, Any]:
        """Its tags, however the type writes them."""
        tags = self.properties.get("Tags") or {}
        if isinstance(tags, dict):
            return tags
        return {item["Key"]: item.get("Value") for item in tags if isinstance(item, dict)}

    def get(self, *path: str | int, default: Any = None) -> Any:
        """Return a property by its path; `default` where there is none."""
        value: Any = self.properties
        for part in path:
            if isinstance(value, dict):
                value = value.get(part)
            elif isinstance(value, list) and isinstance(part, int) and part < len(value):
                value = value[part]
            else:
                return default
            if value is None:
                return default
        return value


@dataclass(frozen=True, eq=False)
class Template:
    """One template."""

    name: str
    """The stack's name, or the file's."""
    path: Path
    body: Json

    @cached_property
    def resources(self) -> tuple[Resource, ...]:
        """Its resources."""
        found = self.body.get("Resources")
        return tuple(
            Resource(self, name, raw)
            for name, raw in (found.items() if isinstance(found, dict) else ())
            if isinstance(raw, dict)
        )


@dataclass(frozen=True, eq=False)
class Assembly:
    """All templates that belong together."""

    templates: tuple[Template, ...]

    @cached_property
    def _by_type(self) -> dict[str, list[Resource]]:
        found: dict[str, list[Resource]] = {}
        for template in self.templates:
            for resource in template.resources:
                found.setdefault(resource.type, []).append(resource)
        return found

    def of(self, *types: str) -> Iterator[Resource]:
        """Yield the resources of some types; `AWS::IAM::*` is every type of that service."""
        for wanted in types:
            if wanted.endswith("*"):
                prefix = wanted.removesuffix("*")
                for kind, found in self._by_type.items():
                    if kind.startswith(prefix):
                        yield from found
            else:
                yield from self._by_type.get(wanted, ())

    def beside(self, resource: Resource, *types: str) -> Iterator[Resource]:
        """Yield the resources of some types in the template of a resource."""
        return (item for item in self.of(*types) if item.template is resource.template)


def read(path: Path) -> Assembly:
    """Read a cloud assembly's folder, or one template in JSON or YAML.

    Raises:
        ConfigError: there is nothing to read, or it is no template that CloudFormation would take.
    """
    if path.is_dir():
        return Assembly(tuple(_of_assembly(path)))
    return Assembly((read_template(path, path.stem.removesuffix(".template")),))


def read_template(path: Path, name: str) -> Template:
    """Read one template.

    Raises:
        ConfigError: it cannot be read, or is none.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(f"{path} has {path.stat().st_size} bytes; at most {_MOST_BYTES}")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    body = _parse(text, path)
    if not isinstance(body, dict) or not isinstance(body.get("Resources"), dict):
        raise ConfigError(
            f"{path} is no CloudFormation template: it has no Resources",
            hint="give a template in JSON or YAML, or the folder of a cloud assembly",
        )
    return Template(name, path, body)


def _of_assembly(folder: Path) -> Iterator[Template]:
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        major = int(str(manifest["version"]).split(".", maxsplit=1)[0])
        artifacts = manifest.get("artifacts", {}).items()
        stacks = [
            (name, artifact["properties"]["templateFile"])
            for name, artifact in artifacts
            if artifact["type"] == "aws:cloudformation:stack"
        ]
        nested = [
            artifact["properties"]["directoryName"]
            for _, artifact in artifacts
            if artifact["type"] == "cdk:cloud-assembly"
        ]
    except FileNotFoundError as error:
        raise ConfigError(
            f"{folder} is no cloud assembly: it has no {MANIFEST}",
            hint="make one with `mlzone synth`, or name a template",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is no manifest of a cloud assembly: {error!r}") from error
    if major not in _SCHEMA:
        raise ConfigError(
            f"{path} has schema version {major}; versions {_SCHEMA.start} to {_SCHEMA.stop - 1} "
            "are understood",
            hint="synthesize it with the version of aws-cdk-lib that requirements.txt pins",
        )
    for name, file in stacks:
        yield read_template(folder / file, name)
    for directory in nested:
        yield from _of_assembly(folder / directory)


def _parse(text: str, path: Path) -> Any:
    try:
        if path.suffix == ".json" or text.lstrip().startswith("{"):
            return json.loads(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader with CloudFormation's tags
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{path} cannot be parsed: {' '.join(str(error).split())}") from error


class _Loader(yaml.SafeLoader):
    """Reads the short forms of functions: `!Ref Name` is `{"Ref": "Name"}`."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> Json:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has three kinds of node
        value = loader.construct_mapping(node, deep=True)
    if suffix in ("Ref", "Condition"):
        return {suffix: value}
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
