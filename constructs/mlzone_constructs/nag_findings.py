"""Which findings cdk-nag's wildcard rule will have, so that waivers can name them by pattern.

cdk-nag reports `AwsSolutions-IAM5` once per wildcard, with the action or resource in brackets, and
acknowledges exactly that text. A waiver of the estate gives a pattern; here it becomes the texts.
"""

from collections.abc import Iterator
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

WILDCARD_RULE = "AwsSolutions-IAM5"


def policy_of(role: iam.Role) -> iam.CfnPolicy | None:
    """Return the policy that the CDK made of a role's statements; None if it has none."""
    default = role.node.try_find_child("DefaultPolicy")
    resource = default.node.default_child if default else None
    return resource if isinstance(resource, iam.CfnPolicy) else None


def wildcard_findings(policy: iam.CfnPolicy) -> Iterator[str]:
    """Yield the wildcard findings that a policy will have."""
    document = cdk.Stack.of(policy).resolve(policy.policy_document)
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
