"""Turns classifiers into ONNX with one output, `probability`; runs in the sandbox alone.

Models of scikit-learn are translated by skl2onnx, networks are rid of what they give besides.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

PROBABILITY = "probability"
_BACKGROUND_RECORDS = 25
_LABELS = ("classlabels_ints", "classlabels_int64s", "classlabels_strings")
_TEXTS = 8
"""ONNX's number for texts, `TensorProto.STRING`."""
_BINARY = 2


class Unusable(Exception):  # noqa: N818 - a finding, not a malfunction
    """The model cannot be used; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Translated:
    """A classifier in ONNX."""

    content: bytes
    probabilities: list[float] | None
    """The model's own answers for the records; None if it was ONNX before."""


def read(content: bytes) -> Any:
    """Return what an ONNX file holds."""
    import onnx  # noqa: PLC0415 - only where needed

    try:
        found = onnx.load_model_from_string(content)
        onnx.checker.check_model(found)
    except Exception as error:
        raise Unusable(f"it is no ONNX model: {str(error).splitlines()[0]}") from error
    return found


def kind(model: Any) -> str:
    """Return what a model is, for people."""
    found = type(model)
    if found.__module__.startswith("onnx"):
        return f"ONNX model of {model.producer_name or 'an unknown producer'}"
    return f"{found.__module__}.{found.__qualname__}"


def inputs(model: Any, described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the features that a network names by its inputs if none are described."""
    if described or not type(model).__module__.startswith("onnx"):
        return described
    known = {item.name for item in model.graph.initializer}
    columns = [item for item in model.graph.input if item.name not in known]
    if len(columns) == 1 or any(item.type.tensor_type.elem_type == _TEXTS for item in columns):
        raise Unusable("it does not say what its input is; describe it (column `features`)")
    return [{"name": item.name, "type": "number"} for item in columns]


def background(rows: list[Any]) -> list[Any]:
    """Return some of the records, always the same ones."""
    return random.Random(1).sample(rows, min(len(rows), _BACKGROUND_RECORDS))  # noqa: S311


def translated(
    model: Any, features: list[dict[str, Any]], rows: list[Any], positive: str
) -> Translated:
    """Return a classifier as a network that gives the probability of the positive class."""
    if type(model).__module__.startswith("onnx"):
        return Translated(content=_only_probability(model, positive), probabilities=None)
    if not hasattr(model, "predict_proba") or not hasattr(model, "classes_"):
        raise Unusable(f"it is a {kind(model)}; expected a classifier that gives probabilities")
    import numpy as np  # noqa: PLC0415 - only where needed

    place = _place([str(item) for item in model.classes_], positive)
    problems = []
    for form in _forms(model, features):
        try:
            own = model.predict_proba(_given(form, features, rows))[:, place]
            content = _only_probability(_written(model, form, features), positive, place)
        except Exception as error:  # noqa: BLE001 - another form may do
            problems.append((str(error).strip().splitlines() or [type(error).__name__])[0])
        else:
            return Translated(content=content, probabilities=np.asarray(own, float).tolist())
    raise Unusable(f"a {kind(model)} cannot be written as ONNX: {problems[0][:200]}")


def _place(classes: Sequence[str], positive: str) -> int:
    """Return which of two classes is the positive one."""
    if len(classes) != _BINARY:
        raise Unusable(f"it tells {len(classes)} classes apart; expected 2")
    if positive in classes:
        return classes.index(positive)
    if set(classes) <= {"0", "1", "False", "True", "0.0", "1.0"}:
        return 1
    raise Unusable(f"its classes are {' and '.join(classes)}; none is {positive}")


def _forms(model: Any, features: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return how a model may take its input: columns with names, or a matrix of numbers."""
    if not hasattr(model, "feature_names_in_"):
        return ("matrix",)
    numbers = all(item["type"] == "number" for item in features)
    return ("columns", "matrix") if numbers else ("columns",)


def _given(form: str, features: list[dict[str, Any]], rows: list[Any]) -> Any:
    import numpy as np  # noqa: PLC0415 - only where needed
    import pandas as pd  # noqa: PLC0415 - only where needed

    names = [item["name"] for item in features]
    if form == "matrix" and not all(item["type"] == "number" for item in features):
        table = [[_code(row[item["name"]], item) for item in features] for row in rows]
        return np.array(table, dtype=np.float32)
    columns = {
        item["name"]: [
            _number(row[item["name"]]) if item["type"] == "number" else _known(row, item)
            for row in rows
        ]
        for item in features
    }
    frame = pd.DataFrame(columns, columns=names)
    numbers = [item["name"] for item in features if item["type"] == "number"]
    # As the endpoint hands them over: single precision.
    frame[numbers] = frame[numbers].astype(np.float32)
    return frame if form == "columns" else frame.to_numpy(dtype=np.float32)


def _written(model: Any, form: str, features: list[dict[str, Any]]) -> Any:
    from skl2onnx import to_onnx  # noqa: PLC0415 - only where needed
    from skl2onnx.common.data_types import (  # noqa: PLC0415 - only where needed
        FloatTensorType,
        StringTensorType,
    )

    types = (
        [("features", FloatTensorType([None, len(features)]))]
        if form == "matrix"
        else [
            (
                item["name"],
                (FloatTensorType if item["type"] == "number" else StringTensorType)([None, 1]),
            )
            for item in features
        ]
    )
    return to_onnx(model, initial_types=types, options={"zipmap": False})


def _only_probability(model: Any, positive: str, place: int | None = None) -> bytes:
    """Return a network without its other outputs, of two probabilities the positive one's."""
    import onnx  # noqa: PLC0415 - only where needed

    graph = model.graph
    maps = [node for node in graph.node if node.op_type == "ZipMap"]
    source = maps[0].input[0] if maps else _floats(graph)
    width = 0 if maps else _width(graph, source)
    if maps or width == _BINARY:
        chosen = _place(labels, positive) if place is None and (labels := _labels(graph)) else place
        number, shape, operator = 1 if chosen is None else chosen, [], "Gather"
    else:
        number, shape, operator = -1, [1], "Reshape"
    graph.initializer.append(
        onnx.helper.make_tensor("mlz_place", onnx.TensorProto.INT64, shape, [number])
    )
    axis = {"axis": 1} if operator == "Gather" else {}
    last = onnx.helper.make_node(operator, [source, "mlz_place"], [PROBABILITY], **axis)
    for node in maps:
        graph.node.remove(node)
    if source == PROBABILITY:
        raise Unusable(f"its output {PROBABILITY} holds both classes; call it otherwise")
    graph.node.append(last)
    del graph.output[:]
    graph.output.append(
        onnx.helper.make_tensor_value_info(PROBABILITY, onnx.TensorProto.FLOAT, [None])
    )
    onnx.checker.check_model(model)
    content: bytes = model.SerializeToString()
    return content


def _floats(graph: Any) -> str:
    """Return the one output of numbers that can be probabilities."""
    floats = [item for item in graph.output if item.type.tensor_type.elem_type == 1]
    if len(floats) != 1:
        names = ", ".join(item.name for item in graph.output)
        raise Unusable(f"its outputs are {names}; expected one of numbers")
    return str(floats[0].name)


def _width(graph: Any, name: str) -> int:
    shape = next(item for item in graph.output if item.name == name).type.tensor_type.shape.dim
    return int(shape[1].dim_value) if len(shape) > 1 else 1


def _labels(graph: Any) -> list[str]:
    """Return the classes that a network's operators name, in the order of the probabilities."""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.name in _LABELS and (attribute.ints or attribute.strings):
                return [str(item) for item in attribute.ints] or [
                    item.decode() for item in attribute.strings
                ]
    return []


def _number(text: str) -> float:
    return float(text) if text else float("nan")


def _known(row: dict[str, str], feature: dict[str, Any]) -> str:
    """Return a category, or nothing for one that the model is not described to know."""
    text = row[feature["name"]]
    return text if text in feature["categories"] else ""


def _code(text: str, feature: dict[str, Any]) -> float:
    if feature["type"] == "number":
        return _number(text)
    known = feature["categories"]
    return float(known.index(text)) if text in known else float("nan")
