"""From the project's sources and the delivery parameter to the definition that SageMaker runs.

The SDK runs in a process of its own, without credentials: authoring makes no call, and can make
none in the name of the build.
"""

import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from delivery import container, harden, requests
from delivery.bundle import Bundle
from delivery.parameter import PROJECT, BuildError

_TIMEOUT_SECONDS = 300
_LINES = 20


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What a definition is made from."""

    delivery: dict[str, Any]
    images: dict[str, str]
    """By purpose, pinned by digest."""
    code: Bundle
    data: Bundle
    model: Bundle | None = None
    """A model that was trained elsewhere."""

    @property
    def bundles(self) -> tuple[Bundle, ...]:
        """What the jobs read."""
        code = None if container.BRINGS_PROGRAM else self.code
        return tuple(item for item in (code, self.data, self.model) if item)

    def uri(self, bundle: Bundle) -> str:
        """Return where a bundle lies."""
        return "s3://{bucket}/{prefix}/".format(**self.delivery["artifacts"]) + bundle.key


def definition(sources: Sources, project: Path = PROJECT) -> str:
    """Return the complete definition; the same sources give the same text.

    Raises:
        BuildError: the pipeline cannot be written, or has a gap.
    """
    hardened = harden.harden(author(sources, project), sources.delivery)
    found = harden.gaps(hardened, sources.delivery) + requests.problems(hardened)
    if found:
        raise BuildError("the definition has gaps:\n" + "\n".join(f"  {line}" for line in found))
    return json.dumps(hardened, sort_keys=True, separators=(",", ":"))


def author(sources: Sources, project: Path = PROJECT) -> dict[str, Any]:
    """Return the definition as `pipeline.py` writes it with the SDK.

    Raises:
        BuildError: it fails.
    """
    given = {
        "delivery": sources.delivery,
        "inputs": {
            "images": sources.images,
            "code_uri": "" if container.BRINGS_PROGRAM else sources.uri(sources.code),
            "data_uri": sources.uri(sources.data),
            "code_hash": sources.code.digest,
            "data_hash": sources.data.digest,
            "model_uri": sources.uri(sources.model) if sources.model else "",
            "model_hash": sources.model.digest if sources.model else "",
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "definition.json"
        result = subprocess.run(
            [sys.executable, "-W", "ignore", "pipeline.py", str(target)],
            cwd=project,
            env=_environment(sources.delivery["region"], folder),
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        if result.returncode != 0:
            tail = "\n".join(result.stderr.splitlines()[-_LINES:])
            raise BuildError(f"pipeline.py failed:\n{tail}")
        document: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return document


def _environment(region: str, home: str) -> dict[str, str]:
    """Return the environment of a process that knows no AWS account."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "MLFLOW_", "SAGEMAKER_"))
    }
    return kept | {
        "AWS_DEFAULT_REGION": region,
        "AWS_ACCESS_KEY_ID": "offline",
        "AWS_SECRET_ACCESS_KEY": "offline",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "HOME": home,
        "PYTHONHASHSEED": "0",
    }
