"""Deploy actions: into an S3 bucket."""

import tempfile
from pathlib import Path

from mlzone_cloud.compute.artifact_store import unpack
from mlzone_cloud.compute.codepipeline.actions.base import ActionFailure, Done, Session


def s3(session: Session) -> Done:
    """Copy the input artefact into a bucket, as it is or its files."""
    configuration = session.configuration
    body = session.read(session.run.inputs[0])
    bucket, key = configuration["BucketName"], configuration.get("ObjectKey", "")
    encryption = configuration.get("KMSEncryptionKeyARN", "")
    if configuration.get("Extract") == "true":
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            unpack(body, folder)
            for path in sorted(item for item in folder.rglob("*") if item.is_file()):
                target = "/".join(part for part in (key, str(path.relative_to(folder))) if part)
                session.role.put(bucket, target, path.read_bytes(), kms_key=encryption)
    elif key:
        session.role.put(bucket, key, body, kms_key=encryption)
    else:
        raise ActionFailure("ConfigurationError", "ObjectKey is required when Extract is false")
    return Done()
