"""A release is tried beside the one that serves: our stack, our trial, real servers under load."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal

import pytest
from botocore.exceptions import ClientError
from tests.cloud.cfn.conftest import Stacks
from tests.cloud.sagemaker.conftest import DEV, REGION, SHARED
from tests.cloud.sagemaker.serving import SERVER, Endpoints, packed
from tests.constructs.conftest import SAMPLES, built, with_settings

from mlzone.estate import Stage
from mlzone.estate.model import Trial as DeclaredTrial
from mlzone.loading import load_estate
from mlzone_cloud.cloud import Cloud
from mlzone_cloud.sagemaker.capture import flush_captures
from mlzone_runtime.release.captured import CapturedRequests
from mlzone_runtime.release.deploy import Deployer, DeploymentError
from mlzone_runtime.release.document import Release
from mlzone_runtime.release.trial import CHANGE, Rules, Trial, TrialError, end_trial, moved
from mlzone_runtime.release.verify import ServiceLevel
from mlzone_runtime.tabular_schema import Feature
from mlzone_stacks.serving import ServingStack

ENDPOINT = "cmp-retail-credit-default-prod"
Mode = Literal["shadow", "ab-test"]


class Served:
    """The stack of a model in production with trials, and what is asked of its endpoint."""

    def __init__(self, endpoints: Endpoints, cloud: Cloud, mode: Mode) -> None:
        self.endpoints, self.cloud, self.mode = endpoints, cloud, mode
        self.stacks = Stacks(cloud)
        ecr = cloud.client("ecr", account=SHARED)
        (image,) = ecr.list_images(repositoryName="tabular")["imageIds"]
        self.image = f"{endpoints.estate.image.rpartition(':')[0]}@{image['imageDigest']}"
        self.answers: list[str] = []
        self.failures: list[str] = []
        self.deployer = Deployer(
            cloudformation=self.stacks.client(), talk=lambda _: None, pause=0.1, deadline=60
        )

    def open(self, answer: str) -> None:
        """Deploy the stack with its first release."""
        release = self.release("v1", answer)
        body = self._template()
        self.stacks.create(
            "serving",
            body.pop("Resources"),
            parameters=release.serving_parameters(),
            template=body,
        )
        assert self.stacks.describe("serving")["StackStatus"] == "CREATE_COMPLETE", (
            self.stacks.reasons("serving")
        )

    def _template(self) -> dict[str, Any]:
        """Return the part of the synthesized stack that serves, in the account of the test."""
        trial = DeclaredTrial(mode=self.mode, percentage=50)
        estate = with_settings(load_estate(SAMPLES / "complete.yaml"), serving={"trial": trial})
        body = built(estate, ServingStack, Stage.PROD)
        kinds = ("AWS::SageMaker::", "AWS::CloudWatch::Alarm")
        kept = {
            name: item for name, item in body["Resources"].items() if item["Type"].startswith(kinds)
        }
        for item in kept.values():
            found = item["Properties"]
            found.pop("VpcConfig", None)
            found.pop("KmsKeyId", None)
            if "ExecutionRoleArn" in found:
                found["ExecutionRoleArn"] = self.endpoints.estate.role
            if "DataCaptureConfig" in found:
                found["DataCaptureConfig"].pop("KmsKeyId")
                place = f"s3://{self.endpoints.estate.bucket}/requests"
                found["DataCaptureConfig"]["DestinationS3Uri"] = place
            item["DependsOn"] = [name for name in item.get("DependsOn", ()) if name in kept]
        parameters = {
            name: item
            for name, item in body["Parameters"].items()
            if "Default" in item and item["Type"] == "String"
        }
        return {"Resources": kept, "Conditions": body["Conditions"], "Parameters": parameters}

    def release(self, name: str, answer: str) -> Release:
        """Return a release whose server gives an answer, or ends where there is none."""
        code = SERVER.replace('VERSION + b":" + body', f"b'{answer}'")
        if not answer:
            code = "raise SystemExit('no such column')"
        url = self.endpoints.estate.put(f"releases/{name}/model.tar.gz", packed(code))
        return Release(
            release=name,
            model_package_arn=f"arn:aws:sagemaker:{REGION}:{SHARED}:model-package/credit/1",
            author="bruno.lima",
            approver="paula.reis",
            model_data_url=url,
            inference_image=self.image,
            baseline_statistics="",
            baseline_constraints="",
            analyzer_image="",
            features=({"name": "amount", "type": "number"},),
            rows=(("1",),),
        )

    def trial(self, release: Release) -> Trial:
        """Return a trial of a release."""

        def captured(since: datetime) -> CapturedRequests:
            return CapturedRequests(
                s3=self.endpoints.estate.s3,
                uri=f"s3://{self.endpoints.estate.bucket}/requests/{ENDPOINT}",
                since=since,
                features=(Feature(name="amount", kind="number"),),
            )

        return Trial(
            release=release,
            stack="serving",
            endpoint=ENDPOINT,
            champion="AllTraffic",
            deployer=self.deployer,
            cloudwatch=self.cloud.client("cloudwatch", account=DEV),
            captured=captured,
            talk=lambda _: None,
            first_pause=0.1,
        )

    def rules(self, **more: Any) -> Rules:
        """Return what a trial must keep to."""
        given = {"requests": 20, "hours": 0.02, "difference_percent": 5.0, **more}
        level = ServiceLevel(p95_latency_ms=2000, error_rate_percent=10)
        return Rules(mode=self.mode, level=level, **given)

    @contextmanager
    def under_load(self) -> Iterator[None]:
        """Ask the endpoint all the while; what is captured is written at once."""
        self.answers, self.failures = [], []
        done = threading.Event()

        def load() -> None:
            number = 0
            while not done.wait(0.01):
                number += 1
                try:
                    self.answers.append(self.ask(number))
                except ClientError as error:
                    self.failures.append(str(error))
                self.cloud.tick()
                flush_captures(self.cloud, DEV, REGION, ENDPOINT)

        caller = threading.Thread(target=load)
        caller.start()
        try:
            yield
        finally:
            done.set()
            caller.join()

    def ask(self, number: int = 1) -> str:
        """Ask the endpoint one of a few things."""
        return self.endpoints.ask(f"{number % 7}", name=ENDPOINT, Accept="text/csv")

    def parameters(self) -> dict[str, str]:
        return self.deployer.parameters("serving")

    def variants(self) -> list[str]:
        """Return the variants of the endpoint, those in the shadow as well."""
        found = self.endpoints.settled(ENDPOINT)
        return [
            item["VariantName"]
            for kind in ("ProductionVariants", "ShadowProductionVariants")
            for item in found.get(kind, ())
        ]


@pytest.fixture
def served(endpoints: Endpoints, cloud: Cloud, request: pytest.FixtureRequest) -> Served:
    cloud.resume()
    made = Served(endpoints, cloud, request.param)
    made.open("0.25")
    return made


@pytest.mark.parametrize("served", ["shadow"], indirect=True)
def test_DEP_03_a_shadow_is_compared_and_leaves_whatever_comes_of_it(served: Served) -> None:
    like, unlike = served.release("v2", "0.26"), served.release("v3", "0.65")

    with served.under_load():
        outcome = served.trial(like).run(served.rules())

    assert served.failures == []
    assert set(served.answers) == {"0.25"}
    assert outcome.difference.requests >= 20
    assert outcome.difference.percent == pytest.approx(1.0)
    assert outcome.failed == 0
    assert 0 < outcome.p95_latency_ms < 2000
    assert served.variants() == ["AllTraffic"]

    with served.under_load(), pytest.raises(TrialError, match=r"40\.00 % from those"):
        served.trial(unlike).run(served.rules())

    assert served.variants() == ["AllTraffic"]
    assert served.parameters()["ChallengerRelease"] == ""
    assert served.parameters()["Release"] == "v1"

    with pytest.raises(TrialError, match="0 answers could be compared; 20 are wanted"):
        served.trial(like).run(served.rules(hours=0))

    with pytest.raises(DeploymentError, match="no such column"):
        served.trial(served.release("v4", "")).run(served.rules())

    assert served.variants() == ["AllTraffic"]
    assert served.ask() == "0.25"


@pytest.mark.parametrize("served", ["ab-test"], indirect=True)
def test_DEP_03_an_ab_test_answers_a_part_of_the_callers(served: Served) -> None:
    with served.under_load():
        outcome = served.trial(served.release("v2", "0.26")).run(served.rules())

    assert served.failures == []
    assert set(served.answers) == {"0.25", "0.26"}
    assert outcome.difference.percent == pytest.approx(1.0)
    assert served.variants() == ["AllTraffic"]

    failing = served.release("v3", "x")
    broken = SERVER.replace("self.answer(200, VERSION", "self.answer(500, VERSION")
    served.endpoints.estate.put(
        "releases/v3/model.tar.gz", packed(broken.replace("VERSION", "b''"))
    )
    with served.under_load(), pytest.raises(TrialError, match="requests failed; the service level"):
        served.trial(failing).run(served.rules())

    assert served.variants() == ["AllTraffic"]
    assert served.ask() == "0.25"


@pytest.mark.parametrize("served", ["ab-test"], indirect=True)
def test_MON_04_a_trial_ends_with_the_model_and_what_it_left_goes_first(served: Served) -> None:
    second = served.release("v2", "0.26")
    served.deployer.update("serving", moved(second.serving_parameters()))
    assert served.variants() == ["AllTraffic", "Challenger"]

    assert end_trial(served.deployer, "serving")
    assert not end_trial(served.deployer, "serving")
    assert served.variants() == ["AllTraffic"]

    deployed = {**second.serving_parameters(), CHANGE: ""}
    served.deployer.update("serving", deployed)
    assert served.ask() == "0.26"
    served.deployer.update("serving", {"Stopped": "paula.reis: wrong"})
    with pytest.raises(TrialError, match="out of service meanwhile"):
        served.trial(served.release("v3", "0.3")).run(served.rules())
