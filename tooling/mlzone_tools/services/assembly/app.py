"""Runs the CDK application in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from mlzone_tools.cloud.cdk import environment

SOURCE_ROOTS = ("access", "infra", "constructs", "stacks", "runtime")
"""The folders whose packages make the templates."""
PART = "mlzone_stacks.part"
"""The application that leaves our own rules to its caller."""


def run_app(folder: Path, context: Mapping[str, str | None], code: Path | None) -> str:
    """Synthesize into a folder, which must not hold an assembly yet; return what was said.

    Args:
        folder: the folder of the assembly.
        context: what the application reads: `estate`, `stacks`, `business_unit`, `environment`.
        code: the folder of another revision of this repository, whose code is to be used.
    """
    given = {key: value for key, value in context.items() if value}
    if given.get("estate"):
        given["estate"] = str(Path(str(given["estate"])).resolve())
    program = ["-m", PART] if code is None else ["app.py"]
    result = subprocess.run(
        [sys.executable, "-P", *program],
        env={
            **environment({}),
            **_sources(code),
            # Its findings are warnings, on what our rules, cdk-nag and CloudFormation's own
            # schemas hold; it takes longer than all other checks together.
            "CDK_VALIDATION": "false",
            "CDK_OUTDIR": str(folder.resolve()),
            "CDK_CONTEXT_JSON": json.dumps(given),
            "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""),
        },
        cwd=code,
        capture_output=True,
        text=True,
        check=False,
    )
    return result.stderr


def _sources(code: Path | None) -> dict[str, str]:
    """Return what makes Python import another revision's packages instead of those installed."""
    if code is None:
        return {}
    folders = (code.resolve() / root for root in SOURCE_ROOTS)
    return {"PYTHONPATH": os.pathsep.join(map(str, folders))}
