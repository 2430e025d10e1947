"""Completes a run's page with what was known only later: since when, and what was done."""

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from botocore.exceptions import ClientError

from mlzone.serving_policy import actions_prefix
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.monitoring.monitored import Inspection

PLACE = "<!-- what was done -->"
"""Where the analyzer leaves room for it."""

_CAUSES = ("finding", "fault")
_FOUND = "CompletedWithViolations"


def completed(session: Session, page: str, item: Inspection, runs: Sequence[Inspection]) -> str:
    """Return a run's page with its history and with what was done about the finding.

    Args:
        session: may read the model's reports.
        page: as the analyzer left it.
        item: the run.
        runs: all runs of the monitor, newest first.
    """
    told = [("Since when, over the runs", history(item, runs))]
    if item.status == _FOUND:
        told.append(("What was done", answers(session, item)))
    body = "".join(f"<dt>{title}</dt><dd><p>{escape(text)}</p></dd>" for title, text in told)
    return page.replace(PLACE, f'<section class="story"><dl>{body}</dl></section>', 1)


def history(item: Inspection, runs: Sequence[Inspection]) -> str:
    """Say since when runs have found something, up to this one."""
    ended = [
        run
        for run in sorted(runs, key=lambda run: run.scheduled, reverse=True)
        if run.scheduled <= item.scheduled and run.status in ("Completed", _FOUND)
    ]
    row = 0
    while row < len(ended) and ended[row].status == _FOUND:
        row += 1
    if not row:
        return f"This run found nothing; {len(ended)} runs looked at something so far."
    first = ended[row - 1].scheduled
    before = "the runs before found nothing" if row < len(ended) else "none ran before"
    return f"{row} in a row found something, from {first:%Y-%m-%d %H:%M} UTC on; {before}."


def answers(session: Session, item: Inspection) -> str:
    """Say what the platform did by itself about the latest finding of the monitor."""
    found = [ledger for cause in _CAUSES if (ledger := _ledger(session, item, cause))]
    if not found:
        return "Nothing so far: no alarm has risen about this monitor's findings."
    ledger = max(found, key=lambda one: str(one["since"]))
    done = ", ".join(ledger["done"]) or "nothing yet"
    return f"For the alarm of {ledger['since']} (severity {ledger['severity']}): {done}."


def _ledger(session: Session, item: Inspection, cause: str) -> dict[str, Any] | None:
    """Return what was written down about the latest alarm of a cause, if there was one."""
    bucket, _, key = item.output.removeprefix("s3://").partition("/")
    model = key.partition("/")[0]
    try:
        answer = session.client("s3").get_object(
            Bucket=bucket, Key=f"{actions_prefix(model)}/{item.monitor}-{cause}.json"
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchKey":
            raise
        return None
    ledger: dict[str, Any] = json.loads(answer["Body"].read())
    return ledger
