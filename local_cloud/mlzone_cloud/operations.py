"""How the embedded cloud's own implementations of API operations are found.

An operation is looked up here first, then in moto, then among the generic create-read-update-
delete operations. A module registers with decorators; `components.py` lists the modules.
"""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mlzone_cloud.identity import Caller

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

Params = dict[str, Any]
Result = dict[str, Any]
Implementation = Callable[["Call"], Result]
SideEffect = Callable[["Call", Result], None]


@dataclass(kw_only=True)
class Call:
    """One API call on its way through the implementations."""

    cloud: "Cloud"
    service: str
    """The SDK's name of the service, such as `sagemaker`."""
    operation: str
    """Such as `CreateModel`."""
    params: Params
    account: str
    """The account in which the call acts: the resource's owner."""
    region: str
    caller: Caller | None
    """None when an AWS service itself acts."""
    environ: dict[str, Any]
    """The WSGI environment of the request."""
    rest: list[Implementation] = field(default_factory=list)
    internal: bool = False
    """Whether an AWS service itself acts, whom nobody asks for permission."""
    begun: "Future[Any] | None" = None
    """The work that the call has set going in the background, where its answer may wait a while
    for it."""

    def forward(self) -> Result:
        """Call the next implementation: moto's, or the generic one."""
        return self.rest.pop(0)(self)

    @property
    def caller_arn(self) -> str:
        """The ARN of who calls, for records."""
        return self.caller.arn if self.caller else f"arn:aws:iam::{self.account}:root"


@dataclass(frozen=True)
class Registered:
    """An implementation and whether it may run beside others."""

    implementation: Implementation
    exclusive: bool


OPERATIONS: dict[tuple[str, str], Registered] = {}
SIDE_EFFECTS: dict[tuple[str, str], list[SideEffect]] = {}


def operation(
    service: str, *names: str, exclusive: bool = True
) -> Callable[[Implementation], Implementation]:
    """Register an implementation of one or more operations.

    Args:
        service: the SDK's name of the service.
        names: the operations.
        exclusive: whether the cloud's lock is held while it runs; False for what waits.
    """

    def register(implementation: Implementation) -> Implementation:
        for name in names:
            OPERATIONS[service, name] = Registered(implementation, exclusive)
        return implementation

    return register


def after(service: str, *names: str) -> Callable[[SideEffect], SideEffect]:
    """Register something that happens once an operation succeeded, whoever implements it."""

    def register(effect: SideEffect) -> SideEffect:
        for name in names:
            SIDE_EFFECTS.setdefault((service, name), []).append(effect)
        return effect

    return register
