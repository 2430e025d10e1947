"""The daily look finds what somebody changed by hand, and tells it; or it says that it failed.

One cloud serves all tests of this module; they run in the order in which they are written.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from tests.cli.change_pipeline import UNIT, Bank

from mlzone.change_policy import bootstrap_role
from mlzone.estate import Stage
from mlzone.naming import ROLE_PATH
from mlzone_tools.cloud.session import Session
from mlzone_tools.demo.scene import wait

pytestmark = pytest.mark.cdk

PIPELINE, PROJECT, ALARM = "aur-retail-drift", "drift", "aur-retail-drift-silent"
REPORTS, VAULT = "aur-retail-change-{shared}", "aur-evidence-{shared}"
OWNER, ADMIN = "olga.ramos@bank.example", "igor.teixeira@bank.example"
_HOUR = 3600


class WatchedBank(Bank):
    """A bank that is looked at by the day."""

    @property
    def shared(self) -> Session:
        return self.account(self.estate.organization.accounts.shared_services)

    @property
    def dev(self) -> Session:
        return self.account(self.estate.unit(UNIT).environments[Stage.DEV].account)

    def next_day(self) -> dict[str, Any]:
        """Let a day pass, but no hour while something looks; return the execution that looked."""
        before = {item["pipelineExecutionId"] for item in self._executions()}

        def looks() -> list[dict[str, Any]]:
            return [
                item for item in self._executions() if item["pipelineExecutionId"] not in before
            ]

        def ended() -> dict[str, Any] | None:
            return next((item for item in looks() if item["status"] != "InProgress"), None)

        for _ in range(24):
            self.endpoint.control("advance", {"seconds": _HOUR})
            if looks():
                # The sessions of what runs would end, too.
                wait(ended, "the look ends", seconds=300)
        found: dict[str, Any] = wait(ended, "a look has ended")
        return found

    def _executions(self) -> list[dict[str, Any]]:
        # Sessions end while a day passes.
        client = self.shared.client("codepipeline")
        listed = client.list_pipeline_executions(pipelineName=PIPELINE)
        return list(listed["pipelineExecutionSummaries"])

    def report(self) -> dict[str, Any]:
        """Return the newest report."""
        client, bucket = self.shared.client("s3"), REPORTS.format(shared=self.shared.account)
        listed = client.list_objects_v2(Bucket=bucket, Prefix="drift/")["Contents"]
        newest = max(item["Key"] for item in listed if item["Key"].endswith(".json"))
        found: dict[str, Any] = json.load(client.get_object(Bucket=bucket, Key=newest)["Body"])
        return found

    def evidence(self) -> list[dict[str, Any]]:
        """Return the records of the platform's chain."""
        client, bucket = self.shared.client("s3"), VAULT.format(shared=self.shared.account)
        listed = client.list_objects_v2(Bucket=bucket, Prefix="platform/").get("Contents", [])
        keys = sorted(item["Key"] for item in listed)
        return [json.load(client.get_object(Bucket=bucket, Key=key)["Body"]) for key in keys]

    def mails(self) -> list[dict[str, Any]]:
        """Return the mails about changes by hand."""
        sent = self.endpoint.control("outbox")["messages"]
        return [item for item in sent if item["topic"].endswith(":aur-retail-drift")]

    def alarm(self) -> str:
        client = self.shared.client("cloudwatch")
        (found,) = client.describe_alarms(AlarmNames=[ALARM])["MetricAlarms"]
        return str(found["StateValue"])

    def in_build(self, program: str) -> dict[str, str]:
        """Run a program in the role of the project that looks; return what it answers."""
        encoded = base64.b64encode(program.encode()).decode()
        command = f"echo {encoded} | base64 -d | python -"
        client = self.shared.client("codebuild")
        build = client.start_build(
            projectName="aur-retail-change-drift",
            sourceTypeOverride="NO_SOURCE",
            artifactsOverride={"type": "NO_ARTIFACTS"},
            buildspecOverride=json.dumps(
                {"version": "0.2", "phases": {"build": {"commands": [command]}}}
            ),
        )["build"]["id"]

        def ended() -> dict[str, Any] | None:
            (found,) = client.batch_get_builds(ids=[build])["builds"]
            return found if found["buildComplete"] else None

        place = wait(ended, "the build ends", seconds=120)["logs"]
        events = self.shared.client("logs").get_log_events(
            logGroupName=place["groupName"], logStreamName=place["streamName"]
        )["events"]
        said = "\n".join(item["message"] for item in events)
        assert "ANSWERS " in said, said
        line = next(line for line in said.splitlines() if line.startswith("ANSWERS "))
        answers: dict[str, str] = json.loads(line.removeprefix("ANSWERS "))
        return answers

    def set_budget(self, amount: str) -> None:
        """Change the team's budget by hand."""
        client, account = self.dev.client("budgets", "us-east-1"), self.dev.account
        (budget,) = (
            item
            for item in client.describe_budgets(AccountId=account)["Budgets"]
            if "-risk" in item["BudgetName"]
        )
        kept = ("BudgetName", "TimeUnit", "BudgetType")
        changed = {name: budget[name] for name in kept}
        limit = {"Amount": amount, "Unit": "USD"}
        client.update_budget(AccountId=account, NewBudget={**changed, "BudgetLimit": limit})


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WatchedBank]:
    made = WatchedBank(tmp_path_factory.mktemp("bank"))
    try:
        made.deploy(tmp_path_factory.mktemp("assembly"))
        made.push("olga.ramos")
        yield made
    finally:
        made.stop()


def test_a_day_without_changes_is_recorded_and_told_to_nobody(bank: WatchedBank):
    run = bank.next_day()

    assert run["status"] == "Succeeded", bank.log(PROJECT)
    report = bank.report()
    assert "aur-retail-dev-team-risk" in report["stacks"]
    assert (report["drifts"], report["unseen"]) == ([], [])
    assert "everything is as the estate says" in bank.log(PROJECT)
    record = wait(lambda: _newest(bank, "Estate Compared"), "the look is recorded")
    assert record["facts"]["changed"] == 0
    assert bank.mails() == []
    assert bank.alarm() == "OK"


def test_a_change_by_hand_is_found_recorded_and_mailed(bank: WatchedBank):
    bank.set_budget("9000")

    run = bank.next_day()

    assert run["status"] == "Succeeded", bank.log(PROJECT)
    (found,) = bank.report()["drifts"]
    assert found["place"] == "risk, team, in dev of retail"
    assert found["type"] == "AWS::Budgets::Budget"
    assert [item["actual"] for item in found["differences"]] == ["9000"]
    said = "risk, team, in dev of retail: AWS::Budgets::Budget"
    assert said in bank.log(PROJECT)
    assert "is 9000, should be 1000" in bank.log(PROJECT)
    record = wait(lambda: _newest(bank, "Estate Drifted"), "the finding is recorded")
    assert record["facts"]["findings"][0].startswith(said)
    mails = wait(bank.mails, "mail comes")
    assert {item["to"] for item in mails} == {OWNER, ADMIN}
    assert said in mails[0]["message"]


_TRY = """
import json, boto3, botocore
answers = {}
for name, service, operation, arguments in json.loads(CALLS):
    try:
        getattr(boto3.client(service), operation)(**arguments)
        answers[name] = "allowed"
    except botocore.exceptions.ClientError as error:
        answers[name] = error.response["Error"]["Code"]
print("ANSWERS", json.dumps(answers))
"""


def test_DEP_01_the_role_that_looks_can_do_nothing_else(bank: WatchedBank):
    """A build of the project tries: IAM decides under all policies that bear on its role."""
    dev, shared = bank.dev.account, bank.shared.account
    region = bank.estate.organization.home_region
    roles = {
        purpose: f"arn:aws:iam::{dev}:role/{bootstrap_role(purpose, dev, region)}"
        for purpose in ("lookup", "deploy", "file-publishing", "image-publishing", "cfn-exec")
    }
    of_pipeline = f"arn:aws:iam::{shared}:role{ROLE_PATH}aur-retail-change-deploy-dev"
    calls = [
        *(
            (name, "sts", "assume_role", {"RoleArn": arn, "RoleSessionName": "try-it"})
            for name, arn in {**roles, "deploy-dev": of_pipeline}.items()
        ),
        ("stacks", "cloudformation", "describe_stacks", {}),
        ("start", "codepipeline", "start_pipeline_execution", {"name": "aur-retail-change"}),
        ("evidence", "s3", "list_objects_v2", {"Bucket": VAULT.format(shared=shared)}),
        ("plan", "s3", "put_object",
         {"Bucket": REPORTS.format(shared=shared), "Key": "aur-retail-change/x", "Body": "x"}),
        ("registry", "sagemaker", "list_model_packages", {}),
    ]  # fmt: skip

    answers = bank.in_build(f"CALLS = {json.dumps(calls)!r}\n{_TRY}")

    assert answers.pop("lookup") == "allowed"
    assert set(answers) == {item[0] for item in calls} - {"lookup"}
    assert all(code.startswith("AccessDenied") for code in answers.values()), answers


def test_a_look_that_fails_is_no_absence_of_changes(bank: WatchedBank):
    bank.set_budget("1000")
    mailed = len(bank.mails())
    role = bootstrap_role("lookup", bank.dev.account, bank.estate.organization.home_region)
    nobody = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam::{bank.dev.account}:root"},
            }
        ],
    }
    bank.dev.client("iam").update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps(nobody)
    )

    run = bank.next_day()

    assert run["status"] == "Failed"
    assert f"{role} cannot be taken" in bank.log(PROJECT)
    mails = wait(lambda: bank.mails()[mailed:], "mail comes")
    assert "the look for changes by hand failed" in mails[0]["message"]
    bank.endpoint.control("advance", {"seconds": 6 * _HOUR})
    wait(lambda: bank.alarm() == "ALARM", "the alarm rises")
    wait(lambda: any(ALARM in item["message"] for item in bank.mails()), "mail tells of the alarm")


def _newest(bank: WatchedBank, kind: str) -> dict[str, Any] | None:
    found = [item for item in bank.evidence() if item["kind"] == kind]
    return found[-1] if found else None
