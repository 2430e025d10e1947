"""What makes, changes and removes resources of a type."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from mlzone_cloud.cfn.schema import ResourceSchema
from mlzone_cloud.cfn.state import Json, StackResource, random_suffix

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


@dataclass(frozen=True, kw_only=True)
class Context:
    """On whose behalf, and where, resources are made."""

    cloud: "Cloud"
    account: str
    region: str
    stack_name: str
    stack_id: str
    tags: dict[str, str]
    role_arn: str | None

    def client(self, service: str, *, region: str | None = None) -> Any:
        """Return a client that acts as the stack's service role, if it has one."""
        return self.cloud.client(
            service,
            account=self.account,
            region=region or self.region,
            role=self.role_arn,
            session_name="AWSCloudFormation",
        )

    def name(self, logical_id: str, longest: int) -> str:
        """Return a generated physical name, as CloudFormation makes them."""
        suffix = random_suffix()
        stem = f"{self.stack_name}-{logical_id}"[: longest - len(suffix) - 1]
        return f"{stem}-{suffix}"


@dataclass(frozen=True)
class Made:
    """A resource that was made."""

    physical_id: str
    attributes: Json


class Provider(Protocol):
    """Makes, changes and removes resources of one type."""

    via: str
    """`explicit`, `api` or `schema`: how faithful it is."""

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource."""

    def update(self, context: Context, resource: StackResource, properties: Json) -> Json:
        """Change a resource in place; return its attributes."""

    def delete(self, context: Context, resource: StackResource) -> None:
        """Remove a resource; one that is gone already is fine."""


def with_stack_tags(schema: ResourceSchema, context: Context, properties: Json) -> Json:
    """Add the stack's tags to a resource's, as CloudFormation propagates them."""
    name = schema.tag_property
    if not name or not context.tags:
        return properties
    own = properties.get(name)
    if schema.node(name).get("type") == "object" or isinstance(own, dict):
        return {**properties, name: {**context.tags, **(own or {})}}
    items = schema.resolve(schema.node(name).get("items", {}))
    if "Key" not in (items.get("properties") or {}):
        return properties
    taken = {tag.get("Key") for tag in own or ()}
    added = [
        {"Key": key, "Value": value} for key, value in context.tags.items() if key not in taken
    ]
    return {**properties, name: [*(own or ()), *added]}


def tag_list(properties: Json, name: str = "Tags") -> list[dict[str, str]]:
    """Return a resource's tags as `Key` and `Value` pairs of text."""
    return [
        {"Key": tag["Key"], "Value": str(tag.get("Value", ""))}
        for tag in properties.get(name) or ()
    ]


def tag_map(properties: Json, name: str = "Tags") -> dict[str, str]:
    """Return a resource's tags as a mapping."""
    tags = properties.get(name)
    if isinstance(tags, dict):
        return {key: str(value) for key, value in tags.items()}
    return {tag["Key"]: tag["Value"] for tag in tag_list(properties, name)}
