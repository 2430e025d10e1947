"""Cuts lists into pages."""

from typing import Any

from botocore.model import Shape

from mlzone_cloud.errors import ApiError

_MOST = 100
_SIZES = ("MaxResults", "maxResults", "MaxRecords", "Limit")
_TOKENS = ("NextToken", "nextToken", "Marker", "NextMarker")


def cut(items: list[Any], params: dict[str, Any]) -> tuple[list[Any], str]:
    """Return the page that the parameters ask for and the token of the next, empty at the end.

    Raises:
        ApiError: the token is none that was handed out.
    """
    size = next((int(params[name]) for name in _SIZES if params.get(name)), _MOST)
    token = next((str(params[name]) for name in _TOKENS if params.get(name)), "0")
    if not token.isdigit() or int(token) > len(items):
        raise ApiError("ValidationException", f"the token {token!r} is not valid")
    start = int(token)
    end = start + size
    return items[start:end], str(end) if end < len(items) else ""


def token_name(shape: Shape) -> str:
    """Return what a listing calls the token of its next page."""
    return next((name for name in _TOKENS if name in shape.members), "NextToken")
