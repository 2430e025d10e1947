"""An approved version is pulled once, whole and unchanged; any other is refused with a reason."""

import io
import json
import zipfile
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import boto3
import pytest

from mlzone_runtime.handlers.platform_event import ModelScope
from mlzone_runtime.handlers.release_puller import Clients, Settings, handler, pull
from mlzone_runtime.release.copying import Target
from mlzone_runtime.release.registered_version import ReleaseRefused, Surroundings

GROUP = "arn:aws:sagemaker:sa-east-1:100000000002:model-package-group/aur-retail-credit"
VERSION = "arn:aws:sagemaker:sa-east-1:100000000002:model-package/aur-retail-credit/3"
BASELINE = "retail/credit/executions/1/baseline/"
MODEL_KEY = "retail/credit/executions/1/training/model.tar.gz"
EXPLANATION_KEY = "retail/credit/executions/1/evaluation/explanation.json"

SETTINGS = Settings(
    scope=ModelScope(unit="retail", team="risk", model="credit", environment="staging"),
    bus_arn="arn:aws:events:sa-east-1:100000000002:event-bus/aur-platform",
    surroundings=Surroundings(
        group_arn=GROUP,
        artifact_bucket="aur-artifacts",
        artifact_prefix="retail/credit",
        image_repository="100000000002.dkr.ecr.sa-east-1.amazonaws.com/aur/tabular",
        evidence=("explanation", "validation"),
    ),
    target=Target(
        bucket="aur-releases", key_arn="arn:aws:kms:sa-east-1:111111111112:key/1", model="credit"
    ),
    analyzer_image="100000000002.dkr.ecr.sa-east-1.amazonaws.com/aur/analyzer:1.0.0",
)
APPROVED = {"detail": {"ModelPackageArn": VERSION, "ModelApprovalStatus": "Approved"}}


@pytest.fixture
def run(store, artifacts, package, bus):
    """Pull with the artefacts and the version as they are now."""
    clients = {}

    def pull_once(event=APPROVED):
        if not clients:
            sagemaker = SimpleNamespace(describe_model_package=lambda **_: package)
            clients["all"] = Clients(sagemaker=sagemaker, s3=store(artifacts), events=bus)
        return pull(event, SETTINGS, clients["all"])

    pull_once.s3 = lambda: clients["all"].s3
    return pull_once


def keys(s3) -> list[str]:
    found = s3.list_objects_v2(Bucket="aur-releases")
    return [item["Key"] for item in found.get("Contents", [])]


def document(s3) -> dict:
    archive = s3.get_object(Bucket="aur-releases", Key="credit/release.zip")["Body"].read()
    with zipfile.ZipFile(io.BytesIO(archive)) as content:
        return json.loads(content.read("release.json"))


def test_a_version_is_pulled_with_all_its_files(run):
    result = run()

    release = result["release"]
    assert result["pulled"]
    assert keys(run.s3()) == [
        f"credit/approved/2026-06-01T12:00:00.000000Z {release}",
        "credit/release.zip",
        *(
            f"credit/{release}/{name}"
            for name in (
                "baseline/constraints.json",
                "baseline/manifest.json",
                "baseline/model.tar.gz",
                "baseline/sample.csv",
                "baseline/statistics.json",
                "model.tar.gz",
                "release.json",
            )
        ),
    ]


def test_what_is_pulled_is_encrypted_with_the_environments_key(run):
    """ENC-01: the releases' own key, not that of the artefacts."""
    run()

    for key in keys(run.s3()):
        head = run.s3().head_object(Bucket="aur-releases", Key=key)
        assert head["ServerSideEncryption"] == "aws:kms"
        assert head["SSEKMSKeyId"] == SETTINGS.target.key_arn


def test_the_release_document_says_where_everything_is(run, package):
    release = run()["release"]

    found = document(run.s3())
    assert found["release"] == release
    assert found["model_data_url"] == f"s3://aur-releases/credit/{release}/model.tar.gz"
    assert found["baseline_statistics"] == f"s3://aur-releases/credit/{release}/baseline"
    assert found["baseline_constraints"].endswith("/baseline/constraints.json")
    assert found["inference_image"] == package["InferenceSpecification"]["Containers"][0]["Image"]
    assert found["rows"] == [["1000", "car"], ["2500.5", "house"], ["", ""]]
    assert (found["author"], found["approver"]) == ("bruno.lima", "paula.reis")


def test_the_same_event_twice_starts_one_promotion(run, bus):
    first = run()
    archive = run.s3().head_object(Bucket="aur-releases", Key="credit/release.zip")
    second = run()

    assert second == {"release": first["release"], "pulled": False}
    again = run.s3().head_object(Bucket="aur-releases", Key="credit/release.zip")
    assert again["LastModified"] == archive["LastModified"]
    assert bus.kinds == ["Release Prepared"]


@pytest.mark.parametrize("late", [2, 4], ids=["older version", "newer version"])
def test_MOD_01_an_approval_that_is_told_late_replaces_no_later_one(run, package, bus, late):
    """Events come in any order: what counts is when the versions were approved."""
    first = run()["release"]
    package["ModelPackageArn"] = VERSION.replace("/3", f"/{late}")
    package["ModelPackageVersion"] = late
    package["LastModifiedTime"] -= timedelta(seconds=1)
    event = {"detail": {"ModelPackageArn": package["ModelPackageArn"]}}

    with pytest.raises(ReleaseRefused, match=f"release {first} later, at"):
        run(event)

    assert document(run.s3())["release"] == first
    assert bus.kinds == ["Release Prepared", "Release Failed"]
    package["LastModifiedTime"] += timedelta(seconds=2)
    assert run(event)["pulled"]


def test_production_pulls_by_the_event_of_a_validated_release(run):
    assert run({"detail": {"model_package_arn": VERSION, "release": "v3"}})["pulled"]


def test_the_release_id_leaves_room_in_names(run, package):
    package["ModelPackageVersion"] = 3
    assert len(run()["release"]) <= 12


def test_MOD_04_what_the_tier_does_not_demand_is_not_asked_for(store, artifacts, package, bus):
    del package["ModelMetrics"], package["CustomerMetadataProperties"]["validation"]
    surroundings = replace(SETTINGS.surroundings, evidence=("none",))
    sagemaker = SimpleNamespace(describe_model_package=lambda **_: package)
    clients = Clients(sagemaker=sagemaker, s3=store(artifacts), events=bus)

    assert pull(APPROVED, replace(SETTINGS, surroundings=surroundings), clients)["pulled"]


def test_MOD_06_the_validation_is_told_with_the_release(run, bus):
    run()

    facts = bus.detail()["facts"]
    assert facts["validation"].startswith("tomas.amaral sha256:")
    assert facts["explanation"] == EXPLANATION_KEY


def metadata(name, value):
    return lambda package, _: package["CustomerMetadataProperties"].__setitem__(name, value)


def approver(**identity):
    return lambda package, _: package.__setitem__("LastModifiedBy", {"IamIdentity": identity})


def container(name, value):
    return lambda package, _: package["InferenceSpecification"]["Containers"][0].__setitem__(
        name, value
    )


def overwritten(key, content):
    return lambda _, artifacts: artifacts.__setitem__(key, content)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param(
            lambda package, _: package.update(ModelApprovalStatus="PendingManualApproval"),
            "is PendingManualApproval, not Approved",
            id="MOD-01-not-approved",
        ),
        pytest.param(
            approver(SourceIdentity="Bruno.Lima"),
            "bruno.lima made version 3 and approved it",
            id="MOD-03-self-approval",
        ),
        pytest.param(
            approver(Arn="arn:aws:sts::1:assumed-role/approver/bruno.lima"),
            "bruno.lima made version 3 and approved it",
            id="MOD-03-self-approval-by-session-name",
        ),
        pytest.param(
            lambda package, _: package.pop("LastModifiedBy"),
            "does not say who approved",
            id="MOD-03-approver-unknown",
        ),
        pytest.param(metadata("author", ""), "does not say who made it", id="MOD-03-no-author"),
        pytest.param(
            metadata("validation", ""),
            "lacks evidence of an independent validation",
            id="MOD-06-not-validated",
        ),
        pytest.param(
            approver(SourceIdentity="tomas.amaral"),
            "lacks a second approver: tomas.amaral validated it and approved it",
            id="MOD-06-one-person-alone",
        ),
        pytest.param(
            lambda package, _: package.pop("ModelMetrics"),
            "lacks an explainability report",
            id="MOD-07-not-explained",
        ),
        pytest.param(
            lambda _, artifacts: artifacts.pop(EXPLANATION_KEY),
            "explanation.json does not exist",
            id="MOD-07-explanation-is-missing",
        ),
        pytest.param(
            overwritten(EXPLANATION_KEY, b"{}"),
            "explanation.json explains nothing",
            id="MOD-07-explanation-is-empty",
        ),
        pytest.param(
            overwritten(EXPLANATION_KEY, b"because"),
            "explanation.json is no JSON",
            id="MOD-07-explanation-is-no-document",
        ),
        pytest.param(
            container("Image", "docker.io/evil@sha256:1"), "images must be of", id="MOD-09-registry"
        ),
        pytest.param(
            container(
                "Image", "100000000002.dkr.ecr.sa-east-1.amazonaws.com/aur/retail/other@sha256:1"
            ),
            "images must be of",
            id="MOD-09-repository",
        ),
        pytest.param(
            container("Image", "100000000002.dkr.ecr.sa-east-1.amazonaws.com/aur/tabular:1.0.0"),
            "by tag; give the digest",
            id="MOD-09-tag",
        ),
        pytest.param(
            container("ModelDataUrl", "s3://elsewhere/model.tar.gz"),
            "it must be under s3://aur-artifacts/retail/credit/",
            id="another-bucket",
        ),
        pytest.param(
            container("ModelDataUrl", "s3://aur-artifacts/retail/credit/../churn/model.tar.gz"),
            "it must be under",
            id="another-model",
        ),
        pytest.param(
            metadata("manifest_sha256", ""), "nothing pins its files", id="MOD-08-not-pinned"
        ),
        pytest.param(
            metadata("manifest_sha256", "0" * 64), "the version pins 000", id="MOD-08-manifest"
        ),
        pytest.param(
            overwritten(MODEL_KEY, b"another model"), "the version pins", id="MOD-08-model"
        ),
        pytest.param(
            overwritten(f"{BASELINE}constraints.json", b"{}"),
            "constraints.json has SHA-256",
            id="MOD-08-baseline",
        ),
        pytest.param(
            lambda _, artifacts: artifacts.pop(f"{BASELINE}sample.csv"),
            "sample.csv does not exist",
            id="a-file-is-missing",
        ),
    ],
)
def test_a_version_is_refused(run, package, artifacts, bus, change, reason):
    change(package, artifacts)

    with pytest.raises(ReleaseRefused, match=reason):
        run()

    assert keys(run.s3()) == []
    assert bus.kinds == ["Release Failed"]
    assert reason in bus.detail()["facts"]["reason"]


def test_another_models_version_is_not_even_read(run, bus):
    with pytest.raises(ReleaseRefused, match="is no version in"):
        run({"detail": {"ModelPackageArn": VERSION.replace("credit", "churn")}})

    assert bus.detail()["facts"]["step"] == "pull"


def test_a_refusal_is_told_once_because_lambda_has_no_reason_to_try_again(monkeypatch, bus):
    settings = {
        "MLZONE_UNIT": "retail",
        "MLZONE_TEAM": "risk",
        "MLZONE_MODEL": "credit",
        "MLZONE_ENVIRONMENT": "staging",
        "MLZONE_PLATFORM_BUS": SETTINGS.bus_arn,
        "MLZONE_MODEL_PACKAGE_GROUP": GROUP,
        "MLZONE_ARTIFACT_BUCKET": "aur-artifacts",
        "MLZONE_IMAGE_REPOSITORY": SETTINGS.surroundings.image_repository,
        "MLZONE_RELEASE_BUCKET": "aur-releases",
        "MLZONE_RELEASE_KEY": SETTINGS.target.key_arn,
        "MLZONE_ANALYZER_IMAGE": SETTINGS.analyzer_image,
        "MLZONE_EVIDENCE": "explanation validation",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "client", lambda service, **_: {"events": bus}.get(service))

    answer = handler({"detail": {"ModelPackageArn": "another"}}, None)

    assert "another is no version in" in answer["refused"]
    assert bus.kinds == ["Release Failed"]


def test_the_function_says_which_setting_is_missing(monkeypatch):
    monkeypatch.setenv("MLZONE_UNIT", "retail")
    monkeypatch.delenv("MLZONE_TEAM", raising=False)

    with pytest.raises(Exception, match="the setting MLZONE_TEAM is missing"):
        Settings.from_environment()
