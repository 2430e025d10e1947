"""Templates: parameters, conditions and intrinsic functions.

Source: AWS CloudFormation Template Reference, "Intrinsic functions".
"""

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.parsing import parse
from mlzone_cloud.cfn.state import StackResource

Json = dict[str, Any]

NO_VALUE = object()
"""What `AWS::NoValue` evaluates to: the property is left out."""

_SUB = re.compile(r"\$\{([^!${}][^${}]*)\}")
_DYNAMIC = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]+)\}\}")
_PSEUDO_PREFIX = "AWS::"


def partition_of(region: str) -> str:
    """Return the partition that a Region belongs to."""
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


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
            "AWS::Partition": partition_of(self.region),
            "AWS::Region": self.region,
            "AWS::StackId": self.stack_id,
            "AWS::StackName": self.stack_name,
            "AWS::URLSuffix": (
                "amazonaws.com.cn" if self.region.startswith("cn-") else "amazonaws.com"
            ),
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

    def evaluate(self, value: Any) -> Any:  # noqa: PLR0911 - one case a kind
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

    def add(self, resource: StackResource) -> None:
        """Let later expressions refer to a resource."""
        name = resource.logical_id
        self.physical_ids[name] = resource.physical_id
        self.attributes[name] = {**resource.properties, **resource.attributes}

    def get_att(self, logical_id: str, attribute: str) -> Any:
        """Return a resource's attribute."""
        attributes = self.attributes.get(logical_id)
        if attributes is None:
            raise TemplateError(
                f"Template format error: Unresolved resource dependencies [{logical_id}] in the "
                "Resources block of the template"
            )
        if attribute in attributes:
            return attributes[attribute]
        value: Any = attributes
        for part in attribute.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            kind = self.template["Resources"].get(logical_id, {}).get("Type", "")
            if kind.startswith(("Custom::", "AWS::CloudFormation::CustomResource")):
                raise TemplateError(
                    f"CustomResource attribute error: Vendor response doesn't contain {attribute} "
                    f"attribute in object {self.physical_ids.get(logical_id)}"
                )
            raise TemplateError(
                f"Template error: resource {logical_id} does not support attribute type "
                f"{attribute} in Fn::GetAtt"
            )
        return value


def dependencies(value: Any, resources: Json) -> Iterator[str]:
    """Yield the resources that an expression refers to."""
    return (name for name in references(value) if name in resources)


def references(value: Any) -> Iterator[str]:  # noqa: C901 - one case a function
    """Yield the names of resources and parameters that an expression refers to."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name == "Ref" and isinstance(argument, str) and len(value) == 1:
            yield argument
        elif name == "Fn::GetAtt" and len(value) == 1:
            yield argument[0] if isinstance(argument, list) else str(argument).split(".")[0]
            if isinstance(argument, list):
                yield from references(argument[1:])
        elif name == "Fn::Sub" and len(value) == 1:
            body, extra = argument if isinstance(argument, list) else (argument, {})
            yield from references(extra)
            for match in _SUB.finditer(body):
                target = match[1].split(".")[0].strip()
                if target not in extra:
                    yield target
        else:
            yield from references(argument)


def text(value: Any) -> str:
    """Return a scalar as CloudFormation writes it: `true`, not `True`."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get_att(scope: Scope, argument: Any) -> Any:
    if isinstance(argument, str):
        argument = argument.split(".", 1)
    return scope.get_att(argument[0], str(scope.evaluate(argument[1])))


def _join(scope: Scope, argument: Any) -> str:
    delimiter, values = argument
    items = scope.evaluate(values)
    if not isinstance(items, list):
        raise TemplateError("Template error: every Fn::Join object requires two parameters")
    return str(delimiter).join(text(item) for item in items)


def _sub(scope: Scope, argument: Any) -> str:
    body, extra = argument if isinstance(argument, list) else (argument, {})
    extra = scope.evaluate(extra)

    def replace(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name in extra:
            return text(extra[name])
        if "." in name:
            return text(scope.get_att(*name.split(".", 1)))
        return text(scope.evaluate({"Ref": name}))

    return str(scope.evaluate(_SUB.sub(replace, body).replace("${!", "${")))


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
    if isinstance(first, dict | list) or isinstance(second, dict | list):
        return bool(first == second)
    return text(first) == text(second)


def _length(scope: Scope, argument: Any) -> int:
    value = scope.evaluate(argument)
    if not isinstance(value, list):
        raise TemplateError("Template error: Fn::Length must have a list as its argument")
    return len(value)


def _to_json(scope: Scope, argument: Any) -> str:
    return json.dumps(scope.evaluate(argument), separators=(",", ":"))


def _contains(scope: Scope, argument: Any) -> bool:
    values, wanted = (scope.evaluate(part) for part in argument)
    return text(wanted) in [text(value) for value in values]


def _each_member_in(scope: Scope, argument: Any) -> bool:
    checked, allowed = (scope.evaluate(part) for part in argument)
    return {text(item) for item in checked} <= {text(item) for item in allowed}


def _each_member_equals(scope: Scope, argument: Any) -> bool:
    values, wanted = (scope.evaluate(part) for part in argument)
    return all(text(value) == text(wanted) for value in values)


def _base64(scope: Scope, argument: Any) -> str:
    return base64.b64encode(str(scope.evaluate(argument)).encode()).decode()


_FUNCTIONS: dict[str, Callable[[Scope, Any], Any]] = {
    "Fn::Contains": _contains,
    "Fn::EachMemberEquals": _each_member_equals,
    "Fn::EachMemberIn": _each_member_in,
    "Fn::Length": _length,
    "Fn::ToJsonString": _to_json,
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

__all__ = [
    "NO_VALUE",
    "Scope",
    "dependencies",
    "parse",
    "partition_of",
    "references",
    "text",
]
