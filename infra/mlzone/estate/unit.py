"""Business units and their environments."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from mlzone.estate.base import AccountId, Cidr, Name, PersonId, Record, Region, Text
from mlzone.estate.team import Team


class Stage(StrEnum):
    """The environments of a unit, in the order a model travels."""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"


class NetworkCreate(Record):
    """A private network made by the platform: no internet route, endpoints only."""

    cidr: Cidr
    """The network's range; a /16 to a /24, free of overlap in the whole estate."""
    availability_zones: Annotated[int, Field(ge=2, le=3)] = 2
    """How many zones the private subnets span."""


class NetworkImport(Record):
    """A network that exists already and is run by somebody else."""

    vpc_id: Annotated[str, StringConstraints(pattern=r"^vpc-[0-9a-f]{8,17}$")]
    """The network."""
    subnet_ids: tuple[
        Annotated[str, StringConstraints(pattern=r"^subnet-[0-9a-f]{8,17}$")], ...
    ] = Field(min_length=2, max_length=6)
    """Private subnets, in different zones."""
    endpoint_security_group_id: Annotated[str, StringConstraints(pattern=r"^sg-[0-9a-f]{8,17}$")]
    """The security group in front of its VPC endpoints."""


class Network(Record):
    """Exactly one of `create` and `import`."""

    create: NetworkCreate | None = None
    """Let the platform make the network."""
    import_: NetworkImport | None = Field(default=None, alias="import")
    """Use a network that exists."""

    @model_validator(mode="after")
    def _exactly_one(self) -> "Network":
        if (self.create is None) == (self.import_ is None):
            raise ValueError("give exactly one of `create` and `import`")
        return self


class Environment(Record):
    """One environment of a business unit: an account, a Region, a network."""

    account: AccountId
    """The account; belongs to this environment alone."""
    region: Region | None = None
    """The Region; the organization's home Region unless given."""
    network: Network
    """The private network."""


class Environments(Record):
    """The three environments; each unit has all of them."""

    dev: Environment
    """Where models are explored, trained and registered."""
    staging: Environment
    """Where approved versions are tested."""
    prod: Environment
    """Where validated versions serve."""

    def __getitem__(self, stage: Stage) -> Environment:
        environment: Environment = getattr(self, stage.value)
        return environment


class BusinessUnit(Record):
    """A business unit with its environments, people, teams and models."""

    name: Annotated[Name, StringConstraints(max_length=20)]
    """The unit's name, at most 20 characters: it begins the names of all its resources."""
    title: Text
    """The unit's name for people."""
    owner: PersonId
    """Who answers for the unit."""
    cost_center: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9-]{2,20}$")]
    """Where its costs go."""
    environments: Environments
    """Its accounts."""
    approvers: tuple[PersonId, ...] = Field(min_length=1)
    """Second-line people who decide on model versions; none of them authors models."""
    teams: tuple[Team, ...] = Field(min_length=1)
    """Its data-science teams."""
