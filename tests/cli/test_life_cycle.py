"""Models of each template come into production by commit and approvals alone.

One cloud serves all tests of this module; they run in the order in which they are written. The demo
does the same with the template `tabular-realtime`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.cli.life_cycle import Bank
from tests.cli.templates_estate import ELSEWHERE, FORECAST

CALM = "4,-0.1,-0.3,0.9,4,8,4,5.5,0.5,2.5\n"
CRISIS = "9.6,0.4,3.6,0.7,-2.9,-30,-1.1,0.12,-1.4,3.56\n"
"""What the forecast sees in good times and in a crisis, in the order of `model.yaml`."""

pytestmark = pytest.mark.cdk


@pytest.fixture(scope="module")
def bank(
    tmp_path_factory: pytest.TempPathFactory, documented: Callable[..., Any]
) -> Iterator[Bank]:
    made = Bank(tmp_path_factory.mktemp("bank"), documented)
    try:
        made.open()
        yield made
    finally:
        made.close()


def test_a_commit_trains_a_forecast_and_registers_it_with_its_back_test(bank: Bank):
    bank.mlzone("model", "new", FORECAST, "forecast")
    bank.mlzone("model", "submit", FORECAST, "forecast", "--as", "laura.campos", "--wait")

    version = bank.result("model", "show", FORECAST)["version"]

    assert version["status"] == "PendingManualApproval"
    assert version["author"] == "laura.campos"
    assert float(version["metadata"]["error_ratio"]) < 0.9
    assert int(version["metadata"]["origins"]) > 20


def test_a_commit_registers_a_model_that_was_trained_elsewhere(bank: Bank):
    bank.mlzone("model", "new", ELSEWHERE, "elsewhere")
    bank.mlzone("model", "submit", ELSEWHERE, "elsewhere", "--as", "bruno.lima", "--wait")

    found = bank.result("model", "show", ELSEWHERE)

    metadata = found["version"]["metadata"]
    assert float(metadata["auc"]) >= 0.7
    assert len(metadata["model_hash"]) == 64
    assert "Trained elsewhere" in found["registry"]["ModelCard"]["ModelCardContent"]


def test_one_approval_brings_a_model_of_tier_3_into_production(bank: Bank):
    bank.mlzone("model", "approve", FORECAST, "--as", "paula.reis", "--reason", "back-test read")

    bank.until(lambda: bank.promoted(FORECAST, "prod"), "the forecast is in production")

    calm, crisis = (bank.call("natalia.ramos", FORECAST, row) for row in (CALM, CRISIS))
    assert 0.03 < calm["probability"] < crisis["probability"] < 0.12
    assert calm["decision"] == "base-scenario"


def test_a_model_of_tier_2_needs_two_people(bank: Bank):
    (bank.folder / "report.md").write_text("Validated on records of our own.", encoding="utf-8")
    as_tomas, as_paula = ("--as", "tomas.amaral"), ("--as", "paula.reis")
    bank.mlzone("model", "approve", ELSEWHERE, *as_paula, "--reason", "read", code=3)
    bank.mlzone("model", "validate", ELSEWHERE, *as_tomas, "--report", "report.md")
    bank.mlzone("model", "approve", ELSEWHERE, *as_paula, "--reason", "report read")

    def asked() -> Any:
        return bank.result("model", "list", "--waiting-for", "tomas.amaral")

    (waiting,) = bank.until(asked, "production asks")
    assert (waiting["model"], waiting["waits_for"]) == (ELSEWHERE, "production")
    bank.mlzone("model", "promote", ELSEWHERE, *as_tomas, "--reason", "staging tests read")
    bank.until(lambda: bank.promoted(ELSEWHERE, "prod"), "the scorecard is in production")
