"""The requests of a window with what became true of them, however the engine hands both over.

SageMaker merges them before the analyzer starts; the other engine lays them side by side.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlzone_runtime.analyzer.capture import Record, read_records
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.evaluation import Evaluation
from mlzone_runtime.analyzer.group import Group
from mlzone_runtime.analyzer.intake import Intake, IntakeBuilder
from mlzone_runtime.analyzer.job import CAPTURED, MERGED, PARQUET, TRANSFORMED, Job
from mlzone_runtime.analyzer.settings import Settings
from mlzone_runtime.analyzer.table import FloatArray, NumberColumn, Table
from mlzone_runtime.analyzer.transformed import transformed_records
from mlzone_runtime.analyzer.truth import Known, TruthFaults, TruthReader, outcomes
from mlzone_runtime.tabular_schema import Schema

_BLOCK = 50_000


@dataclass(frozen=True, kw_only=True)
class Cases:
    """Answered requests, and what became true.

    Attributes:
        intake: The requests and the answers.
        outcomes: 1 for the positive class, 0 for another one, or the number that became true; NaN
            where it is not known.
        members: Who belongs to each group.
        faults: What of the ground truth could not be used.
    """

    intake: Intake
    outcomes: FloatArray
    members: Mapping[str, FloatArray]
    faults: TruthFaults

    @property
    def usable(self) -> Any:
        """Which records have an answer and an outcome."""
        return ~np.isnan(self.outcomes) & ~np.isnan(self.intake.predictions)

    @property
    def left_out(self) -> dict[str, int]:
        """What could not be used, counted by its name."""
        unanswered = int(np.isnan(self.intake.predictions).sum())
        own = {"records_without_answer": unanswered} if unanswered else {}
        return {**self.intake.faults.left_out, **own, **self.faults.left_out}

    @property
    def records(self) -> dict[str, Any]:
        """What explanations say of the records."""
        return {
            **self.intake.records,
            "analysed": int(self.usable.sum()),
            "without_outcome": int(np.isnan(self.outcomes).sum()),
            "unknown_ground_truth": self.faults.unknown,
        }


def read_cases(job: Job, schema: Schema, evaluation: Evaluation) -> Cases:
    """Read a window's requests with what became true of them.

    Raises:
        AnalysisError: The data are in a format that holds no names of records.
    """
    truth = TruthReader(schema, evaluation.columns, evaluation.classes)
    known = {} if MERGED in job.data_format else truth.read(job.truth)
    builder = IntakeBuilder(schema.features)
    met: set[str] = set()
    rows: list[list[object]] = []
    answers: list[float] = []
    found: list[Known | None] = []
    for record in _records(job, builder, truth):
        told = known.get(record.name)
        if record.truth is not None:
            try:
                told = truth.of(record.truth)
            except (ValueError, KeyError, TypeError, AttributeError):
                truth.faults.unreadable += 1
        met.add(record.name)
        matched = truth.matching(told, len(record.rows))
        for row, answer, item in zip(record.rows, record.answers, matched, strict=True):
            if builder.fits(row):
                rows.append(row)
                answers.append(answer)
                found.append(item)
        if len(rows) >= _BLOCK:
            builder.add_rows(rows, answers)
            rows, answers = [], []
    builder.add_rows(rows, answers)
    truth.faults.unknown = len(known.keys() - met)
    intake = builder.finish()
    return Cases(
        intake=intake,
        outcomes=np.array(outcomes(found), dtype=np.float64),
        members={
            group.name: group.members(_values(group, intake.table, found))
            for group in evaluation.groups
        },
        faults=truth.faults,
    )


def _records(job: Job, builder: IntakeBuilder, truth: TruthReader) -> Iterator[Record]:
    """Return the records with their answers and names, in whichever format they are."""
    match job.data_format:
        case {"sagemakerMergeJson": _} | {"sagemakerCaptureJson": _}:
            return read_records(job.source, builder, job.window)
        case {"batchTransform": {"named": named}} if str(named).lower() == "true":
            return transformed_records(job.source, builder)
        case {"parquet": _}:
            # Only who reads Parquet waits for what reads it.
            from mlzone_runtime.analyzer.parquet import parquet_records  # noqa: PLC0415

            return parquet_records(
                job.source, builder, outcome=truth.schema.target, groups=truth.columns
            )
    raise AnalysisError(
        f"dataset_format is {json.dumps(job.data_format)}; what became true is found by the names "
        f"of records, which {MERGED}, {CAPTURED}, {PARQUET} and {TRANSFORMED} with "
        '{"named": "true"} hold'
    )


def outcome_of(cases: Cases, settings: Settings) -> str:
    """Return why nothing can be judged, or an empty text."""
    if not cases.intake.table.rows:
        return "no_records"
    if np.isnan(cases.outcomes).all():
        return "no_ground_truth"
    return "too_few_records" if cases.usable.sum() < settings.min_records else ""


def _values(group: Group, table: Table, known: list[Known | None]) -> list[str | None]:
    """Return the values of a group's column: of the request, else of what became known."""
    column = table.columns.get(group.column)
    if column is None:
        return [None if item is None else item.values.get(group.column) for item in known]
    if isinstance(column, NumberColumn):
        return [None if np.isnan(value) else f"{value:.15g}" for value in column.numbers.tolist()]
    labels = [*column.labels, None]
    return [labels[code] for code in column.codes.tolist()]
