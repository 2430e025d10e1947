"""Gives the embedded cloud its stand-ins for the platform's container images.

On AWS the platform's own build projects make the images. Here there is no container engine: an
image is a manifest in the registry whose annotation names the program that a job runs.
"""

import hashlib
import json
from typing import Any

from botocore.exceptions import ClientError

from mlzone.estate import Estate
from mlzone.image import VERSIONS, Image
from mlzone.naming import Naming
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import account_session

ENTRYPOINT = "mlzone.local.entrypoint"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_PROGRAMS: dict[Image, tuple[str, ...]] = {
    "analyzer": ("python3", "-m", "mlzone_runtime.analyzer"),
    "build": (),
    "tabular": ("python3", "-m", "mlzone_runtime.serving"),
}
"""What an image starts where a job names no program; build images run commands alone."""


def publish(endpoint: Endpoint, estate: Estate) -> tuple[str, ...]:
    """Put the platform's images into its registry, unless they are there; return their names.

    Raises:
        ClientError: the platform's repositories are not deployed yet.
    """
    naming = Naming(prefix=estate.organization.prefix)
    shared = account_session(endpoint, estate, estate.organization.accounts.shared_services)
    ecr = shared.client("ecr")
    for image, version in VERSIONS.items():
        repository, configuration = naming.ecr_repository(image), _configuration(image, version)
        _upload(ecr, repository, configuration)
        try:
            ecr.put_image(
                repositoryName=repository,
                imageManifest=json.dumps(_manifest(image, configuration)),
                imageManifestMediaType=_MANIFEST,
                imageTag=version,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] not in (
                "ImageAlreadyExistsException",
                "ImageTagAlreadyExistsException",
            ):
                raise
    return tuple(f"{naming.ecr_repository(image)}:{version}" for image, version in VERSIONS.items())


def _configuration(image: Image, version: str) -> bytes:
    """Return the configuration of an image without layers, on which projects build theirs."""
    document = {
        "architecture": "amd64",
        "os": "linux",
        "config": {
            "Entrypoint": list(_PROGRAMS[image]),
            "Labels": {"image": image, "version": version},
        },
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return json.dumps(document, sort_keys=True).encode()


def _upload(ecr: Any, repository: str, content: bytes) -> None:
    """Put a blob into a repository, unless it is there."""
    digest = _digest(content)
    where = {"repositoryName": repository}
    known = ecr.batch_check_layer_availability(**where, layerDigests=[digest])["layers"]
    if any(item["layerAvailability"] == "AVAILABLE" for item in known):
        return
    upload = {**where, "uploadId": ecr.initiate_layer_upload(**where)["uploadId"]}
    ecr.upload_layer_part(
        **upload, partFirstByte=0, partLastByte=len(content) - 1, layerPartBlob=content
    )
    ecr.complete_layer_upload(**upload, layerDigests=[digest])


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def _manifest(image: Image, configuration: bytes) -> dict[str, Any]:
    program = _PROGRAMS[image]
    return {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": _digest(configuration),
            "size": len(configuration),
        },
        "layers": [],
        "annotations": {ENTRYPOINT: json.dumps(program)} if program else {},
    }
