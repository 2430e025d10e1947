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
from mlzone_runtime.analyzer.table import FloatArray

EVALUATION = "evaluation.csv"
GROUPS = "groups.json"

_ANSWER, _OUTCOME = "probability", "outcome"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Answers to held-out records, and what became true.

    Attributes:
        probabilities: The model's answers.
        outcomes: 1 for the positive class, 0 for another one.
        members: Who belongs to each group.
        groups: What the groups are.
        classes: The values of the outcome that were seen.
    """

    probabilities: FloatArray
    outcomes: FloatArray
    members: Mapping[str, FloatArray]
    groups: Sequence[Group]
    classes: Sequence[str]

    @classmethod
    def make(cls, folder: Path, model: WatchedModel, groups: Sequence[Group]) -> Self:
        """Ask the model about held-out records.

        Args:
            folder: CSV files with header: the features, the outcome, the groups' columns.
            model: The model.
            groups: What is compared.

        Raises:
            AnalysisError: A column is missing, or an outcome is.
        """
        schema = model.schema
        wanted = [schema.target, *dict.fromkeys(group.column for group in groups)]
        frame = _columns(folder, wanted)
        table = read_training(folder, schema.features)
        told = frame[schema.target]
        if (told == "").any() or told.nunique() < 2:  # noqa: PLR2004 - of one class nothing follows
            raise AnalysisError(
                f"{folder}: every held-out record needs a {schema.target}, and they must not all "
                "be of one class"
            )
        return cls(
            probabilities=model.probabilities(table),
            outcomes=(told == schema.positive_class).to_numpy(dtype=np.float64),
            members={group.name: group.members(frame[group.column].tolist()) for group in groups},
            groups=tuple(groups),
            classes=tuple(sorted(told.unique())),
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
            )
        except (KeyError, ValueError, TypeError) as error:
            raise AnalysisError(f"{baseline / EVALUATION}: {error!r}") from error

    @property
    def columns(self) -> list[str]:
        """The columns that tell of the groups, each once."""
        return list(dict.fromkeys(group.column for group in self.groups))

    def save(self, baseline: Path) -> tuple[str, ...]:
        """Write it; return the names of the files."""
        columns = [self.probabilities, self.outcomes, *self.members.values()]
        with (baseline / EVALUATION).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow([_ANSWER, _OUTCOME, *self.members])
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
