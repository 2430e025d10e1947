"""Container images: manifests in the emulated ECR, whose annotation names the program to run.

There is no container engine here. An image is an OCI manifest. With layers, its configuration says
the entry point and the environment of its containers, which see what the layers hold. Without, it
stands in for one: its top-level annotation `mlzone.local.entrypoint` holds the entry point, a JSON
list, of a program of this machine.
"""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from mlzone_cloud.sagemaker.image_files import LayerError, contents, reader

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

ENTRYPOINT = "mlzone.local.entrypoint"
_URI = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[^:@]+)(:(?P<tag>[^@]+))?(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_PYTHON = frozenset({"python", "python3"})


class ImageError(Exception):
    """An image cannot be had; the message says why, as SageMaker would."""


@dataclass(frozen=True)
class Image:
    """An image that was found."""

    uri: str
    digest: str
    entrypoint: tuple[str, ...]
    """Empty if the image names no program."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """What its configuration sets."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """What its layers hold: from a folder in its containers to one on this machine."""

    @property
    def resolved(self) -> str:
        """The URI with the digest instead of a tag."""
        return f"{re.split(r'[@]|:(?=[^/]*$)', self.uri)[0]}@{self.digest}"


def pull(cloud: "Cloud", uri: str, *, account: str, role: str) -> Image:
    """Find an image with the rights of a job's role, as SageMaker pulls it.

    Args:
        cloud: the cloud.
        uri: the image in an ECR registry, by tag or digest.
        account: the account of the job.
        role: the job's role.

    Raises:
        ImageError: the image does not exist, or the role may not pull it.
    """
    match = _URI.fullmatch(uri)
    if not match:
        raise ImageError(f"image not found: {uri} does not name an image in Amazon ECR")
    client = cloud.client(
        "ecr", account=account, region=match["region"], role=role, session_name="SageMaker"
    )
    wanted = {"imageDigest": match["digest"]} if match["digest"] else {}
    wanted = wanted or {"imageTag": match["tag"] or "latest"}
    try:
        found = client.batch_get_image(
            registryId=match["registry"], repositoryName=match["repository"], imageIds=[wanted]
        )["images"]
    except ClientError as error:
        code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
        if code == "RepositoryNotFoundException":
            raise ImageError(
                f"image not found: Cannot find repository: {match['repository']} in registry ID: "
                f"{match['registry']}. Please check if your ECR repository exists"
            ) from error
        raise ImageError(f"the image {uri} cannot be pulled: {message}") from error
    if not found:
        raise ImageError(
            f"image not found: Cannot find requested image: {uri} in registry ID: "
            f"{match['registry']}"
        )
    manifest: dict[str, Any] = json.loads(found[0]["imageManifest"])
    digest = str(found[0]["imageId"]["imageDigest"])
    if not manifest.get("layers"):
        declared = (manifest.get("annotations") or {}).get(ENTRYPOINT, "[]")
        return Image(uri, digest, tuple(str(part) for part in json.loads(declared)))
    repository = {"registryId": match["registry"], "repositoryName": match["repository"]}
    try:
        has = contents(cloud, manifest, digest, reader(cloud, client, repository))
    except LayerError as error:
        raise ImageError(f"the image {uri} cannot be used: {error}") from error
    except ClientError as error:
        message = error.response["Error"]["Message"]
        raise ImageError(f"the image {uri} cannot be pulled: {message}") from error
    return Image(uri, digest, has.entrypoint, has.environment, has.folders)


def program(argv: tuple[str, ...]) -> list[str]:
    """Return a command whose interpreter, if it is Python, is the cloud's own."""
    if argv and argv[0] in _PYTHON:
        return [sys.executable, *argv[1:]]
    return list(argv)
