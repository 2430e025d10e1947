"""Each build is a run in its team's MLflow App, which MLflow's own client reads."""

import importlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import mlflow
import pytest
from mlflow.entities import Run
from tests.cloud.conftest import DEV, REGION, Server
from tests.cloud.templates.test_build import ANSWERS, BUCKET, PREFIX, TEMPLATES, Platform, delivery

from mlzone_tools.services.model import template

pytestmark = pytest.mark.cloud

MODEL = "retail-banking/credit-default"
GONE = f"arn:aws:sagemaker:{REGION}:{DEV}:mlflow-app/app-GONE"
LOOSE, STRICT = {"max_error_ratio": 0.9}, {"max_error_ratio": 0.01}


@pytest.fixture(scope="module")
def platform(
    start_server: Callable[[Path], Server], tmp_path_factory: pytest.TempPathFactory
) -> Platform:
    """A platform with the project of a forecast, whose steps are quick."""
    server = start_server(tmp_path_factory.mktemp("cloud"))
    project = tmp_path_factory.mktemp("model") / "project"
    template.render("forecast", ANSWERS, project, templates=TEMPLATES)
    told = {**delivery(server, project), "thresholds": LOOSE}
    made = Platform(server=server, project=project, delivery=told)
    made.tell()
    return made


@pytest.fixture(scope="module")
def app(platform: Platform) -> str:
    made = platform.client("sagemaker").create_mlflow_app(
        Name="acme-credit-risk",
        ArtifactStoreUri=f"s3://{BUCKET}/mlflow",
        RoleArn=f"arn:aws:iam::{DEV}:role/pipeline",
    )
    arn: str = made["Arn"]
    return arn


@pytest.fixture
def tracked(platform: Platform, app: str) -> dict[str, str]:
    return variables(platform, app)


def variables(platform: Platform, app: str) -> dict[str, str]:
    """Return what a build of the platform finds in its environment."""
    return {
        "MLFLOW_TRACKING_URI": app,
        "MLFLOW_EXPERIMENT_NAME": MODEL,
        "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": f"{platform.server.url}/_mlflow",
    }


@pytest.fixture
def client(
    platform: Platform, tracked: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[mlflow.MlflowClient]:
    """MLflow's own client, in the account's name."""
    keys = platform.server.credentials[DEV]
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["access_key_id"])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["secret_access_key"])
    for name, value in tracked.items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(tracked["MLFLOW_TRACKING_URI"])
    yield mlflow.MlflowClient()
    mlflow.set_tracking_uri("")


@pytest.fixture
def part(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Return a function that imports a part of the project's `delivery`, for this test alone."""

    def forget() -> dict[str, Any]:
        names = [name for name in sys.modules if name.split(".", maxsplit=1)[0] == "delivery"]
        return {name: sys.modules.pop(name) for name in names}

    others = forget()
    monkeypatch.syspath_prepend(str(platform.project))
    yield lambda name: importlib.import_module(f"delivery.{name}")
    forget()
    sys.modules.update(others)


def runs(client: mlflow.MlflowClient, **tags: str) -> list[Run]:
    experiment = client.get_experiment_by_name(MODEL)
    assert experiment is not None
    asked = " and ".join(f"tags.`mlzone.{name}` = '{value}'" for name, value in tags.items())
    found: list[Run] = client.search_runs([experiment.experiment_id], asked)
    return found


def newest(platform: Platform) -> dict[str, Any]:
    return max(platform.versions(), key=lambda version: int(version["ModelPackageVersion"]))


@pytest.fixture(scope="module")
def first(platform: Platform, app: str) -> dict[str, Any]:
    """The version that the first build registered."""
    built = platform.build(**variables(platform, app), MLZONE_EXECUTION="first")
    assert built.returncode == 0, built.stdout + built.stderr
    assert "warning" not in built.stdout
    return newest(platform)


def test_DAT_02_a_build_is_a_run_that_leads_to_its_version_and_back(
    first: dict[str, Any], tracked: dict[str, str], client: mlflow.MlflowClient
) -> None:
    version = first

    (run,) = runs(client, build="first")

    facts = version["CustomerMetadataProperties"]
    assert run.info.status == "FINISHED"
    assert (facts["mlflow_app"], facts["mlflow_run"]) == (
        tracked["MLFLOW_TRACKING_URI"],
        run.info.run_id,
    )
    tags = run.data.tags
    assert tags["mlzone.model_package"] == version["ModelPackageArn"]
    assert tags["mlzone.version"] == str(version["ModelPackageVersion"])
    assert tags["mlzone.pipeline_execution"] == facts["pipeline_execution"]
    assert tags["mlzone.data_hash"] == facts["data_hash"]
    assert tags["mlzone.code_hash"] == facts["code_hash"]
    assert tags["mlflow.source.git.commit"] == facts["commit"] == "c0ffee"
    assert tags["mlflow.user"] == run.info.user_id == facts["author"] == "ana.souza"
    (container,) = version["InferenceSpecification"]["Containers"]
    assert tags["mlzone.image.inference"] == container["Image"]
    assert tags["mlzone.model"] == container["ModelDataUrl"]


def test_the_run_has_settings_figures_data_and_the_reports(
    platform: Platform, first: dict[str, Any], client: mlflow.MlflowClient
) -> None:
    facts = first["CustomerMetadataProperties"]

    (run,) = runs(client, build="first")

    assert run.data.params["training.parameters.max_depth"] == "2"
    assert run.data.params["target"] == "unemployment_percent"
    assert float(facts["error_ratio"]) == pytest.approx(run.data.metrics["error_ratio"], rel=1e-5)
    (data,) = run.inputs.dataset_inputs
    assert facts["data_hash"].startswith(data.dataset.digest)
    assert platform.object(f"{json.loads(data.dataset.source)['uri']}/{data.dataset.name}")
    evaluation = run.data.tags["mlzone.evaluation"]
    assert evaluation.startswith(f"s3://{BUCKET}/{PREFIX}/executions/")
    summary = json.loads(platform.object(f"{evaluation}/summary.json"))
    assert summary["model_card"]
    assert platform.object(f"{run.data.tags['mlzone.baseline']}/statistics.json")


def test_many_settings_are_all_kept(
    platform: Platform,
    tracked: dict[str, str],
    client: mlflow.MlflowClient,
    part: Callable[[str], Any],
) -> None:
    bundle, compiling, tracking = part("bundle"), part("compiling"), part("tracking")
    settings = {"model": {f"setting_{number}": number for number in range(250)}}
    sources = compiling.Sources(
        delivery=platform.delivery,
        images={},
        code=bundle.Bundle(kind="code", files={"settings.json": json.dumps(settings).encode()}),
        data=bundle.Bundle(kind="data", files={"rows.csv": b"a\n1\n"}),
    )
    lines: list[str] = []
    run = tracking.Run(boto3.Session(region_name=REGION), tracked, lines.append)

    run.begin(platform.delivery, {"Author": "ana", "Commit": "c0ffee", "Trigger": "commit"})
    run.describe(sources)

    assert lines == [f"MLflow run {run.id} of retail/credit-default"]
    assert len(client.get_run(run.id).data.params) == 250


def test_the_notebook_logs_what_was_tried_beside_the_builds(
    platform: Platform, tracked: dict[str, str], client: mlflow.MlflowClient
) -> None:
    notebook = json.loads((platform.project / "explore.ipynb").read_text(encoding="utf-8"))
    cells = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]

    # MLflow's client writes its own experiment into the environment of a process.
    clean = {name: text for name, text in os.environ.items() if not name.startswith("MLFLOW_")}

    done = subprocess.run(
        [sys.executable, "-c", "\n".join(cells)],
        cwd=platform.project,
        env={**clean, **tracked},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    (run,) = runs(client, kind="exploration")
    assert f"MLflow run {run.info.run_id}" in done.stdout
    assert run.data.params["training.rounds"] == "150"
    assert run.data.metrics["rows"] > 100


def test_a_refused_version_ends_its_run_as_failed_with_its_figures_and_the_reason(
    platform: Platform, tracked: dict[str, str], client: mlflow.MlflowClient
) -> None:
    platform.tell(thresholds=STRICT)
    try:
        refused = platform.build(**tracked, MLZONE_EXECUTION="refused")
    finally:
        platform.tell()

    assert refused.returncode == 1
    (run,) = runs(client, build="refused")
    assert run.info.status == "FAILED"
    assert "Reject: not registered" in run.data.tags["mlzone.reason"]
    assert run.data.metrics["error_ratio"] > STRICT["max_error_ratio"]
    assert "mlzone.version" not in run.data.tags


def test_a_build_that_breaks_before_its_training_ends_its_run_too(
    platform: Platform, tracked: dict[str, str], client: mlflow.MlflowClient, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(platform.project, project)
    (project / "pipeline.py").write_text("raise SystemExit('no pipeline')\n", encoding="utf-8")

    broken = replace(platform, project=project).build(**tracked, MLZONE_EXECUTION="broken")

    assert broken.returncode == 1
    (run,) = runs(client, build="broken")
    assert run.info.status == "FAILED"
    assert "no pipeline" in run.data.tags["mlzone.reason"]


def test_a_retried_build_goes_on_with_its_run(
    platform: Platform, tracked: dict[str, str], client: mlflow.MlflowClient
) -> None:
    platform.tell(thresholds=STRICT)
    assert platform.build(**tracked, MLZONE_EXECUTION="retried").returncode == 1
    platform.tell()
    assert platform.build(**tracked, MLZONE_EXECUTION="retried").returncode == 0

    (run,) = runs(client, build="retried")
    version = newest(platform)
    assert run.info.status == "FINISHED"
    assert run.data.tags["mlzone.reason"] == ""
    assert run.data.tags["mlzone.model_package"] == version["ModelPackageArn"]
    assert version["CustomerMetadataProperties"]["mlflow_run"] == run.info.run_id


def test_without_mlflow_a_version_is_registered_and_the_build_warns(
    platform: Platform, tracked: dict[str, str]
) -> None:
    nobody_answers = {"SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": "http://localhost:9"}

    built = platform.build(**tracked | nobody_answers)

    assert built.returncode == 0, built.stderr
    (line,) = [line for line in built.stdout.splitlines() if line.startswith("warning: ")]
    assert line.startswith("warning: MLflow does not answer: ")
    assert line.endswith("; the build goes on")
    facts = newest(platform)["CustomerMetadataProperties"]
    assert (facts["mlflow_app"], facts["mlflow_run"]) == (tracked["MLFLOW_TRACKING_URI"], "none")


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize(
    ("arn", "warning"),
    [
        (
            GONE,
            f"MLflow did not take all of the run: MlflowApp {GONE} does not exist.",
        ),
        ("sqlite:///runs.db", "sqlite:///runs.db is no ARN of an MLflow App"),
    ],
)
def test_an_app_that_is_not_there_is_a_warning(
    platform: Platform,
    tracked: dict[str, str],
    part: Callable[[str], Any],
    arn: str,
    warning: str,
) -> None:
    lines: list[str] = []
    run = part("tracking").Run(
        boto3.Session(region_name=REGION), tracked | {"MLFLOW_TRACKING_URI": arn}, lines.append
    )

    run.begin(platform.delivery, {"Author": "ana", "Commit": "c0ffee", "Trigger": "commit"})
    run.failed("nothing was tried")

    assert lines == [f"warning: {warning}; the build goes on"]
    assert run.id == "none"
