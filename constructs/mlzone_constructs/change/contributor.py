"""The role of the people who change a unit."""

from collections.abc import Sequence
from dataclasses import dataclass

from constructs import Construct

from mlzone.change_policy import contributor_statements
from mlzone_constructs.change.setting import ChangeSetting
from mlzone_constructs.identity.federation import federated_role
from mlzone_constructs.identity.role import allow


@dataclass(frozen=True, kw_only=True)
class ContributorProps:
    """Properties of a Contributor."""

    setting: ChangeSetting
    """The unit's pipeline."""
    approvals: Sequence[str]
    """The stages in which the pipeline waits for a person."""


class Contributor(Construct):
    """The role in which people propose changes of a unit, review them and answer its pipeline.

    The identity provider decides who takes it; whose answer counts is decided by each plan.

    Guarantees:
        IAM-01: it carries the permissions boundary and the platform's path.
        IAM-07: a session carries the person's name as SourceIdentity; without it there is none.
        DEP-01: it deploys nothing.

    Example:
        Contributor(self, "Contributor", ContributorProps(setting=setting, approvals=["Approve"]))
    """

    def __init__(self, scope: Construct, construct_id: str, props: ContributorProps) -> None:
        super().__init__(scope, construct_id)
        setting = props.setting
        self.role = federated_role(
            self,
            setting.governance,
            role_name=setting.governance.naming.change_role(setting.unit.name, "contributor"),
            description=f"Changes the environments of {setting.unit.title} by pull requests",
        )
        """The role."""
        allow(
            self.role,
            contributor_statements(setting.policy(self), stages=list(props.approvals)),
        )
