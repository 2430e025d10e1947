"""What a model of format `tabular/1` expects: its features, and how rows become numbers.

The file `schema.json` of a model artefact says it. A number stays a number, a category becomes
its index in the list that training knew; what is missing, and a category that training never saw,
becomes NaN, which the trees route as they learnt for missing values.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

FORMAT = "tabular/1"
LINKS = ("identity", "logit")
TASKS = ("classification", "forecast", "regression")
Matrix = npt.NDArray[np.float32]
_LARGEST = float(np.finfo(np.float32).max)


class ArtifactError(Exception):
    """A model artefact is not what the format says."""


class InvalidValueError(ValueError):
    """A row holds what the model cannot read.

    Attributes:
        field: the feature's name, or an empty text if the whole row is wrong.
        row: its place among the rows, from 0.
        reason: what is wrong with it.
    """

    def __init__(self, field: str, row: int, reason: str) -> None:
        self.field = field
        self.row = row
        self.reason = reason
        where = f"row {row + 1}" + (f', field "{field}"' if field else "")
        super().__init__(f"{where}: {reason}")


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One column of the model's input."""

    name: str
    kind: Literal["number", "category"]
    categories: tuple[str, ...] = ()
    """What training saw, in the order of their codes; empty for a number."""
    title: str = ""
    """Its name for people."""
    sensitive: bool = False
    """Whether it describes a protected attribute."""

    @property
    def label(self) -> str:
        """How to call it towards people."""
        return self.title or self.name.replace("_", " ")


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A model's input and its decision."""

    model: str
    features: tuple[Feature, ...]
    """In the order of the endpoint's CSV columns."""
    target: str
    positive_class: str
    """What the probability is the probability of."""
    threshold: float
    """From this probability on, the decision is the positive one."""
    decisions: tuple[str, str]
    """The words for the decision below the threshold and from it on."""
    id_column: str = ""
    task: Literal["classification", "forecast", "regression"] = "classification"
    """What answers are: probabilities of a class, or numbers that are held against numbers."""
    link: Literal["identity", "logit"] = "logit"
    """What contributions of features add up to: the answer itself, any number; or, of answers
    between none and one, their log odds."""
    horizon: int = 1
    """Of a forecast: so many periods ahead; errors of so many periods in a row are related."""
    no_change: tuple[str, float] | None = None
    """Of a forecast: the feature that is the target as it is now, and its factor into answers."""

    @property
    def numeric(self) -> bool:
        """Whether a number becomes true, rather than a class."""
        return self.task != "classification"

    @property
    def unit(self) -> str:
        """What contributions of features are counted in, for people."""
        return "log odds" if self.link == "logit" else "answer"

    @property
    def answer_key(self) -> str:
        """What an answer is called in JSON."""
        return "probability" if self.link == "logit" else "answer"

    @property
    def names(self) -> list[str]:
        """The features' names, in order."""
        return [feature.name for feature in self.features]

    @property
    def types(self) -> list[str]:
        """The features' types, in XGBoost's letters."""
        return ["c" if feature.kind == "category" else "q" for feature in self.features]

    def decision(self, probability: float) -> str:
        """Return the decision that a probability leads to."""
        return self.decisions[int(probability >= self.threshold)]

    def encode(self, rows: Sequence[Sequence[object]], *, strict: bool = True) -> Matrix:
        """Return rows as the numbers that the model takes.

        Args:
            rows: values in the order of the features: numbers, text as in a CSV file, or None.
            strict: raise on a number that is none; otherwise it counts as missing.

        Raises:
            InvalidValueError: a row has the wrong length, or a number is none.
        """
        width = len(self.features)
        matrix = np.empty((len(rows), width), dtype=np.float32)
        for index, row in enumerate(rows):
            if len(row) != width:
                raise InvalidValueError("", index, f"got {len(row)} values; expected {width}")
        for column, feature in enumerate(self.features):
            codes = {text: float(code) for code, text in enumerate(feature.categories)}
            for index, row in enumerate(rows):
                try:
                    matrix[index, column] = (
                        _category(row[column], codes)
                        if feature.kind == "category"
                        else _number(row[column])
                    )
                except ValueError as error:
                    if strict:
                        raise InvalidValueError(feature.name, index, str(error)) from None
                    matrix[index, column] = math.nan
        return matrix

    def encode_records(
        self, records: Sequence[Mapping[str, object]], *, strict: bool = True
    ) -> Matrix:
        """Return records, such as rows of a CSV file with header, as numbers.

        Args:
            records: values by feature; other names are ignored.
            strict: as for `encode`.

        Raises:
            InvalidValueError: a record lacks a feature, or a number is none.
        """
        for index, record in enumerate(records):
            for name in self.names:
                if name not in record:
                    raise InvalidValueError(name, index, "is not there")
        return self.encode([[record[n] for n in self.names] for record in records], strict=strict)


def parse_schema(text: str | bytes) -> Schema:
    """Return the schema that `schema.json` holds.

    Raises:
        ArtifactError: it is no schema of this format.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        if document["format"] != FORMAT:
            raise ArtifactError(f"schema.json: format {document['format']!r}; expected {FORMAT!r}")
        positive = str(document["positive_class"])
        words = document.get("decisions", {})
        task = document.get("task", "classification")
        if task not in TASKS:
            raise ArtifactError(f"schema.json: task {task!r}; expected one of {', '.join(TASKS)}")
        link = document.get("link", "logit")
        if link not in LINKS or (link == "identity" and task == "classification"):
            raise ArtifactError(
                f"schema.json: link {link!r} of a {task}; expected logit, or of numbers identity"
            )
        same = document.get("no_change")
        return Schema(
            model=str(document["model"]),
            features=tuple(parse_feature(item) for item in document["features"]),
            target=str(document["target"]),
            positive_class=positive,
            threshold=float(document["threshold"]),
            decisions=(
                str(words.get("negative", f"not {positive}")),
                str(words.get("positive", positive)),
            ),
            id_column=str(document.get("id_column") or ""),
            task=task,
            link=link,
            horizon=int(document.get("horizon", 1)),
            no_change=(str(same["feature"]), float(same["factor"])) if same else None,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ArtifactError(f"schema.json is not of format {FORMAT}: {error!r}") from error


def read_schema(file: Path) -> Schema:
    """Return the schema in a file.

    Raises:
        ArtifactError: it is no schema of this format.
    """
    return parse_schema(file.read_bytes())


def parse_feature(item: Mapping[str, Any]) -> Feature:
    """Read one column of a model's input, as `schema.json` has it.

    Raises:
        KeyError: it has no name or no type.
        ValueError: its type is unknown, or a category has no categories.
    """
    kind = item["type"]
    if kind not in ("number", "category"):
        raise ValueError(f"feature {item['name']}: type {kind!r}; expected number or category")
    if kind == "category" and not item.get("categories"):
        raise ValueError(f"feature {item['name']}: a category without categories")
    return Feature(
        name=str(item["name"]),
        kind=kind,
        categories=tuple(str(value) for value in item.get("categories", ())),
        title=str(item.get("title", "")),
        sensitive=bool(item.get("sensitive", False)),
    )


def _number(value: object) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{_shown(value)} is not a number")  # noqa: TRY004 - as for text
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError(f"{_shown(value)} is not a number") from None
    if not abs(number) <= _LARGEST:
        raise ValueError(f"{_shown(value)} is not a finite number")
    return number


def _category(value: object, codes: Mapping[str, float]) -> float:
    if value is None or value == "":
        return math.nan
    if not isinstance(value, str):
        raise ValueError(f"{_shown(value)} is not text")  # noqa: TRY004 - as above
    return codes.get(value, math.nan)


def _shown(value: object, limit: int = 40) -> str:
    text = json.dumps(value, default=repr)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
