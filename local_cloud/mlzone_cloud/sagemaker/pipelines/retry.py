"""Retry policies of steps.

Source: Developer Guide, "Retry policy for pipeline steps".
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

_DEFAULT_INTERVAL, _DEFAULT_BACKOFF, _DEFAULT_ATTEMPTS = 1.0, 2.0, 5

_OF_CODES = (
    (re.compile("Throttl|TooManyRequests"), "Step.THROTTLING"),
    (re.compile("ResourceLimitExceeded"), "SageMaker.RESOURCE_LIMIT"),
    (re.compile("InternalFailure|ServiceUnavailable|InternalServer"), "Step.SERVICE_FAULT"),
)
_OF_REASONS = (
    (re.compile("CapacityError"), "SageMaker.CAPACITY_ERROR"),
    (re.compile("InternalServerError"), "SageMaker.JOB_INTERNAL_ERROR"),
    (re.compile("ResourceLimitExceeded"), "SageMaker.RESOURCE_LIMIT"),
)


def kind_of_error(code: str) -> str:
    """Return which exception type of a retry policy an API's error code is; empty if none."""
    return next((kind for pattern, kind in _OF_CODES if pattern.search(code)), "")


def kind_of_failure(reason: str) -> str:
    """Return which exception type of a retry policy a job's failure is; empty if none."""
    return next((kind for pattern, kind in _OF_REASONS if pattern.search(reason)), "")


def wait_before_retry(
    policies: list[Mapping[str, Any]],
    kind: str,
    retries: dict[str, int],
    began: datetime,
    now: datetime,
) -> timedelta | None:
    """Return how long to wait before the next attempt; None if there is none.

    Args:
        policies: the step's.
        kind: the exception type.
        retries: how often each policy was used, by its place; counted up if one is used now.
        began: when the step first began.
        now: the present moment.
    """
    for place, policy in enumerate(policies):
        if kind not in (policy.get("ExceptionType") or ()):
            continue
        used = retries.get(str(place), 0)
        if "ExpireAfterMin" in policy:
            if now - began >= timedelta(minutes=float(policy["ExpireAfterMin"])):
                return None
        elif used >= int(policy.get("MaxAttempts") or _DEFAULT_ATTEMPTS):
            return None
        retries[str(place)] = used + 1
        interval = float(policy.get("IntervalSeconds", _DEFAULT_INTERVAL))
        backoff = float(policy.get("BackoffRate", _DEFAULT_BACKOFF))
        return timedelta(seconds=interval * backoff**used)
    return None
