"""The provider that calls the API which the schema and the service model name."""

import re
import time
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from mlzone_cloud.cfn import mapping, tagging
from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.overrides import OVERRIDES, Override
from mlzone_cloud.cfn.provider import Context, Made, NotReadableError, Provider
from mlzone_cloud.cfn.schema import ResourceSchema, value_at
from mlzone_cloud.cfn.state import Json, StackResource
from mlzone_cloud.cfn.types.base import gone

_LONGEST_NAME = 63
_SHORTEST_PAUSE, _LONGEST_PAUSE = 0.1, 0.5
_DEFAULT_TIMEOUT_MINUTES = 120
_UNDER_WAY = re.compile(r"(?i)^(creating|updating|pending|in_?progress|rolling_?back|deleting)")
_FAILED = re.compile(r"(?i)failed$|^failed|rolled_?back$|RollingBack")


class ApiProvider(Provider):
    """Serves a type through its service's API."""

    via = "api"

    def __init__(self, schema: ResourceSchema, region: str) -> None:
        self._schema = schema
        self._operations = mapping.operations_of(schema.type_name, region)
        self._override = OVERRIDES.get(schema.type_name, Override())

    @property
    def usable(self) -> bool:
        """Whether there is an API that makes resources of the type."""
        return self._operations["create"] is not None

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Make a resource through its API."""
        named = {**self._default_name(context, logical_id, properties), **properties}
        name = next(
            (str(named[key]) for key in self._name_properties() if named.get(key)),
            context.name(logical_id, _LONGEST_NAME),
        )
        answer = self._call("create", context, named, name=name)
        attributes = mapping.harvest(self._schema, answer)
        self._ids_from_arns(attributes)
        if self._operations["read"]:
            model = {**named, **attributes}
            described = self._call(
                "read", context, named, attributes=attributes, physical_id=self._identify(model)
            )
            # The description of a resource is fuller than the answer to its making.
            attributes = {**attributes, **mapping.harvest(self._schema, described)}
            self._ids_from_arns(attributes)
        model = {**named, **attributes}
        identity = str(model.get(self._override.physical_id) or "") or self._identify(model)
        return Made(identity or name, {**attributes, **_new_names(named, properties)})

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Change a resource through its API."""
        changed = {
            key
            for key in {*properties, *resource.properties}
            if properties.get(key) != resource.properties.get(key)
        }
        if changed == {self._schema.tag_property}:
            self._tag(context, resource, properties)
            return Made(resource.physical_id, resource.attributes)
        if not self._operations["update"]:
            raise ResourceError(
                f"the embedded cloud cannot update a resource of type {self._schema.type_name}",
                code="NotUpdatable",
            )
        answer = self._call(
            "update",
            context,
            properties,
            attributes=resource.attributes,
            physical_id=resource.physical_id,
        )
        if self._schema.tag_property in changed:
            self._tag(context, resource, properties)
        fresh = mapping.harvest(self._schema, answer)
        return Made(resource.physical_id, {**resource.attributes, **fresh})

    def _tag(self, context: Context, resource: StackResource, properties: Json) -> None:
        operation = self._operations["create"]
        assert operation is not None, "only usable types get here"  # noqa: S101
        tagging.change(context, self._schema, operation.service, resource, properties)

    def delete(self, context: Context, resource: StackResource) -> None:
        """Remove a resource through its API."""
        if not self._operations["delete"]:
            return
        try:
            self._call(
                "delete",
                context,
                resource.properties,
                attributes=resource.attributes,
                physical_id=resource.physical_id,
            )
        except ClientError as error:
            if not gone(error):
                raise

    def settle(self, context: Context, resource: StackResource) -> Json:
        """Wait until the resource is ready, as CloudFormation does."""
        deadline = time.monotonic() + 60 * self._timeout("create")
        pause = _SHORTEST_PAUSE
        while (described := self._describe(context, resource)) is not None:
            status = self._status(described)
            if not _UNDER_WAY.match(status):
                if _FAILED.search(status):
                    raise ResourceError(_why(described, status), code="NotStabilized")
                return {**resource.attributes, **mapping.harvest(self._schema, described)}
            if time.monotonic() > deadline:
                raise ResourceError(f"the resource is still {status}", code="NotStabilized")
            context.pause(pause)
            pause = min(1.25 * pause, _LONGEST_PAUSE)
        return resource.attributes

    def settle_deletion(self, context: Context, resource: StackResource) -> None:
        """Wait until the resource is gone."""
        deadline = time.monotonic() + 60 * self._timeout("delete")
        while (described := self._describe(context, resource)) is not None:
            if not re.match("(?i)deleting", self._status(described)):
                return
            if time.monotonic() > deadline:
                raise ResourceError("the resource is still being deleted", code="NotStabilized")
            context.pause(_SHORTEST_PAUSE)

    def live(self, context: Context, resource: StackResource) -> Json | None:
        """Return the properties that the read operation shows."""
        if not self._operations["read"]:
            raise NotReadableError(resource.type)
        described = self._describe(context, resource)
        return None if described is None else mapping.to_properties(self._schema, described)

    def _describe(self, context: Context, resource: StackResource) -> Json | None:
        if not self._operations["read"]:
            return None
        try:
            return self._call(
                "read",
                context,
                resource.properties,
                attributes=resource.attributes,
                physical_id=resource.physical_id,
            )
        except ClientError as error:
            if gone(error):
                return None
            raise

    def _status(self, described: Json) -> str:
        """Return the resource's status; empty if it has none."""
        short = self._schema.short_name
        bodies = [described, *(item for item in described.values() if isinstance(item, dict))]
        for body in bodies:
            for key in (f"{short}Status", f"{short[0].lower()}{short[1:]}Status", "Status"):
                if isinstance(body.get(key), str):
                    return str(body[key])
        return ""

    def _timeout(self, verb: str) -> int:
        handler = self._schema.raw.get("handlers", {}).get(verb, {})
        return int(handler.get("timeoutInMinutes", _DEFAULT_TIMEOUT_MINUTES))

    def _call(self, verb: str, context: Context, properties: Json, **known: Any) -> Json:
        operation = self._operations[verb]
        assert operation is not None, "the caller checked"  # noqa: S101
        params = mapping.parameters(operation, properties, account=context.account, **known)
        client = context.client(operation.service)
        try:
            answer: Json = getattr(client, xform_name(operation.name))(**params)
        except ParamValidationError as error:
            raise ResourceError(f"{operation.service}:{operation.name}: {error}") from error
        return answer

    def _name_properties(self) -> tuple[str, ...]:
        return (f"{self._schema.short_name}Name", "Name", f"{self._schema.short_name}Id")

    def _default_name(self, context: Context, logical_id: str, properties: Json) -> Json:
        """Return a generated name, where the type has one and the template gives none."""
        primary = [path[0] for path in self._schema.primary if len(path) == 1]
        for key in (*primary, *self._name_properties()):
            if (key,) in self._schema.read_only or key not in self._schema.properties:
                continue
            if key in properties or not key.endswith(("Name", "Id")):
                continue
            node = self._schema.node(key)
            if node.get("type") == "string" and key.endswith("Name"):
                longest = min(int(node.get("maxLength") or _LONGEST_NAME), 128)
                return {key: context.name(logical_id, longest)}
        return {}

    def _ids_from_arns(self, attributes: Json) -> None:
        """Services that answer with an ARN alone: its last part is the id."""
        for path in self._schema.primary:
            if path[-1].endswith("Id") and path in self._schema.read_only:
                arn = next((v for k, v in attributes.items() if k.lower().endswith("arn")), None)
                if arn and path[-1] not in attributes:
                    attributes[path[-1]] = re.split(r"[/:]", str(arn))[-1]

    def _identify(self, model: Json) -> str:
        values = [value_at(model, path) for path in self._schema.primary]
        return "|".join(str(value) for value in values if value is not None)


def _why(described: Json, status: str) -> str:
    reason = next(
        (str(value) for key, value in described.items() if key.lower() == "failurereason"), ""
    )
    return f"the resource is {status}: {reason}" if reason else f"the resource is {status}"


def _new_names(named: Json, given: Json) -> Json:
    return {key: value for key, value in named.items() if key not in given}
