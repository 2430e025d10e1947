"""The catalogue of controls: what is demanded, by which frameworks, and where it is enforced.

Which article of a regulation a control answers is a working mapping; counsel has to confirm it.
"""

from functools import cache
from importlib import resources
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict

Framework = Literal[
    "sr_26_2", "eu_ai_act", "iso_42001", "nist_ai_rmf", "nist_800_53", "cmn_lgpd", "aws"
]
EnforcementPoint = Literal["construct", "guardrail", "rule", "config", "gate", "runtime"]
Severity = Literal["fatal", "error"]


class Control(BaseModel):
    """One control of the catalogue."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str
    statement: str
    severity: Severity
    enforced_by: tuple[EnforcementPoint, ...]
    evidence: str
    """What shows that the control holds."""
    frameworks: dict[Framework, tuple[str, ...]]
    """The articles and control numbers that it answers, by framework."""


@cache
def controls() -> dict[str, Control]:
    """Return the catalogue by id."""
    text = (resources.files("mlzone") / "controls.yaml").read_text(encoding="utf-8")
    items = [Control.model_validate(item) for item in yaml.safe_load(text)["controls"]]
    return {item.id: item for item in items}
