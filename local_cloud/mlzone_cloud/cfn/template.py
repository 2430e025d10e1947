"""Templates: parameters, conditions and intrinsic functions.

Source: AWS CloudFormation Template Reference, "Intrinsic functions".
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from mlzone_cloud.cfn.errors import TemplateError

Json = dict[str, Any]

NO_VALUE = object()
"""What `AWS::NoValue` evaluates to: the property is left out."""

_SUB = re.compile(r"\$\{([^!${}][^${}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]+)\}\}")
_PSEUDO_PREFIX = "AWS::"
_FUNCTIONS_OF_CONDITIONS = ("Fn::And", "Fn::Or", "Fn::Not", "Fn::Equals", "Condition")


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


def parse(body: str) -> Json:
    """Parse a template's text, JSON or YAML.

    Raises:
        TemplateError: it is neither, or no template.
    """
    try:
        template = yaml.load(body, Loader=_Loader)  # noqa: S506 - derived from SafeLoader
    except yaml.YAMLError as error:
        raise TemplateError(f"Template format error: {error}") from error
    if not isinstance(template, dict):
        raise TemplateError("Template format error: unsupported structure.")
    resources = template.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    if template.get("Transform"):
        raise TemplateError(f"Transform {template['Transform']} is not supported here")
    for name, resource in resources.items():
        if not isinstance(resource, dict) or "Type" not in resource:
            raise TemplateError(f"Template format error: Resource {name} has no Type")
    return template


@dataclass
class Scope:
    """What a template's expressions can refer to."""

    template: Json
    parameters: dict[str, Any]
    account: str
    region: str
    stack_name: str
    stack_id: str
    notification_arns: list[str] = field(default_factory=list)
    physical_ids: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, Json] = field(default_factory=dict)
    import_value: Callable[[str], str] | None = None
    dynamic: Callable[[str, str], str] | None = None
    zones: Callable[[str], list[str]] | None = None

    def pseudo(self, name: str) -> Any:
        """Return a pseudo parameter's value.

        Raises:
            TemplateError: there is no such pseudo parameter.
        """
        values = {
            "AWS::AccountId": self.account,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": self.notification_arns,
            "AWS::Partition": "aws",
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": "amazonaws.com",
        }
        if name not in values:
            raise TemplateError(f"Template error: unresolved pseudo parameter {name}")
        return values[name]

    def condition(self, name: str) -> bool:
        """Evaluate a condition of the template."""
        conditions = self.template.get("Conditions", {})
        if name not in conditions:
            raise TemplateError(f"Template error: unresolved condition dependency {name}")
        return bool(self.evaluate(conditions[name]))

    def evaluate(self, value: Any) -> Any:
        """Evaluate an expression; raises TemplateError if it cannot be."""
        if isinstance(value, dict):
            if len(value) == 1:
                name, argument = next(iter(value.items()))
                if name == "Ref":
                    return self._ref(argument)
                if name == "Condition" and isinstance(argument, str):
                    return self.condition(argument)
                if name in _FUNCTIONS:
                    return _FUNCTIONS[name](self, argument)
                if name.startswith("Fn::"):
                    raise TemplateError(f"Template error: unknown function {name}")
            evaluated = {key: self.evaluate(item) for key, item in value.items()}
            return {key: item for key, item in evaluated.items() if item is not NO_VALUE}
        if isinstance(value, list):
            return [item for raw in value if (item := self.evaluate(raw)) is not NO_VALUE]
        if isinstance(value, str) and "{{resolve:" in value and self.dynamic:
            return _DYNAMIC.sub(lambda match: self._dynamic(match[1], match[2]), value)
        return value

    def _dynamic(self, kind: str, reference: str) -> str:
        assert self.dynamic is not None, "checked by the caller"  # noqa: S101
        return self.dynamic(kind, reference)

    def _ref(self, name: str) -> Any:
        if name.startswith(_PSEUDO_PREFIX):
            return self.pseudo(name)
        if name in self.parameters:
            return self.parameters[name]
        if name in self.physical_ids:
            return self.physical_ids[name]
        raise TemplateError(
            f"Template format error: Unresolved resource dependencies [{name}] in the template"
        )

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """Return a resource's attribute."""
        attributes = self.attributes.get(logical_id)
        if attributes is None:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{logical_id}]"
            )
        if attribute in attributes:
            return attributes[attribute]
        value: Any = attributes
        for part in attribute.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            raise TemplateError(
                f"Template error: resource {logical_id} has no attribute {attribute}"
            )
        return value


def dependencies(value: Any, resources: Json) -> Iterator[str]:
    """Yield the resources that an expression refers to."""
    if isinstance(value, list):
        for item in value:
            yield from dependencies(item, resources)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name == "Ref" and argument in resources:
            yield argument
        elif name == "Fn::GetAtt":
            target = argument[0] if isinstance(argument, list) else str(argument).split(".")[0]
            if target in resources:
                yield target
        elif name == "Fn::Sub":
            text, extra = argument if isinstance(argument, list) else (argument, {})
            yield from dependencies(extra, resources)
            for match in _SUB.finditer(text):
                target = match[1].split(".")[0].strip()
                if target in resources and target not in extra:
                    yield target
        else:
            yield from dependencies(argument, resources)


def _get_att(scope: Scope, argument: Any) -> Any:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    return scope.get_att(argument[0], str(scope.evaluate(argument[1])))


def _join(scope: Scope, argument: Any) -> str:
    delimiter, values = argument
    items = scope.evaluate(values)
    if not isinstance(items, list):
        raise TemplateError("Template error: every Fn::Join object requires two parameters")
    return str(delimiter).join(str(item) for item in items)


def _sub(scope: Scope, argument: Any) -> str:
    text, extra = argument if isinstance(argument, list) else (argument, {})
    extra = scope.evaluate(extra)

    def replace(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name in extra:
            return str(extra[name])
        if "." in name:
            return str(scope.get_att(*name.split(".", 1)))
        return str(scope.evaluate({"Ref": name}))

    return str(scope.evaluate(_SUB.sub(replace, text).replace("${!", "${")))


def _select(scope: Scope, argument: Any) -> Any:
    index, values = scope.evaluate(argument[0]), scope.evaluate(argument[1])
    try:
        return values[int(index)]
    except (IndexError, ValueError, TypeError) as error:
        raise TemplateError(f"Template error: Fn::Select cannot select nonexistent {index}") from (
            error
        )


def _split(scope: Scope, argument: Any) -> list[str]:
    return str(scope.evaluate(argument[1])).split(argument[0])


def _find_in_map(scope: Scope, argument: Any) -> Any:
    name, first, second = (scope.evaluate(part) for part in argument[:3])
    try:
        return scope.template["Mappings"][name][first][second]
    except KeyError as error:
        if len(argument) > 3:  # noqa: PLR2004
            return scope.evaluate(argument[3]["DefaultValue"])
        raise TemplateError(f"Template error: Unable to get mapping for {name}") from error


def _import_value(scope: Scope, argument: Any) -> str:
    if scope.import_value is None:
        raise TemplateError("Template error: Fn::ImportValue is not available here")
    return scope.import_value(str(scope.evaluate(argument)))


def _get_azs(scope: Scope, argument: Any) -> list[str]:
    region = scope.evaluate(argument) or scope.region
    return scope.zones(region) if scope.zones else [f"{region}{letter}" for letter in "abc"]


def _cidr(scope: Scope, argument: Any) -> list[str]:
    block, count, *rest = (scope.evaluate(part) for part in argument)
    bits = int(rest[0]) if rest else 8
    network = ipaddress.ip_network(block)
    subnets = network.subnets(new_prefix=network.max_prefixlen - bits)
    return [str(next(subnets)) for _ in range(int(count))]


def _if(scope: Scope, argument: Any) -> Any:
    return scope.evaluate(argument[1] if scope.condition(argument[0]) else argument[2])


def _equals(scope: Scope, argument: Any) -> bool:
    first, second = (scope.evaluate(part) for part in argument)
    return str(first) == str(second)


def _base64(scope: Scope, argument: Any) -> str:
    return base64.b64encode(str(scope.evaluate(argument)).encode()).decode()


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Fn::And": lambda scope, argument: all(scope.evaluate(part) for part in argument),
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Not": lambda scope, argument: not scope.evaluate(argument[0]),
    "Fn::Or": lambda scope, argument: any(scope.evaluate(part) for part in argument),
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
