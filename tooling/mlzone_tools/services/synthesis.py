"""Synthesizes the estate into a cloud assembly, without the CDK's command line."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlzone.errors import GovernanceError, LandingZoneError
from mlzone_tools.cloud.cdk import environment

REPORT = "validation-report.json"
SOURCE_ROOTS = ("access", "infra", "constructs", "stacks", "runtime")
"""The folders whose packages make the templates."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a check found."""

    rule: str
    severity: str
    construct: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Synthesis:
    """A synthesized assembly."""

    folder: Path
    stacks: tuple[str, ...]
    resources: int
    seconds: float
    findings: tuple[Finding, ...]
    acknowledged: int
    """Findings that waivers of the estate acknowledge."""

    @property
    def clean(self) -> bool:
        """Whether no finding is open."""
        return not self.findings


def synthesize(
    *,
    output: Path,
    estate: Path,
    unit: str | None = None,
    stage: str | None = None,
    stacks: Iterable[str] = (),
    code: Path | None = None,
    engine: bool = True,
) -> Synthesis:
    """Synthesize the selected part of the estate.

    Args:
        output: the folder of the assembly; replaced.
        estate: the estate's folder or file.
        unit: only this business unit.
        stage: only this environment.
        stacks: only these, if any are given.
        code: the folder of another revision of this repository, whose code is to be used.
        engine: whether the CDK's own CloudFormation engine checks the templates too, which takes
            longer than anything else where there are few stacks.

    Raises:
        LandingZoneError: the app failed for another reason than a finding.
    """
    context = {
        "business_unit": unit,
        "environment": stage,
        "estate": str(estate.resolve()) if code else str(estate),
        "stacks": ",".join(sorted(stacks)),
    }
    started = time.monotonic()
    if (output / "manifest.json").exists():
        # An assembly of before: its templates would be taken for those of this one.
        shutil.rmtree(output)
    result = subprocess.run(
        [sys.executable, "-P", "app.py"],
        env={
            **environment({}),
            **_sources(code),
            **({} if engine else {"CDK_VALIDATION": "false"}),
            "CDK_OUTDIR": str(output.resolve()),
            "CDK_CONTEXT_JSON": json.dumps({key: value for key, value in context.items() if value}),
            "PYTHONWARNINGS": os.environ.get("PYTHONWARNINGS", ""),
        },
        cwd=code,
        capture_output=True,
        text=True,
        check=False,
    )
    report = _report(output)
    findings = tuple(_findings(report))
    if result.returncode != 0 and not findings:
        raise _failure(result.stderr)
    templates = sorted(output.glob("*.template.json"))
    return Synthesis(
        folder=output,
        stacks=tuple(path.name.removesuffix(".template.json") for path in templates),
        resources=sum(
            len(json.loads(path.read_text(encoding="utf-8"))["Resources"]) for path in templates
        ),
        seconds=round(time.monotonic() - started, 1),
        findings=findings,
        acknowledged=sum(
            len(plugin.get("suppressedViolations", [])) for plugin in report["pluginReports"]
        ),
    )


def require_clean(synthesis: Synthesis) -> None:
    """Refuse an assembly with open findings.

    Raises:
        GovernanceError: there are some.
    """
    if not synthesis.clean:
        raise GovernanceError(
            f"{len(synthesis.findings)} findings are open",
            hint="see them with `mlzone check`; mend them, or waive one in waivers.yaml",
        )


def _sources(code: Path | None) -> dict[str, str]:
    """Return what makes Python import another revision's packages instead of those installed."""
    if code is None:
        return {}
    folders = (code.resolve() / root for root in SOURCE_ROOTS)
    return {"PYTHONPATH": os.pathsep.join(map(str, folders))}


def _report(output: Path) -> dict[str, Any]:
    path = output / REPORT
    if not path.exists():
        return {"pluginReports": []}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _findings(report: dict[str, Any]) -> list[Finding]:
    return [
        Finding(
            rule=violation["ruleName"],
            severity=violation.get("severity", "error"),
            construct=place.get("constructPath") or place.get("resourceLogicalId", ""),
            description=violation.get("description", ""),
        )
        for plugin in report["pluginReports"]
        if plugin["conclusion"] != "success"
        for violation in plugin.get("violations", [])
        for place in violation.get("violatingConstructs", [])
        or violation.get("violatingResources", [])
    ]


def _failure(output: str) -> LandingZoneError:
    """Return the app's own error, without the traceback around it."""
    lines = [line for line in output.splitlines() if line.strip()]
    last = lines[-1] if lines else "it said nothing"
    name, _, message = last.partition(": ")
    text = message if name.rsplit(".", 1)[-1].endswith("Error") and message else last
    return LandingZoneError(f"synthesis failed: {text}", hint="run `mlzone validate` first")
