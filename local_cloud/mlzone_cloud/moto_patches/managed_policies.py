"""Makes AWS's managed policies when they are first named, not all 1,500 in every account.

moto makes them all with each account's IAM, which costs 0.13 s and 10 MB an account, or none.
"""

import functools
import json
from collections.abc import Callable, Iterator
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

_ATTACHING = ("attach_role_policy", "attach_user_policy", "attach_group_policy")
_applied: list[bool] = []


class ManagedPolicies(dict[str, Any]):
    """An account's managed policies by ARN; those of AWS appear when they are asked for."""

    def __init__(self, account_id: str, region_name: str) -> None:
        super().__init__()
        self.account_id = account_id
        self.region_name = region_name

    def __missing__(self, arn: str) -> Any:
        name = _aws_names().get(arn)
        if name is None:
            raise KeyError(arn)
        self[arn] = AWSManagedPolicy.from_data(
            name, self.account_id, self.region_name, _aws_policies()[name]
        )
        return self[arn]

    def __contains__(self, arn: object) -> bool:
        return super().__contains__(arn) or arn in _aws_names()

    def get(self, arn: str, default: Any = None) -> Any:
        """Return a policy, made if it is one of AWS's."""
        try:
            return self[arn]
        except KeyError:
            return default

    def load_all(self) -> None:
        """Make every policy of AWS, for a listing."""
        for arn in _aws_names():
            self.get(arn)

    def __reduce__(self) -> Any:
        items: Iterator[tuple[str, Any]] = iter(dict.items(self))
        return ManagedPolicies, (self.account_id, self.region_name), None, None, items


def apply() -> None:
    """Replace how an account's managed policies are made."""
    if _applied:
        return
    _applied.append(True)
    IAMBackend._init_aws_policies = lambda self: []  # noqa: ARG005, SLF001
    IAMBackend._init_managed_policies = lambda self: ManagedPolicies(  # noqa: SLF001
        self.account_id, self.region_name
    )
    for name in _ATTACHING:
        setattr(IAMBackend, name, _loading(getattr(IAMBackend, name)))
    IAMBackend.list_policies = _loading_all(IAMBackend.list_policies)


def _loading(method: Callable[..., Any]) -> Callable[..., Any]:
    """Make the policy before moto looks through those that exist."""

    @functools.wraps(method)
    def attach(self: Any, policy_arn: str, *arguments: Any, **named: Any) -> Any:
        self.managed_policies.get(policy_arn)
        return method(self, policy_arn, *arguments, **named)

    return attach


def _loading_all(method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def list_policies(self: Any, *arguments: Any, **named: Any) -> Any:
        if "Local" not in (*arguments, *named.values()):
            self.managed_policies.load_all()
        return method(self, *arguments, **named)

    return list_policies


@functools.cache
def _aws_policies() -> dict[str, Any]:
    policies: dict[str, Any] = json.loads(aws_managed_policies_data)
    return policies


@functools.cache
def _aws_names() -> dict[str, str]:
    return {
        f"arn:aws:iam::aws:policy{policy.get('Path') or '/'}{name}": name
        for name, policy in _aws_policies().items()
    }
