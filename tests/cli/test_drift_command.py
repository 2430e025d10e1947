"""What was changed by hand is told in the words of the estate.

CloudFormation's answers are held to its service model; what the embedded cloud compares has tests
of its own.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from mlzone.errors import DeploymentError
from mlzone.loading import load_estate
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.services import drift
from mlzone_tools.services.deployment import StackState

ROOT = Path(__file__).parents[2]
STACK = "aur-insurance-prod-serving-lapse"
DETECTION = "11111111-2222-3333-4444-555555555555"


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """CloudFormation of an account in which one stack is deployed."""
    client = boto3.client(
        "cloudformation", "sa-east-1", aws_access_key_id="x", aws_secret_access_key="x"
    )

    class Session:
        @staticmethod
        def client(service: str, region: str) -> Any:
            assert (service, region) == ("cloudformation", "sa-east-1")
            return client

    def states(*_: object) -> tuple[StackState, ...]:
        return (
            StackState(stack=STACK, account="3" * 12, region="sa-east-1", status="CREATE_COMPLETE"),
        )

    monkeypatch.setattr(drift, "states", states)
    monkeypatch.setattr(drift, "account_session", lambda *_: Session())
    with Stubber(client) as stubber:
        stubber.add_response(
            "detect_stack_drift", {"StackDriftDetectionId": DETECTION}, {"StackName": STACK}
        )
        yield stubber


def status(**found: str) -> dict[str, Any]:
    return {
        "StackId": STACK,
        "StackDriftDetectionId": DETECTION,
        "Timestamp": "2026-11-27T00:00:00Z",
        **found,
    }


def find() -> tuple[drift.Drift, ...]:
    return drift.find_drift(
        Endpoint(pid=1, port=1, url="http://localhost:1", credentials={}),
        load_estate(ROOT / "organization"),
        "insurance",
        talk=lambda _: None,
    )


def test_a_changed_resource_is_told_with_whose_it_is(cloudformation: Stubber):
    for name in ("DETECTION_IN_PROGRESS", "DETECTION_COMPLETE"):
        cloudformation.add_response(
            "describe_stack_drift_detection_status",
            status(DetectionStatus=name, StackDriftStatus="DRIFTED"),
        )
    cloudformation.add_response(
        "describe_stack_resource_drifts",
        {
            "StackResourceDrifts": [
                {
                    "StackId": STACK,
                    "LogicalResourceId": "EndpointLog",
                    "PhysicalResourceId": "/aws/sagemaker/Endpoints/lapse",
                    "ResourceType": "AWS::Logs::LogGroup",
                    "StackResourceDriftStatus": "MODIFIED",
                    "PropertyDifferences": [
                        {
                            "PropertyPath": "/RetentionInDays",
                            "ExpectedValue": "365",
                            "ActualValue": "1",
                            "DifferenceType": "NOT_EQUAL",
                        }
                    ],
                    "Timestamp": "2026-11-27T00:00:00Z",
                }
            ]
        },
    )

    (found,) = find()

    assert found.place == "lapse, serving, in prod of insurance"
    assert found.status == "MODIFIED"
    assert found.differences == (
        drift.Difference(property="RetentionInDays", expected="365", actual="1"),
    )


def test_a_stack_as_it_should_be_is_not_looked_into(cloudformation: Stubber):
    cloudformation.add_response(
        "describe_stack_drift_detection_status",
        status(DetectionStatus="DETECTION_COMPLETE", StackDriftStatus="IN_SYNC"),
    )

    assert find() == ()
    cloudformation.assert_no_pending_responses()


def test_a_comparison_that_failed_is_no_absence_of_drift(cloudformation: Stubber):
    cloudformation.add_response(
        "describe_stack_drift_detection_status",
        status(DetectionStatus="DETECTION_FAILED", DetectionStatusReason="no rights"),
    )

    with pytest.raises(DeploymentError, match="could not be compared: no rights"):
        find()
