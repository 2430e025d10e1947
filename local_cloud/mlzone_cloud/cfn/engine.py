"""Carries out stack operations: create, update, delete, and the way back when one fails."""

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.cfn import custom_resource, preparation, registry, template
from mlzone_cloud.cfn.errors import ResourceError, TemplateError
from mlzone_cloud.cfn.provider import Context, Provider, with_stack_tags
from mlzone_cloud.cfn.schema import find_schema
from mlzone_cloud.cfn.state import Event, Json, Stack, StackResource

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

STACK_TYPE = "AWS::CloudFormation::Stack"
_FAILURES = (ResourceError, TemplateError, ClientError, ValueError, KeyError)


@dataclass
class _Progress:
    """What an operation has done so far, to undo it."""

    created: list[str] = field(default_factory=list)
    updated: list[tuple[str, StackResource]] = field(default_factory=list)
    """Logical ids with the resource as it was before."""
    replaced: list[StackResource] = field(default_factory=list)
    """Resources that have a successor; removed once all went well."""


class Operation:
    """One operation on one stack."""

    def __init__(self, cloud: "Cloud", stack: Stack) -> None:
        self._cloud = cloud
        self._stack = stack
        self._progress = _Progress()

    @property
    def context(self) -> Context:
        """On whose behalf resources are made."""
        stack = self._stack
        return Context(
            cloud=self._cloud,
            account=stack.account,
            region=stack.region,
            stack_name=stack.name,
            stack_id=stack.id,
            tags=stack.tags,
            role_arn=stack.role_arn,
        )

    def deploy(self, creating: bool) -> None:  # noqa: FBT001 - called by the worker pool
        """Bring the stack to its template; on failure, bring it back."""
        verb = "CREATE" if creating else "UPDATE"
        try:
            document = template.parse(self._stack.template_body)
            parameters = preparation.resolve_parameters(
                document, self._stack.parameters, self.context
            )
            self._stack.resolved_parameters = parameters
            scope = preparation.scope_of(document, self._stack, parameters, self.context)
            wanted = self._apply(document, scope)
            outputs = self._outputs(document, scope)
        except _FAILURES as error:
            self._fail(creating=creating, reason=_reason(error))
            return
        with self._cloud.lock:
            self._stack.outputs = outputs
        leftovers = [item for name, item in self._stack.resources.items() if name not in wanted]
        if leftovers or self._progress.replaced:
            if not creating:
                self._set_status("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
            self._clean_up(leftovers)
        self._set_status(f"{verb}_COMPLETE")

    def delete(self, retain: list[str]) -> None:
        """Remove the stack's resources, the last made first."""
        failed = self._remove(
            [item for name, item in self._stack.resources.items() if name not in retain]
        )
        if failed:
            names = ", ".join(failed)
            self._set_status(
                "DELETE_FAILED", f"The following resource(s) failed to delete: [{names}]."
            )
            return
        with self._cloud.lock:
            self._stack.resources.clear()
            self._stack.outputs = []
            self._stack.deleted = self._cloud.clock.now()
        self._set_status("DELETE_COMPLETE")

    def abandon(self) -> None:
        """Finish an operation that a stopped process left in the middle."""
        status = self._stack.status
        if status.startswith("DELETE"):
            self.delete([])
        elif status.startswith(("CREATE", "ROLLBACK")):
            self._set_status("ROLLBACK_IN_PROGRESS", "The embedded cloud was stopped meanwhile")
            self._remove(list(self._stack.resources.values()))
            self._set_status("ROLLBACK_COMPLETE")
        else:
            self._set_status("UPDATE_ROLLBACK_COMPLETE", "The embedded cloud was stopped meanwhile")

    # --- forwards ---------------------------------------------------------------------------

    def _apply(self, document: Json, scope: template.Scope) -> set[str]:
        wanted: set[str] = set()
        for name in preparation.order(document):
            declaration = document["Resources"][name]
            condition = declaration.get("Condition")
            if condition and not scope.condition(condition):
                continue
            wanted.add(name)
            resource = self._bring(name, declaration, scope)
            scope.physical_ids[name] = resource.physical_id
            scope.attributes[name] = resource.attributes
        return wanted

    def _bring(self, name: str, declaration: Json, scope: template.Scope) -> StackResource:
        """Make, change, replace or keep one resource."""
        type_name = declaration["Type"]
        unresolved = declaration.get("Properties") or {}
        existing = self._stack.resources.get(name)
        try:
            properties = self._properties(type_name, unresolved, scope)
            if existing is None:
                return self._create(name, declaration, properties)
            if existing.type != type_name:
                return self._replace(existing, declaration, properties)
            if existing.properties == properties:
                self._remember(existing, declaration)
                return existing
            if self._must_replace(existing, properties):
                return self._replace(existing, declaration, properties)
            return self._update(existing, declaration, properties)
        except _FAILURES as error:
            verb = "UPDATE" if existing else "CREATE"
            self._event(name, type_name, f"{verb}_FAILED", existing, _reason(error))
            raise ResourceError(
                f"The following resource(s) failed to {verb.lower()}: [{name}]. {_reason(error)}"
            ) from error

    def _properties(self, type_name: str, unresolved: Json, scope: template.Scope) -> Json:
        properties: Json = scope.evaluate(unresolved)
        schema = find_schema(type_name, self._stack.region)
        if schema is None:
            return properties
        properties = schema.coerce(properties)
        problems = schema.validate(properties, unresolved)
        if problems:
            raise ResourceError(f"Properties validation failed: {'; '.join(problems)}")
        return with_stack_tags(schema, self.context, properties)

    def _provider(self, type_name: str) -> Provider:
        if preparation.is_custom(type_name):
            return custom_resource.CustomResourceProvider()
        if type_name == STACK_TYPE:
            raise ResourceError("nested stacks are not emulated here; use separate stacks")
        return registry.provider_of(type_name, self._stack.region)

    def _create(self, name: str, declaration: Json, properties: Json) -> StackResource:
        type_name = declaration["Type"]
        self._event(name, type_name, "CREATE_IN_PROGRESS", None)
        provider = self._provider(type_name)
        made = provider.create(self.context, name, properties)
        resource = StackResource(
            logical_id=name,
            type=type_name,
            physical_id=made.physical_id,
            properties=properties,
            attributes=made.attributes,
            via=provider.via,
            status="CREATE_COMPLETE",
            updated=self._cloud.clock.now(),
        )
        self._remember(resource, declaration)
        self._progress.created.append(name)
        self._event(name, type_name, "CREATE_COMPLETE", resource)
        return resource

    def _update(
        self, existing: StackResource, declaration: Json, properties: Json
    ) -> StackResource:
        name = existing.logical_id
        self._event(name, existing.type, "UPDATE_IN_PROGRESS", existing)
        attributes = self._provider(existing.type).update(self.context, existing, properties)
        before = existing
        resource = StackResource(
            **{
                **vars(existing),
                "properties": properties,
                "attributes": attributes,
                "status": "UPDATE_COMPLETE",
                "updated": self._cloud.clock.now(),
            }
        )
        self._remember(resource, declaration)
        self._progress.updated.append((name, before))
        self._event(name, resource.type, "UPDATE_COMPLETE", resource)
        return resource

    def _must_replace(self, existing: StackResource, properties: Json) -> bool:
        schema = find_schema(existing.type, self._stack.region)
        return bool(schema and schema.replaced_by(existing.properties, properties))

    def _replace(
        self, existing: StackResource, declaration: Json, properties: Json
    ) -> StackResource:
        name = existing.logical_id
        if custom_name := self._unchanged_name(existing, declaration["Type"], properties):
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {custom_name} and update the stack again."
            )
        self._event(
            name,
            existing.type,
            "UPDATE_IN_PROGRESS",
            existing,
            "Requested update requires the creation of a new physical resource; hence creating "
            "one.",
        )
        provider = self._provider(declaration["Type"])
        made = provider.create(self.context, name, properties)
        resource = StackResource(
            logical_id=name,
            type=declaration["Type"],
            physical_id=made.physical_id,
            properties=properties,
            attributes=made.attributes,
            via=provider.via,
            status="UPDATE_COMPLETE",
            updated=self._cloud.clock.now(),
        )
        self._progress.replaced.append(existing)
        self._remember(resource, declaration)
        self._event(name, resource.type, "UPDATE_COMPLETE", resource)
        return resource

    def _unchanged_name(
        self, existing: StackResource, type_name: str, properties: Json
    ) -> str | None:
        """Return the given name that a replacement would have in common with the old resource."""
        schema = find_schema(type_name, self._stack.region)
        if schema is None or type_name != existing.type:
            return None
        given = [path[0] for path in schema.primary if path[0] in properties]
        if not given or len(given) < len(schema.primary):
            return None
        if all(existing.properties.get(name) == properties[name] for name in given):
            return str(properties[given[0]])
        return None

    def _remember(self, resource: StackResource, declaration: Json) -> None:
        resource.deletion_policy = declaration.get("DeletionPolicy", "Delete")
        resource.update_replace_policy = declaration.get("UpdateReplacePolicy", "Delete")
        resource.metadata = declaration.get("Metadata") or {}
        with self._cloud.lock:
            # Kept in the order in which they were made.
            self._stack.resources.pop(resource.logical_id, None)
            self._stack.resources[resource.logical_id] = resource

    def _outputs(self, document: Json, scope: template.Scope) -> list[Json]:
        outputs: list[Json] = []
        taken = {
            export["Name"]
            for export in preparation.exports(self._cloud, scope.account, scope.region)
            if export["ExportingStackId"] != self._stack.id
        }
        for name, item in (document.get("Outputs") or {}).items():
            if "Condition" in item and not scope.condition(item["Condition"]):
                continue
            output = {"OutputKey": name, "OutputValue": str(scope.evaluate(item["Value"]))}
            if "Description" in item:
                output["Description"] = item["Description"]
            if "Export" in item:
                export = str(scope.evaluate(item["Export"]["Name"]))
                if export in taken:
                    raise TemplateError(f"Export with name {export} is already exported.")
                output["ExportName"] = export
            outputs.append(output)
        return outputs

    # --- backwards --------------------------------------------------------------------------

    def _clean_up(self, leftovers: list[StackResource]) -> None:
        """Remove what has a successor and what the template no longer has."""
        for resource in reversed(self._progress.replaced):
            if resource.update_replace_policy != "Retain":
                self._drop(resource)
        self._remove(leftovers)
        with self._cloud.lock:
            for resource in leftovers:
                self._stack.resources.pop(resource.logical_id, None)

    def _remove(self, resources: list[StackResource]) -> list[str]:
        failed = []
        for resource in reversed(resources):
            if resource.deletion_policy in ("Retain", "RetainExceptOnCreate"):
                name, kind = resource.logical_id, resource.type
                self._event(name, kind, "DELETE_SKIPPED", resource)
                with self._cloud.lock:
                    self._stack.resources.pop(name, None)
            elif not self._drop(resource):
                failed.append(resource.logical_id)
        return failed

    def _drop(self, resource: StackResource) -> bool:
        name = resource.logical_id
        self._event(name, resource.type, "DELETE_IN_PROGRESS", resource)
        try:
            self._provider(resource.type).delete(self.context, resource)
        except _FAILURES as error:
            self._event(name, resource.type, "DELETE_FAILED", resource, _reason(error))
            return False
        with self._cloud.lock:
            if self._stack.resources.get(name) is resource:
                del self._stack.resources[name]
        self._event(name, resource.type, "DELETE_COMPLETE", resource)
        return True

    def _fail(self, *, creating: bool, reason: str) -> None:
        if creating:
            if self._stack.disable_rollback:
                self._set_status("CREATE_FAILED", reason)
                return
            self._set_status("ROLLBACK_IN_PROGRESS", reason)
            made = [self._stack.resources[name] for name in self._progress.created]
            for resource in made:
                # A stack that never came to be leaves nothing behind.
                if resource.deletion_policy == "RetainExceptOnCreate":
                    resource.deletion_policy = "Delete"
            failed = self._remove(made)
            self._set_status("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE")
            return
        if self._stack.disable_rollback:
            self._set_status("UPDATE_FAILED", reason)
            return
        self._set_status("UPDATE_ROLLBACK_IN_PROGRESS", reason)
        clean = self._undo()
        self._set_status("UPDATE_ROLLBACK_COMPLETE" if clean else "UPDATE_ROLLBACK_FAILED")

    def _undo(self) -> bool:
        """Bring every resource back to what it was before the update."""
        clean = True
        for name in reversed(self._progress.created):
            resource = self._stack.resources.get(name)
            clean &= resource is None or self._drop(resource)
        for old in reversed(self._progress.replaced):
            successor = self._stack.resources[old.logical_id]
            clean &= self._drop(successor)
            with self._cloud.lock:
                self._stack.resources[old.logical_id] = old
        for name, before in reversed(self._progress.updated):
            current = self._stack.resources[name]
            try:
                self._provider(before.type).update(self.context, current, before.properties)
            except _FAILURES as error:
                self._event(name, before.type, "UPDATE_FAILED", before, _reason(error))
                clean = False
                continue
            with self._cloud.lock:
                self._stack.resources[name] = before
            self._event(name, before.type, "UPDATE_COMPLETE", before)
        return clean

    # --- records ----------------------------------------------------------------------------

    def _set_status(self, status: str, reason: str = "") -> None:
        with self._cloud.lock:
            self._stack.status = status
            self._stack.reason = reason
        self._event(self._stack.name, STACK_TYPE, status, None, reason)
        self._cloud.changed()

    def _event(
        self,
        name: str,
        type_name: str,
        status: str,
        resource: StackResource | None,
        reason: str = "",
    ) -> None:
        physical_id = resource.physical_id if resource else ""
        record(self._cloud, self._stack, name, type_name, status, physical_id, reason)


def record(  # noqa: PLR0913
    cloud: "Cloud",
    stack: Stack,
    name: str,
    type_name: str,
    status: str,
    physical_id: str = "",
    reason: str = "",
) -> None:
    """Add an event to a stack's history."""
    event = Event(
        id=str(uuid.uuid4()),
        time=cloud.clock.now(),
        logical_id=name,
        physical_id=stack.id if type_name == STACK_TYPE else physical_id,
        type=type_name,
        status=status,
        reason=reason,
        token=stack.token,
    )
    with cloud.lock:
        stack.events.append(event)
    if type_name == STACK_TYPE:
        cloud.changed()


def _reason(error: BaseException) -> str:
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        code = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        return (
            f"{detail.get('Message')} (Operation: {error.operation_name}, Status Code: {code}, "
            f"Error Code: {detail.get('Code')})"
        )
    if isinstance(error, KeyError):
        return f"the emulation lacks {error}"
    return str(error)


def dumps(value: Any) -> str:
    """Return data as JSON text, for the few places that must show it."""
    return json.dumps(value, default=str)
