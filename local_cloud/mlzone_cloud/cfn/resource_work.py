"""What happens to one resource: made, changed, replaced, kept or removed."""

import contextlib
import copy
from typing import Any

from mlzone_cloud.cfn import preparation, registry, stack_policy, template
from mlzone_cloud.cfn.errors import FAILURES, ResourceError, handler_code, reason_of
from mlzone_cloud.cfn.provider import Context, Made, Provider, with_stack_tags
from mlzone_cloud.cfn.records import record, set_resource_status, touch
from mlzone_cloud.cfn.schema import find_schema
from mlzone_cloud.cfn.state import Journal, Json, Stack, StackResource, Step

KEPT = ("Retain", "RetainExceptOnCreate")
_REPLACING = (
    "Requested update requires the creation of a new physical resource; hence creating one."
)


class ResourceWork:
    """Works on the resources of one stack."""

    def __init__(self, context: Context, stack: Stack) -> None:
        self._context = context
        self._cloud = context.cloud
        self._stack = stack

    # --- forwards ---------------------------------------------------------------------------

    def bring(
        self, name: str, declaration: Json, scope: template.Scope, journal: Journal
    ) -> StackResource:
        """Make, change, replace or keep one resource, so that it is as declared.

        Raises:
            ResourceError: it cannot be.
        """
        existing = self._stack.resources.get(name)
        if existing and existing.status == "CREATE_FAILED":
            self.drop(existing)
            existing = None
        try:
            return self._bring(name, declaration, scope, journal, existing)
        except FAILURES as error:
            self._mark_failed(name, declaration["Type"], existing, error)
            verb = "update" if existing else "create"
            raise ResourceError(f"The following resource(s) failed to {verb}: [{name}].") from error

    def _mark_failed(
        self, name: str, type_name: str, existing: StackResource | None, error: BaseException
    ) -> None:
        verb = "UPDATE" if existing else "CREATE"
        current = self._stack.resources.get(name)
        if current:
            set_resource_status(
                self._cloud, self._stack, current, f"{verb}_FAILED", reason_of(error)
            )
        else:
            record(
                self._cloud,
                self._stack,
                name,
                type_name,
                f"{verb}_FAILED",
                reason=reason_of(error),
            )

    def _bring(
        self,
        name: str,
        declaration: Json,
        scope: template.Scope,
        journal: Journal,
        existing: StackResource | None,
    ) -> StackResource:
        type_name = declaration["Type"]
        properties = self._properties(declaration, scope)
        if existing is None:
            return self._create(name, declaration, properties, journal)
        if existing.status.endswith("_IN_PROGRESS"):
            # The process stopped while the resource was becoming ready.
            return self._settle(existing)
        if existing.type != type_name:
            raise ResourceError(
                f"Update of resource type is not permitted. The new template modifies resource "
                f"type of the following resources: [{name}]"
            )
        if existing.properties == properties:
            self._remember(existing, declaration)
            return existing
        schema = find_schema(type_name, self._stack.region)
        if schema and schema.replaced_by(existing.properties, properties):
            stack_policy.check(self._stack, existing, "Update:Replace")
            return self._replace(existing, declaration, properties, journal)
        stack_policy.check(self._stack, existing, "Update:Modify")
        return self._update(existing, declaration, properties, journal)

    def _properties(self, declaration: Json, scope: template.Scope) -> Json:
        unresolved = declaration.get("Properties") or {}
        properties = evaluate(unresolved, scope)
        schema = find_schema(declaration["Type"], self._stack.region)
        if schema is None:
            return properties
        properties = schema.coerce(properties)
        problems = schema.validate(properties, unresolved)
        if problems:
            raise ResourceError(
                f"Properties validation failed for resource {self._name_of(declaration, scope)} "
                f"with message:\n" + "\n".join(problems),
                code="InvalidRequest",
            )
        return with_stack_tags(schema, self._context, properties)

    def _name_of(self, declaration: Json, scope: template.Scope) -> str:
        resources: Json = scope.template["Resources"]
        return next(str(name) for name, item in resources.items() if item is declaration)

    def _provider(self, type_name: str) -> Provider:
        if preparation.is_custom(type_name):
            return registry.custom_provider(type_name)
        return registry.provider_of(type_name, self._stack.region)

    def _exclusively(self, provider: Provider) -> Any:
        """Hold the cloud's lock, so that no snapshot separates a resource from its record."""
        return self._cloud.lock if provider.exclusive else contextlib.nullcontext()

    def _create(
        self, name: str, declaration: Json, properties: Json, journal: Journal
    ) -> StackResource:
        type_name = declaration["Type"]
        self._event(name, type_name, "CREATE_IN_PROGRESS")
        provider = self._provider(type_name)
        with self._exclusively(provider):
            resource = self._make(provider, declaration, properties, Step("created", name), journal)
        self._event(name, type_name, "CREATE_IN_PROGRESS", resource, "Resource creation Initiated")
        return self._settle(resource)

    def _make(
        self, provider: Provider, declaration: Json, properties: Json, step: Step, journal: Journal
    ) -> StackResource:
        failure: BaseException | None = None
        try:
            made = provider.create(self._context, step.name, properties)
        except ResourceError as error:
            if not error.physical_id:
                raise
            # It refused, but something is there that has to be removed.
            made, failure = Made(error.physical_id, {}), error
        resource = StackResource(
            logical_id=step.name,
            type=declaration["Type"],
            physical_id=made.physical_id,
            properties=properties,
            attributes=made.attributes,
            via=provider.via,
            status="CREATE_IN_PROGRESS" if step.kind == "created" else "UPDATE_IN_PROGRESS",
            updated=self._cloud.clock.now(),
        )
        journal.steps.append(step)
        self._remember(resource, declaration)
        if failure:
            raise failure
        return resource

    def _settle(self, resource: StackResource) -> StackResource:
        """Wait until a resource is ready."""
        verb = resource.status.split("_", 1)[0]
        resource.attributes = self._provider(resource.type).settle(self._context, resource)
        set_resource_status(self._cloud, self._stack, resource, f"{verb}_COMPLETE")
        return resource

    def _update(
        self, existing: StackResource, declaration: Json, properties: Json, journal: Journal
    ) -> StackResource:
        name, provider = existing.logical_id, self._provider(existing.type)
        self._event(name, existing.type, "UPDATE_IN_PROGRESS", existing)
        step = Step("updated", name, copy.deepcopy(existing))
        journal.steps.append(step)
        try:
            with self._exclusively(provider):
                made = provider.update(self._context, existing, properties)
                resource = copy.copy(existing)
                resource.properties, resource.attributes = properties, made.attributes
                resource.status = "UPDATE_IN_PROGRESS"
                if made.physical_id != existing.physical_id:
                    # A custom resource that answers with another id has replaced itself.
                    resource.physical_id = made.physical_id
                    step.kind = "replaced"
                self._remember(resource, declaration)
        except FAILURES as error:
            step.failure = handler_code(error)
            raise
        return self._settle(resource)

    def _replace(
        self, existing: StackResource, declaration: Json, properties: Json, journal: Journal
    ) -> StackResource:
        name = existing.logical_id
        if custom_name := self._unchanged_name(existing, properties):
            raise ResourceError(
                "CloudFormation cannot update a stack when a custom-named resource requires "
                f"replacing. Rename {custom_name} and update the stack again.",
                code="AlreadyExists",
            )
        self._event(name, existing.type, "UPDATE_IN_PROGRESS", existing, _REPLACING)
        provider = self._provider(declaration["Type"])
        with self._exclusively(provider):
            step = Step("replaced", name, existing)
            resource = self._make(provider, declaration, properties, step, journal)
        return self._settle(resource)

    def _unchanged_name(self, existing: StackResource, properties: Json) -> str | None:
        """Return the given name that a replacement would have in common with the old resource."""
        schema = find_schema(existing.type, self._stack.region)
        if schema is None:
            return None
        named = [path[0] for path in schema.primary if path not in schema.read_only]
        if not named:
            # The identifier is an ARN or an id; the name that makes it unique stands beside it.
            named = [
                key
                for key in (f"{schema.short_name}Name", "Name")
                if key in schema.properties and key in properties and registry.unique_name(schema)
            ]
        if not named or any(key not in properties for key in named):
            return None
        if all(existing.properties.get(key) == properties[key] for key in named):
            return str(properties[named[0]])
        return None

    def _remember(self, resource: StackResource, declaration: Json) -> None:
        resource.deletion_policy = declaration.get("DeletionPolicy", "Delete")
        resource.update_replace_policy = declaration.get("UpdateReplacePolicy", "Delete")
        resource.metadata = declaration.get("Metadata") or {}
        with self._cloud.lock:
            # Kept in the order in which they were made.
            self._stack.resources.pop(resource.logical_id, None)
            self._stack.resources[resource.logical_id] = resource
            touch(self._cloud, self._stack)

    # --- backwards --------------------------------------------------------------------------

    def revert(self, current: StackResource, before: StackResource) -> None:
        """Change a resource back to what it was."""
        stack, provider = self._stack, self._provider(before.type)
        self._event(current.logical_id, current.type, "UPDATE_IN_PROGRESS", current)
        with self._exclusively(provider):
            made = provider.update(self._context, current, before.properties)
            before.attributes = {**before.attributes, **made.attributes}
            before.status = "UPDATE_IN_PROGRESS"
            stack.resources[before.logical_id] = before
            touch(self._cloud, stack)
        self._settle(before)

    def remove(self, resources: list[StackResource]) -> list[str]:
        """Remove resources, the last made first; return those that could not be."""
        failed: list[str] = []
        for resource in reversed(resources):
            if resource.deletion_policy in KEPT:
                set_resource_status(self._cloud, self._stack, resource, "DELETE_SKIPPED")
                with self._cloud.lock:
                    self._stack.resources.pop(resource.logical_id, None)
            elif not self.drop(resource):
                failed.append(resource.logical_id)
        return list(reversed(failed))

    def drop(self, resource: StackResource) -> bool:
        """Remove one resource; tell whether it is gone."""
        set_resource_status(self._cloud, self._stack, resource, "DELETE_IN_PROGRESS")
        provider = self._provider(resource.type)
        try:
            with self._exclusively(provider):
                provider.delete(self._context, resource)
            provider.settle_deletion(self._context, resource)
        except FAILURES as error:
            set_resource_status(
                self._cloud, self._stack, resource, "DELETE_FAILED", reason_of(error)
            )
            return False
        with self._cloud.lock:
            if self._stack.resources.get(resource.logical_id) is resource:
                del self._stack.resources[resource.logical_id]
        set_resource_status(self._cloud, self._stack, resource, "DELETE_COMPLETE")
        return True

    def _event(
        self,
        name: str,
        type_name: str,
        status: str,
        resource: StackResource | None = None,
        reason: str = "",
    ) -> None:
        record(
            self._cloud,
            self._stack,
            name,
            type_name,
            status,
            physical_id=resource.physical_id if resource else "",
            reason=reason,
        )


def evaluate(unresolved: Json, scope: template.Scope) -> Json:
    """Evaluate a resource's properties."""
    properties = scope.evaluate(unresolved)
    return {} if properties is template.NO_VALUE else properties
