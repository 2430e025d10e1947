"""Whether a request changes anything, and what."""

from mlzone_cloud.cfn import changes, template
from mlzone_cloud.cfn.errors import TemplateError
from mlzone_cloud.cfn.provider import Context
from mlzone_cloud.cfn.state import Json, Stack
from mlzone_cloud.errors import ApiError


def planned(stack: Stack, body: str, context: Context, given: dict[str, str]) -> list[Json]:
    """Return the changes that a request would make.

    Raises:
        ApiError: the template or its parameters are wrong.
    """
    try:
        return changes.plan(stack, body, context, given)
    except TemplateError as error:
        raise ApiError("ValidationError", str(error)) from error


def document_of(stack: Stack) -> Json:
    """Return a stack's template; empty for a stack that is only under review."""
    return template.parse(stack.template_body) if stack.template_body else {}


def same_outputs(stack: Stack, document: Json, given: dict[str, str]) -> bool:
    """Tell whether outputs stay as they are: their text, and the parameters that they use."""
    new = document.get("Outputs") or {}
    if new != (document_of(stack).get("Outputs") or {}):
        return False
    return all(given.get(name) == stack.parameters.get(name) for name in template.references(new))
