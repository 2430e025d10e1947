"""Data-science teams: members, Studio, data zones, feature groups."""

from typing import Annotated, Literal

from pydantic import Field

from mlzone.estate.base import Name, PersonId, Record, Text
from mlzone.estate.model import Model

LANDING = "landing"
"""Where data arrive: the prefix in a team's bucket, below which each data zone has its own."""


class Members(Record):
    """The members of a team, by persona."""

    data_scientists: tuple[PersonId, ...] = Field(default=(), alias="data-scientist")
    """Explore, train and register."""
    lead_data_scientists: tuple[PersonId, ...] = Field(default=(), alias="lead-data-scientist")
    """Also lead the team's projects."""
    ml_engineers: tuple[PersonId, ...] = Field(default=(), alias="ml-engineer")
    """Build pipelines and watch deployments."""
    data_engineers: tuple[PersonId, ...] = Field(default=(), alias="data-engineer")
    """Build features and data zones."""


class Budget(Record):
    """What the team may spend."""

    monthly_usd: Annotated[int, Field(gt=0, le=10_000_000)]
    """Monthly budget over all environments, in US dollars."""
    alert_percentages: tuple[Annotated[int, Field(ge=1, le=200)], ...] = (80, 100)
    """At which shares of the budget the team and FinOps are told."""


class Studio(Record):
    """Settings of the team's Studio domain."""

    idle_minutes: Annotated[int, Field(ge=60, le=525_600)] = 60
    """Applications that idle this long are shut down."""
    default_storage_gb: Annotated[int, Field(ge=5, le=16_384)] = 20
    """Volume of a new space."""
    max_storage_gb: Annotated[int, Field(ge=5, le=16_384)] = 50
    """Largest volume of a space."""


class DataZone(Record):
    """A registered data set or prefix of the team's data bucket (DAT-01)."""

    name: Name
    """The zone; its prefix in the bucket and its Glue database."""
    classification: Literal["public", "internal", "confidential", "restricted"]
    """How sensitive the data is."""
    owner: PersonId
    """Who answers for the data."""
    purpose: Text
    """What the data may be used for."""
    legal_basis: Literal[
        "consent", "contract", "legal-obligation", "legitimate-interest", "credit-protection"
    ]
    """Why the data may be processed (LGPD art. 7)."""
    retention_days: Annotated[int, Field(ge=1, le=3650)] = 1825
    """After how many days objects are deleted."""


class Feature(Record):
    """One feature of a group."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """The feature's name."""
    type: Literal["String", "Integral", "Fractional"] = "Fractional"
    """Its SageMaker type."""


class FeatureGroup(Record):
    """A SageMaker feature group of the team."""

    name: Name
    """The group's name."""
    data_zone: Name
    """The data zone that holds its offline store."""
    record_identifier: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """The feature that identifies a record."""
    event_time: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")] = "event_time"
    """The feature that holds a record's time."""
    online: bool = False
    """Whether there is an online store."""
    features: tuple[Feature, ...] = Field(min_length=1, max_length=2_498)
    """The features beside identifier and time."""


class Team(Record):
    """A data-science team."""

    name: Name
    """The team's name, unique in its unit."""
    title: Text
    """The team's name for people."""
    members: Members
    """Who is in it."""
    budget: Budget
    """What it may spend."""
    studio: Studio = Studio()
    """Its Studio domain."""
    data_zones: tuple[DataZone, ...] = Field(min_length=1)
    """Its data."""
    feature_groups: tuple[FeatureGroup, ...] = ()
    """Its features."""
    models: tuple[Model, ...] = ()
    """Its models."""
