"""Pins the platform's images: a tag may move, a digest names bytes."""

import re
from typing import Any

from delivery.parameter import BuildError

_URI = re.compile(
    r"(?P<registry>(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+)"
    r"/(?P<repository>[a-z0-9._/-]+)(?::(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))"
)


def pinned(session: Any, images: dict[str, str]) -> dict[str, str]:
    """Return the images by digest.

    Args:
        session: a boto3 session that may read the registry.
        images: URIs by purpose, with tag or digest.

    Raises:
        BuildError: a URI is none of ECR, or the registry does not know the image.
    """
    found = {uri: _pin(session, uri) for uri in set(images.values())}
    return {purpose: found[uri] for purpose, uri in images.items()}


def _pin(session: Any, uri: str) -> str:
    match = _URI.fullmatch(uri)
    if not match:
        raise BuildError(f"image {uri}: expected <account>.dkr.ecr.<region>.…/<repository>:<tag>")
    if match["digest"]:
        return uri
    client = session.client("ecr", region_name=match["region"])
    try:
        details = client.describe_images(
            registryId=match["account"],
            repositoryName=match["repository"],
            imageIds=[{"imageTag": match["tag"]}],
        )["imageDetails"]
    except client.exceptions.ImageNotFoundException as error:
        raise BuildError(f"image {uri} is not in the registry; publish it first") from error
    return f"{match['registry']}/{match['repository']}@{details[0]['imageDigest']}"
