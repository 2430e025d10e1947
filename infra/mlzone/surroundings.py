"""Where a role exists, and how the statements of its policy are written."""

from dataclasses import dataclass
from typing import Any

from mlzone.estate.unit import Stage
from mlzone.naming import Naming
from mlzone.persona import Place

Statement = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Where a role exists; texts may be tokens of the deployment."""

    naming: Naming
    partition: str
    account: str
    region: str
    shared_services: str
    """The account of the registry."""
    home_region: str
    """The Region of the registry."""
    title: str
    """The scope for people, such as the team's title."""
    unit: str = ""
    team: str = ""
    stage: Stage | None = None
    """The environment; None in the accounts of the whole organization."""
    place: Place | None = None
    """The account of the whole organization; None in a unit's environment."""
    keys: tuple[str, ...] = ()
    """KMS keys that the scope's data is encrypted with."""

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Return an ARN in the role's own account."""
        where = self.region if region is None else region
        return f"arn:{self.partition}:{service}:{where}:{self.account}:{resource}"

    def registry_arn(self, kind: str, suffix: str = "") -> str:
        """Return the ARN of the unit's part of the registry."""
        prefix = self.naming.model_package_group_prefix(self.unit) if self.unit else "*"
        return (
            f"arn:{self.partition}:sagemaker:{self.home_region}:{self.shared_services}:"
            f"{kind}/{prefix}*{suffix}"
        )

    @property
    def team_prefix(self) -> str:
        """What names of the team's resources begin with."""
        return self.naming.name(self.unit, self.team)


def allow(
    sid: str, actions: list[str], resources: list[str] | str, condition: Any = None
) -> Statement:
    """Return a statement that allows; its actions are sorted, so that templates stay the same."""
    statement: Statement = {
        "Sid": sid,
        "Effect": "Allow",
        "Action": sorted(actions),
        "Resource": resources,
    }
    if condition:
        statement["Condition"] = condition
    return statement
