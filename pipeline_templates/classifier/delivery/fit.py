"""Whether the settings of a classifier fit together."""

from typing import Any

from delivery.parameter import BuildError


def check(settings: dict[str, Any]) -> None:
    """Check that `model.yaml` names columns that the contract has, and what they can hold.

    Raises:
        BuildError: it does not.
    """
    model = settings["model"]
    columns = {column["name"]: column for column in settings["contract"]["columns"]}
    named = [model["target"], *model["features"], *(facet["column"] for facet in model["facets"])]
    unknown = sorted(set(named) - set(columns))
    if unknown:
        raise BuildError(f"model.yaml names columns that the contract lacks: {', '.join(unknown)}")
    if model["target"] in model["features"]:
        raise BuildError(f"model.yaml: the target {model['target']} is among the features")
    if model["positive_class"] not in columns[model["target"]]["values"]:
        raise BuildError(f"model.yaml: {model['positive_class']} is no value of {model['target']}")
