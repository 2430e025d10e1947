"""What makes the templates, besides the estate: our packages and the tools' versions."""

import hashlib
from pathlib import Path

from mlzone_tools.services.assembly.app import SOURCE_ROOTS

_FILES = ("app.py", "cdk.json", "requirements.lock")
_FOLDERS = (*SOURCE_ROOTS, "pipeline_templates")
_GENERATED = "__pycache__"


def code_digest(root: Path) -> str:
    """Return a digest of the code of a revision, in the repository's folder or a copy of it."""
    digest = hashlib.sha256()
    files = [root / name for name in _FILES]
    for folder in _FOLDERS:
        files += sorted((root / folder).rglob("*"))
    for path in files:
        if path.is_file() and _GENERATED not in path.parts and path.suffix != ".pyc":
            digest.update(f"{path.relative_to(root)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()
