"""Metrics that a training job prints, found by the regular expressions of its definition."""

import re
from datetime import datetime
from typing import Any

from mlzone_cloud.sagemaker.jobs.job import Job

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_BATCH = 1000


class Metrics:
    """What was found so far."""

    def __init__(self, job: Job, definitions: list[dict[str, str]]) -> None:
        self._job = job
        self._patterns = [(item["Name"], re.compile(item["Regex"])) for item in definitions]
        self._found: list[tuple[str, float, datetime]] = []

    def read(self, line: str) -> None:
        """Look for metrics in a line of output."""
        for name, pattern in self._patterns:
            for match in pattern.finditer(line):
                try:
                    value = float(match[1])
                except (ValueError, IndexError, TypeError):
                    continue
                self._found.append((name, value, self._job.cloud.clock.now()))

    def final(self) -> list[dict[str, Any]]:
        """Return the last value of each metric, as a job's description shows it."""
        last = {name: (value, moment) for name, value, moment in self._found}
        return [
            {"MetricName": name, "Value": value, "Timestamp": moment}
            for name, (value, moment) in last.items()
        ]

    def publish(self) -> None:
        """Put all values to CloudWatch."""
        job = self._job
        client = job.cloud.client("cloudwatch", account=job.account, region=job.region)
        dimensions = [{"Name": "TrainingJobName", "Value": job.name}]
        data = [
            {"MetricName": name, "Value": value, "Timestamp": moment, "Dimensions": dimensions}
            for name, value, moment in self._found
        ]
        for start in range(0, len(data), _BATCH):
            client.put_metric_data(Namespace=NAMESPACE, MetricData=data[start : start + _BATCH])
