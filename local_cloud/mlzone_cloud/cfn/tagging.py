"""Changes a resource's tags through its service's own tagging operations."""

import re

from botocore import xform_name
from botocore.model import Shape

from mlzone_cloud import wire
from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, tag_map
from mlzone_cloud.cfn.schema import ResourceSchema
from mlzone_cloud.cfn.state import Json, StackResource

_ADDING = ("TagResource", "AddTags", "AddTagsToResource", "TagLogGroup")
_REMOVING = ("UntagResource", "DeleteTags", "RemoveTagsFromResource", "RemoveTags")


def change(
    context: Context,
    schema: ResourceSchema,
    service: str,
    resource: StackResource,
    properties: Json,
) -> None:
    """Bring a resource's tags to what its new properties say.

    Raises:
        ResourceError: the service cannot tag.
    """
    name = schema.tag_property or "Tags"
    before, after = tag_map(resource.properties, name), tag_map(properties, name)
    added = {key: value for key, value in after.items() if before.get(key) != value}
    removed = sorted(set(before) - set(after))
    names = wire.model(service).operation_names
    adding = next((item for item in _ADDING if item in names), None)
    removing = next((item for item in _REMOVING if item in names), None)
    if adding is None or removing is None:
        raise ResourceError(
            f"the embedded cloud cannot change the tags of {schema.type_name}", code="NotUpdatable"
        )
    client, arn = context.client(service), _arn_of(resource)
    if added:
        getattr(client, xform_name(adding))(**_arguments(service, adding, arn, added))
    if removed:
        getattr(client, xform_name(removing))(**_arguments(service, removing, arn, removed))


def _arn_of(resource: StackResource) -> str:
    if resource.physical_id.startswith("arn:"):
        return resource.physical_id
    arns = [
        str(value)
        for key, value in resource.attributes.items()
        if key.lower().endswith("arn") and str(value).startswith("arn:")
    ]
    return arns[0] if arns else resource.physical_id


def _arguments(service: str, operation: str, arn: str, tags: dict[str, str] | list[str]) -> Json:
    shape = wire.model(service).operation_model(operation).input_shape
    assert shape is not None, "tagging operations take a resource"  # noqa: S101
    arguments: Json = {}
    for name, member in shape.members.items():
        if re.search("arn|resource", name.lower()) and member.type_name == "string":
            arguments[name] = arn
        elif "tag" in name.lower():
            arguments[name] = _tags(member, tags)
    return arguments


def _tags(shape: Shape, tags: dict[str, str] | list[str]) -> object:
    if isinstance(tags, list) or shape.type_name == "map":
        return tags
    element = shape.member.members
    key = next(name for name in element if name.lower().endswith("key"))
    value = next(name for name in element if name.lower().endswith("value"))
    return [{key: name, value: text} for name, text in tags.items()]
