"""Which findings cdk-nag's wildcard rule will have, so that waivers can name them by pattern.

cdk-nag reports `AwsSolutions-IAM5` once per wildcard, with the action or resource in brackets, and
acknowledges exactly that text. A waiver of the estate gives a pattern; here it becomes the texts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

WILDCARD_RULE = "AwsSolutions-IAM5"


@dataclass(frozen=True, kw_only=True)
class RolePolicy:
    """The policy of a role, as cdk-nag will see it."""

    policy: iam.Policy
    path: str
    """The path of its resource."""
    findings: tuple[str, ...]
    """The wildcard findings that it will have."""


def role_policies(roles: Sequence[iam.Role]) -> Iterator[RolePolicy]:
    """Yield the policies of roles, a stack at a time: each call to the CDK has its price."""
    stacks: dict[str, list[tuple[iam.Policy, str]]] = {}
    for role in roles:
        node = role.node
        policy = node.try_find_child("DefaultPolicy")
        if isinstance(policy, iam.Policy):
            path = f"{node.path}/DefaultPolicy/Resource"
            stacks.setdefault(path.partition("/")[0], []).append((policy, path))
    for policies in stacks.values():
        documents = cdk.Stack.of(policies[0][0]).resolve([item.document for item, _ in policies])
        for (policy, path), document in zip(policies, documents, strict=True):
            yield RolePolicy(policy=policy, path=path, findings=tuple(wildcard_findings(document)))


def wildcard_findings(document: Mapping[str, Any]) -> Iterator[str]:
    """Yield the wildcard findings that a policy document will have."""
    for statement in document.get("Statement", []):
        if statement.get("Effect") != "Allow":
            continue
        for kind in ("Action", "Resource"):
            values = statement.get(kind, [])
            for value in values if isinstance(values, list) else [values]:
                text = _flatten(value)
                if "*" in text:
                    yield f"{WILDCARD_RULE}[{kind}::{text}]"


def _flatten(value: Any) -> str:
    """Write an expression as cdk-nag does: references become `<LogicalId.Attribute>`."""
    if isinstance(value, dict):
        name, argument = next(iter(value.items()))
        if name == "Fn::GetAtt":
            return f"<{'.'.join(argument)}>"
        if name == "Ref":
            return f"<{argument}>"
        if name == "Fn::Join":
            return str(argument[0]).join(_flatten(part) for part in argument[1])
        return str(value)
    return str(value).replace("${", "<").replace("}", ">")
