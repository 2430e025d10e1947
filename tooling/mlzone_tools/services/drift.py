"""What was changed beside the estate: deployed resources against their templates."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlzone.errors import DeploymentError
from mlzone.estate import Estate
from mlzone.planning import PlannedStack, planned_stacks
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import account_session
from mlzone_tools.services.deployment import states

_POLL_SECONDS = 0.2
_LONGEST_SECONDS = 600

ClientOf = Callable[[str, str], Any]
"""Returns a client of CloudFormation for an account and a Region."""


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


@dataclass(frozen=True, kw_only=True)
class Unseen:
    """A stack that could not be compared: whether it was changed, nobody knows."""

    place: str
    """Whose it is, in the words of the estate."""
    stack: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What came of comparing stacks with their templates."""

    stacks: tuple[str, ...]
    """Those that were compared."""
    drifts: tuple[Drift, ...]
    unseen: tuple[Unseen, ...]


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

    def client_of(account: str, region: str) -> Any:
        return account_session(endpoint, estate, account).client("cloudformation", region)

    found = compare(wanted, client_of, talk=talk)
    if found.unseen:
        raise DeploymentError("\n".join(unseen_line(item) for item in found.unseen))
    return found.drifts


def compare(
    stacks: Iterable[PlannedStack], client_of: ClientOf, *, talk: Callable[[str], None]
) -> Comparison:
    """Compare deployed stacks with their templates, all at once.

    Args:
        stacks: what to compare.
        client_of: the clients to ask.
        talk: is told how far it is.
    """
    begun: list[tuple[PlannedStack, Any, str]] = []
    unseen: list[Unseen] = []
    for stack in stacks:
        client = client_of(stack.account, stack.region)
        try:
            answer = client.detect_stack_drift(StackName=stack.name)
        except ClientError as error:
            unseen.append(_unseen(stack, error.response["Error"]["Message"]))
        else:
            begun.append((stack, client, answer["StackDriftDetectionId"]))
    talk(f"comparing {len(begun)} stacks with their templates")
    compared: list[str] = []
    drifts: list[Drift] = []
    for stack, client, detection in begun:
        try:
            found = list(_drifts(client, stack)) if _drifted(client, detection) else []
        except DeploymentError as error:
            unseen.append(_unseen(stack, str(error)))
        else:
            compared.append(stack.name)
            drifts += found
    return Comparison(stacks=tuple(compared), drifts=tuple(drifts), unseen=tuple(unseen))


def _unseen(stack: PlannedStack, reason: str) -> Unseen:
    return Unseen(place=place_of(stack), stack=stack.name, reason=reason)


def _drifted(client: Any, detection: str) -> bool:
    end = time.monotonic() + _LONGEST_SECONDS
    while True:
        found = client.describe_stack_drift_detection_status(StackDriftDetectionId=detection)
        if found["DetectionStatus"] == "DETECTION_COMPLETE":
            return bool(found["StackDriftStatus"] == "DRIFTED")
        if found["DetectionStatus"] == "DETECTION_FAILED" or time.monotonic() > end:
            raise DeploymentError(found.get("DetectionStatusReason", "it took too long"))
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


# --- in words -------------------------------------------------------------------------------------


def sentence(item: Drift) -> str:
    """Say what was done to which resource, and whose it is."""
    done = "was deleted" if item.status == "DELETED" else "was changed"
    return f"{item.place}: {item.type} {item.name} {done} by hand"


def lines(drifts: Iterable[Drift]) -> Iterator[str]:
    """Yield what was changed, and how each property is and should be."""
    for item in drifts:
        yield sentence(item)
        for each in item.differences:
            yield f"  {each.property} is {each.actual}, should be {each.expected}"


def unseen_line(item: Unseen) -> str:
    """Say that a stack could not be compared, and why."""
    return f"{item.place}: {item.stack} could not be compared: {item.reason}"


def place_of(stack: PlannedStack) -> str:
    """Return whose a stack is, such as `churn, serving, in prod of retail-banking`."""
    if stack.unit is None:
        return f"the organization's {stack.kind.value}"
    if stack.stage is None:
        return f"{stack.kind.value} of {stack.unit}"
    of = f"{stack.stage.value} of {stack.unit}"
    return f"{stack.subject}, {stack.kind.value}, in {of}" if stack.subject else f"{of}"
