"""Synthesizes the estate into a cloud assembly, without the CDK's command line.

The CDK application makes one stack after the other; here several of its processes share them, and
what was made before from the same is taken from the store. The assembly is the same, byte for byte.
"""

import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlzone import rules
from mlzone.control import Severity
from mlzone.errors import GovernanceError
from mlzone.estate import Estate, Stage
from mlzone.estate.waiver import Waiver
from mlzone.planning import PlannedStack, planned_stacks, selected_stacks
from mlzone.rules.waived import PREFIX, Judgement, acknowledge
from mlzone.waiving import matches
from mlzone_tools.services import estate as estates
from mlzone_tools.services.assembly import Source, join, parts_of
from mlzone_tools.services.assembly.code import code_digest
from mlzone_tools.services.assembly.part import MANIFEST, REPORT, report_of
from mlzone_tools.services.assembly.store import assets

__all__ = ["REPORT", "Finding", "Synthesis", "require_clean", "synthesize"]


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
    jobs: int | None = None,
    talk: Callable[[str], None] = lambda _: None,
) -> Synthesis:
    """Synthesize the selected part of the estate.

    Args:
        output: the folder of the assembly; replaced.
        estate: the estate's folder or file.
        unit: only this business unit.
        stage: only this environment.
        stacks: only these, if any are given.
        jobs: how many processes at once; the number of cores unless given.
        talk: is told how far it is.

    Raises:
        ConfigError: the estate is invalid, or has no such unit.
        LandingZoneError: the app failed for another reason than a finding.
    """
    started = time.monotonic()
    loaded = estates.load(estate)
    names = frozenset(stacks)
    chosen = selected_stacks(loaded, unit=unit, stage=Stage(stage) if stage else None, names=names)
    report = assemble(output, loaded, estate, chosen, jobs=jobs, talk=talk)
    assembly = rules.read(output)
    judgement = acknowledge(rules.judge(assembly), loaded.waivers)
    findings = (*reported_findings(report), *own_findings(judgement))
    if len(chosen) == len(planned_stacks(loaded)):
        unused = (*judgement.orphaned, *unused_waivers(report, loaded.waivers))
        findings += tuple(map(_unused, unused))
    return Synthesis(
        folder=output,
        stacks=tuple(sorted(stack.name for stack in chosen)),
        resources=sum(len(template.resources) for template in assembly.templates),
        seconds=round(time.monotonic() - started, 1),
        findings=findings,
        acknowledged=sum(len(pack["suppressedViolations"]) for pack in report["pluginReports"]),
    )


def assemble(
    output: Path,
    estate: Estate,
    location: Path,
    stacks: Sequence[PlannedStack],
    *,
    jobs: int | None = None,
    talk: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Write an assembly, and return what cdk-nag's packs say of it; our own rules are not asked.

    Args:
        output: the folder of the assembly; replaced.
        estate: the estate.
        location: its folder or file.
        stacks: those to synthesize.
        jobs: how many processes at once; the number of cores unless given.
        talk: is told how far it is.
    """
    source = Source(estate=estate, location=location, code=None, code_digest=code_digest(Path()))
    frame, parts = parts_of(source, [stack.name for stack in stacks], jobs=jobs, talk=talk)
    if (output / MANIFEST).exists():
        # An assembly of before: its templates would be taken for those of this one.
        shutil.rmtree(output)
    join(frame, stacks, parts, assets(), output)
    return report_of(frame, parts.values())


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


def unused_waivers(report: dict[str, Any], waivers: Iterable[Waiver]) -> Iterator[Waiver]:
    """Yield the waivers of packs of others that acknowledge nothing any more."""
    used = {
        (violation["ruleName"], violation.get("reason"))
        for pack in report["pluginReports"]
        for violation in pack.get("suppressedViolations", ())
    }
    for waiver in waivers:
        if not waiver.rule.startswith(PREFIX) and not any(
            reason == waiver.acceptance and matches(waiver.rule, rule) for rule, reason in used
        ):
            yield waiver


def reported_findings(report: dict[str, Any]) -> Iterator[Finding]:
    """Yield what cdk-nag's packs leave open."""
    for pack in report["pluginReports"]:
        for violation in pack["violations"]:
            for place in violation["violatingConstructs"]:
                yield Finding(
                    rule=violation["ruleName"],
                    severity=violation.get("severity", "error"),
                    construct=place.get("constructPath") or place.get("resourceLogicalId", ""),
                    description=violation.get("description", ""),
                )


def own_findings(judgement: Judgement) -> Iterator[Finding]:
    """Yield what our own rules leave open."""
    for row in judgement.open:
        yield Finding(
            rule=row.rule,
            severity="fatal" if row.severity is Severity.FATAL else "error",
            construct=row.place,
            description=f"{row.message} ({row.control})",
        )


def _unused(waiver: Waiver) -> Finding:
    return Finding(
        rule=waiver.rule,
        severity="error",
        construct=waiver.resource,
        description="the waiver acknowledges nothing; remove it from waivers.yaml",
    )
