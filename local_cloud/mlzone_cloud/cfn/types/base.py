"""The base of explicit types: subclasses say make, change and drop."""

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from mlzone_cloud.cfn.errors import FAILURES
from mlzone_cloud.cfn.provider import Context, Made, NotReadableError, Provider
from mlzone_cloud.cfn.state import Json, StackResource

_GONE = re.compile(
    r"NotFound|NoSuch|NonExistent|does not exist|doesn't exist|not found|could not find"
    r"|unable to find|unknown(monitor|subscription)",
    re.IGNORECASE,
)


class ExplicitType(Provider):
    """A type with a provider of its own."""

    type_name: ClassVar[str]
    via = "explicit"

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource."""
        return self._make(context, logical_id, properties)

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Change a resource in place."""
        changed = self._change(context, resource.physical_id, resource.properties, properties)
        return Made(resource.physical_id, {**resource.attributes, **(changed or {})})

    def delete(self, context: Context, resource: StackResource) -> None:
        """Remove a resource; one that is gone already is fine."""
        try:
            self._drop(context, resource.physical_id, resource.properties)
        except ClientError as error:
            if not gone(error):
                raise

    def live(self, context: Context, resource: StackResource) -> Json | None:
        """Return the properties that a resource really has."""
        try:
            return self._read(context, resource.physical_id, resource.properties)
        except ClientError as error:
            if gone(error):
                return None
            raise

    def _make(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource of the type."""
        raise NotImplementedError

    def _change(self, context: Context, physical_id: str, old: Json, new: Json) -> Json | None:
        """Change it in place; return attributes that changed."""
        raise NotImplementedError

    def _drop(self, context: Context, physical_id: str, properties: Json) -> None:
        """Remove it."""
        raise NotImplementedError

    def _read(self, context: Context, physical_id: str, properties: Json) -> Json | None:
        """Return what it is, in the form of its properties; None if it is gone."""
        del context, physical_id, properties
        raise NotReadableError(self.type_name)

    @contextlib.contextmanager
    def whole(self, context: Context, physical_id: str, properties: Json) -> Iterator[None]:
        """Remove the resource again if what remains to be set on it fails."""
        try:
            yield
        except FAILURES:
            with contextlib.suppress(*FAILURES):
                self._drop(context, physical_id, properties)
            raise


def gone(error: BaseException) -> bool:
    """Tell whether an API refused because the resource does not exist."""
    return bool(_GONE.search(str(error)))


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
