"""What a template would change: the content of a change set."""

from typing import TYPE_CHECKING, Any

from mlzone_cloud.cfn import preparation, template
from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.provider import Context, with_stack_tags
from mlzone_cloud.cfn.schema import find_schema
from mlzone_cloud.cfn.state import Json, Stack, StackResource

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def plan(
    cloud: "Cloud", stack: Stack, body: str, context: Context, given: dict[str, str]
) -> list[Json]:
    """Return the changes that a template would make to a stack, as DescribeChangeSet shows them.

    Raises:
        TemplateError: the template or its parameters are wrong.
    """
    del cloud
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
            scope.physical_ids[name] = existing.physical_id
            scope.attributes[name] = existing.attributes
    for name, resource in stack.resources.items():
        if name not in wanted:
            change = {
                "Action": "Remove",
                "LogicalResourceId": name,
                "PhysicalResourceId": resource.physical_id,
                "ResourceType": resource.type,
                "PolicyAction": "Retain" if resource.deletion_policy == "Retain" else "Delete",
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
    schema = find_schema(declaration["Type"], context.region)
    unresolved = declaration.get("Properties") or {}
    differing: dict[str, str] = {}
    for key in sorted(set(unresolved) | set(existing.properties)):
        evaluation = _differs(key, unresolved, existing, scope, context)
        if evaluation:
            differing[key] = evaluation
    if not differing and existing.type == declaration["Type"]:
        return None
    create_only = {path[0] for path in schema.create_only} if schema else set()
    recreating = existing.type != declaration["Type"] or any(
        key in create_only for key in differing
    )
    return {
        **base,
        "Action": "Modify",
        "Replacement": "True" if recreating else "False",
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
