"""The first act: from YAML to a governed business unit whose rules hold for real people."""

import shutil
from typing import Any

from mlzone.estate import Stage
from mlzone_tools.cloud import embedded
from mlzone_tools.demo.scene import Scene, must, refused
from mlzone_tools.demo.story import Facts, Step, StepFailedError
from mlzone_tools.services import access, bootstrap, deployment
from mlzone_tools.services import estate as estate_service


def steps(scene: Scene) -> list[Step]:
    """Return the steps of this act."""
    return [
        Step(
            "validate", "Validate the estate", "the organization as YAML", lambda: _validate(scene)
        ),
        Step("cloud", "Start the embedded cloud", "empty accounts, no AWS", lambda: _start(scene)),
        Step(
            "bootstrap",
            "Bootstrap the accounts",
            "the real `cdk bootstrap`, under our boundary",
            lambda: _bootstrap(scene),
        ),
        Step(
            "deploy",
            "Check and deploy the business unit",
            "proofs and cdk-nag first, then the real `cdk deploy` into six accounts",
            lambda: _deploy(scene),
        ),
        Step(
            "look",
            "Look at what is there",
            "plain boto3 calls, as against AWS",
            lambda: _look(scene),
        ),
        Step(
            "isolation",
            "A data scientist works with their own team's data alone",
            "their own bucket opens, another team's does not",
            lambda: _isolation(scene),
        ),
        Step(
            "guardrail",
            "Nobody trains outside the private network",
            "the organization's policy refuses, whatever else is allowed",
            lambda: _guardrail(scene),
        ),
    ]


def _validate(scene: Scene) -> Facts:
    result = estate_service.validate(scene.estate_path)
    return {
        "organization": scene.estate.organization.name,
        "teams": result.teams,
        "people": result.people,
        "models": result.models,
        "model of this story": f"{scene.unit.name}/{scene.model.name}",
    }


def _start(scene: Scene) -> Facts:
    embedded.reset(scene.state)
    shutil.rmtree(scene.project, ignore_errors=True)
    endpoint = embedded.start(scene.estate, port=scene.port, state=scene.state, talk=scene.talk)
    return {"url": endpoint.url, "accounts": len(endpoint.credentials)}


def _bootstrap(scene: Scene) -> Facts:
    done = bootstrap.bootstrap(scene.cloud, scene.estate, scene.unit.name, talk=lambda _: None)
    return {"accounts": ", ".join(f"{item.name} {item.account}" for item in done)}


def _deploy(scene: Scene) -> Facts:
    report = access.prove_estate(scene.estate_path)
    must(report.proved, "a theorem over the guardrails does not hold: see mlzone access prove")

    def progress(line: str) -> None:
        if line.startswith((" ✅", "✅", " ❌", "❌")) or "failed" in line:
            scene.talk(f"      {line.strip()}")

    stacks = deployment.deploy(
        scene.cloud, scene.estate, scene.estate_path, scene.unit.name, None, talk=progress
    )
    missing = [
        state.stack
        for state in deployment.states(scene.cloud, scene.estate)
        if state.stack in stacks and not state.status.endswith("_COMPLETE")
    ]
    if missing:
        raise StepFailedError(f"these stacks are not there: {', '.join(missing)}")
    cases = sum(theorem.cases for theorem in report.theorems)
    return {
        "theorems proved": f"{len(report.theorems)}, in {cases} cases",
        "stacks": len(stacks),
    }


def _look(scene: Scene) -> Facts:
    dev = scene.stage(Stage.DEV)
    studio = dev.client("sagemaker")
    domains = {item["DomainName"]: item["DomainId"] for item in studio.list_domains()["Domains"]}
    domain = studio.describe_domain(
        DomainId=domains[scene.naming.studio_domain(scene.unit.name, scene.team.name)]
    )
    profiles = studio.list_user_profiles(DomainIdEquals=domain["DomainId"])["UserProfiles"]
    registry = scene.registry().client("sagemaker")
    groups = registry.list_model_package_groups()["ModelPackageGroupSummaryList"]
    networks = dev.client("ec2").describe_vpcs()["Vpcs"]
    must(domain["AppNetworkAccessType"] == "VpcOnly", "the domain is not private")
    must(bool(profiles) and bool(groups), "profiles or model groups are missing")
    return {
        "studio domain": f"{domain['DomainName']} ({domain['DomainId']}, VpcOnly)",
        "profiles": ", ".join(sorted(item["UserProfileName"] for item in profiles)),
        "model groups": len(groups),
        "networks": len(networks),
    }


def _isolation(scene: Scene) -> Facts:
    unit, team = scene.unit, scene.team
    other = next(item for item in unit.teams if item.name != team.name)
    account = unit.environments.dev.account
    own_bucket = scene.naming.data_bucket(unit.name, team.name, account)
    other_bucket = scene.naming.data_bucket(unit.name, other.name, account)
    s3 = scene.stage(Stage.DEV, scene.author).client("s3")
    key = "work/hello.txt"
    s3.put_object(Bucket=own_bucket, Key=key, Body=b"hello")
    must(
        s3.get_object(Bucket=own_bucket, Key=key)["Body"].read() == b"hello",
        "the person's own data cannot be read",
    )
    refusal = refused(
        lambda: s3.list_objects_v2(Bucket=other_bucket), f"{scene.author} reads {other_bucket}"
    )
    return {
        "person": scene.author,
        "reads and writes": f"s3://{own_bucket}/{key}",
        "refused": refusal,
    }


def _guardrail(scene: Scene) -> Facts:
    account = scene.unit.environments.dev.account
    region = scene.estate.region(scene.unit, Stage.DEV)
    sagemaker = scene.stage(Stage.DEV).client("sagemaker")
    job: dict[str, Any] = {
        "TrainingJobName": "outside-the-network",
        "RoleArn": f"arn:aws:iam::{account}:role/anything",
        "AlgorithmSpecification": {
            "TrainingImage": f"{account}.dkr.ecr.{region}.amazonaws.com/any:1",
            "TrainingInputMode": "File",
        },
        "OutputDataConfig": {"S3OutputPath": "s3://anywhere/"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large",
            "InstanceCount": 1,
            "VolumeSizeInGB": 10,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    }
    refusal = refused(
        lambda: sagemaker.create_training_job(**job), "a training job without a network"
    )
    return {"who": "an administrator of the account", "refused": refusal}
