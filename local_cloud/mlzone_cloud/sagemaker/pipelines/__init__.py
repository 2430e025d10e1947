"""SageMaker Pipelines: definitions are checked as AWS checks them, executions really run.

An execution is a record and a state machine over it: whoever learns that something happened (a
job ended, a retry is due, somebody stopped it) wakes the machine, which takes every step that can
be taken and returns. No thread waits for a job, so any number of executions share the cloud's
workers; and since the record is all there is, an execution goes on after a restart where it was.
"""

from typing import TYPE_CHECKING

from mlzone_cloud.sagemaker.pipelines import api, execution_api
from mlzone_cloud.sagemaker.pipelines.machine import machine_of

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud


def install(cloud: "Cloud") -> None:
    """Let executions hear of their jobs and of the clock, and go on after a restart."""
    machine_of(cloud).install()


__all__ = ["api", "execution_api", "install"]
