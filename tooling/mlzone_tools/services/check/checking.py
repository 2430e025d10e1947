"""Runs the rules, and reads what cdk-nag reported at synthesis."""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mlzone import rules
from mlzone.estate.waiver import Waiver
from mlzone.loading.load import load_estate
from mlzone.planning import planned_stacks
from mlzone.rules.waived import PREFIX, acknowledge
from mlzone_tools.services import estate as estates
from mlzone_tools.services import synthesis
from mlzone_tools.services.check.result import Answer, Check, Verdict, WaiverCount

OWN = "mlzone"
_OWN_PLUGIN = "mlzone-rules"


def check_estate(
    estate: Path,
    unit: str | None = None,
    *,
    jobs: int | None = None,
    talk: Callable[[str], None] = lambda _: None,
) -> Check:
    """Synthesize the estate, and check it with our rules and with cdk-nag's packs.

    Args:
        estate: the estate's folder or file.
        unit: only this business unit.
        jobs: how many processes at once; the number of cores unless given.
        talk: is told how far it is.

    Raises:
        ConfigError: the estate is invalid, or has no such unit.
        LandingZoneError: it cannot be synthesized.
    """
    started = time.monotonic()
    loaded = estates.load(estate)
    waivers = loaded.waivers
    with tempfile.TemporaryDirectory(prefix="mlzone-check-") as folder:
        report = synthesis.assemble(
            Path(folder), loaded, estate, planned_stacks(loaded, unit), jobs=jobs, talk=talk
        )
        assembly = rules.read(Path(folder))
        own = _own(assembly, waivers, complete=unit is None)
    answers = (*own, *_reported(report))
    if unit is None:
        answers += tuple(map(_orphan, synthesis.unused_waivers(report, waivers)))
    return _check(Path(folder), assembly, answers, waivers, started)


def check_path(path: Path, estate: Path | None = None) -> Check:
    """Check a cloud assembly or a template that is there already, with our own rules.

    Args:
        path: the folder of a cloud assembly, or a template in JSON or YAML.
        estate: whose waivers hold; none unless given.

    Raises:
        ConfigError: there is no template, or none that CloudFormation would take.
    """
    started = time.monotonic()
    waivers = load_estate(estate).waivers if estate else ()
    assembly = rules.read(path)
    answers = _own(assembly, waivers, complete=False)
    used = {answer.waiver for answer in answers}
    holding = [waiver for waiver in waivers if waiver.acceptance in used]
    return _check(path, assembly, answers, holding, started)


def _check(
    folder: Path,
    assembly: rules.Assembly,
    answers: tuple[Answer, ...],
    waivers: Sequence[Waiver],
    started: float,
) -> Check:
    resources = sum(len(template.resources) for template in assembly.templates)
    return Check(
        folder=folder,
        stacks=tuple(template.name for template in assembly.templates),
        resources=resources,
        seconds=round(time.monotonic() - started, 1),
        answers=answers,
        waivers=count(waivers, resources),
    )


def count(waivers: Sequence[Waiver], resources: int, today: date | None = None) -> WaiverCount:
    """Count waivers, and reckon their age."""
    day = today or datetime.now(UTC).date()
    return WaiverCount(
        waivers=len(waivers),
        per_hundred_resources=round(100 * len(waivers) / resources, 2) if resources else 0.0,
        oldest_days=max(((day - item.granted).days for item in waivers), default=0),
        next_expiry=min((item.expires for item in waivers), default=None),
    )


def _own(
    assembly: rules.Assembly, waivers: Sequence[Waiver], *, complete: bool
) -> tuple[Answer, ...]:
    judgement = acknowledge(rules.judge(assembly), waivers)
    waived = {id(row): waiver for row, waiver in judgement.waived}
    files = {template.name: template.path.name for template in assembly.templates}
    answers = tuple(
        Answer(
            pack=OWN,
            rule=row.rule,
            control=row.control,
            severity=row.severity.value,
            verdict=Verdict.WAIVED if id(row) in waived else Verdict(row.verdict.value),
            place=row.place if row.stack else "",
            file=files.get(row.stack, ""),
            message=row.message,
            fix=row.fix,
            waiver=waived[id(row)].acceptance if id(row) in waived else "",
        )
        for row in judgement.rows
    )
    return answers + (tuple(map(_orphan, judgement.orphaned)) if complete else ())


def _reported(report: dict[str, Any]) -> Iterator[Answer]:
    """Yield what the packs of cdk-nag found."""
    for plugin in report["pluginReports"]:
        refuses = plugin["conclusion"] != "success"
        if plugin["pluginName"] != _OWN_PLUGIN:
            for violation in plugin.get("suppressedViolations", []):
                yield from _answers(plugin["pluginName"], violation, Verdict.WAIVED)
            for violation in plugin.get("violations", []) if refuses else []:
                yield from _answers(plugin["pluginName"], violation, Verdict.FAIL)


def _answers(pack: str, violation: dict[str, Any], verdict: Verdict) -> Iterator[Answer]:
    for place in violation.get("violatingConstructs") or violation.get("violatingResources") or []:
        template = place.get("cloudFormationResource") or {}
        yield Answer(
            pack=pack,
            rule=violation["ruleName"],
            control="",
            severity=violation.get("severity", "error"),
            verdict=verdict,
            place=place.get("constructPath") or place.get("resourceLogicalId", ""),
            file=template.get("templatePath", ""),
            message=violation.get("description", ""),
            fix=violation.get("suggestedFix", ""),
            waiver=violation.get("reason", ""),
        )


def _orphan(waiver: Waiver) -> Answer:
    return Answer(
        pack=OWN if waiver.rule.startswith(PREFIX) else "cdk-nag",
        rule=waiver.rule,
        control="",
        severity="error",
        verdict=Verdict.FAIL,
        place=waiver.resource,
        file="",
        message="this waiver acknowledges nothing",
        fix="remove it from waivers.yaml",
        waiver="",
    )
