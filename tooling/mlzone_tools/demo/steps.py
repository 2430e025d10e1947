"""The steps: from YAML to a governed business unit whose rules hold for real people."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import ConfigError
from mlzone.estate import BusinessUnit, Estate, Model, Team
from mlzone.naming import Naming
from mlzone_tools.cloud import embedded
from mlzone_tools.cloud.session import account_session, person_session
from mlzone_tools.demo.story import Facts, Step, StepFailedError
from mlzone_tools.services import bootstrap, deployment
from mlzone_tools.services import estate as estate_service

_DENIED = ("AccessDenied", "AccessDeniedException")


class Demo:
    """One run of the story, on an embedded cloud of its own."""

    def __init__(
        self, *, estate_path: Path, model: str, state: Path, port: int, talk: Callable[[str], None]
    ) -> None:
        self._estate_path = estate_path
        self._model_name = model
        self._state = state
        self._port = port
        self._talk = talk
        self._endpoint: embedded.Endpoint | None = None
        self._estate: Estate | None = None
        self._version = ""

    def steps(self) -> list[Step]:
        """Return the steps, in order."""
        return [
            Step("validate", "Validate the estate", "the organization as YAML", self._validate),
            Step("cloud", "Start the embedded cloud", "empty accounts, no AWS", self._start),
            Step(
                "bootstrap",
                "Bootstrap the accounts",
                "the real `cdk bootstrap`, under our boundary",
                self._bootstrap,
            ),
            Step(
                "deploy",
                "Check and deploy the business unit",
                "cdk-nag first, then the real `cdk deploy` into four accounts",
                self._deploy,
            ),
            Step(
                "look",
                "Look at what is there",
                "plain boto3 calls, as against AWS",
                self._look,
            ),
            Step(
                "isolation",
                "A data scientist works with their own team's data alone",
                "their own bucket opens, another team's does not",
                self._isolation,
            ),
            Step(
                "guardrail",
                "Nobody trains outside the private network",
                "the organization's policy refuses, whatever else is allowed",
                self._guardrail,
            ),
            Step(
                "register",
                "A model version is registered, and none is born approved",
                "the registry refuses a version that comes approved",
                self._register,
            ),
            Step(
                "self-approval",
                "The author tries to approve",
                "refused by access control; the deciding statement is named",
                self._self_approval,
            ),
            Step(
                "approval",
                "A second person approves",
                "the model approver of the second line",
                self._approval,
            ),
        ]

    def finish(self, *, keep: bool) -> None:
        """Stop the cloud, unless it is to be explored."""
        if not keep:
            embedded.stop(self._state)

    # --- steps ------------------------------------------------------------------------------

    def _validate(self) -> Facts:
        self._estate = estate_service.load(self._estate_path)
        result = estate_service.validate(self._estate_path)
        return {
            "organization": self._estate.organization.name,
            "teams": result.teams,
            "people": result.people,
            "models": result.models,
            "model of this story": "/".join(item.name for item in self._subject()[::2]),
        }

    def _start(self) -> Facts:
        embedded.reset(self._state)
        self._endpoint = embedded.start(
            self._known_estate(), port=self._port, state=self._state, talk=self._talk
        )
        return {"url": self._endpoint.url, "accounts": len(self._endpoint.credentials)}

    def _bootstrap(self) -> Facts:
        unit, _, _ = self._subject()
        done = bootstrap.bootstrap(
            self._running(), self._known_estate(), unit.name, talk=lambda _: None
        )
        return {"accounts": ", ".join(f"{item.name} {item.account}" for item in done)}

    def _deploy(self) -> Facts:
        unit, _, _ = self._subject()
        stacks = deployment.deploy(
            self._running(),
            self._known_estate(),
            self._estate_path,
            unit.name,
            None,
            talk=self._progress,
        )
        missing = [
            state.stack
            for state in deployment.states(self._running(), self._known_estate())
            if state.stack in stacks and not state.status.endswith("_COMPLETE")
        ]
        if missing:
            raise StepFailedError(f"these stacks are not there: {', '.join(missing)}")
        return {"stacks": len(stacks)}

    def _look(self) -> Facts:
        unit, team, _ = self._subject()
        dev = self._account(unit.environments.dev.account)
        shared = self._account(self._known_estate().organization.accounts.shared_services)
        studio = dev("sagemaker")
        domains = {
            item["DomainName"]: item["DomainId"] for item in studio.list_domains()["Domains"]
        }
        domain = studio.describe_domain(
            DomainId=domains[self._naming().studio_domain(unit.name, team.name)]
        )
        profiles = studio.list_user_profiles(DomainIdEquals=domain["DomainId"])["UserProfiles"]
        groups = shared("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
        networks = dev("ec2").describe_vpcs()["Vpcs"]
        self._must(domain["AppNetworkAccessType"] == "VpcOnly", "the domain is not private")
        self._must(bool(profiles) and bool(groups), "profiles or model groups are missing")
        return {
            "studio domain": f"{domain['DomainName']} ({domain['DomainId']}, VpcOnly)",
            "profiles": ", ".join(sorted(item["UserProfileName"] for item in profiles)),
            "model groups": len(groups),
            "networks": len(networks),
        }

    def _isolation(self) -> Facts:
        unit, team, _ = self._subject()
        other = next(item for item in unit.teams if item.name != team.name)
        account = unit.environments.dev.account
        own_bucket = self._naming().data_bucket(unit.name, team.name, account)
        other_bucket = self._naming().data_bucket(unit.name, other.name, account)
        person = self._author()
        s3 = self._person(person)("s3")
        key = f"{team.data_zones[0].name}/hello.txt"
        s3.put_object(Bucket=own_bucket, Key=key, Body=b"hello")
        self._must(
            s3.get_object(Bucket=own_bucket, Key=key)["Body"].read() == b"hello",
            "the person's own data cannot be read",
        )
        refusal = self._refused(
            lambda: s3.list_objects_v2(Bucket=other_bucket), f"{person} reads {other_bucket}"
        )
        return {
            "person": person,
            "reads and writes": f"s3://{own_bucket}/{key}",
            "refused": refusal,
        }

    def _guardrail(self) -> Facts:
        unit, _, _ = self._subject()
        account = unit.environments.dev.account
        sagemaker = self._account(account)("sagemaker")
        refusal = self._refused(
            lambda: sagemaker.create_training_job(
                TrainingJobName="outside-the-network",
                RoleArn=f"arn:aws:iam::{account}:role/anything",
                AlgorithmSpecification={
                    "TrainingImage": f"{account}.dkr.ecr.sa-east-1.amazonaws.com/any:1",
                    "TrainingInputMode": "File",
                },
                OutputDataConfig={"S3OutputPath": "s3://anywhere/"},
                ResourceConfig={
                    "InstanceType": "ml.m5.large",
                    "InstanceCount": 1,
                    "VolumeSizeInGB": 10,
                },
                StoppingCondition={"MaxRuntimeInSeconds": 60},
            ),
            "a training job without a network",
        )
        return {"who": "an administrator of the account", "refused": refusal}

    def _register(self) -> Facts:
        unit, _, model = self._subject()
        group = self._naming().model_package_group(unit.name, model.name)
        shared = self._known_estate().organization.accounts.shared_services
        registry = self._account(shared)("sagemaker")
        version: dict[str, Any] = {
            "ModelPackageGroupName": group,
            "ModelPackageDescription": model.title,
            "CustomerMetadataProperties": {
                "author": self._author(),
                "risk-tier": str(model.risk_tier),
            },
        }
        refusal = self._refused(
            lambda: registry.create_model_package(**version, ModelApprovalStatus="Approved"),
            "a version that is born approved",
        )
        answer = registry.create_model_package(
            **version, ModelApprovalStatus="PendingManualApproval"
        )
        self._version = answer["ModelPackageArn"]
        return {
            "model package": self._version,
            "author": self._author(),
            "born approved": f"refused: {refusal}",
        }

    def _self_approval(self) -> Facts:
        registry = self._person(self._author())("sagemaker")
        refusal = self._refused(
            lambda: registry.update_model_package(
                ModelPackageArn=self._version, ModelApprovalStatus="Approved"
            ),
            f"{self._author()} approves their own model",
        )
        return {"person": self._author(), "refused": refusal}

    def _approval(self) -> Facts:
        unit, _, _ = self._subject()
        approver = unit.approvers[0]
        registry = self._person(approver)("sagemaker")
        registry.update_model_package(ModelPackageArn=self._version, ModelApprovalStatus="Approved")
        version = registry.describe_model_package(ModelPackageName=self._version)
        self._must(
            version["ModelApprovalStatus"] == "Approved",
            f"the version is {version['ModelApprovalStatus']}",
        )
        return {
            "person": approver,
            "model package": self._version,
            "status": version["ModelApprovalStatus"],
        }

    # --- what the steps share ---------------------------------------------------------------

    def _known_estate(self) -> Estate:
        if self._estate is None:
            self._estate = estate_service.load(self._estate_path)
        return self._estate

    def _subject(self) -> tuple[BusinessUnit, Team, Model]:
        """Return the model of the story, with its unit and team."""
        unit, team, model = self._known_estate().model(self._model_name)
        if len(unit.teams) < 2:  # noqa: PLR2004
            raise ConfigError(
                f"unit {unit.name} has one team alone", hint="the story needs two to tell apart"
            )
        return unit, team, model

    def _author(self) -> str:
        _, team, _ = self._subject()
        people = (*team.members.data_scientists, *team.members.lead_data_scientists)
        return people[0]

    def _naming(self) -> Naming:
        return Naming(prefix=self._known_estate().organization.prefix)

    def _running(self) -> embedded.Endpoint:
        return self._endpoint or embedded.running(self._state)

    def _account(self, account: str) -> Callable[[str], Any]:
        return account_session(self._running(), self._known_estate(), account).client

    def _person(self, person: str) -> Callable[[str], Any]:
        unit, _, _ = self._subject()
        return person_session(self._running(), self._known_estate(), person, unit=unit.name).client

    def _must(self, holds: bool, problem: str) -> None:  # noqa: FBT001
        if not holds:
            raise StepFailedError(problem)

    def _refused(self, attempt: Callable[[], Any], what: str) -> str:
        """Return AWS's words for the refusal of an attempt that must not succeed."""
        try:
            attempt()
        except ClientError as error:
            if error.response["Error"]["Code"] not in _DENIED:
                raise StepFailedError(f"{what}: failed for another reason: {error}") from error
            return str(error.response["Error"]["Message"])
        raise StepFailedError(f"{what}: it was allowed")

    def _progress(self, line: str) -> None:
        if line.startswith((" ✅", "✅", " ❌", "❌")) or "failed" in line:
            self._talk(f"      {line.strip()}")
