"""Which provider serves a type, in the order of faithfulness: explicit, API, none."""

import functools

from mlzone_cloud.cfn.api_provider import ApiProvider
from mlzone_cloud.cfn.custom_resource import CustomResourceProvider
from mlzone_cloud.cfn.provider import Context, Made, Provider
from mlzone_cloud.cfn.records import STACK_TYPE
from mlzone_cloud.cfn.schema import ResourceSchema, find_schema, value_at
from mlzone_cloud.cfn.state import Json, StackResource
from mlzone_cloud.cfn.types import (
    code,
    ec2,
    endpoint,
    function,
    iam,
    messaging,
    model_pipeline,
    model_registry,
    money,
    platform,
    s3,
    scaling,
    security_group,
    table,
    trail,
)
from mlzone_cloud.cfn.types.base import ExplicitType

_MODULES = (
    code,
    ec2,
    function,
    iam,
    messaging,
    model_pipeline,
    model_registry,
    money,
    platform,
    s3,
    scaling,
    security_group,
    table,
    trail,
)
_EXPLICIT: dict[str, type[ExplicitType]] = {
    kind.type_name: kind for module in _MODULES for kind in module.TYPES
}


class SchemaProvider(Provider):
    """Keeps a resource that no API here can make; it is validated, counted, and seen by nobody."""

    via = "schema"

    def __init__(self, schema: ResourceSchema) -> None:
        self._schema = schema

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Keep a resource."""
        context.cloud.gap(f"{self._schema.type_name} beyond its schema")
        values = [value_at(properties, path) for path in self._schema.primary]
        identity = "|".join(str(value) for value in values if value is not None)
        identity = identity or context.name(logical_id, 63)
        attributes: Json = {}
        for path in self._schema.read_only:
            name = path[0]
            if len(path) == 1 and name.endswith("Arn"):
                service = self._schema.type_name.split("::")[1].lower()
                attributes[name] = (
                    f"arn:aws:{service}:{context.region}:{context.account}:"
                    f"{self._schema.short_name.lower()}/{identity}"
                )
            elif len(path) == 1:
                attributes[name] = identity
        return Made(identity, attributes)

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Keep its new properties."""
        del context, properties
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: StackResource) -> None:
        """Forget it."""


class MetadataProvider(Provider):
    """`AWS::CDK::Metadata` and wait handles: there is nothing behind them in AWS either."""

    via = "explicit"

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Name it."""
        del properties
        return Made(context.name(logical_id, 128), {})

    def live(self, context: Context, resource: StackResource) -> Json | None:
        """It is what the template says."""
        del context
        return resource.properties

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Nothing changes."""
        del context, properties
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: StackResource) -> None:
        """Nothing is removed."""


_WITHOUT_SCHEMA = frozenset({"AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle"})
_NOT_UNIQUE = frozenset({"AWS::SageMaker::Domain"})
"""Types whose name need not be unique, so that a replacement may keep it."""


def unique_name(schema: ResourceSchema) -> bool:
    """Tell whether two resources of a type cannot have the same name."""
    return schema.type_name not in _NOT_UNIQUE


@functools.cache
def custom_provider(type_name: str) -> Provider:
    """Return what serves a custom resource."""
    return CustomResourceProvider(type_name)


def is_known(type_name: str, region: str) -> bool:
    """Tell whether CloudFormation knows a type in a Region."""
    return type_name in _WITHOUT_SCHEMA or find_schema(type_name, region) is not None


@functools.cache
def provider_of(type_name: str, region: str) -> Provider:
    """Return what serves a type."""
    if type_name in _WITHOUT_SCHEMA:
        return MetadataProvider()
    if type_name == STACK_TYPE:
        # Nested stacks need the engine, which needs this module.
        from mlzone_cloud.cfn.nested import NestedStackProvider  # noqa: PLC0415

        return NestedStackProvider()
    if type_name in _EXPLICIT:
        return _EXPLICIT[type_name]()
    schema = find_schema(type_name, region)
    assert schema is not None, "unknown types are refused before"  # noqa: S101
    kind = endpoint.EndpointProvider if type_name == endpoint.TYPE_NAME else ApiProvider
    api = kind(schema, region)
    return api if api.usable else SchemaProvider(schema)
