"""The release document: all that a promotion needs to know, as `release.json`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SCHEMA = "1"

Value = str | float | None


class DocumentError(Exception):
    """A release document cannot be read."""


@dataclass(frozen=True, kw_only=True)
class Release:
    """One version of a model, pulled into one environment."""

    release: str
    """Its short id, such as `v3-1f0c2a`."""
    model_package_arn: str
    """The version in the registry."""
    author: str
    """Who made it."""
    approver: str
    """Who approved it."""
    model_data_url: str
    """The model's archive in the environment's release bucket."""
    inference_image: str
    """The server's image, by digest."""
    baseline_statistics: str
    """The baseline's folder in the release bucket."""
    baseline_constraints: str
    """The baseline's constraints in the release bucket."""
    analyzer_image: str
    """The image of the monitor."""
    features: tuple[Mapping[str, Any], ...]
    """The features in the order of the endpoint's columns, as `schema.json` has them."""
    rows: tuple[tuple[str, ...], ...]
    """A few rows of the training data, as text; what smoke tests send."""
    answers: str = "probability"
    """What an answer is called in JSON: a `probability`, or `answer` if it can be any number."""

    def to_json(self) -> str:
        """Return the document's text."""
        return json.dumps({"schema": SCHEMA, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    def serving_parameters(self) -> dict[str, str]:
        """Return what the model's endpoint stack takes."""
        return {
            "Release": self.release,
            "ModelDataUrl": self.model_data_url,
            "InferenceImage": self.inference_image,
            "ModelPackageArn": self.model_package_arn,
        }

    def monitoring_parameters(self) -> dict[str, str]:
        """Return what the model's monitoring stack takes."""
        return {
            "Release": self.release,
            "BaselineStatistics": self.baseline_statistics,
            "BaselineConstraints": self.baseline_constraints,
            "AnalyzerImage": self.analyzer_image,
        }

    def csv(self, rows: Sequence[Sequence[str]]) -> str:
        """Return rows as the endpoint takes them: CSV without a header."""
        return "".join(",".join(_quoted(cell) for cell in row) + "\n" for row in rows)

    def instances(self, rows: Sequence[Sequence[str]]) -> list[dict[str, Value]]:
        """Return rows as the endpoint's JSON: one object a row."""
        return [
            {
                str(feature["name"]): _typed(cell, str(feature["type"]))
                for feature, cell in zip(self.features, row, strict=True)
            }
            for row in rows
        ]


def read(path: Path) -> Release:
    """Read a release document.

    Raises:
        DocumentError: it is missing, no JSON, or lacks a field.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DocumentError(f"cannot read the release document {path}: {error}") from None
    if not isinstance(content, dict) or content.pop("schema", None) != SCHEMA:
        raise DocumentError(f"{path} is no release document of schema {SCHEMA}")
    try:
        return Release(
            **{
                **content,
                "features": tuple(content["features"]),
                "rows": tuple(tuple(row) for row in content["rows"]),
            }
        )
    except (KeyError, TypeError) as error:
        raise DocumentError(f"{path} is no complete release document: {error}") from None


def _quoted(cell: str) -> str:
    needs_quotes = any(character in cell for character in ',"\r\n')
    return '"' + cell.replace('"', '""') + '"' if needs_quotes else cell


def _typed(cell: str, kind: str) -> Value:
    if not cell:
        return None
    return float(cell) if kind == "number" else cell
