"""Reads templates: JSON, or YAML with CloudFormation's short forms."""

import copy
import functools
import json
from typing import Any

import yaml

from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.state import Json

_SECTIONS = frozenset(
    {"AWSTemplateFormatVersion", "Conditions", "Description", "Mappings", "Metadata", "Outputs",
     "Parameters", "Resources", "Rules", "Transform", "Hooks"}
)  # fmt: skip
_RESOURCE_MEMBERS = frozenset(
    {"Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Metadata", "Properties", "Type",
     "UpdatePolicy", "UpdateReplacePolicy"}
)  # fmt: skip


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, such as `!Ref` and `!GetAtt`."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)  # type: ignore[arg-type]
    return {name: value}


_Loader.add_multi_constructor("!", _short_form)
# CloudFormation knows no dates: 2012-10-17 is text.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@functools.lru_cache(maxsize=64)
def _load(body: str) -> Any:
    """Parse a text; JSON, which the CDK writes, by the far faster parser."""
    if body.lstrip().startswith("{"):
        try:
            return json.loads(body)
        except ValueError as error:
            raise TemplateError(
                f"Template format error: JSON not well-formed. ({error})"
            ) from error
    try:
        return yaml.load(body, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except (yaml.YAMLError, ValueError) as error:
        raise TemplateError(f"Template format error: YAML not well-formed. ({error})") from error


def parse(body: str) -> Json:
    """Parse a template's text, JSON or YAML.

    Raises:
        TemplateError: it is neither, or no template.
    """
    template = copy.deepcopy(_load(body))
    if not isinstance(template, dict):
        raise TemplateError("Template format error: unsupported structure.")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    if template.get("Transform"):
        raise TemplateError(
            f"Transform {template['Transform']} is a macro, which the embedded cloud does not run; "
            "give the processed template"
        )
    for name, resource in resources.items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise TemplateError(
                "Template format error: [/Resources/" + str(name) + "] Every Resources object must "
                "contain a Type member."
            )
        if unknown := sorted(set(resource) - _RESOURCE_MEMBERS):
            raise TemplateError(
                f"Invalid template resource property '{unknown[0]}' (resource {name})"
            )
    if unknown := sorted(set(template) - _SECTIONS):
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    return template
