"""Deploys a release: updates the parameters of the model's two stacks, and nothing else.

The templates are those that the landing zone deployed (`UsePreviousTemplate`), so that a promotion
can change which release serves, never what is allowed. CloudFormation acts in the role that the
stacks were made with; the caller passes no role.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

CAPABILITIES = ["CAPABILITY_NAMED_IAM"]
"""The stacks hold roles with names; their templates do not change."""

DEADLINE_SECONDS = 110 * 60.0
PAUSE_SECONDS = 2.0

_CANCELLED = ("Resource creation cancelled", "Resource update cancelled")
_NOTHING_TO_DO = "No updates are to be performed"

Talk = Callable[[str], None]


class DeploymentError(Exception):
    """A stack could not be updated; the message gives the first cause."""


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What became of a stack."""

    stack: str
    changed: bool
    """False if it had the parameters already."""
    resources: tuple[str, ...] = ()
    """The logical ids of what was made or changed."""


@dataclass(kw_only=True)
class Deployer:
    """Updates stacks and tells what happens meanwhile."""

    cloudformation: Any
    talk: Talk = print
    pause: float = PAUSE_SECONDS
    deadline: float = DEADLINE_SECONDS
    _seen: set[str] = field(default_factory=set)

    def deploy(self, changes: Mapping[str, Mapping[str, str]]) -> list[Deployed]:
        """Update stacks in order; if one fails, those before it go back to what they had.

        Args:
            changes: the parameters to set, by the name of the stack.

        Raises:
            DeploymentError: a stack is missing, or its update failed and was rolled back.
        """
        done: list[tuple[str, dict[str, str]]] = []
        results = []
        for stack, parameters in changes.items():
            before = self.parameters(stack)
            try:
                result = self.update(stack, parameters)
            except DeploymentError as failure:
                raise DeploymentError(f"{failure}{self._undo(done)}") from None
            if result.changed:
                done.append((stack, {name: before[name] for name in parameters}))
            results.append(result)
        return results

    def _undo(self, done: list[tuple[str, dict[str, str]]]) -> str:
        """Bring stacks back, the last first; return what to say if that fails as well."""
        for stack, values in reversed(done):
            self.talk(f"{stack} goes back to what it had")
            try:
                self.update(stack, values)
            except DeploymentError as failure:
                return f"; and {failure}"
        return ""

    def update(self, stack: str, parameters: Mapping[str, str]) -> Deployed:
        """Update one stack's parameters and wait for the end.

        Raises:
            DeploymentError: it is missing, or the update failed and was rolled back.
        """
        description = self._settled(stack)
        before = self.parameters(stack)
        if unknown := sorted(set(parameters) - set(before)):
            raise DeploymentError(
                f"{stack} has no parameter {', '.join(unknown)}; deploy the landing zone first"
            )
        good = description["StackStatus"].endswith("COMPLETE")
        if good and all(before[name] == value for name, value in parameters.items()):
            self.talk(f"{stack} has this release already")
            return Deployed(stack=stack, changed=False)
        self._remember(stack)
        if not self._start(stack, before, parameters):
            self.talk(f"{stack} needs no change")
            return Deployed(stack=stack, changed=False)
        return self._finish(stack)

    def _start(self, stack: str, before: Mapping[str, str], parameters: Mapping[str, str]) -> bool:
        try:
            self.cloudformation.update_stack(
                StackName=stack,
                UsePreviousTemplate=True,
                Capabilities=CAPABILITIES,
                Parameters=[
                    {"ParameterKey": name, "ParameterValue": parameters[name]}
                    if name in parameters
                    else {"ParameterKey": name, "UsePreviousValue": True}
                    for name in before
                ],
            )
        except ClientError as error:
            if _NOTHING_TO_DO in str(error):
                return False
            raise DeploymentError(f"{stack} cannot be updated: {_message(error)}") from None
        return True

    def _finish(self, stack: str) -> Deployed:
        events = []
        description = self.describe(stack)
        end = time.monotonic() + self.deadline
        while True:
            finished = not description["StackStatus"].endswith("IN_PROGRESS")
            events += self._new_events(stack)
            if finished:
                break
            if time.monotonic() > end:
                raise DeploymentError(
                    f"{stack} is {description['StackStatus']} after {self.deadline:.0f} seconds"
                )
            time.sleep(self.pause)
            description = self.describe(stack)
        if description["StackStatus"] != "UPDATE_COMPLETE":
            raise DeploymentError(
                f"{stack} is {description['StackStatus']}: "
                + _first_cause(events, description.get("StackStatusReason", ""))
            )
        changed = {
            event["LogicalResourceId"]
            for event in events
            if event["ResourceStatus"] in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
            and event["ResourceType"] != "AWS::CloudFormation::Stack"
        }
        return Deployed(stack=stack, changed=True, resources=tuple(sorted(changed)))

    def _settled(self, stack: str) -> dict[str, Any]:
        """Return a stack once nobody else works on it."""
        end = time.monotonic() + self.deadline
        description = self.describe(stack)
        while description["StackStatus"].endswith("IN_PROGRESS"):
            if time.monotonic() > end:
                raise DeploymentError(f"{stack} stays {description['StackStatus']}")
            self.talk(f"{stack} is {description['StackStatus']}; waiting")
            time.sleep(self.pause)
            description = self.describe(stack)
        return description

    def describe(self, stack: str) -> dict[str, Any]:
        """Return CloudFormation's description of a stack.

        Raises:
            DeploymentError: it is missing.
        """
        try:
            found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            raise DeploymentError(
                f"{stack} cannot be read: {_message(error)}; deploy the landing zone first"
            ) from None
        description: dict[str, Any] = found[0]
        return description

    def parameters(self, stack: str) -> dict[str, str]:
        """Return the parameters that a stack has.

        Raises:
            DeploymentError: it is missing.
        """
        parameters = self.describe(stack).get("Parameters", [])
        return {item["ParameterKey"]: item["ParameterValue"] for item in parameters}

    def _remember(self, stack: str) -> None:
        """Events up to now are not this update's."""
        self._seen.update(event["EventId"] for event in self._events(stack))

    def _new_events(self, stack: str) -> list[dict[str, Any]]:
        """Return and tell the events since last time, oldest first."""
        new = [event for event in self._events(stack) if event["EventId"] not in self._seen]
        new.reverse()
        for event in new:
            self._seen.add(event["EventId"])
            self.talk(_line(event))
        return new

    def _events(self, stack: str) -> list[dict[str, Any]]:
        pages = self.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack)
        return [event for page in pages for event in page["StackEvents"]]


def _first_cause(events: list[dict[str, Any]], otherwise: str) -> str:
    for event in events:
        reason = event.get("ResourceStatusReason", "")
        if event["ResourceStatus"].endswith("_FAILED") and not reason.startswith(_CANCELLED):
            return f"{event['LogicalResourceId']} ({event['ResourceType']}): {reason}"
    return otherwise or "no resource says why"


def _line(event: Mapping[str, Any]) -> str:
    when: datetime = event["Timestamp"]
    reason = event.get("ResourceStatusReason", "")
    text = f"{when:%H:%M:%S}  {event['ResourceStatus']:<28}  {event['LogicalResourceId']}"
    return f"{text}  {reason}".rstrip()


def _message(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Message") or error)
