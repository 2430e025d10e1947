"""In which images jobs and endpoints run: the platform's, to which jobs bring their program."""

from typing import Any

from delivery import images
from delivery.bundle import Bundle

BRINGS_PROGRAM = False
"""Whether the image holds the steps; the jobs get them as an input unless it does."""


def pinned(session: Any, delivery: dict[str, Any], code: Bundle) -> dict[str, str]:  # noqa: ARG001
    """Return the images by purpose, by digest.

    Args:
        session: a boto3 session that may read the registry.
        delivery: the delivery parameter.
        code: the steps with their settings.

    Raises:
        BuildError: an image is not there.
    """
    return images.pinned(session, delivery["images"])
