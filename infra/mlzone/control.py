"""The governance controls: what is held, how strictly, where, and which framework asks for it.

The catalogue is `controls.yaml`. Its map to frameworks is a working one: counsel confirms it.
"""

import functools
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, StringConstraints, TypeAdapter

from mlzone.estate.base import Record, Text


class Severity(StrEnum):
    """How bad it is if a control does not hold."""

    FATAL = "fatal"
    """Nobody can waive it."""
    HIGH = "high"
    MEDIUM = "medium"


class Point(StrEnum):
    """Where a control is held."""

    CONSTRUCT = "construct"
    GUARDRAIL = "guardrail"
    RULE = "rule"
    CONFIG = "config"
    GATE = "gate"
    RUNTIME = "runtime"


class Framework(StrEnum):
    """Who asks for controls."""

    SR_26_2 = "sr-26-2"
    EU_AI_ACT = "eu-ai-act"
    ISO_42001 = "iso-42001"
    NIST_AI_RMF = "nist-ai-rmf"
    NIST_800_53 = "nist-800-53"
    CMN_4893 = "cmn-4893"
    LGPD = "lgpd"
    SECURITY_HUB = "security-hub"
    AWS_CONFIG = "aws-config"


TITLES: Mapping[Framework, str] = {
    Framework.SR_26_2: "SR 26-2 / OCC 2026-13, model risk management",
    Framework.EU_AI_ACT: "EU AI Act, Regulation (EU) 2024/1689 (articles)",
    Framework.ISO_42001: "ISO/IEC 42001:2023, Annex A",
    Framework.NIST_AI_RMF: "NIST AI Risk Management Framework 1.0",
    Framework.NIST_800_53: "NIST SP 800-53 Rev. 5",
    Framework.CMN_4893: "Resolução CMN 4.893/2021, as amended by 5.274/2025",
    Framework.LGPD: "Lei Geral de Proteção de Dados (articles)",
    Framework.SECURITY_HUB: "AWS Security Hub, SageMaker controls",
    Framework.AWS_CONFIG: "AWS Config managed rules",
}
"""The frameworks' names for people."""

ControlId = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}-\d{2}$")]


class Control(Record):
    """One control."""

    id: ControlId
    """Never used for another control."""
    statement: Text
    """What holds."""
    severity: Severity
    """How bad it is if it does not."""
    enforced: tuple[Point, ...] = Field(min_length=1)
    """Where it is held."""
    evidence: Text
    """What shows that it holds."""
    gap: str = ""
    """What is missing for it to hold; empty where nothing is."""
    frameworks: Mapping[Framework, tuple[str, ...]] = {}
    """The parts of frameworks that ask for it."""

    @property
    def waivable(self) -> bool:
        """Whether a waiver of the estate can acknowledge a finding."""
        return self.severity is not Severity.FATAL


@functools.cache
def controls() -> Mapping[str, Control]:
    """Return the catalogue by id, in its own order."""
    text = (Path(__file__).parent / "controls.yaml").read_text(encoding="utf-8")
    listed = TypeAdapter(list[Control]).validate_python(yaml.safe_load(text))
    return {item.id: item for item in listed}
