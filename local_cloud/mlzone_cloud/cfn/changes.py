"""What a template would change: the content of a change set."""

from typing import Any

from mlzone_cloud.cfn import preparation, template
from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.provider import Context, with_stack_tags
from mlzone_cloud.cfn.schema import find_schema, value_at
from mlzone_cloud.cfn.state import Json, Stack, StackResource


def plan(stack: Stack, body: str, context: Context, given: dict[str, str]) -> list[Json]:
    """Return the changes that a template would make to a stack, as DescribeChangeSet shows them.

    Raises:
        TemplateError: the template or its parameters are wrong.
    """
    document = template.parse(body)
    parameters = preparation.resolve_parameters(document, given, context)
    scope = preparation.scope_of(document, stack, parameters, context)
    changes: list[Json] = []
    wanted: set[str] = set()
    for name in preparation.order(document):
        declaration = document["Resources"][name]
        if "Condition" in declaration and not scope.condition(declaration["Condition"]):
            continue
        wanted.add(name)
        existing = stack.resources.get(name)
        change = _change(name, declaration, existing, scope, context)
        if change:
            changes.append({"Type": "Resource", "ResourceChange": change})
        keeps_identity = existing and (not change or change.get("Replacement") == "False")
        if existing and keeps_identity:
            scope.add(existing)
    for name, resource in stack.resources.items():
        if name not in wanted:
            change = {
                "Action": "Remove",
                "LogicalResourceId": name,
                "PhysicalResourceId": resource.physical_id,
                "ResourceType": resource.type,
                "PolicyAction": "Delete" if resource.deletion_policy == "Delete" else "Retain",
                "Scope": [],
                "Details": [],
            }
            changes.append({"Type": "Resource", "ResourceChange": change})
    return changes


def _change(
    name: str,
    declaration: Json,
    existing: StackResource | None,
    scope: template.Scope,
    context: Context,
) -> Json | None:
    base: Json = {"LogicalResourceId": name, "ResourceType": declaration["Type"]}
    if existing is None:
        return {**base, "Action": "Add", "Scope": [], "Details": []}
    base["PhysicalResourceId"] = existing.physical_id
    unresolved = declaration.get("Properties") or {}
    differing: dict[str, str] = {}
    for key in sorted(set(unresolved) | set(existing.properties)):
        evaluation = _differs(key, unresolved, existing, scope, context)
        if evaluation:
            differing[key] = evaluation
    if not differing and existing.type == declaration["Type"]:
        return None
    create_only = _recreating(existing, declaration, differing, scope, context)
    recreating = existing.type != declaration["Type"] or bool(create_only)
    certain = recreating and any(differing[key] == "Static" for key in create_only)
    return {
        **base,
        "Action": "Modify",
        "Replacement": "True" if certain else "Conditional" if recreating else "False",
        "Scope": ["Properties"],
        "Details": [
            {
                "Target": {
                    "Attribute": "Properties",
                    "Name": key,
                    "RequiresRecreation": "Always" if key in create_only else "Never",
                },
                "Evaluation": evaluation,
                "ChangeSource": "DirectModification",
            }
            for key, evaluation in differing.items()
        ],
    }


def _recreating(
    existing: StackResource,
    declaration: Json,
    differing: dict[str, str],
    scope: template.Scope,
    context: Context,
) -> set[str]:
    """Return the differing properties whose change replaces the resource."""
    schema = find_schema(declaration["Type"], context.region)
    if schema is None:
        return set()
    recreating = set()
    for key, evaluation in differing.items():
        paths = [path for path in schema.create_only if path[0] == key]
        if any(len(path) == 1 for path in paths) or (paths and evaluation == "Dynamic"):
            recreating.add(key)
        elif paths:
            value = scope.evaluate((declaration.get("Properties") or {}).get(key))
            new = schema.coerce({key: value})
            if any(value_at(existing.properties, path) != value_at(new, path) for path in paths):
                recreating.add(key)
    return recreating


def _differs(
    key: str, unresolved: Json, existing: StackResource, scope: template.Scope, context: Context
) -> str:
    """Return `Static` or `Dynamic` if a property differs, else nothing."""
    schema = find_schema(existing.type, context.region)
    if key not in unresolved and (schema is None or key != schema.tag_property):
        return "Static"
    try:
        value: Any = scope.evaluate({key: unresolved[key]} if key in unresolved else {})
    except TemplateError:
        # It refers to something that this change makes anew.
        return "Dynamic"
    if schema:
        value = with_stack_tags(schema, context, schema.coerce(value))
    return "" if value.get(key) == existing.properties.get(key) else "Static"
