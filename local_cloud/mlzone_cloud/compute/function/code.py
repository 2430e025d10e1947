"""A function's code on disk: each archive is unpacked once, into a folder named by its digest."""

import hashlib
import io
import shutil
import uuid
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def unpacked(cloud: "Cloud", archive: bytes) -> Path:
    """Return the folder with the contents of an archive.

    Raises:
        zipfile.BadZipFile: it is no archive.
    """
    folder = cloud.state_dir / "functions" / hashlib.sha256(archive).hexdigest()[:32]
    if folder.is_dir():
        return folder
    temporary = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}")
    temporary.mkdir(parents=True)
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as file:
            file.extractall(temporary)
        temporary.rename(folder)
    except OSError:
        # Somebody else has unpacked it meanwhile; else the disk is the trouble.
        if not folder.is_dir():
            raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder
