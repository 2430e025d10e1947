"""Rules over templates: what the platform builds is held to the controls, all stacks at once."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from mlzone.rules import data, encryption, identity, model, network, operation, template
from mlzone.rules.assembly import Assembly, Resource, Template, read, read_template
from mlzone.rules.rule import Row, Rule, Verdict

RULES: tuple[type[Rule], ...] = (
    *network.RULES,
    *encryption.RULES,
    *identity.RULES,
    *data.RULES,
    *model.RULES,
    *operation.RULES,
    *template.RULES,
)
"""All rules, by subject."""

__all__ = [
    "RULES",
    "Assembly",
    "Resource",
    "Row",
    "Rule",
    "Template",
    "Verdict",
    "judge",
    "read",
    "read_template",
]


def judge(
    assembly: Assembly, *, today: date | None = None, rules: Iterable[type[Rule]] = RULES
) -> tuple[Row, ...]:
    """Ask every rule about every resource.

    Args:
        assembly: all templates that belong together.
        today: for rules that look at dates; the present day unless given.
        rules: those to ask.
    """
    day = today or datetime.now(UTC).date()
    return tuple(row for rule in rules for row in rule(day).judge(assembly))
