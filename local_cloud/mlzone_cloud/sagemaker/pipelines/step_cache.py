"""Step caching: an earlier success with the same arguments counts as this one.

Source: Developer Guide, "Caching pipeline steps". Only the arguments count, not what lies in S3.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from mlzone_cloud.sagemaker.duration import duration
from mlzone_cloud.sagemaker.pipelines.job_step import JOBS
from mlzone_cloud.sagemaker.pipelines.record import SUCCEEDED, Record


def key_of(step_type: str, arguments: Mapping[str, Any]) -> str:
    """Return what two runs of a step have in common if one can stand for the other."""
    kind = JOBS.get(step_type)
    counted = {name: arguments.get(name) for name in kind.cache} if kind else dict(arguments)
    text = json.dumps([step_type, counted], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def find(
    executions: Iterable[Record],
    execution: Record,
    step: Mapping[str, Any],
    key: str,
    now: datetime,
) -> tuple[Record, Record] | None:
    """Return the newest earlier run of a step that counts, with its execution.

    Args:
        executions: all executions in the account and Region.
        execution: the present one.
        step: the step's definition.
        key: what the runs must have in common.
        now: the present moment.
    """
    config = step.get("CacheConfig") or {}
    if not config.get("Enabled"):
        return None
    lasts = duration(config["ExpireAfter"]) if config.get("ExpireAfter") else None
    found = [
        (other, run)
        for other in executions
        if other is not execution
        and other["PipelineArn"] == execution["PipelineArn"]
        and (run := other["Steps"].get(step["Name"])) is not None
        and run.get("CacheKey") == key
        and run.get("StepStatus") == SUCCEEDED
        and "CacheHitResult" not in run
        and (lasts is None or now - run["EndTime"] <= lasts)
    ]
    return max(found, key=lambda pair: pair[1]["EndTime"], default=None)
