"""The example estate and its guardrails."""

from pathlib import Path

import pytest

from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone.theorem import Guardrails


@pytest.fixture(scope="session")
def estate() -> Estate:
    return load_estate(Path(__file__).parents[2] / "organization")


@pytest.fixture(scope="session")
def guardrails(estate: Estate) -> Guardrails:
    return Guardrails(estate)
