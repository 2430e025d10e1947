"""What every construct needs to know of the organization, as one value."""

from dataclasses import dataclass, field

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from mlzone.estate import BusinessUnit, Estate, Model, Stage, Team
from mlzone.naming import ROLE_PATH, Naming
from mlzone.region import REGIONS
from mlzone.tagging import model_tags, platform_tags, team_tags, unit_tags


@dataclass(frozen=True, kw_only=True)
class Place:
    """The account and Region of a stack."""

    account: str
    """The account."""
    region: str
    """The Region."""

    @property
    def partition(self) -> str:
        """What ARNs begin with."""
        return REGIONS[self.region].partition


@dataclass(frozen=True, kw_only=True)
class Governance:
    """The organization's rules, in the place where a stack is built."""

    estate: Estate
    unit: BusinessUnit | None = None
    """The business unit, or None for what serves the whole organization."""
    stage: Stage | None = None
    """The environment, or None for what serves the whole organization."""
    at: Place | None = None
    """Where the stack stands, if that is known: asking the CDK for it costs a call to Node each
    time, and policies ask often."""
    roles: list[iam.Role] = field(default_factory=list, compare=False)
    """Every role that is made; shared by the governance of all stacks of an app, so that checks
    find the policies without walking the whole tree."""

    @property
    def naming(self) -> Naming:
        """What makes the names."""
        return Naming(prefix=self.estate.organization.prefix)

    @property
    def shared_services(self) -> str:
        """The account of the registry, the artefacts and the platform's bus."""
        return self.estate.organization.accounts.shared_services

    @property
    def home_region(self) -> str:
        """The Region of the platform."""
        return self.estate.organization.home_region

    def of_unit(self) -> tuple[BusinessUnit, Stage]:
        """Return unit and stage, where there must be both."""
        if self.unit is None or self.stage is None:
            raise ValueError("this belongs into the environment of a business unit")
        return self.unit, self.stage

    def place(self, scope: Construct) -> Place:
        """Return where the stack of a construct stands."""
        if self.at is not None:
            return self.at
        stack = cdk.Stack.of(scope)
        return Place(account=stack.account, region=stack.region)

    def boundary_arn(self, scope: Construct) -> str:
        """Return the ARN of the permissions boundary in the account of a stack (IAM-01)."""
        place = self.place(scope)
        return f"arn:{place.partition}:iam::{place.account}:policy/{self.naming.boundary()}"

    def role_arn(self, scope: Construct, account: str, role_name: str) -> str:
        """Return the ARN of a role of ours in any account."""
        return f"arn:{self.place(scope).partition}:iam::{account}:role{ROLE_PATH}{role_name}"

    def arn(
        self,
        scope: Construct,
        service: str,
        resource: str,
        *,
        account: str | None = None,
        region: str | None = None,
    ) -> str:
        """Return an ARN; in the stack's own account and Region unless others are given."""
        place = self.place(scope)
        account = place.account if account is None else account
        region = place.region if region is None else region
        return f"arn:{place.partition}:{service}:{region}:{account}:{resource}"

    def tag(
        self, scope: Construct, *, team: Team | None = None, model: Model | None = None
    ) -> None:
        """Put the mandatory tags on everything in a stack (GOV-01)."""
        if self.unit is None:
            tags = platform_tags()
        elif self.stage is None:
            tags = unit_tags(self.unit, None)
        elif model is not None and team is not None:
            tags = model_tags(self.unit, team, model, self.stage)
        elif team is not None:
            tags = team_tags(self.unit, team, self.stage)
        else:
            tags = unit_tags(self.unit, self.stage)
        every = cdk.Tags.of(scope)
        for key, value in tags.items():
            every.add(key, value)
