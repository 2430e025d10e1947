"""A build whose cloud is killed goes on from where it was, and registers one version."""

import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cloud.conftest import Server
from tests.cloud.templates.test_bad_luck import THRESHOLDS, spoil
from tests.cloud.templates.test_build import ANSWERS, TEMPLATES, Platform, delivery

from mlzone_tools.services.model import template

pytestmark = pytest.mark.cloud

BUILD = "aur-train:1"


def test_a_killed_cloud_loses_no_build_and_makes_no_version_twice(
    start_server: Callable[[Path], Server], tmp_path: Path
) -> None:
    server = start_server(tmp_path / "cloud")
    project = tmp_path / "project"
    template.render("forecast", ANSWERS, project, templates=TEMPLATES)
    told = {**delivery(server, project), "thresholds": THRESHOLDS}
    platform = Platform(server=server, project=project, delivery=told)
    platform.tell()
    start = "    given = job.settings()\n"
    spoil(platform, "steps/train.py", start, f"{start}    __import__('time').sleep(5)\n")

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(platform.build, BUILD)
        wait_for_training(platform)
        server.stop(with_signal=signal.SIGKILL)
        assert first.result().returncode != 0

    restarted = replace(platform, server=start_server(tmp_path / "cloud"))
    again = restarted.build(BUILD)

    assert again.returncode == 0, again.stdout + again.stderr
    assert len(restarted.versions()) == 1
    executions = restarted.client("sagemaker").list_pipeline_executions(
        PipelineName=told["pipeline"]["name"]
    )
    assert len(executions["PipelineExecutionSummaries"]) == 1


def wait_for_training(platform: Platform) -> None:
    """Wait until the training job has run for so long that it was written down."""
    sagemaker = platform.client("sagemaker")
    for _ in range(1200):
        listed = sagemaker.list_training_jobs(StatusEquals="InProgress")
        if listed["TrainingJobSummaries"]:
            time.sleep(1.5)
            return
        time.sleep(0.1)
    raise AssertionError("no training began")
