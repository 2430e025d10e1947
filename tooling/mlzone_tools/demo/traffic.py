"""Requests to the endpoint of the story: real applications, and the same in harder times."""

import csv
import random
from collections.abc import Iterator
from pathlib import Path

from mlzone.errors import DeploymentError
from mlzone_tools.cloud.session import Session

_SEED = 7
_ROWS_PER_REQUEST = 10

Row = dict[str, str]


def applications(project: Path, count: int) -> list[Row]:
    """Return credit applications of the project's real data, in a fixed random order."""
    with (project / "data" / "credit.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return random.Random(_SEED).sample(rows, count)  # noqa: S311 - a sample, not a secret


def harder_times(rows: list[Row]) -> list[Row]:
    """Return the applications as a downturn brings them: larger, longer, from empty accounts.

    Only three features change, so that it is known which ones a monitor must name.
    """
    return [
        {
            **row,
            "credit_amount": str(round(int(row["credit_amount"]) * 1.8)),
            "duration_months": str(int(row["duration_months"]) + 12),
            "checking_status": "below-0",
        }
        for row in rows
    ]


CHANGED = frozenset({"credit_amount", "duration_months", "checking_status"})
"""The features that `harder_times` changes."""


def send(session: Session, endpoint: str, features: list[str], rows: list[Row]) -> list[float]:
    """Ask an endpoint for the probability of default of applications.

    Args:
        session: may invoke the endpoint.
        endpoint: its name.
        features: the model's features, in the order that it expects.
        rows: the applications.

    Returns:
        One probability an application.

    Raises:
        DeploymentError: the endpoint answered something else.
    """
    runtime = session.client("sagemaker-runtime")
    answers: list[float] = []
    for batch in _batches(rows):
        body = "\n".join(",".join(row[name] for name in features) for row in batch)
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint, ContentType="text/csv", Accept="text/csv", Body=body.encode()
        )
        lines = answer["Body"].read().decode().split()
        if len(lines) != len(batch):
            raise DeploymentError(f"{endpoint} gave {len(lines)} answers to {len(batch)} rows")
        answers += [float(line) for line in lines]
    return answers


def _batches(rows: list[Row]) -> Iterator[list[Row]]:
    for start in range(0, len(rows), _ROWS_PER_REQUEST):
        yield rows[start : start + _ROWS_PER_REQUEST]
