"""Layers of container images: blobs that ECR keeps by their digest.

moto counts the bytes of a layer and forgets them; here they are kept, checked against the digest
that the client names, and given out again under an address that holds for an hour.

Source: Amazon ECR API Reference, "InitiateLayerUpload", "CompleteLayerUpload", "PutImage".
"""

import functools
import hashlib
import json
import re
import secrets
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moto.ecr.models import Repository, ecr_backends

from mlzone_cloud.errors import ApiError
from mlzone_cloud.http_request import Answer, Environ
from mlzone_cloud.operations import Call, operation

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

ROUTE = "/_layers"
_VALID = timedelta(hours=1)
_STORE = "ecr-downloads"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


def install(cloud: "Cloud") -> None:
    """Give layers out under an address of their own."""
    cloud.routes[ROUTE] = functools.partial(_serve, cloud)


def read(cloud: "Cloud", digest: str) -> bytes:
    """Return the bytes of a layer; they are whole.

    Raises:
        ApiError: they are not there, or are others than the digest says.
    """
    try:
        content = _file(cloud, digest).read_bytes()
    except OSError as error:
        raise ApiError(
            "LayerInaccessibleException", f"the layer {digest} cannot be read: {error}"
        ) from error
    if digest_of(content) != digest:
        raise ApiError(
            "LayerInaccessibleException", f"the bytes of the layer {digest} are not what it names"
        )
    return content


def digest_of(content: bytes) -> str:
    """Return the digest that names bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


@operation("ecr", "CompleteLayerUpload")
def complete_layer_upload(call: Call) -> dict[str, Any]:
    """Keep the bytes that were uploaded, if they are what their digest says.

    Raises:
        ApiError: they are none, others, or there already.
    """
    params = call.params
    repository = _repository(call)
    upload = repository.uploads.get(params["uploadId"])
    if upload is None:
        return call.forward()
    content, said = bytes(upload.layer_parts), params["layerDigests"]
    found = digest_of(content)
    where = (
        f"repository with name '{repository.name}' in registry with id '{repository.registry_id}'"
    )
    if not content:
        raise ApiError(
            "EmptyUploadException", f"Upload '{upload.upload_id}' in the {where} is empty"
        )
    if found not in said:
        raise ApiError(
            "InvalidLayerException",
            f"Layer digest {', '.join(said)} does not match the uploaded bytes, whose digest is "
            f"{found}, in the {where}",
        )
    if found in repository.layers:
        del repository.uploads[upload.upload_id]
        raise ApiError(
            "LayerAlreadyExistsException",
            f"Layer with digest '{found}' already exists in the {where}",
        )
    file = _file(call.cloud, found)
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(f".{secrets.token_hex(4)}")
    new.write_bytes(content)
    new.replace(file)
    return call.forward()


@operation("ecr", "GetDownloadUrlForLayer")
def get_download_url_for_layer(call: Call) -> dict[str, Any]:
    """Return an address under which a layer's bytes are.

    Raises:
        ApiError: the repository has no such layer.
    """
    repository, digest = _repository(call), str(call.params["layerDigest"])
    if digest not in repository.layers:
        raise ApiError(
            "LayersNotFoundException",
            f"The layer with digest '{digest}' does not exist in the repository with name "
            f"'{repository.name}' in the registry with id '{repository.registry_id}'",
        )
    given, now = call.cloud.store(_STORE), call.cloud.clock.now()
    for token in [token for token, (_, until) in given.items() if until < now]:
        del given[token]
    token = secrets.token_urlsafe(24)
    given[token] = (digest, now + _VALID)
    return {
        "downloadUrl": f"{call.cloud.endpoint_url}{ROUTE}/{token}",
        "layerDigest": digest,
    }


@operation("ecr", "PutImage")
def put_image(call: Call) -> dict[str, Any]:
    """Keep an image whose layers are there, under the digest of its manifest.

    moto digests the layers alone, and asks for none.

    Raises:
        ApiError: the repository lacks a layer, or the manifest is none.
    """
    text = str(call.params["imageManifest"])
    try:
        manifest = json.loads(text)
        layers = [str(layer["digest"]) for layer in manifest.get("layers", ())]
        # A stand-in without layers need not have a configuration.
        wanted = [*layers, str(manifest["config"]["digest"])] if layers else []
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ApiError(
            "InvalidParameterException",
            f"Invalid parameter at 'imageManifest' failed to satisfy constraint: {error!r}",
        ) from error
    digest = digest_of(text.encode())
    if (said := call.params.setdefault("imageDigest", digest)) != digest:
        raise ApiError(
            "ImageDigestDoesNotMatchException",
            f"The provided image digest '{said}' does not match the image's, '{digest}'",
        )
    if wanted:
        repository = _repository(call)
        if missing := [item for item in wanted if item not in repository.layers]:
            raise ApiError(
                "LayersNotFoundException",
                f"Layers with digests '{', '.join(missing)}' required for pushing image into "
                f"repository with name '{repository.name}' in the registry with id "
                f"'{repository.registry_id}' do not exist",
            )
    return call.forward()


def _repository(call: Call) -> Repository:
    name, registry = call.params["repositoryName"], call.params.get("registryId") or call.account
    repository: Repository = ecr_backends[registry][call.region]._get_repository(name, registry)  # noqa: SLF001
    return repository


def _file(cloud: "Cloud", digest: str) -> Path:
    if not _DIGEST.fullmatch(digest):
        raise ApiError("InvalidParameterException", f"{digest} is no digest of a layer")
    return cloud.state_dir / "layers" / digest.removeprefix("sha256:")


def _serve(cloud: "Cloud", environ: Environ) -> Answer:
    """Answer a client that has an address."""
    token = environ["PATH_INFO"].rpartition("/")[2]
    digest, until = cloud.store(_STORE).get(token, ("", None))
    if until is None or until < cloud.clock.now():
        return 403, {"Content-Type": "text/plain"}, b"the address does not hold, or no longer\n"
    try:
        return 200, {"Content-Type": "application/octet-stream"}, read(cloud, digest)
    except ApiError as error:
        return 404, {"Content-Type": "text/plain"}, f"{error.message}\n".encode()
