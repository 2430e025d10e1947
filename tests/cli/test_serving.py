"""What serves in an environment, while its stack changes and after."""

from pathlib import Path
from typing import Any

import pytest
from tests.cli.registered import GROUP, MODEL, version

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone_tools.services.model import lineage, retirement

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(ROOT / "organization")


class Production:
    """A session in production, where a stack serves version 2 by an endpoint in service."""

    def __init__(self, stack_status: str) -> None:
        self.stack_status = stack_status

    def client(self, service: str) -> "Production":
        assert service in ("cloudformation", "sagemaker")
        return self

    def describe_stacks(self, **_: str) -> dict[str, Any]:
        parameter = {"ParameterKey": "ModelPackageArn", "ParameterValue": f"{GROUP}/2"}
        return {"Stacks": [{"StackStatus": self.stack_status, "Parameters": [parameter]}]}

    def describe_endpoint(self, **_: str) -> dict[str, str]:
        return {"EndpointStatus": "InService"}


def place(estate: Estate, stack_status: str) -> lineage.Place:
    session: Any = Production(stack_status)
    return lineage.serving(session, estate, MODEL, Stage.PROD)


@pytest.mark.parametrize(
    ("stack_status", "status"),
    [
        ("UPDATE_IN_PROGRESS", "Updating"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "Updating"),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "InService"),
        ("UPDATE_COMPLETE", "InService"),
        ("UPDATE_ROLLBACK_COMPLETE", "InService"),
    ],
)
def test_a_version_is_in_service_once_its_stack_has_changed_the_endpoint(
    estate: Estate, stack_status: str, status: str
):
    found = place(estate, stack_status)

    assert (found.version, found.status) == (2, status)


def test_MOD_01_the_version_before_is_not_retired_while_a_release_may_go_back_to_it(
    estate: Estate,
):
    updating = place(estate, "UPDATE_IN_PROGRESS")
    registry: Any = None
    before = version(version=1, status="Approved", stage="Production")

    with pytest.raises(ConfigError, match="is being updated") as refusal:
        retirement.retire(registry, [before], [updating], person="paula.reis", reason="worse")

    assert refusal.value.hint == "try again when the release has ended"
