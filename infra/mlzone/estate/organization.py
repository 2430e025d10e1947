"""What holds for the whole organization: accounts, identity, sources, guardrails, defaults."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from mlzone.estate.base import AccountId, InstanceType, Name, PersonId, Record, Region, Text

MonitoringEngine = Literal["model-monitor", "scheduled-processing"]
"""What runs monitors."""


class OrganizationAccounts(Record):
    """The accounts that belong to no business unit."""

    management: AccountId
    """The organization's management account; holds nothing but the guardrails."""
    shared_services: AccountId
    """ML shared services: registry, artefacts, images, event bus, evidence, KPI store."""
    log_archive: AccountId
    """Receives trails and flow logs; nobody who builds models can write here."""


class Identity(Record):
    """How people reach the platform."""

    studio: Literal["identity-center", "iam"] = "identity-center"
    """How people sign in to Studio: single sign-on through IAM Identity Center, or IAM roles."""
    saml_provider: Name = "corporate-idp"
    """The IAM SAML provider that persona roles trust."""
    saml_metadata: str = "identity/saml-metadata.xml"
    """The identity provider's metadata document, relative to the estate's folder."""
    email_domain: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+(\.[a-z0-9-]+)+$")]
    """Appended to a person's id to make their e-mail address."""


class Source(Record):
    """Where model projects and this repository live."""

    provider: Literal["codecommit", "github", "gitlab", "bitbucket"] = "codecommit"
    """The source provider; all but CodeCommit go through a CodeConnections connection."""
    connection_arn: str | None = None
    """The CodeConnections connection; needed for every provider but CodeCommit."""
    owner: str | None = None
    """Organization or group that owns the repositories at the provider."""
    repository: Name | None = None
    """The repository of the estate and of the code that deploys it. If it is named, each unit has a
    pipeline that plans and deploys what is merged there; CodeCommit's is made by the platform."""


HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://[^\s/$.?#][^\s]*$", max_length=512)]
"""An address that is reached over TLS alone."""


class Ticketing(Record):
    """Where findings become tickets: an address that takes the platform's JSON."""

    url: HttpsUrl
    """Receives a POST with the finding."""
    secret_arn: Annotated[
        str,
        StringConstraints(
            pattern=r"^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[A-Za-z0-9/_+=.@-]+$"
        ),
    ]
    """The Secrets Manager secret whose text signs the request (HMAC-SHA256)."""


class Monitoring(Record):
    """How monitors are run."""

    engine: MonitoringEngine = "model-monitor"
    """`model-monitor` needs an account that used SageMaker Model Monitor before 30 July 2026;
    `scheduled-processing` runs the same analyzer from EventBridge Scheduler anywhere."""
    webhook_url: HttpsUrl | None = None
    """Hears what the teams are notified of, as an SNS subscription that it must confirm."""
    ticketing: Ticketing | None = None
    """Where findings become tickets."""


class Guardrails(Record):
    """Limits that nobody below can loosen."""

    training_instance_types: tuple[InstanceType, ...] = Field(min_length=1)
    """Instance types allowed for notebooks, processing and training."""
    serving_instance_types: tuple[InstanceType, ...] = Field(min_length=1)
    """Instance types allowed for endpoints."""
    max_job_hours: Annotated[int, Field(ge=1, le=120)] = 24
    """Longest run time of one job, in hours."""
    max_studio_storage_gb: Annotated[int, Field(ge=5, le=16384)] = 100
    """Largest volume of a Studio space, in GB."""
    max_idle_minutes: Annotated[int, Field(ge=60, le=525600)] = 120
    """Longest idle time of a Studio application before it is shut down, in minutes."""


class PlatformPeople(Record):
    """The people who serve the whole organization, by persona."""

    platform_admins: tuple[PersonId, ...] = Field(default=(), alias="platform-admin")
    """Run the platform; see no business data."""
    auditors: tuple[PersonId, ...] = Field(default=(), alias="auditor")
    """Read everything about the platform, change nothing."""
    finops: tuple[PersonId, ...] = Field(default=(), alias="finops")
    """Watch cost."""


class Decisions(Record):
    """How long versions wait for people before somebody is told."""

    remind_after_hours: Annotated[int, Field(ge=1, le=720)] = 24
    """A unit's approvers are reminded of what waits for them for so long, and again each time."""
    escalate_after_hours: Annotated[int, Field(ge=2, le=2160)] = 72
    """From then on the unit's owner hears of it as well."""


class Organization(Record):
    """The organization: the upper part of the estate."""

    name: Text
    """The company's name, for people."""
    prefix: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{1,7}$")]
    """Begins the name of every resource; two to eight lower-case characters."""
    organization_id: Annotated[str, StringConstraints(pattern=r"^o-[a-z0-9]{10,32}$")]
    """The id of the AWS organization."""
    home_region: Region
    """Where the platform lives."""
    allowed_regions: tuple[Region, ...] = Field(min_length=1)
    """Where anything may be created; contains the home Region."""
    accounts: OrganizationAccounts
    """The accounts that belong to no business unit."""
    identity: Identity
    """How people reach the platform."""
    source: Source = Source()
    """Where projects live."""
    monitoring: Monitoring = Monitoring()
    """How monitors are run."""
    decisions: Decisions = Decisions()
    """How long versions wait for people before somebody is told."""
    guardrails: Guardrails
    """Limits that nobody below can loosen."""
    config_recorder: Literal["create", "existing"] = "existing"
    """Who records configurations for the AWS Config rules: `create` a recorder in each account of a
    business unit, or use the `existing` one, such as Control Tower's."""
    people: PlatformPeople = PlatformPeople()
    """The people who serve the whole organization."""
    security_officers: tuple[PersonId, ...] = ()
    """Who reviews changes of access, guardrails and waivers; the platform administrators if nobody
    is named."""
