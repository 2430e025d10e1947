"""How a template or a resource fails."""

from botocore.exceptions import ClientError, ParamValidationError

from mlzone_cloud.errors import ApiError


class StoppedError(BaseException):
    """The cloud stops: the operation is left where it stands, and the next start takes it up."""


class TemplateError(Exception):
    """The template is wrong; nothing was touched. The text is AWS's wording."""


class CapabilityError(TemplateError):
    """The template needs a capability that was not acknowledged."""


class ResourceError(Exception):
    """A resource could not be made, changed or removed; the stack rolls back.

    Args:
        message: AWS's wording.
        code: a HandlerErrorCode of the registry, such as `AlreadyExists`.
        physical_id: the resource that came to be nevertheless and must be removed.
    """

    def __init__(
        self, message: str, *, code: str = "GeneralServiceException", physical_id: str = ""
    ) -> None:
        super().__init__(message)
        self.code = code
        self.physical_id = physical_id


FAILURES = (
    ApiError,
    ClientError,
    KeyError,
    ParamValidationError,
    ResourceError,
    TemplateError,
    ValueError,
)
"""What a provider may raise; anything else is a defect of the engine."""

_CODES = (
    ("AlreadyExists", ("exist", "inuse", "duplicate", "alreadyowned", "conflict")),
    ("NotFound", ("notfound", "nosuch", "does not exist")),
    ("AccessDenied", ("accessdenied", "unauthorized", "not authorized")),
    ("Throttling", ("throttl",)),
    ("NotUpdatable", ("notimplemented",)),
)


def handler_code(error: BaseException) -> str:
    """Return the registry's HandlerErrorCode for a failure."""
    if isinstance(error, ResourceError):
        return error.code
    if not isinstance(error, ClientError):
        return "InvalidRequest"
    code = str(error.response.get("Error", {}).get("Code", "")).lower()
    message = str(error).lower()
    for name, marks in _CODES[1:] if "notfound" in code else _CODES:
        if any(mark in code for mark in marks):
            return name
    if "does not exist" in message:
        return "NotFound"
    return "AlreadyExists" if "already exists" in message else "InvalidRequest"


def reason_of(error: BaseException) -> str:
    """Return why a resource failed, as events show it."""
    if isinstance(error, ClientError):
        detail = error.response.get("Error", {})
        meta = error.response.get("ResponseMetadata", {})
        return (
            f'Resource handler returned message: "{detail.get("Message")} (Operation: '
            f"{error.operation_name}, Status Code: {meta.get('HTTPStatusCode')}, Error Code: "
            f'{detail.get("Code")}, Request ID: {meta.get("RequestId", "none")})" '
            f"(HandlerErrorCode: {handler_code(error)})"
        )
    if isinstance(error, KeyError):
        return f"the embedded cloud lacks {error} to serve this resource"
    return str(error)
