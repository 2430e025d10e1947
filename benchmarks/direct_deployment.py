"""Deploys an assembly through CloudFormation's own API, many stacks at once.

The CDK's command line does the same, one process for everything; with hundreds of stacks most of
its time goes into looking at stacks that do not exist yet.
"""

import io
import json
import time
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlzone.estate import Estate
from mlzone.planning import PlannedStack
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session

_AT_ONCE = 6
_PAUSE_SECONDS = 0.3


def deploy(
    endpoint: Endpoint,
    estate: Estate,
    assembly: Path,
    stacks: Sequence[PlannedStack],
    *,
    talk: Callable[[str], None],
) -> None:
    """Make stacks, each after those that it needs.

    Raises:
        SystemExit: one could not be made.
    """
    manifest = json.loads((assembly / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    sessions = {
        account: account_session(endpoint, estate, account)
        for account in {stack.account for stack in stacks}
    }
    published: set[tuple[str, str]] = set()
    waiting, done = list(stacks), set[str]()
    names = {stack.name for stack in stacks}
    with ThreadPoolExecutor(max_workers=_AT_ONCE) as pool:
        while waiting:
            ready = [item for item in waiting if set(item.after) & names <= done]
            for stack in ready:
                _publish(sessions[stack.account], assembly, stack.name, published)

            def make(stack: PlannedStack) -> None:
                _make(sessions[stack.account], endpoint, manifest[stack.name], stack)

            list(pool.map(make, ready))
            done |= {stack.name for stack in ready}
            waiting = [stack for stack in waiting if stack.name not in done]
            talk(f"{len(done)} of {len(stacks)} stacks")


def _make(
    session: Session, endpoint: Endpoint, artifact: dict[str, Any], stack: PlannedStack
) -> None:
    properties = artifact["properties"]
    client = session.client("cloudformation", stack.region)
    place = properties["stackTemplateAssetObjectUrl"].removeprefix("s3://")
    client.create_stack(
        StackName=stack.name,
        TemplateURL=f"{endpoint.url}/{place}",
        RoleARN=properties["cloudFormationExecutionRoleArn"].replace("${AWS::Partition}", "aws"),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Tags=[{"Key": key, "Value": value} for key, value in properties["tags"].items()],
    )
    while True:
        (found,) = client.describe_stacks(StackName=stack.name)["Stacks"]
        if not found["StackStatus"].endswith("IN_PROGRESS"):
            break
        time.sleep(_PAUSE_SECONDS)
    if found["StackStatus"] != "CREATE_COMPLETE":
        events = client.describe_stack_events(StackName=stack.name)["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
        raise SystemExit(f"{stack.name}: {failed[-1] if failed else found['StackStatus']}")


def _publish(session: Session, assembly: Path, stack: str, published: set[tuple[str, str]]) -> None:
    """Upload a stack's template and the code of its functions, each once an account."""
    files = json.loads((assembly / f"{stack}.assets.json").read_text(encoding="utf-8"))["files"]
    s3 = session.client("s3")
    for file in files.values():
        path = assembly / file["source"]["path"]
        for place in file["destinations"].values():
            where = (place["bucketName"], place["objectKey"])
            if where not in published:
                published.add(where)
                body = _zipped(path) if path.is_dir() else path.read_bytes()
                s3.put_object(Bucket=where[0], Key=where[1], Body=body)


def _zipped(folder: Path) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()
