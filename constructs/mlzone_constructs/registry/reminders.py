"""Whom a business unit's overdue decisions are told to."""

from collections.abc import Iterable
from dataclasses import dataclass

from aws_cdk import aws_kms as kms
from constructs import Construct

from mlzone.estate import BusinessUnit
from mlzone_constructs.governance import Governance
from mlzone_constructs.platform.mailed_events import MailedEvents, mail_events
from mlzone_constructs.platform.overdue_decisions import OVERDUE


@dataclass(frozen=True, kw_only=True)
class RemindersProps:
    """Properties of Reminders."""

    governance: Governance
    """The organization's rules."""
    unit: BusinessUnit
    """Whose approvers and owner are reminded."""
    key: kms.IKey
    """Encrypts the messages."""


class Reminders(Construct):
    """Tells a unit's approvers of what waits for them, and its owner when they do not answer.

    Guarantees:
        MOD-03: no version waits for a decision without those who decide hearing of it again.
        DEP-02: no promotion waits for its answer without those who answer hearing of it again.
        ENC-01: messages are encrypted with a key of ours and sent over TLS alone.

    Example:
        Reminders(self, "Reminders", RemindersProps(governance=governance, unit=unit, key=key))
    """

    def __init__(self, scope: Construct, construct_id: str, props: RemindersProps) -> None:
        super().__init__(scope, construct_id)
        self._props = props
        unit = props.unit
        self._tell("reminder", unit.approvers, levels=["reminder", "escalation"])
        self._tell("escalation", (unit.owner,), levels=["escalation"])

    def _tell(self, level: str, people: Iterable[str], *, levels: list[str]) -> None:
        """Send what is overdue in the unit, and as urgent as that, to people."""
        props, naming, unit = self._props, self._props.governance.naming, self._props.unit
        mail_events(
            self,
            MailedEvents(
                topic_name=naming.topic(unit.name, level),
                rule_name=naming.rule(unit.name, level),
                people=people,
                pattern={
                    "detail-type": [OVERDUE],
                    "detail": {"unit": [unit.name], "facts": {"level": levels}},
                },
                paths={
                    "unit": "$.detail.unit",
                    "model": "$.detail.model",
                    "what": "$.detail.facts.what",
                    "hours": "$.detail.facts.hours",
                },
                text=(
                    '"<unit>/<model>: <what> has waited for a decision for <hours> '
                    'hours: mlzone model show <unit>/<model>"'
                ),
                suffix=f"-{level}",
            ),
            governance=props.governance,
            key=props.key,
        )
