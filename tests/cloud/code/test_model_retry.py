"""What failed of a model's run can be tried again by one command, and nothing else."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from tests.cloud.code.conftest import CodeBuild, CodePipeline, s3_source, stage
from tests.cloud.code.test_pipelines import build, project, role

from mlzone.errors import ConfigError
from mlzone.estate import Estate, Stage
from mlzone.loading import load_estate
from mlzone_tools.cloud.session import Session
from mlzone_tools.services.model import retrying

__all__ = ["role"]

MODEL, PIPELINE = "retail-banking/churn", "aur-retail-banking-churn-build"


@dataclass(frozen=True)
class InProcess:
    """A session in the development account of the cloud of this process."""

    pipelines: CodePipeline

    def client(self, service: str) -> Any:
        return self.pipelines.client(service)


@pytest.fixture(scope="module")
def estate() -> Estate:
    return load_estate(Path(__file__).parents[3] / "organization")


@pytest.fixture
def session(codepipeline: CodePipeline) -> Session:
    return cast("Session", InProcess(codepipeline))


def test_only_what_failed_runs_again(
    codepipeline: CodePipeline, codebuild: CodeBuild, role: str, session: Session, estate: Estate
) -> None:
    project(codebuild, "true", name="good")
    project(codebuild, "aws-does-not-exist", name="bad")
    stages = stage("Test", build("Test", "good")), stage("Train", build("Train", "bad"))
    execution = codepipeline.create(s3_source(), *stages, role=role, name=PIPELINE)
    assert codepipeline.wait(execution, PIPELINE) == "Failed"
    spec = "version: 0.2\nphases: {build: {commands: ['true']}}\n"
    codebuild.client().update_project(
        name="bad", source={"type": "CODEPIPELINE", "buildspec": spec}
    )

    done = retrying.retry(session, estate, MODEL, Stage.DEV)

    assert (done.execution, done.stage, done.actions) == (execution, "Train", ("Train",))
    assert codepipeline.wait(execution, PIPELINE) == "Succeeded"
    builds = {
        name: len(codebuild.client().list_builds_for_project(projectName=name)["ids"])
        for name in ("good", "bad")
    }
    assert builds == {"good": 1, "bad": 2}
    with pytest.raises(ConfigError, match=f"the newest run of {PIPELINE} is Succeeded"):
        retrying.retry(session, estate, MODEL, Stage.DEV)


def test_without_a_run_nothing_is_tried(session: Session, estate: Estate) -> None:
    with pytest.raises(ConfigError, match="can be tried again in staging: there is no run"):
        retrying.retry(session, estate, MODEL, Stage.STAGING)
