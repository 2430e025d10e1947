"""The provider that calls the API which the schema and the service model name."""

import re
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from mlzone_cloud.cfn import mapping
from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.overrides import OVERRIDES, Override
from mlzone_cloud.cfn.provider import Context, Made
from mlzone_cloud.cfn.schema import ResourceSchema, value_at
from mlzone_cloud.cfn.state import Json, StackResource

_GONE = re.compile(r"NotFound|NoSuch|does not exist|not found", re.IGNORECASE)
_LONGEST_NAME = 63


class ApiProvider:
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
            attributes = {**mapping.harvest(self._schema, described), **attributes}
        model = {**named, **attributes}
        identity = str(model.get(self._override.physical_id) or "") or self._identify(model)
        return Made(identity or name, {**attributes, **_new_names(named, properties)})

    def update(self, context: Context, resource: StackResource, properties: Json) -> Json:
        """Change a resource through its API."""
        if self._operations["update"]:
            self._call(
                "update",
                context,
                properties,
                attributes=resource.attributes,
                physical_id=resource.physical_id,
            )
        return resource.attributes

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
            if not _GONE.search(str(error)):
                raise

    def _call(self, verb: str, context: Context, properties: Json, **known: Any) -> Json:
        operation = self._operations[verb]
        assert operation is not None, "the caller checked"  # noqa: S101
        params = mapping.parameters(operation, properties, account=context.account, **known)
        if "$ids" in params.values():
            physical_id = known["physical_id"]
            params = {
                key: [physical_id] if value == "$ids" else value for key, value in params.items()
            }
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


def _new_names(named: Json, given: Json) -> Json:
    return {key: value for key, value in named.items() if key not in given}
