"""The part of a baseline that knows outcomes: held-out records, answered by the model.

`evaluation.csv` holds of each held-out record the model's answer, what became true and who belongs
to which group, and nothing else: no feature and no value of a protected attribute leaves training
this way. `groups.json` says what the groups are.
"""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from mlzone_runtime.analyzer.capture import data_files
from mlzone_runtime.analyzer.errors import AnalysisError
from mlzone_runtime.analyzer.group import Group
from mlzone_runtime.analyzer.model import WatchedModel
from mlzone_runtime.analyzer.plain import read_training
from mlzone_runtime.analyzer.table import FloatArray, Table
from mlzone_runtime.tabular_schema import Schema

EVALUATION = "evaluation.csv"
GROUPS = "groups.json"

_ANSWER, _OUTCOME = "probability", "outcome"
_NO_CHANGE = "no change"
_LEAST_NUMBERS = 10


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Answers to held-out records, and what became true.

    Attributes:
        probabilities: The model's answers; of a model that answers numbers, these.
        outcomes: 1 for the positive class, 0 for another one, or the number that became true.
        members: Who belongs to each group.
        groups: What the groups are.
        classes: The values of the outcome that were seen; none where it is a number.
        no_change: What a forecast of no change would have been, where the model says how.
    """

    probabilities: FloatArray
    outcomes: FloatArray
    members: Mapping[str, FloatArray]
    groups: Sequence[Group]
    classes: Sequence[str]
    no_change: FloatArray | None = None

    @classmethod
    def make(
        cls, folder: Path, model: WatchedModel, groups: Sequence[Group], *, answers: str = ""
    ) -> Self:
        """Ask the model about held-out records.

        Args:
            folder: CSV files with header: the features, the outcome, the groups' columns.
            model: The model.
            groups: What is compared.
            answers: The column of answers that were given without knowing the outcome, such as
                those of a back-test; the model is asked unless given.

        Raises:
            AnalysisError: A column is missing, or an outcome is.
        """
        schema = model.schema
        wanted = [schema.target, *dict.fromkeys(group.column for group in groups)]
        frame = _columns(folder, [*wanted, answers] if answers else wanted)
        table = read_training(folder, schema.features)
        told = frame[schema.target]
        given = _numbers(folder, frame[answers]) if answers else model.probabilities(table)
        if schema.numeric:
            return cls._of_numbers(folder, given, _numbers(folder, told), table, schema)
        if (told == "").any() or told.nunique() < 2:  # noqa: PLR2004 - of one class nothing follows
            raise AnalysisError(
                f"{folder}: every held-out record needs a {schema.target}, and they must not all "
                "be of one class"
            )
        return cls(
            probabilities=given,
            outcomes=(told == schema.positive_class).to_numpy(dtype=np.float64),
            members={group.name: group.members(frame[group.column].tolist()) for group in groups},
            groups=tuple(groups),
            classes=tuple(sorted(told.unique())),
        )

    @classmethod
    def _of_numbers(
        cls, folder: Path, answers: FloatArray, outcomes: FloatArray, table: Table, schema: Schema
    ) -> Self:
        if len(np.unique(outcomes)) < _LEAST_NUMBERS:
            raise AnalysisError(
                f"{folder}: the held-out records have fewer than {_LEAST_NUMBERS} different values "
                f"of {schema.target}: too few to tell how large errors are"
            )
        same = None
        if schema.no_change:
            feature, factor = schema.no_change
            if feature not in schema.names:
                raise AnalysisError(f"schema.json: no_change names {feature}, which is no feature")
            same = table.number(feature).numbers * factor
        return cls(
            probabilities=answers,
            outcomes=outcomes,
            members={},
            groups=(),
            classes=(),
            no_change=None if same is None or np.isnan(same).any() else same,
        )

    @classmethod
    def load(cls, baseline: Path) -> Self:
        """Read it from a baseline.

        Raises:
            AnalysisError: The baseline has none, or it is not what it must be.
        """
        if not (baseline / EVALUATION).is_file() or not (baseline / GROUPS).is_file():
            raise AnalysisError(
                f"the baseline has no {EVALUATION}: make it with --evaluation, the held-out "
                "records with their outcomes"
            )
        try:
            document = json.loads((baseline / GROUPS).read_text(encoding="utf-8"))
            groups = tuple(Group.parse(item) for item in document["groups"])
            frame = pd.read_csv(baseline / EVALUATION, dtype=np.float64)
            return cls(
                probabilities=frame[_ANSWER].to_numpy(),
                outcomes=frame[_OUTCOME].to_numpy(),
                members={group.name: frame[group.name].to_numpy() for group in groups},
                groups=groups,
                classes=tuple(str(value) for value in document["classes"]),
                no_change=frame[_NO_CHANGE].to_numpy() if _NO_CHANGE in frame else None,
            )
        except (KeyError, ValueError, TypeError) as error:
            raise AnalysisError(f"{baseline / EVALUATION}: {error!r}") from error

    @property
    def columns(self) -> list[str]:
        """The columns that tell of the groups, each once."""
        return list(dict.fromkeys(group.column for group in self.groups))

    def save(self, baseline: Path) -> tuple[str, ...]:
        """Write it; return the names of the files."""
        more = dict(self.members)
        if self.no_change is not None:
            more[_NO_CHANGE] = self.no_change
        columns = [self.probabilities, self.outcomes, *more.values()]
        with (baseline / EVALUATION).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([_ANSWER, _OUTCOME, *more])
            for row in zip(*(column.tolist() for column in columns), strict=True):
                writer.writerow(["" if np.isnan(value) else f"{value:.9g}" for value in row])
        document = {
            "groups": [group.render() for group in self.groups],
            "classes": list(self.classes),
        }
        (baseline / GROUPS).write_text(json.dumps(document) + "\n", encoding="utf-8")
        return EVALUATION, GROUPS


def read_groups(file: Path) -> tuple[Group, ...]:
    """Read the groups from a project's settings: the list `facets`, also below `model`.

    Raises:
        AnalysisError: There is no such file, or it has none.
    """
    try:
        document: Any = json.loads(file.read_text(encoding="utf-8"))
        found = document.get("model", document)["facets"]
        return tuple(Group.parse(item) for item in found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AnalysisError(f"{file}: expected a list 'facets' of groups: {error!r}") from error


def _numbers(folder: Path, column: Any) -> FloatArray:
    """Return a column of text as numbers.

    Raises:
        AnalysisError: One is none.
    """
    found: FloatArray = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    if not np.isfinite(found).all():
        wrong = column[~np.isfinite(found)].iloc[0]
        raise AnalysisError(f"{folder}: {column.name} is {wrong!r}; expected a number throughout")
    return found


def _columns(folder: Path, names: Sequence[str]) -> pd.DataFrame:
    frames = []
    for file in data_files(folder, (".csv",)):
        try:
            frames.append(pd.read_csv(file, usecols=list(names), dtype=str, keep_default_na=False))
        except ValueError as error:
            raise AnalysisError(f"{file}: {error}") from error
    if not frames:
        raise AnalysisError(f"no records in the CSV files of {folder}")
    return pd.concat(frames, ignore_index=True)
