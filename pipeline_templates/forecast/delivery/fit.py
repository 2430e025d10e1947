"""Whether the settings of a forecast fit together."""

from typing import Any

from delivery.parameter import BuildError


def check(settings: dict[str, Any]) -> None:
    """Check that `model.yaml` names series that the contract has, and the target among them.

    Raises:
        BuildError: it does not.
    """
    model = settings["model"]
    columns = {column["name"] for column in settings["contract"]["columns"]}
    named = {model["target"], *model["period"], *(item["of"] for item in model["features"])}
    if unknown := sorted(named - columns):
        raise BuildError(f"model.yaml names columns that the contract lacks: {', '.join(unknown)}")
    for item in model["features"]:
        if "change" in item and "growth" in item:
            raise BuildError(f"model.yaml: {item['name']} is a change or a growth, not both")
    plain = (i["of"] for i in model["features"] if not {"change", "growth"} & i.keys())
    if model["target"] not in plain:
        raise BuildError(
            f"model.yaml: no feature is {model['target']} as it is; the back-test compares with it"
        )
