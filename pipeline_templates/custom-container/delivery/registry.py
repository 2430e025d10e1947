"""Images in ECR, layer by layer: no engine of containers is needed to append to one.

Source: Amazon ECR API Reference; Open Container Initiative, "Image Format Specification" and
"Distribution Specification".
"""

import hashlib
import json
import re
import urllib.request
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from delivery.layer import digest_of
from delivery.parameter import BuildError

_OCI = "application/vnd.oci.image"
_DOCKER = "application/vnd.docker"
IMAGE = (f"{_OCI}.manifest.v1+json", f"{_DOCKER}.distribution.manifest.v2+json")
_INDEX = (f"{_OCI}.index.v1+json", f"{_DOCKER}.distribution.manifest.list.v2+json")
_LAYER = {
    IMAGE[0]: f"{_OCI}.layer.v1.tar+gzip",
    IMAGE[1]: f"{_DOCKER}.image.rootfs.diff.tar.gzip",
}
_URI = re.compile(
    r"(?P<registry>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.[a-z0-9.-]+/(?P<name>[a-z0-9._/-]+)"
    r"(@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_SECONDS = 300
_PIECE = 1 << 20
_IS_THERE = "AVAILABLE"
_HOSTS = ("https://", "http://localhost:")
"""Where layers are downloaded from: ECR's own addresses, or a cloud on this machine."""


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """An image's manifest, as the registry keeps it."""

    document: dict[str, Any]
    media_type: str

    @property
    def layers(self) -> list[str]:
        """The digests of its layers."""
        return [str(layer["digest"]) for layer in self.document["layers"]]

    @property
    def configuration(self) -> str:
        """The digest of its configuration."""
        return str(self.document["config"]["digest"])

    @property
    def layer_type(self) -> str:
        """The media type of a packed layer that is added to it."""
        return _LAYER[self.media_type]


class Repository:
    """A repository of the registry."""

    def __init__(self, session: Any, uri: str) -> None:
        """Find it.

        Args:
            session: a boto3 session that may use it.
            uri: the repository, without a version or with a digest, which is ignored.

        Raises:
            BuildError: the URI names no repository of ECR.
        """
        match = _URI.fullmatch(uri)
        if not match:
            raise BuildError(f"{uri}: expected <account>.dkr.ecr.<region>.…/<repository>")
        self.uri = uri.partition("@")[0]
        self._client = session.client("ecr", region_name=match["region"])
        self._where = {"registryId": match["registry"], "repositoryName": match["name"]}

    def manifest(self, digest: str) -> Manifest:
        """Return an image's manifest; of an image for several machines that for ours.

        Raises:
            BuildError: it is not there, is another one, or of an unknown type.
        """
        answer = self._client.batch_get_image(
            **self._where,
            imageIds=[{"imageDigest": digest}],
            acceptedMediaTypes=[*IMAGE, *_INDEX],
        )
        if not answer["images"]:
            raise BuildError(f"image {self.uri}@{digest} is not in the registry")
        text = answer["images"][0]["imageManifest"]
        if digest_of(text.encode()) != digest:
            raise BuildError(f"image {self.uri}@{digest}: the registry gave out other bytes")
        document = json.loads(text)
        kind = document.get("mediaType") or answer["images"][0].get("imageManifestMediaType", "")
        if kind in _INDEX:
            return self.manifest(_for_linux(document, f"{self.uri}@{digest}"))
        if kind not in IMAGE:
            raise BuildError(f"image {self.uri}@{digest} is of type {kind or 'none'}")
        return Manifest(document=document, media_type=kind)

    def has(self, digests: Iterable[str]) -> set[str]:
        """Return which blobs are there."""
        wanted = sorted(set(digests))
        if not wanted:
            return set()
        answer = self._client.batch_check_layer_availability(**self._where, layerDigests=wanted)
        return {
            item["layerDigest"]
            for item in answer["layers"]
            if item["layerAvailability"] == _IS_THERE
        }

    def download(self, digest: str) -> Iterator[bytes]:
        """Yield the bytes of a blob; the last piece comes only if all are what the digest says.

        Raises:
            BuildError: it cannot be had, or its bytes are others.
        """
        address = self._client.get_download_url_for_layer(**self._where, layerDigest=digest)[
            "downloadUrl"
        ]
        if not address.startswith(_HOSTS):
            raise BuildError(f"layer {digest} of {self.uri} is at {address}; expected https")
        total, kept = hashlib.sha256(), b""
        try:
            with urllib.request.urlopen(address, timeout=_SECONDS) as stream:  # noqa: S310
                while piece := stream.read(_PIECE):
                    yield kept
                    total.update(piece)
                    kept = piece
        except OSError as error:
            raise BuildError(f"layer {digest} of {self.uri} cannot be had: {error}") from error
        found = f"sha256:{total.hexdigest()}"
        if found != digest:
            raise BuildError(f"layer {digest} of {self.uri}: its bytes have the digest {found}")
        yield kept

    def upload(self, digest: str, pieces: Iterable[bytes]) -> None:
        """Put a blob; the registry refuses bytes that are not what the digest says.

        Raises:
            BuildError: it refuses them.
        """
        begun = self._client.initiate_layer_upload(**self._where)
        size, first, held = int(begun["partSize"]), 0, bytearray()
        upload = {**self._where, "uploadId": begun["uploadId"]}

        def send(part: bytes) -> None:
            nonlocal first
            self._client.upload_layer_part(
                **upload,
                partFirstByte=first,
                partLastByte=first + len(part) - 1,
                layerPartBlob=part,
            )
            first += len(part)

        for piece in pieces:
            held += piece
            while len(held) >= size:
                send(bytes(held[:size]))
                del held[:size]
        if held:
            send(bytes(held))
        try:
            self._client.complete_layer_upload(**upload, layerDigests=[digest])
        except ClientError as error:
            code, message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            if code != "LayerAlreadyExistsException":
                raise BuildError(f"{self.uri} refuses the layer {digest}: {message}") from error

    def put(self, manifest: Manifest) -> str:
        """Put an image under a tag that its content gives; return its URI by digest."""
        text = json.dumps(manifest.document, sort_keys=True, separators=(",", ":"))
        digest = digest_of(text.encode())
        try:
            self._client.put_image(
                **self._where,
                imageManifest=text,
                imageManifestMediaType=manifest.media_type,
                imageTag=digest.removeprefix("sha256:")[:32],
                imageDigest=digest,
            )
        except ClientError as error:
            # It was made from the same sources before.
            if error.response["Error"]["Code"] != "ImageAlreadyExistsException":
                raise
        return f"{self.uri}@{digest}"


def _for_linux(index: dict[str, Any], uri: str) -> str:
    for item in index["manifests"]:
        platform = item.get("platform") or {}
        if (platform.get("os"), platform.get("architecture")) == ("linux", "amd64"):
            return str(item["digest"])
    raise BuildError(f"image {uri} has no part for linux/amd64")
