"""How theorems are put for the settings of an estate."""

from collections.abc import Iterator
from typing import Any

from mlzone.theorem.guardrails import Guardrails, Setting
from mlzone_access.prover import AnyRole, Claim, Theorem


def unless(*roles: str) -> dict[str, Any]:
    """Return the condition that the caller is none of the roles."""
    return {"ArnNotLike": {"aws:PrincipalArn": list(roles)}}


def within(guardrails: Guardrails, setting: Setting, forbidden: Claim, **more: Any) -> Theorem:
    """Return the case of every role in one kind of account, whatever its policies allow."""
    return Theorem(
        name=setting.name,
        statement="",
        policies=guardrails.under(setting.account),
        forbidden=forbidden,
        caller=AnyRole(account=setting.account),
        **more,
    )


def everywhere(guardrails: Guardrails, forbidden: Claim, **more: Any) -> Iterator[Theorem]:
    """Yield the case of every role in each kind of account, whatever its policies allow."""
    for setting in guardrails.settings:
        yield within(guardrails, setting, forbidden, **more)
