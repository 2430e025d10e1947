"""CodeCommit: real Git over HTTP."""

import base64
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.cloud.waiting import eventually

pytestmark = pytest.mark.cloud

DEV = "111111111111"
REGION = "sa-east-1"


def git(folder: Path, *arguments: str, user: str = "", password: str = "") -> str:
    header = base64.b64encode(f"{user}:{password}".encode()).decode()
    done = subprocess.run(
        ["git", "-c", f"http.extraHeader=Authorization: Basic {header}", *arguments],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "ana",
            "GIT_AUTHOR_EMAIL": "ana@example.com",
            "GIT_COMMITTER_NAME": "ana",
            "GIT_COMMITTER_EMAIL": "ana@example.com",
        },
    )
    return done.stdout + done.stderr


def role_keys(server: Any, name: str, policy: dict[str, Any]) -> dict[str, str]:
    iam = server.client("iam", account=DEV)
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{DEV}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
    session = server.client("sts", account=DEV).assume_role(
        RoleArn=f"arn:aws:iam::{DEV}:role/{name}", RoleSessionName="ana"
    )
    keys = session["Credentials"]
    return {
        "user": f"{keys['AccessKeyId']}%{keys['SessionToken']}",
        "password": keys["SecretAccessKey"],
    }


def allow(*actions: str) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}],
    }


@pytest.fixture
def clone_url(cloud_server: Any, request: pytest.FixtureRequest) -> str:
    name = request.node.name.replace("_", "-")[:60]
    made = cloud_server.client("codecommit", account=DEV).create_repository(repositoryName=name)
    url: str = made["repositoryMetadata"]["cloneUrlHttp"]
    return url


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "train.py").write_text("print('hello')\n", encoding="utf-8")
    git(folder, "init", "--initial-branch=main")
    git(folder, "add", "-A")
    git(folder, "commit", "--message", "first")
    return folder


def test_what_is_pushed_can_be_cloned_and_read_through_the_api(
    cloud_server: Any, clone_url: str, project: Path, tmp_path: Path
) -> None:
    keys = role_keys(cloud_server, "writer", allow("codecommit:GitPush", "codecommit:GitPull"))

    pushed = git(project, "push", clone_url, "main", **keys)
    git(tmp_path, "clone", clone_url, "copy", **keys)

    codecommit = cloud_server.client("codecommit", account=DEV)
    name = clone_url.rsplit("/", 1)[-1]
    commit = codecommit.get_branch(repositoryName=name, branchName="main")["branch"]["commitId"]
    file = codecommit.get_file(repositoryName=name, filePath="src/train.py")
    details = codecommit.get_commit(repositoryName=name, commitId=commit)["commit"]
    assert "new branch" in pushed
    assert (tmp_path / "copy" / "src" / "train.py").read_text(encoding="utf-8")
    assert commit == git(project, "rev-parse", "main").strip()
    assert file["fileContent"] == b"print('hello')\n"
    assert details["author"]["name"] == "ana"
    assert details["message"].strip() == "first"


@pytest.mark.parametrize("annotated", [False, True])
def test_a_tag_that_is_pushed_is_told_with_its_commit(
    cloud_server: Any,
    clone_url: str,
    project: Path,
    annotated: bool,
) -> None:
    """An annotated tag is an object of its own; what is built is the commit that it names."""
    name = clone_url.rsplit("/", 1)[-1]
    sqs, events = (cloud_server.client(item, account=DEV) for item in ("sqs", "events"))
    rule = f"tags-{annotated}".lower()
    url = sqs.create_queue(QueueName=rule)["QueueUrl"]
    queue = f"arn:aws:sqs:{events.meta.region_name}:{DEV}:{rule}"
    anybody = {**allow("sqs:SendMessage")["Statement"][0], "Principal": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [anybody]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": document})
    pattern = {
        "source": ["aws.codecommit"],
        "detail": {
            "repositoryName": [name],
            "referenceType": ["tag"],
            "referenceName": [{"wildcard": "release-*"}],
        },
    }
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue}])
    git(project, "tag", "draft-1")
    git(project, "tag", "release-1", *(["--annotate", "--message", "one"] if annotated else []))
    keys = role_keys(cloud_server, rule, allow("codecommit:GitPush", "codecommit:GitPull"))

    git(project, "push", clone_url, "main", "draft-1", "release-1", **keys)

    messages = eventually(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    (message,) = messages
    detail = json.loads(message["Body"])["detail"]
    assert (detail["event"], detail["referenceName"]) == ("referenceCreated", "release-1")
    assert detail["commitId"] == git(project, "rev-parse", "main").strip()


def test_a_role_that_may_only_pull_cannot_push(
    cloud_server: Any, clone_url: str, project: Path
) -> None:
    keys = role_keys(cloud_server, "reader", allow("codecommit:GitPull"))

    answer = git(project, "push", clone_url, "main", **keys)

    assert "403" in answer
    branches = cloud_server.client("codecommit", account=DEV).list_branches(
        repositoryName=clone_url.rsplit("/", 1)[-1]
    )
    assert branches["branches"] == []


def test_a_wrong_secret_is_refused(cloud_server: Any, clone_url: str, project: Path) -> None:
    keys = role_keys(cloud_server, "careless", allow("codecommit:*"))

    answer = git(project, "push", clone_url, "main", user=keys["user"], password="wrong")

    assert "Authentication failed" in answer or "terminal prompts disabled" in answer


def test_files_can_be_committed_through_the_api(cloud_server: Any, clone_url: str) -> None:
    codecommit = cloud_server.client("codecommit", account=DEV)
    name = clone_url.rsplit("/", 1)[-1]
    first = codecommit.create_commit(
        repositoryName=name,
        branchName="main",
        putFiles=[
            {"filePath": "a/b/c.txt", "fileContent": b"deep"},
            {"filePath": "d.txt", "fileContent": b"flat"},
        ],
    )
    second = codecommit.create_commit(
        repositoryName=name,
        branchName="main",
        parentCommitId=first["commitId"],
        deleteFiles=[{"filePath": "d.txt"}],
    )

    file = codecommit.get_file(repositoryName=name, filePath="a/b/c.txt")

    assert file["fileContent"] == b"deep"
    assert file["commitId"] == second["commitId"]
    with pytest.raises(codecommit.exceptions.FileDoesNotExistException):
        codecommit.get_file(repositoryName=name, filePath="d.txt")
    with pytest.raises(codecommit.exceptions.ParentCommitIdOutdatedException):
        codecommit.create_commit(
            repositoryName=name,
            branchName="main",
            parentCommitId=first["commitId"],
            putFiles=[{"filePath": "x", "fileContent": b"y"}],
        )
