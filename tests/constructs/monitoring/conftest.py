"""Stacks of a model's monitors, by both engines."""

from typing import Any

import pytest
from tests.constructs.monitoring.monitored import ALL, ONE, request_of

from mlzone.estate import Stage
from mlzone_stacks.monitoring import MonitoringStack


@pytest.fixture(scope="module")
def managed(build) -> dict[str, Any]:
    """Production, watched by SageMaker Model Monitor."""
    return build(MonitoringStack, Stage.PROD, engine="model-monitor", **ONE)


@pytest.fixture(scope="module")
def scheduled(build) -> dict[str, Any]:
    """Production, watched by scheduled processing jobs."""
    return build(MonitoringStack, Stage.PROD, engine="scheduled-processing", **ONE)


@pytest.fixture(scope="module")
def all_managed(build) -> dict[str, Any]:
    """All four monitors, run by SageMaker Model Monitor."""
    return build(MonitoringStack, Stage.PROD, engine="model-monitor", monitoring=ALL)


@pytest.fixture(scope="module")
def all_scheduled(build) -> dict[str, Any]:
    """All four monitors as scheduled processing jobs."""
    return build(MonitoringStack, Stage.PROD, engine="scheduled-processing", monitoring=ALL)


@pytest.fixture(scope="module")
def staging(build) -> dict[str, Any]:
    return build(MonitoringStack, Stage.STAGING, engine="model-monitor")


@pytest.fixture(scope="module")
def job(scheduled) -> dict[str, Any]:
    """The request that starts a scheduled processing job; references stand as `<name>`."""
    return request_of(scheduled)
