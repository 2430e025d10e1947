"""The base of explicit types: subclasses say make, change and drop."""

import json
import re
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.state import Json, StackResource

_GONE = re.compile(r"NotFound|NoSuch|NonExistent|does not exist|not found", re.IGNORECASE)


class ExplicitType:
    """A type with a provider of its own."""

    type_name: ClassVar[str]
    via = "explicit"

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource."""
        return self.make(context, logical_id, properties)

    def update(self, context: Context, resource: StackResource, properties: Json) -> Json:
        """Change a resource in place."""
        changed = self.change(context, resource.physical_id, resource.properties, properties)
        return {**resource.attributes, **(changed or {})}

    def delete(self, context: Context, resource: StackResource) -> None:
        """Remove a resource; one that is gone already is fine."""
        try:
            self.drop(context, resource.physical_id, resource.properties)
        except ClientError as error:
            if not _GONE.search(str(error)):
                raise

    def make(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource of the type."""
        raise NotImplementedError

    def change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        """Change it in place; return attributes that changed."""
        raise NotImplementedError

    def drop(self, context: Context, physical_id: str, properties: Json) -> None:
        """Remove it."""
        raise NotImplementedError


def document(value: Any) -> str:
    """Return a policy or pattern as JSON text."""
    return value if isinstance(value, str) else json.dumps(value)


def only(properties: Json, *names: str) -> Json:
    """Return the given properties that are present."""
    return {name: properties[name] for name in names if name in properties}


def camel(value: Any) -> Any:
    """Return data with keys that begin in lower case, as the Code services have them."""
    if isinstance(value, dict):
        return {key[:1].lower() + key[1:]: camel(item) for key, item in value.items()}
    if isinstance(value, list):
        return [camel(item) for item in value]
    return value
