"""Artefacts of builds and pipelines: zip archives in S3, read and written as a role.

S3 asks KMS on the caller's behalf for objects under a key; moto does not, so it is asked here.
"""

import io
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlzone_cloud.errors import ApiError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_EPOCH = (1980, 1, 1, 0, 0, 0)
_MODE_SHIFT = 16


@dataclass(frozen=True, kw_only=True)
class ArtifactStore:
    """S3 as a session of a role sees it.

    Every method raises botocore's `ClientError` where the role may not do what is asked.
    """

    cloud: "Cloud"
    account: str
    region: str
    role: str
    session_name: str

    def get(self, bucket: str, key: str, version: str = "") -> bytes:
        """Return the bytes of an object."""
        found = self.client("s3").get_object(
            Bucket=bucket, Key=key, **({"VersionId": version} if version else {})
        )
        if found.get("ServerSideEncryption") == "aws:kms" and found.get("SSEKMSKeyId"):
            self._may_decrypt(found["SSEKMSKeyId"])
        body: bytes = found["Body"].read()
        return body

    def put(self, bucket: str, key: str, body: bytes, *, kms_key: str = "") -> dict[str, Any]:
        """Write an object, under a KMS key if one is given."""
        encryption = {}
        if kms_key:
            self.client("kms").generate_data_key(KeyId=kms_key, KeySpec="AES_256")
            encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key}
        answer: dict[str, Any] = self.client("s3").put_object(
            Bucket=bucket, Key=key, Body=body, **encryption
        )
        return answer

    def client(self, service: str) -> Any:
        """Return a client that acts as the role."""
        return self.cloud.client(
            service,
            account=self.account,
            region=self.region,
            role=self.role,
            session_name=self.session_name,
        )

    def _may_decrypt(self, key: str) -> None:
        owner = key.split(":")[4] if key.startswith("arn:") else self.account
        service = self.cloud.client("kms", account=owner, region=self.region)
        sealed = service.encrypt(KeyId=key, Plaintext=b"data key")["CiphertextBlob"]
        self.client("kms").decrypt(KeyId=key, CiphertextBlob=sealed)


def pack(files: dict[str, Path]) -> bytes:
    """Return a zip archive of files by their names in it; the same files give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = (files[name].stat().st_mode & 0xFFFF) << _MODE_SHIFT
            archive.writestr(info, files[name].read_bytes())
    return buffer.getvalue()


def unpack(body: bytes, folder: Path) -> None:
    """Write a zip archive's files into a folder, with the rights that they had.

    Raises:
        ApiError: it is no zip archive, or one with links or paths that lead out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        archive = zipfile.ZipFile(io.BytesIO(body))
    except zipfile.BadZipFile as error:
        raise ApiError("InvalidInputException", f"the artefact is no zip archive: {error}") from (
            error
        )
    with archive:
        for info in archive.infolist():
            mode = info.external_attr >> _MODE_SHIFT
            if stat.S_ISLNK(mode):
                raise ApiError("InvalidInputException", f"{info.filename} is a symbolic link")
            # `extract` drops `..` and absolute paths.
            path = Path(archive.extract(info, folder))
            if mode and not info.is_dir():
                path.chmod(stat.S_IMODE(mode) | stat.S_IRUSR | stat.S_IWUSR)
