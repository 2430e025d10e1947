"""The platform's container images: repositories and builds."""

from mlzone_constructs.images.image_builds import ImageBuilds, ImageBuildsProps
from mlzone_constructs.images.image_repository import ImageRepository, ImageRepositoryProps

__all__ = ["ImageBuilds", "ImageBuildsProps", "ImageRepository", "ImageRepositoryProps"]
