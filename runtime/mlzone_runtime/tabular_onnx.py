"""Models in ONNX, the open format of networks of operators.

`model.onnx` takes either one matrix of numbers, encoded as `schema.json` says, or a column a
feature, by its name: numbers, and categories as their text (missing ones and those that training
never saw are empty). Its output `probability` is the probability of the positive class; where
`schema.json` says that answers are any numbers (`"link": "identity"`), its output is `answer`.
`background.csv` holds some records that contributions compare with, a header first.

Source: ONNX operators `ai.onnx` and `ai.onnx.ml`, https://onnx.ai/onnx/operators/.
"""

import csv
import io
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import onnxruntime

from mlzone_runtime.tabular_sampling import sampled_contributions
from mlzone_runtime.tabular_schema import ArtifactError, Feature, InvalidValueError, Matrix, Schema

_NUMBERS: dict[str, type[np.floating[Any]]] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
}
_TEXT = "tensor(string)"
_ONLY_ERRORS = 3
_ROUNDING = 1e-5
_NEAREST = 1e-6
"""Probabilities count as no nearer than this to none and all, for the sake of their log odds."""


@dataclass(frozen=True, kw_only=True)
class Network:
    """Predicts with a network of operators."""

    session: Any
    schema: Schema
    background: Matrix
    attribution: str = "sampled Shapley"

    @classmethod
    def load(cls, content: bytes, schema: Schema, background: bytes, threads: int) -> Self:
        """Load what `model.onnx` and `background.csv` hold.

        Raises:
            ArtifactError: it is no network, or takes or gives something else.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = _ONLY_ERRORS
        try:
            session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            reason = str(error).strip().splitlines()[-1]
            raise ArtifactError(f"model.onnx is no network: {reason}") from error
        if schema.answer_key not in [output.name for output in session.get_outputs()]:
            raise ArtifactError(f"model.onnx has no output {schema.answer_key}")
        _require_inputs(session.get_inputs(), schema)
        records = list(csv.DictReader(io.StringIO(background.decode("utf-8"))))
        if not records:
            raise ArtifactError("background.csv holds no records")
        try:
            encoded = schema.encode_records(records)
        except InvalidValueError as error:
            raise ArtifactError(f"background.csv: {error}") from error
        return cls(session=session, schema=schema, background=encoded)

    def predict(self, matrix: Matrix) -> npt.NDArray[np.float32]:
        """Return the answer to each row: the probability of the positive class, or a number."""
        inputs = self.session.get_inputs()
        if _takes_matrix(inputs, self.schema):
            given = {inputs[0].name: matrix.astype(_NUMBERS[inputs[0].type], copy=False)}
        else:
            features = dict(zip(self.schema.names, self.schema.features, strict=True))
            columns = dict(zip(self.schema.names, matrix.T, strict=True))
            given = {
                item.name: _column(item, features[item.name], columns[item.name]) for item in inputs
            }
        (found,) = self.session.run([self.schema.answer_key], given)
        chances = np.asarray(found, dtype=np.float32).reshape(len(matrix))
        if self.schema.link == "identity":
            return chances
        inside = np.clip(chances, 0, 1)
        # Sums of many trees' shares end beside one.
        return np.where(np.abs(chances - inside) <= _ROUNDING, inside, chances)

    def contributions(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Return sampled Shapley values, in the schema's unit, and last the expected value."""
        return sampled_contributions(self._linked, matrix, self.background)

    def _linked(self, matrix: Matrix) -> npt.NDArray[np.float64]:
        """Return what contributions add up to."""
        answers = self.predict(matrix).astype(np.float64)
        if self.schema.link == "identity":
            return answers
        chances = np.clip(answers, _NEAREST, 1 - _NEAREST)
        return np.asarray(np.log(chances / (1 - chances)))


def _takes_matrix(inputs: list[Any], schema: Schema) -> bool:
    """Tell whether the network takes all features at once."""
    return len(inputs) == 1 and inputs[0].name not in schema.names


def _require_inputs(inputs: list[Any], schema: Schema) -> None:
    if _takes_matrix(inputs, schema):
        (matrix,) = inputs
        width = matrix.shape[-1] if matrix.shape else None
        if matrix.type not in _NUMBERS:
            raise ArtifactError(f"model.onnx takes {matrix.type}; expected numbers")
        if isinstance(width, int) and width != len(schema.features):
            raise ArtifactError(
                f"model.onnx takes {width} features, schema.json has {len(schema.features)}"
            )
        return
    features = dict(zip(schema.names, schema.features, strict=True))
    for item in inputs:
        if item.name not in features:
            raise ArtifactError(f"model.onnx takes {item.name}, which schema.json does not have")
        kinds = (_TEXT,) if features[item.name].kind == "category" else tuple(_NUMBERS)
        if item.type not in kinds:
            raise ArtifactError(
                f"model.onnx takes {item.name} as {item.type}; expected {' or '.join(kinds)}"
            )
    if missing := [name for name in schema.names if name not in {item.name for item in inputs}]:
        raise ArtifactError(f"model.onnx does not take {', '.join(missing)}")


def _column(item: Any, feature: Feature, values: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
    """Return a feature's values as the network takes them."""
    if feature.kind == "category":
        words = np.array([*feature.categories, ""], dtype=object)
        given: npt.NDArray[Any] = words[np.nan_to_num(values, nan=-1).astype(np.int64)]
    else:
        given = values.astype(_NUMBERS[item.type])
    return given.reshape(-1, 1) if len(item.shape) > 1 else given
