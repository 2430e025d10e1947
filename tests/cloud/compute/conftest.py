"""A cloud with a socket in this process, and short ways to make functions on it."""

import io
import json
import textwrap
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.cloud.waiting import eventually

from mlzone_cloud import server
from mlzone_cloud.cloud import Cloud
from mlzone_cloud.state import Keeper, forget_everything

DEV, SHARED, PROD, REGION = "111111111111", "100000000002", "111111111113", "sa-east-1"
LOGS = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


@pytest.fixture
def served(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud that also answers on a socket; its clock stands still unless a test moves it."""
    listening = server.listen(cloud, 0)
    import threading  # noqa: PLC0415

    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield cloud
    cloud.stop()
    listening.shutdown()
    listening.server_close()
    thread.join()


def zipped(code: str, **more: str) -> bytes:
    """Return an archive with `index.py` and further modules."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", textwrap.dedent(code))
        for name, text in more.items():
            file.writestr(f"{name}.py", textwrap.dedent(text))
    return archive.getvalue()


def service_role(
    cloud: Cloud, account: str, name: str, service: str, *statements: dict[str, Any]
) -> str:
    """Make a role for an AWS service."""
    iam = cloud.client("iam", account=account)
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    if statements:
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


@dataclass
class Functions:
    """Makes functions in the development account."""

    cloud: Cloud
    account: str = DEV

    @property
    def client(self) -> Any:
        return self.cloud.client("lambda", account=self.account)

    def make(self, code: str, *statements: dict[str, Any], name: str = "f", **more: Any) -> str:
        """Make a function of `index.handler` whose role has the statements; returns its ARN."""
        role = service_role(
            self.cloud, self.account, f"{name}-role", "lambda.amazonaws.com", LOGS, *statements
        )
        given: dict[str, Any] = {"Timeout": 60, "Runtime": "python3.13", **more}
        arn: str = self.client.create_function(
            FunctionName=name,
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": zipped(code)},
            **given,
        )["FunctionArn"]
        return arn

    def call(self, event: Any = None, name: str = "f", **more: Any) -> Any:
        """Invoke a function and return what it returned."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **more)
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def failure(self, event: Any = None, name: str = "f") -> dict[str, Any]:
        """Invoke a function that fails and return its error."""
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event))
        assert answer["FunctionError"] == "Unhandled"
        error: dict[str, Any] = json.loads(answer["Payload"].read())
        return error

    def log(self, group: str = "/aws/lambda/f") -> list[str]:
        """Return the messages of a log group."""
        logs = self.cloud.client("logs", account=self.account)
        events = logs.filter_log_events(logGroupName=group)["events"]
        return [event["message"] for event in events]

    def heard(self, text: str) -> list[str]:
        """Return what the function logged, once `text` is part of it.

        A group of logs is there before its first message is.
        """

        def logged() -> list[str]:
            logs = self.cloud.client("logs", account=self.account)
            groups = logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/f")["logGroups"]
            lines = self.log() if groups else []
            return lines if any(text in line for line in lines) else []

        found: list[str] = eventually(logged, cloud=self.cloud)
        return found


@pytest.fixture
def functions(served: Cloud) -> Functions:
    return Functions(served)


@dataclass
class Queue:
    """A queue into which AWS services may send."""

    cloud: Cloud
    url: str
    arn: str
    account: str = DEV

    def bodies(self) -> list[str]:
        """Take out what is there."""
        sqs = self.cloud.client("sqs", account=self.account)
        found: list[str] = []
        while messages := sqs.receive_message(
            QueueUrl=self.url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages"):
            for message in messages:
                found.append(message["Body"])
                sqs.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def wait(self) -> list[Any]:
        """Return the messages, once there are some."""
        bodies = eventually(self.bodies, cloud=self.cloud)
        return [json.loads(body) for body in bodies]


def make_queue(cloud: Cloud, name: str = "seen", account: str = DEV, **attributes: str) -> Queue:
    sqs = cloud.client("sqs", account=account)
    arn = f"arn:aws:sqs:{REGION}:{account}:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com", "s3.amazonaws.com"]},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = sqs.create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"]
    return Queue(cloud, url, arn, account)


def again(cloud: Cloud) -> Cloud:
    """Return what a new process would find."""
    assert cloud.keeper
    cloud.keeper.stop()
    cloud.stop()
    forget_everything()
    fresh = Cloud(state_dir=cloud.state_dir, endpoint_url=cloud.endpoint_url)
    keeper = Keeper(fresh)
    assert keeper.load()
    fresh.keeper = keeper
    return fresh
