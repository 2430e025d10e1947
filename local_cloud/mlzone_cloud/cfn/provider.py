"""What makes, changes and removes resources of a type."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from mlzone_cloud.cfn.errors import StoppedError
from mlzone_cloud.cfn.schema import ResourceSchema
from mlzone_cloud.cfn.state import Json, Stack, StackResource, random_suffix

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
    """The role as which resources are made."""
    source_identity: str = ""

    @classmethod
    def of(cls, cloud: "Cloud", stack: Stack) -> Self:
        """Return the context of a stack's current operation."""
        return cls(
            cloud=cloud,
            account=stack.account,
            region=stack.region,
            stack_name=stack.name,
            stack_id=stack.id,
            tags=stack.tags,
            role_arn=stack.acting_role,
            source_identity="" if stack.role_arn else stack.caller_identity,
        )

    def client(self, service: str, *, region: str | None = None) -> Any:
        """Return a client that acts as the stack's service role, if it has one."""
        return self.cloud.client(
            service,
            account=self.account,
            region=region or self.region,
            role=self.role_arn,
            session_name="AWSCloudFormation",
            source_identity=self.source_identity,
        )

    def pause(self, seconds: float) -> None:
        """Wait before the next look at a resource.

        Raises:
            StoppedError: the cloud stops.
        """
        time.sleep(seconds)
        self.go_on()

    def go_on(self) -> None:
        """Make sure that waiting makes sense.

        Raises:
            StoppedError: the cloud stops.
        """
        if self.cloud.stopping:
            raise StoppedError

    def name(self, logical_id: str, longest: int) -> str:
        """Return a generated physical name, as CloudFormation makes them."""
        suffix = random_suffix(min(12, longest // 3))
        stem = f"{self.stack_name}-{logical_id}"[: longest - len(suffix) - 1]
        return f"{stem}-{suffix}"


class NotReadableError(Exception):
    """Drift of this type cannot be told."""


@dataclass(frozen=True)
class Made:
    """A resource that was made."""

    physical_id: str
    attributes: Json


class Provider:
    """Makes, changes and removes resources of one type."""

    via = "explicit"
    """`explicit`, `api` or `schema`: how faithful it is."""
    exclusive = True
    """Whether making, changing and removing are quick, so that the cloud's lock may be held."""

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource."""
        raise NotImplementedError

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Change a resource in place; return what it is now."""
        raise NotImplementedError

    def delete(self, context: Context, resource: StackResource) -> None:
        """Remove a resource; one that is gone already is fine."""
        raise NotImplementedError

    def settle(self, context: Context, resource: StackResource) -> Json:
        """Wait until a resource is ready; return its attributes."""
        del context
        return resource.attributes

    def settle_deletion(self, context: Context, resource: StackResource) -> None:
        """Wait until a removed resource is gone."""

    def live(self, context: Context, resource: StackResource) -> Json | None:
        """Return the properties that a resource really has, as far as they can be read.

        Returns:
            None if the resource is gone.
        """
        del context
        raise NotReadableError(resource.type)


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
