"""`AWS::CloudFormation::Stack`: a stack within a stack."""

from mlzone_cloud.cfn import stacks, template
from mlzone_cloud.cfn.engine import Operation
from mlzone_cloud.cfn.errors import ResourceError
from mlzone_cloud.cfn.provider import Context, Made, Provider
from mlzone_cloud.cfn.state import Json, Stack, StackResource


class NestedStackProvider(Provider):
    """Runs the stack's own operation while the parent waits."""

    def create(self, context: Context, logical_id: str, properties: Json) -> Made:
        """Begin to make the stack; it comes to be while the parent waits for it."""
        name = context.name(logical_id, 128)
        stack = stacks.new_stack(context.cloud, context.account, context.region, name)
        stack.parent_id = context.stack_id
        self._begin(context, stack, properties, creating=True)
        return Made(stack.id, {})

    def update(self, context: Context, resource: StackResource, properties: Json) -> Made:
        """Begin to change the stack."""
        self._begin(context, self._stack(context, resource), properties, creating=False)
        return Made(resource.physical_id, resource.attributes)

    def delete(self, context: Context, resource: StackResource) -> None:
        """Begin to remove the stack."""
        stack = self._stack(context, resource)
        if stack.status != "DELETE_COMPLETE":
            stacks.begin_deletion(context.cloud, stack, [])

    def settle(self, context: Context, resource: StackResource) -> Json:
        """Run the stack's operation to its end."""
        stack = self._stack(context, resource)
        Operation(context.cloud, stack).run()
        if stack.status not in ("CREATE_COMPLETE", "UPDATE_COMPLETE"):
            verb = "created" if resource.status.startswith("CREATE") else "updated"
            raise ResourceError(
                f"Embedded stack {stack.id} was not successfully {verb}: {stack.reason}"
            )
        return {f"Outputs.{item['OutputKey']}": item["OutputValue"] for item in stack.outputs}

    def settle_deletion(self, context: Context, resource: StackResource) -> None:
        """Run the stack's deletion to its end."""
        stack = self._stack(context, resource)
        Operation(context.cloud, stack).run()
        if stack.status != "DELETE_COMPLETE":
            raise ResourceError(
                f"Embedded stack {stack.id} was not successfully deleted: {stack.reason}"
            )

    def live(self, context: Context, resource: StackResource) -> Json | None:
        """A nested stack drifts by its own resources; as a resource it is there or not."""
        stack = self._stack(context, resource)
        return None if stack.status == "DELETE_COMPLETE" else resource.properties

    def _stack(self, context: Context, resource: StackResource) -> Stack:
        found = stacks.all_stacks(context.cloud, context.account, context.region)
        return found[resource.physical_id]

    def _begin(self, context: Context, stack: Stack, properties: Json, *, creating: bool) -> None:
        parameters = {
            key: ",".join(map(template.text, value))
            if isinstance(value, list)
            else template.text(value)
            for key, value in (properties.get("Parameters") or {}).items()
        }
        before = stack.settings()
        stack.template_body = stacks.read_url(
            context.cloud, context.account, context.region, properties["TemplateURL"]
        )
        stack.parameters = parameters
        stack.tags = {
            **context.tags,
            **{tag["Key"]: tag["Value"] for tag in properties.get("Tags") or ()},
        }
        stack.role_arn = context.role_arn
        stacks.begin(context.cloud, stack, creating=creating, before=before)
