"""A release of a model without an endpoint is tested by a batch over the smoke rows."""

import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlzone_runtime.release.document import Release
from mlzone_runtime.release.verify import VerificationError
from mlzone_runtime.release.verify_batch import BatchVerifier

BEGAN = datetime(2026, 11, 29, 2, tzinfo=UTC)
ANSWERS = [["smoke-1", "0.1"], ["smoke-2", "0.2"], ["smoke-3", "0.3"]]


class Batches:
    """The function that begins batches, and SageMaker."""

    def __init__(self, **changes: Any) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: Any = ANSWERS
        self.job = {
            "TransformJobStatus": "Completed",
            "ModelName": "aur-retail-review-staging-0a1b2c3d-v3-abcdef",
            "CreationTime": BEGAN,
            "TransformEndTime": BEGAN + timedelta(seconds=240),
            **changes,
        }

    def invoke(self, *, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == "batches"
        event = json.loads(Payload)
        self.asked.append(event)
        said: Any = {"answers": self.answers} if "answers" in event else {"job": "job-1"}
        if self.answers is None:
            said = {"refused": "nothing answers"}
        return {"Payload": io.BytesIO(json.dumps(said).encode())}

    def describe_transform_job(self, *, TransformJobName: str) -> dict[str, Any]:  # noqa: N803
        assert TransformJobName == "job-1"
        return self.job


def verify(release: Release, batches: Batches) -> dict[str, Any]:
    verifier = BatchVerifier(
        function="batches",
        release=release,
        token="execution-1",
        functions=batches,
        sagemaker=batches,
        talk=lambda _: None,
    )
    return verifier.verify()


def test_DEP_03_the_smoke_rows_go_the_way_of_every_batch(release: Release):
    batches = Batches()

    facts = verify(release, batches)

    assert batches.asked[0] == {"smoke": "execution-1", "rows": [list(row) for row in release.rows]}
    assert facts == {"job": "job-1", "records": 3, "seconds": 240.0}


@pytest.mark.parametrize(
    ("changes", "answers", "reason"),
    [
        ({"TransformJobStatus": "Failed", "FailureReason": "no memory"}, ANSWERS, "no memory"),
        ({"ModelName": "x-v2-000000"}, ANSWERS, "x-v2-000000 answered, not release v3-abcdef"),
        ({}, ANSWERS[:2], "3 records got 2 answers"),
        ({}, [ANSWERS[1], ANSWERS[0], ANSWERS[2]], "or in another order"),
        ({}, [*ANSWERS[:2], ["smoke-3", "1.5"]], "an answer is 1.5, not a probability"),
        ({}, None, "batches: nothing answers"),
    ],
)
def test_DEP_03_a_release_that_does_not_keep_its_promise_is_refused(
    release: Release, changes: dict[str, Any], answers: Any, reason: str
):
    batches = Batches(**changes)
    batches.answers = answers

    with pytest.raises(VerificationError, match=reason):
        verify(replace(release), batches)
