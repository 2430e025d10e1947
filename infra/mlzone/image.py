"""The platform's container images: which there are, in which version, and where they are pulled.

A version is a tag that the registry never lets anybody move. Change what an image holds, and its
version here changes with it: the templates that name the image follow.
"""

from collections.abc import Mapping
from typing import Literal, get_args

from mlzone.naming import Naming

Image = Literal["analyzer", "build", "tabular"]
"""The images: the monitors' analyzer; builds of model projects; training and serving of tables."""

IMAGES: tuple[Image, ...] = get_args(Image)
"""Every image, in the order of its name."""

VERSIONS: Mapping[Image, str] = {
    "analyzer": "1.0.0",
    "build": "1.1.0",
    "tabular": "1.1.0",
}
"""The version that the platform uses, by image."""


PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
"""What puts an image into a repository, layer by layer."""


def image_uri(naming: Naming, shared_account: str, region: str, image: Image) -> str:
    """Return where an image is pulled from, by its version.

    Args:
        naming: the organization's names.
        shared_account: the account of the image registry.
        region: the platform's Region; images are in no other.
        image: which one.
    """
    repository = repository_uri(shared_account, region, naming.ecr_repository(image))
    return f"{repository}:{VERSIONS[image]}"


def repository_uri(shared_account: str, region: str, name: str) -> str:
    """Return where a repository of the image registry is, without an image's version.

    Args:
        shared_account: the account of the image registry.
        region: the platform's Region; images are in no other.
        name: the repository's name.
    """
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"{shared_account}.dkr.ecr.{region}.{suffix}/{name}"
