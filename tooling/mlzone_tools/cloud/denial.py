"""What AWS refuses a session is a refusal by governance, told in AWS's words."""

from collections.abc import Iterator
from contextlib import contextmanager

from botocore.exceptions import ClientError

from mlzone.errors import GovernanceError

_CODES = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


def is_denial(error: ClientError) -> bool:
    """Tell whether IAM refused a request, rather than the service what it asked for."""
    return error.response["Error"]["Code"] in _CODES


@contextmanager
def denials(outcome: str = "", *, hint: str = "") -> Iterator[None]:
    """Turn AWS's refusal of what happens inside into one of governance; other errors pass.

    Args:
        outcome: what stays as it is, said before AWS's message, which names the deciding statement.
        hint: who may.

    Raises:
        GovernanceError: the session may not.
    """
    try:
        yield
    except ClientError as error:
        if not is_denial(error):
            raise
        message = error.response["Error"]["Message"]
        raise GovernanceError(f"{outcome}: {message}" if outcome else message, hint=hint) from error
