"""Verifies a deployed release by what its callers see: answers, refusals and times.

The requests are rows that the model was trained on, so that they are no drift; they carry a custom
attribute by which captured requests can tell them from real ones.
"""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlzone_runtime.release.document import Release

CUSTOM_ATTRIBUTES = "mlzone-smoke-test"
"""Marks the requests."""
NONSENSE = "not a value of this feature"
TOLERANCE = 1e-6
_BAD_REQUEST = 400
_PERCENTILE = 95

Talk = Callable[[str], None]


class VerificationError(Exception):
    """A deployed release does not do what it promises."""


@dataclass(frozen=True, kw_only=True)
class ServiceLevel:
    """What callers can expect."""

    p95_latency_ms: float
    """95th percentile of the time to answer, in milliseconds."""
    error_rate_percent: float
    """Largest share of failing requests, in percent."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What the timed requests showed."""

    requests: int
    p95_latency_ms: float
    error_rate_percent: float

    def facts(self, level: ServiceLevel) -> dict[str, Any]:
        """Return the figures beside their limits."""
        return {
            "requests": self.requests,
            "p95_latency_ms": round(self.p95_latency_ms, 1),
            "p95_latency_limit_ms": level.p95_latency_ms,
            "error_rate_percent": round(self.error_rate_percent, 3),
            "error_rate_limit_percent": level.error_rate_percent,
        }


@dataclass(frozen=True, kw_only=True)
class Verifier:
    """Calls an endpoint as its clients do."""

    endpoint: str
    release: Release
    sagemaker: Any
    runtime: Any
    """The client of SageMaker's runtime."""
    talk: Talk = print

    def verify(self, level: ServiceLevel, requests: int) -> Measured:
        """Hold a release to its promises.

        Args:
            level: what callers can expect.
            requests: how many requests are timed.

        Raises:
            VerificationError: it breaks one; the message says which.
        """
        self._serves_the_release()
        self._answers_alike()
        self._refuses_nonsense()
        measured = self._measure(requests)
        if measured.error_rate_percent > level.error_rate_percent:
            raise VerificationError(
                f"{measured.error_rate_percent:.2f} % of {requests} requests failed; "
                f"the service level allows {level.error_rate_percent:g} %"
            )
        if measured.p95_latency_ms > level.p95_latency_ms:
            raise VerificationError(
                f"95 % of {requests} requests took up to {measured.p95_latency_ms:.0f} ms; "
                f"the service level allows {level.p95_latency_ms:g} ms"
            )
        self.talk(
            f"passed  service level: p95 {measured.p95_latency_ms:.0f} ms of "
            f"{level.p95_latency_ms:g}, errors {measured.error_rate_percent:g} % of "
            f"{level.error_rate_percent:g}"
        )
        return measured

    def _serves_the_release(self) -> None:
        try:
            described = self.sagemaker.describe_endpoint(EndpointName=self.endpoint)
        except ClientError as error:
            raise VerificationError(f"there is no endpoint {self.endpoint}: {error}") from None
        if described["EndpointStatus"] != "InService":
            raise VerificationError(f"{self.endpoint} is {described['EndpointStatus']}")
        config = described["EndpointConfigName"]
        if not config.endswith(f"-{self.release.release}"):
            raise VerificationError(
                f"{self.endpoint} serves {config}, not release {self.release.release}"
            )
        self.talk(f"passed  {self.endpoint} is in service with {config}")

    def _answers_alike(self) -> None:
        """CSV and JSON give the same valid answers for the same rows."""
        rows, kind_of = self.release.rows, self.release.answers
        answer = self._call("text/csv", self.release.csv(rows))
        by_csv = [number(line, kind_of) for line in answer.split()]
        by_json = self._predictions(self.release.instances(rows))
        for kind, found in (("CSV", by_csv), ("JSON", by_json)):
            if len(found) != len(rows):
                raise VerificationError(f"{len(rows)} rows of {kind} got {len(found)} answers")
        for place, (one, other) in enumerate(zip(by_csv, by_json, strict=True), 1):
            if not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
                raise VerificationError(f"row {place} gets {one} as CSV and {other} as JSON")
        self.talk(f"passed  {len(rows)} rows as CSV and as JSON give the same answers")

    def _predictions(self, instances: Sequence[dict[str, Any]]) -> list[float]:
        answer = self._call("application/json", json.dumps({"instances": instances}))
        try:
            predictions = json.loads(answer)["predictions"]
            if not all(item["decision"] for item in predictions):
                raise VerificationError("a prediction holds no decision")
            kind = self.release.answers
            return [number(item[kind], kind) for item in predictions]
        except (KeyError, TypeError, ValueError) as error:
            raise VerificationError(f"the JSON answer is not as agreed: {error!r}") from None

    def _refuses_nonsense(self) -> None:
        """A wrong value is the caller's error, and the answer names the feature."""
        feature = next(
            (item for item in self.release.features if item["type"] == "number"),
            self.release.features[0],
        )
        name = feature["name"]
        # An unknown category is a missing value; a list is no value of any feature.
        value = NONSENSE if feature["type"] == "number" else [NONSENSE]
        instance = {**self.release.instances(self.release.rows[:1])[0], name: value}
        try:
            self._call("application/json", json.dumps({"instances": [instance]}))
        except ClientError as error:
            status = error.response.get("OriginalStatusCode")
            message = error.response.get("OriginalMessage", "")
            if status != _BAD_REQUEST:
                raise VerificationError(
                    f"a wrong value of {name} is answered with {status}, not {_BAD_REQUEST}"
                ) from None
            if name not in message:
                raise VerificationError(
                    f"the refusal of a wrong value does not name {name}: {message}"
                ) from None
            self.talk(f"passed  a wrong value of {name} is refused by name")
            return
        raise VerificationError(f"a wrong value of {name} is answered as if it were right")

    def _measure(self, requests: int) -> Measured:
        rows = self.release.rows
        bodies = [self.release.csv([row]) for row in rows]
        times, failures = [], 0
        for number in range(requests):
            begin = time.perf_counter()
            try:
                self._call("text/csv", bodies[number % len(bodies)])
            except ClientError as error:
                failures += 1
                self.talk(f"request {number + 1} failed: {error}")
            times.append((time.perf_counter() - begin) * 1000)
        return Measured(
            requests=requests,
            p95_latency_ms=percentile(times, _PERCENTILE),
            error_rate_percent=100 * failures / requests,
        )

    def _call(self, content_type: str, body: str) -> str:
        answer = self.runtime.invoke_endpoint(
            EndpointName=self.endpoint,
            ContentType=content_type,
            Accept=content_type,
            CustomAttributes=CUSTOM_ATTRIBUTES,
            Body=body.encode(),
        )
        text: str = answer["Body"].read().decode()
        return text


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the smallest value that so many percent of the values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def number(value: Any, kind: str) -> float:
    """Return an answer as a number.

    Args:
        value: the answer.
        kind: `probability`, or `answer` if it can be any number.

    Raises:
        VerificationError: it is none of its kind.
    """
    expected = "a probability" if kind == "probability" else "a finite number"
    try:
        found = float(value)
    except (TypeError, ValueError):
        raise VerificationError(f"an answer is {value!r}, not {expected}") from None
    inside = 0 <= found <= 1 if kind == "probability" else math.isfinite(found)
    if not inside:
        raise VerificationError(f"an answer is {found}, not {expected}")
    return found
