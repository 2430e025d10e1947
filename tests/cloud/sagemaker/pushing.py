"""Pushes an image with a layer, as a client of ECR's API does."""

import hashlib
import io
import json
import tarfile
from collections.abc import Mapping
from typing import Any

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


def digest_of(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()


def archive(files: Mapping[str, str]) -> bytes:
    """Return a layer that holds files."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as made:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            made.addfile(entry, io.BytesIO(text.encode()))
    return plain.getvalue()


def upload(ecr: Any, repository: str, content: bytes, *, said: str = "", part: int = 0) -> str:
    """Upload a blob in parts; return its digest."""
    begun = ecr.initiate_layer_upload(repositoryName=repository)
    size = part or begun["partSize"]
    for first in range(0, len(content), size):
        piece = content[first : first + size]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=begun["uploadId"],
            partFirstByte=first,
            partLastByte=first + len(piece) - 1,
            layerPartBlob=piece,
        )
    digest: str = ecr.complete_layer_upload(
        repositoryName=repository,
        uploadId=begun["uploadId"],
        layerDigests=[said or digest_of(content)],
    )["layerDigest"]
    return digest


def configuration(layer: bytes, entrypoint: list[str], environment: list[str]) -> bytes:
    return json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": entrypoint, "Env": environment},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        }
    ).encode()


def manifest(config: bytes, layer: bytes) -> str:
    return json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": digest_of(layer), "size": len(layer)}],
        }
    )


def push(
    ecr: Any,
    repository: str,
    files: Mapping[str, str],
    *,
    entrypoint: list[str],
    environment: list[str] | None = None,
    tag: str = "1",
) -> str:
    """Push an image whose one layer holds files; return its digest."""
    layer = archive(files)
    config = configuration(layer, entrypoint, environment or [])
    for blob in (layer, config):
        upload(ecr, repository, blob)
    image = ecr.put_image(
        repositoryName=repository, imageManifest=manifest(config, layer), imageTag=tag
    )
    digest: str = image["image"]["imageId"]["imageDigest"]
    return digest
