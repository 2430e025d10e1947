"""Makes S3's conditional writes one step; with moto, others come between looking and writing.

Source: Amazon S3 user guide, "How to prevent object overwrites with conditional writes".
"""

from threading import Lock
from typing import Any

from moto.s3.responses import S3Response

_original = S3Response.put_object
_one_at_a_time = Lock()


def apply() -> None:
    """Replace the operation."""
    S3Response.put_object = _put_object


def _put_object(self: S3Response) -> Any:
    if not (self.headers.get("If-None-Match") or self.headers.get("If-Match")):
        return _original(self)
    with _one_at_a_time:
        return _original(self)
