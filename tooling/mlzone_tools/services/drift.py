"""What was changed beside the estate: deployed resources against their templates."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mlzone.errors import DeploymentError
from mlzone.estate import Estate
from mlzone.planning import PlannedStack, planned_stacks
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session
from mlzone_tools.services.deployment import states

_POLL_SECONDS = 0.2
_LONGEST_SECONDS = 600


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One property that is not as the template says."""

    property: str
    expected: str
    actual: str


@dataclass(frozen=True, kw_only=True)
class Drift:
    """A resource that somebody changed or deleted by hand."""

    place: str
    """Whose it is, in the words of the estate."""
    stack: str
    account: str
    type: str
    name: str
    """The physical name."""
    status: str
    """`MODIFIED` or `DELETED`."""
    differences: tuple[Difference, ...]


def find_drift(
    endpoint: Endpoint, estate: Estate, unit: str | None, *, talk: Callable[[str], None]
) -> tuple[Drift, ...]:
    """Compare every deployed stack of the estate, or of one unit, with its template.

    Raises:
        ConfigError: there is no such unit.
        DeploymentError: CloudFormation could not compare a stack.
    """
    there = {item.stack for item in states(endpoint, estate, unit) if item.status != "MISSING"}
    wanted = [stack for stack in planned_stacks(estate, unit) if stack.name in there]
    begun = []
    for stack in wanted:
        client = _client(account_session(endpoint, estate, stack.account), stack)
        begun.append(
            (
                stack,
                client,
                client.detect_stack_drift(StackName=stack.name)["StackDriftDetectionId"],
            )
        )
    talk(f"comparing {len(begun)} stacks with their templates")
    return tuple(
        drift
        for stack, client, detection in begun
        if _drifted(client, stack, detection)
        for drift in _drifts(client, stack)
    )


def _client(session: Session, stack: PlannedStack) -> Any:
    return session.client("cloudformation", stack.region)


def _drifted(client: Any, stack: PlannedStack, detection: str) -> bool:
    end = time.monotonic() + _LONGEST_SECONDS
    while True:
        found = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if found["DetectionStatus"] == "DETECTION_COMPLETE":
            return bool(found["StackDriftStatus"] == "DRIFTED")
        if found["DetectionStatus"] == "DETECTION_FAILED" or time.monotonic() > end:
            reason = found.get("DetectionStatusReason", "it took too long")
            raise DeploymentError(f"{stack.name} could not be compared: {reason}")
        time.sleep(_POLL_SECONDS)


def _drifts(client: Any, stack: PlannedStack) -> Iterator[Drift]:
    token: dict[str, str] = {}
    while True:
        page = client.describe_stack_resource_drifts(
            StackName=stack.name,
            StackResourceDriftStatusFilters=["MODIFIED", "DELETED"],
            **token,
        )
        for item in page["StackResourceDrifts"]:
            yield Drift(
                place=place_of(stack),
                stack=stack.name,
                account=stack.account,
                type=item["ResourceType"],
                name=item.get("PhysicalResourceId", ""),
                status=item["StackResourceDriftStatus"],
                differences=tuple(
                    Difference(
                        property=each["PropertyPath"].lstrip("/"),
                        expected=each["ExpectedValue"],
                        actual=each["ActualValue"],
                    )
                    for each in item.get("PropertyDifferences", ())
                ),
            )
        if "NextToken" not in page:
            return
        token = {"NextToken": page["NextToken"]}


def place_of(stack: PlannedStack) -> str:
    """Return whose a stack is, such as `churn, serving, in prod of retail-banking`."""
    if stack.unit is None:
        return f"the organization's {stack.kind.value}"
    if stack.stage is None:
        return f"{stack.kind.value} of {stack.unit}"
    of = f"{stack.stage.value} of {stack.unit}"
    return f"{stack.subject}, {stack.kind.value}, in {of}" if stack.subject else f"{of}"
