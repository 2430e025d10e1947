"""MLflow Apps answer MLflow's own client, with the plugin that AWS publishes for them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import mlflow
import pytest
from mlflow.exceptions import MlflowException
from tests.cloud.conftest import DEV, PROD, REGION, Server
from tests.cloud.core.acting import policy, trust

CALL = "sagemaker:CallMlflowAppApi"
OWN_TEAM = {"StringEquals": {"aws:ResourceTag/mlz:team": "${aws:PrincipalTag/team}"}}


@pytest.fixture
def server(cloud_server: Server) -> Server:
    return cloud_server


@pytest.fixture(autouse=True)
def _nobody(monkeypatch: pytest.MonkeyPatch, server: Server) -> Iterator[None]:
    """Point MLflow's client at the cloud, in nobody's name."""
    monkeypatch.setenv("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", f"{server.url}/_mlflow")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    yield
    mlflow.set_tracking_uri(None)


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch, server: Server) -> Callable[..., None]:
    """Return what begins a session of a new role, which may do something, for a team."""

    def begin(role: str, team: str, *statements: dict[str, Any], account: str = DEV) -> None:
        iam, sts = server.client("iam", account=account), server.client("sts", account=account)
        trusted = trust(
            f"arn:aws:iam::{account}:root", actions=("sts:AssumeRole", "sts:TagSession")
        )
        arn = iam.create_role(RoleName=role, AssumeRolePolicyDocument=trusted)["Role"]["Arn"]
        document = policy(*statements)
        iam.put_role_policy(RoleName=role, PolicyName="p", PolicyDocument=document)
        keys = sts.assume_role(
            RoleArn=arn, RoleSessionName="ana", Tags=[{"Key": "team", "Value": team}]
        )["Credentials"]
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", keys["AccessKeyId"])
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", keys["SecretAccessKey"])
        monkeypatch.setenv("AWS_SESSION_TOKEN", keys["SessionToken"])

    return begin


def make_app(server: Server, team: str) -> str:
    sagemaker = server.client("sagemaker", account=DEV)
    arn: str = sagemaker.create_mlflow_app(
        Name=f"acme-{team}",
        ArtifactStoreUri=f"s3://acme-{team}/mlflow",
        RoleArn=f"arn:aws:iam::{DEV}:role/mlflow",
        Tags=[{"Key": "mlz:team", "Value": team}],
    )["Arn"]
    return arn


def may_call(resource: str = f"arn:aws:sagemaker:{REGION}:{DEV}:mlflow-app/*") -> dict[str, Any]:
    return {"Effect": "Allow", "Action": CALL, "Resource": resource, "Condition": OWN_TEAM}


def test_an_app_has_an_id_of_its_own_and_says_which_mlflow_it_is(server: Server) -> None:
    arn = make_app(server, "described")
    sagemaker = server.client("sagemaker", account=DEV)

    found = sagemaker.describe_mlflow_app(Arn=arn)

    assert arn.startswith(f"arn:aws:sagemaker:{REGION}:{DEV}:mlflow-app/app-")
    assert found["MlflowVersion"] == mlflow.__version__
    assert arn in [item["Arn"] for item in sagemaker.list_mlflow_apps()["Summaries"]]


def test_a_run_of_the_team_is_kept_and_found_again(
    server: Server, act: Callable[..., None]
) -> None:
    mlflow.set_tracking_uri(make_app(server, "credit"))
    act("credit-scientist", "credit", may_call())
    experiment = mlflow.set_experiment("credit-default")

    with mlflow.start_run(run_name="first", tags={"data_hash": "abc"}) as run:
        mlflow.log_params({"eta": 0.05, "max_depth": 3})
        mlflow.log_metric("auc", 0.5, step=1)
        mlflow.log_metric("auc", 0.79, step=2)
    with mlflow.start_run(run_name="second"):
        mlflow.log_metric("auc", 0.6)

    client = mlflow.MlflowClient()
    (best,) = client.search_runs([experiment.experiment_id], "metrics.auc > 0.7")
    assert (best.info.run_id, best.info.status) == (run.info.run_id, "FINISHED")
    assert best.data.params == {"eta": "0.05", "max_depth": "3"}
    assert best.data.tags["data_hash"] == "abc"
    assert best.info.artifact_uri.startswith("s3://acme-credit/mlflow/")
    history = client.get_metric_history(run.info.run_id, "auc")
    assert [item.value for item in history] == [0.5, 0.79]


def test_a_run_can_be_renamed_failed_deleted_and_restored(
    server: Server, act: Callable[..., None]
) -> None:
    mlflow.set_tracking_uri(make_app(server, "fraud"))
    act("fraud-scientist", "fraud", may_call())
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("cards", tags={"owner": "ana"})
    run = client.create_run(experiment).info.run_id

    client.update_run(run, name="again")
    client.set_tag(run, "reason", "out of memory")
    client.set_terminated(run, "FAILED")
    client.delete_run(run)
    assert client.search_runs([experiment]) == []
    client.restore_run(run)

    (found,) = client.search_runs([experiment], "tags.reason = 'out of memory'")
    assert (found.info.run_name, found.info.status) == ("again", "FAILED")
    assert client.get_experiment(experiment).tags["owner"] == "ana"


def test_what_does_not_exist_is_refused_in_mlflows_words(
    server: Server, act: Callable[..., None]
) -> None:
    mlflow.set_tracking_uri(make_app(server, "empty"))
    act("empty-scientist", "empty", may_call())

    with pytest.raises(MlflowException, match="not found") as error:
        mlflow.MlflowClient().get_run("0" * 32)

    assert error.value.error_code == "RESOURCE_DOES_NOT_EXIST"
    assert mlflow.get_experiment_by_name("nothing") is None


def test_what_is_not_emulated_says_so(server: Server, act: Callable[..., None]) -> None:
    mlflow.set_tracking_uri(make_app(server, "traces"))
    act("trace-scientist", "traces", may_call())

    with pytest.raises(MlflowException, match="does not emulate mlflow:"):
        mlflow.MlflowClient().create_logged_model("0")


def test_iam_06_the_app_of_another_team_is_closed(server: Server, act: Callable[..., None]) -> None:
    mlflow.set_tracking_uri(make_app(server, "pricing"))
    act("risk-scientist", "risk", may_call())

    with pytest.raises(MlflowException, match=f"not authorized to perform: {CALL} on resource"):
        mlflow.create_experiment("spying")


def test_iam_06_an_app_of_another_account_is_closed(
    server: Server, act: Callable[..., None]
) -> None:
    mlflow.set_tracking_uri(make_app(server, "accounts"))
    anywhere = {"Effect": "Allow", "Action": CALL, "Resource": "*"}
    act("prod-role", "accounts", anywhere, account=PROD)

    with pytest.raises(MlflowException, match="not authorized"):
        mlflow.create_experiment("spying")


def test_a_request_that_nobody_signed_is_refused(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    mlflow.set_tracking_uri(make_app(server, "unsigned"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "unknown")

    with pytest.raises(MlflowException, match="security token is invalid"):
        mlflow.create_experiment("spying")


def test_an_app_that_is_gone_holds_nothing_more(server: Server, act: Callable[..., None]) -> None:
    arn = make_app(server, "gone")
    mlflow.set_tracking_uri(arn)
    act("gone-scientist", "gone", may_call(arn))
    mlflow.create_experiment("last")
    (held,) = (server.state_dir / "mlflow").glob(arn.rpartition("/")[2])

    server.client("sagemaker", account=DEV).delete_mlflow_app(Arn=arn)

    assert not held.exists()
    with pytest.raises(MlflowException, match=r"not authorized|does not exist"):
        mlflow.create_experiment("more")


def test_runs_outlive_a_restart(
    start_server: Callable[[Path], Server], tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    first = start_server(tmp_path)
    arn = make_app(first, "kept")
    for name, value in _root_keys(first).items():
        monkeypatch.setenv(name, value)
    mlflow.set_tracking_uri(arn)
    mlflow.create_experiment("kept")
    first.stop()
    second = start_server(tmp_path)
    for name, value in _root_keys(second).items():
        monkeypatch.setenv(name, value)

    assert mlflow.get_experiment_by_name("kept") is not None


def _root_keys(server: Server) -> dict[str, str]:
    keys = server.credentials[DEV]
    return {
        "AWS_ACCESS_KEY_ID": keys["access_key_id"],
        "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
        "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": f"{server.url}/_mlflow",
    }
