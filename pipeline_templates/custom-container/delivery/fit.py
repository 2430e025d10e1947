"""Whether the settings of a model of numbers fit together."""

from typing import Any

from delivery.parameter import BuildError


def check(settings: dict[str, Any]) -> None:
    """Check that `model.yaml` names columns that the contract has, and a target that is a number.

    Raises:
        BuildError: it does not.
    """
    model = settings["model"]
    columns = {column["name"]: column for column in settings["contract"]["columns"]}
    named = [model["target"], model["group"], *model["features"]]
    if unknown := sorted(set(named) - set(columns)):
        raise BuildError(f"model.yaml names columns that the contract lacks: {', '.join(unknown)}")
    if model["target"] in model["features"]:
        raise BuildError(f"model.yaml: the target {model['target']} is among the features")
    if columns[model["target"]]["type"] == "category":
        raise BuildError(f"model.yaml: the target {model['target']} is a category, not a number")
