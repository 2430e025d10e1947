"""The real CDK command line bootstraps, deploys, compares, changes, fails and destroys."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlzone_cloud.compute import codebuild_environment

APP = Path(__file__).parent / "app" / "app.py"
SHARED, UNIT, REGION = "100000000002", "111111111111", "sa-east-1"
ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"

pytestmark = [pytest.mark.cdk, pytest.mark.cloud]


@dataclass
class Cdk:
    """The command line against one embedded cloud."""

    server: Any
    folder: Path

    def run(self, *arguments: str, account: str = UNIT, variant: str = "first") -> tuple[int, str]:
        """Run a command; return its exit code and all it said."""
        keys = self.server.credentials[account]
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.folder),
            # Unpacked once, and not into each HOME.
            **codebuild_environment.unpacked(),
            "CDK_HOME": str(self.folder / "cdk"),
            "CDK_VALIDATION": "false",
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "AWS_ENDPOINT_URL": self.server.url,
            "AWS_ACCESS_KEY_ID": keys["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": keys["secret_access_key"],
            "AWS_REGION": REGION,
        }
        done = subprocess.run(
            [
                "cdk",
                arguments[0],
                *("--app", f"{sys.executable} -P {APP}", "--output", str(self.folder / variant)),
                *("--context", f"variant={variant}", "--no-notices", "--ci"),
                *arguments[1:],
            ],
            env=environment,
            cwd=self.folder,
            text=True,
            capture_output=True,
            timeout=300,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def client(self, service: str, account: str = UNIT) -> Any:
        return self.server.client(service, account=account)

    def stack_names(self, account: str) -> set[str]:
        stacks = self.client("cloudformation", account).describe_stacks()["Stacks"]
        return {stack["StackName"] for stack in stacks}


@pytest.fixture
def cdk(start_server: Any, tmp_path: Path) -> Cdk:
    assert shutil.which("cdk"), "`make setup` installs the CDK command line"
    return Cdk(start_server(tmp_path / "cloud"), tmp_path)


def test_the_life_of_two_stacks_in_two_accounts(cdk: Cdk) -> None:
    _bootstrap(cdk)
    _deploy(cdk)
    _change_and_replace(cdk)
    _fail(cdk)
    _destroy(cdk)


def _bootstrap(cdk: Cdk) -> None:
    for account, more in ((SHARED, ("--trust", UNIT)), (UNIT, ())):
        code, said = cdk.run(
            "bootstrap",
            f"aws://{account}/{REGION}",
            *("--cloudformation-execution-policies", ADMINISTRATOR, *more),
            account=account,
        )
        assert code == 0, said
        assert cdk.stack_names(account) == {"CDKToolkit"}


def _deploy(cdk: Cdk) -> None:
    code, said = cdk.run("deploy", "--all", "--require-approval", "never")
    assert code == 0, said

    s3 = cdk.client("s3", SHARED)
    stack = cdk.client("cloudformation", SHARED).describe_stacks(StackName="demo-shared")
    bucket = stack["Stacks"][0]["Outputs"][0]["OutputValue"]
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    assert "aws:SecureTransport" in s3.get_bucket_policy(Bucket=bucket)["Policy"]
    groups = cdk.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    assert [group["ModelPackageGroupName"] for group in groups] == ["demo-models"]

    code, said = cdk.run("diff", "--all", "--fail")
    assert code == 0, said
    assert "Number of stacks with differences: 0" in said


def _change_and_replace(cdk: Cdk) -> None:
    role = cdk.client("iam").list_roles(PathPrefix="/")["Roles"]
    name = next(item["RoleName"] for item in role if item["RoleName"].startswith("demo-unit"))

    code, said = cdk.run("diff", "demo-unit", variant="second")
    assert "replace" in said, said
    code, said = cdk.run("deploy", "--all", "--require-approval", "never", variant="second")
    assert code == 0, said

    changed = cdk.client("iam").get_role(RoleName=name)["Role"]
    assert changed["MaxSessionDuration"] == 7200
    topics = [item["TopicArn"] for item in cdk.client("sns").list_topics()["Topics"]]
    assert topics == [f"arn:aws:sns:{REGION}:{UNIT}:two"]
    value = cdk.client("ssm").get_parameter(Name="/demo/topic")["Parameter"]["Value"]
    assert value == topics[0]


def _fail(cdk: Cdk) -> None:
    code, said = cdk.run("deploy", "--all", "--require-approval", "never", variant="bad")
    assert code != 0
    assert "#/SpaceName: failed validation constraint for keyword [pattern]" in said, said

    stack = cdk.client("cloudformation").describe_stacks(StackName="demo-unit")["Stacks"][0]
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    names = {item["Name"] for item in cdk.client("ssm").describe_parameters()["Parameters"]}
    assert "/demo/added" not in names
    code, said = cdk.run("diff", "--all", "--fail", variant="second")
    assert code == 0, said


def _destroy(cdk: Cdk) -> None:
    code, said = cdk.run("destroy", "--all", "--force", variant="second")
    assert code == 0, said

    assert cdk.stack_names(UNIT) == cdk.stack_names(SHARED) == {"CDKToolkit"}
    assert not cdk.client("sns").list_topics()["Topics"]
    assert not cdk.client("sagemaker").list_model_package_groups()["ModelPackageGroupSummaryList"]
    buckets = cdk.client("s3", SHARED).list_buckets()["Buckets"]
    assert not [item for item in buckets if item["Name"].startswith("demo")]
