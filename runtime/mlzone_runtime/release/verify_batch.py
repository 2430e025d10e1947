"""Verifies a release of a model that answers by the day: a batch over the smoke rows.

It goes the way of every batch: the same function, role, network, keys and kind of instance; only
its answers are used by nobody.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mlzone_runtime.release.document import Release
from mlzone_runtime.release.verify import VerificationError, number

PAUSE_SECONDS = 2.0
LONGEST_SECONDS = 25 * 60.0
"""The build that waits ends after half an hour."""

Talk = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BatchVerifier:
    """Has a release answer for a batch."""

    function: str
    """The function that begins batches."""
    release: Release
    token: str
    """What asks: the promotion's execution."""
    functions: Any
    """A client of AWS Lambda."""
    sagemaker: Any
    talk: Talk = print
    pause: float = PAUSE_SECONDS

    def verify(self) -> dict[str, Any]:
        """Hold a release to its promises; return what was measured.

        Raises:
            VerificationError: it breaks one; the message says which.
        """
        rows = [list(row) for row in self.release.rows]
        begun = self._call({"smoke": self.token, "rows": rows})
        if not begun.get("job"):
            raise VerificationError(f"no batch began: {begun}")
        job = str(begun["job"])
        self.talk(f"{job} answers for {len(rows)} records")
        described = self._ended(job)
        self._is_of_the_release(described)
        answers = self._call({"answers": job})["answers"]
        expected = [f"smoke-{number}" for number in range(1, len(rows) + 1)]
        if [name for name, _ in answers] != expected:
            raise VerificationError(
                f"{len(rows)} records got {len(answers)} answers, or in another order"
            )
        for _, answer in answers:
            number(answer, self.release.answers)
        self.talk(f"passed  {len(rows)} records got their answers, in their order")
        seconds = (described["TransformEndTime"] - described["CreationTime"]).total_seconds()
        return {"job": job, "records": len(rows), "seconds": round(seconds, 1)}

    def _ended(self, job: str) -> dict[str, Any]:
        end = time.monotonic() + LONGEST_SECONDS
        while time.monotonic() < end:
            found: dict[str, Any] = self.sagemaker.describe_transform_job(TransformJobName=job)
            status = found["TransformJobStatus"]
            if status == "Completed":
                self.talk(f"passed  {job} completed")
                return found
            if status in ("Failed", "Stopped"):
                raise VerificationError(f"{job} {status}: {found.get('FailureReason', '')}")
            time.sleep(self.pause)
        raise VerificationError(f"{job} did not end within {LONGEST_SECONDS:.0f} seconds")

    def _is_of_the_release(self, described: Mapping[str, Any]) -> None:
        model = described["ModelName"]
        if not model.endswith(f"-{self.release.release}"):
            raise VerificationError(f"{model} answered, not release {self.release.release}")
        self.talk(f"passed  {model} answered")

    def _call(self, event: Mapping[str, Any]) -> dict[str, Any]:
        answer = self.functions.invoke(FunctionName=self.function, Payload=json.dumps(event))
        said: dict[str, Any] = json.loads(answer["Payload"].read())
        if problem := said.get("errorMessage") or said.get("refused"):
            raise VerificationError(f"{self.function}: {problem}")
        return said
