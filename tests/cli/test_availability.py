"""Whether an account still has SageMaker Model Monitor, as far as it can be asked."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlzone_tools.services.monitoring.availability import availability


class SageMaker:
    """An account that answers a request for a schedule in one way."""

    def __init__(self, code: str, message: str, schedules: tuple[str, ...] = ()) -> None:
        self.answer = {"Error": {"Code": code, "Message": message}}
        self.schedules = schedules
        self.asked: list[dict[str, Any]] = []

    def list_monitoring_schedules(self, **_: Any) -> dict[str, Any]:
        found = [{"MonitoringScheduleName": name} for name in self.schedules]
        return {"MonitoringScheduleSummaries": found}

    def create_monitoring_schedule(self, **request: Any) -> None:
        self.asked.append(request)
        raise ClientError(self.answer, "CreateMonitoringSchedule")


@pytest.mark.parametrize(
    ("code", "message", "state"),
    [
        ("ResourceNotFound", "Job definition mlzone-doctor does not exist.", "open"),
        ("ValidationException", "Could not find the job definition", "open"),
        ("AccessDeniedException", "Model Monitor is not available to new customers", "closed"),
        ("UnknownOperationException", "gone", "closed"),
        ("AccessDeniedException", "User is not authorized to perform: sagemaker:Create", "unknown"),
    ],
)
def test_the_answer_to_an_impossible_request_tells(code: str, message: str, state: str):
    sagemaker = SageMaker(code, message)

    found = availability(sagemaker)

    assert found.state == state
    (request,) = sagemaker.asked
    config = request["MonitoringScheduleConfig"]
    assert config["MonitoringJobDefinitionName"] == request["MonitoringScheduleName"]


def test_schedules_that_exist_tell_without_asking():
    sagemaker = SageMaker("", "", schedules=("hourly",))

    assert availability(sagemaker).reason == "it has schedules, such as hourly"
    assert sagemaker.asked == []
