"""Sessions in accounts: for the deployer, and for people of the estate."""

import base64
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mlzone.errors import ConfigError, DeploymentError
from mlzone.estate import Assignment, Estate, Stage
from mlzone.guardrail import INCIDENT_TAG
from mlzone.naming import ROLE_PATH, Naming
from mlzone.persona import PERSONAS, Persona, Place, Scope
from mlzone.sign_in import SIGN_IN, regional_sign_in
from mlzone_tools.cloud.embedded import Endpoint

ACCESS_ROLE = "OrganizationAccountAccessRole"
_ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"


@dataclass(frozen=True, kw_only=True)
class Session:
    """Credentials for one role in one account."""

    account: str
    region: str
    arn: str
    variables: Mapping[str, str]
    """What the AWS SDKs and the CDK read from the environment."""

    def client(
        self, service: str, region: str | None = None, *, config: Config | None = None
    ) -> Any:
        """Return an SDK client that acts in this session, in its Region unless another is given."""
        return boto3.client(
            service,
            region_name=region or self.region,
            endpoint_url=self.variables["AWS_ENDPOINT_URL"],
            aws_access_key_id=self.variables["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.variables["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=self.variables["AWS_SESSION_TOKEN"] or None,
            config=config,
        )


def account_session(endpoint: Endpoint, estate: Estate, account: str) -> Session:
    """Return a deployer's session in an account of the embedded organization."""
    region = estate.organization.home_region
    root = endpoint.credentials[estate.organization.accounts.management]
    if account == estate.organization.accounts.management:
        variables = {
            "AWS_ACCESS_KEY_ID": root["access_key_id"],
            "AWS_SECRET_ACCESS_KEY": root["secret_access_key"],
            "AWS_SESSION_TOKEN": "",
        }
        return _session(endpoint, account, region, f"arn:aws:iam::{account}:root", variables)
    sts = boto3.client(
        "sts",
        region_name=region,
        endpoint_url=endpoint.url,
        aws_access_key_id=root["access_key_id"],
        aws_secret_access_key=root["secret_access_key"],
    )
    answer = sts.assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/{ACCESS_ROLE}", RoleSessionName="platform-team"
    )
    arn = answer["AssumedRoleUser"]["Arn"]
    return _session(endpoint, account, region, arn, _variables(answer["Credentials"]))


def person_session(
    endpoint: Endpoint,
    estate: Estate,
    person: str,
    *,
    place: Place | None = None,
    unit: str | None = None,
) -> Session:
    """Return the session of a person, as their identity provider would begin it.

    Args:
        endpoint: the embedded cloud.
        estate: who the person is.
        person: the person's id.
        place: which of their accounts; the first of their persona unless given.
        unit: in which business unit, for a person who works for several; the first that is
            deployed unless given.

    Raises:
        ConfigError: there is no such person, or their persona has no role there.
        DeploymentError: the role's trust policy refuses, or the role is not deployed yet.
    """
    assignments = [item for item in estate.assignments() if item.person == person]
    possible = [item for item in assignments if unit in (None, item.unit)]
    if not possible and assignments:
        units = ", ".join(sorted({item.unit or "the organization" for item in assignments}))
        raise ConfigError(f"{person} does not work for {unit}", hint=f"they work for {units}")
    if not possible:
        raise ConfigError(
            f'nobody called "{person}" is in the estate',
            hint="names are user names, such as ana.souza",
        )
    *others, last = possible
    for assignment in others:
        with suppress(ConfigError, DeploymentError):
            return _assigned_session(endpoint, estate, assignment, place)
    return _assigned_session(endpoint, estate, last, place)


def _assigned_session(
    endpoint: Endpoint, estate: Estate, assignment: Assignment, place: Place | None
) -> Session:
    """Return a person's session in the role of one of their assignments."""
    person, profile = assignment.person, PERSONAS[assignment.persona]
    chosen = place or profile.places[0]
    if chosen not in profile.places:
        places = ", ".join(profile.places)
        raise ConfigError(
            f"{person} ({profile.title.lower()}) has no role in {chosen}", hint=f"use {places}"
        )
    account, region = _account(estate, assignment, chosen)
    naming = Naming(prefix=estate.organization.prefix)
    role = naming.persona_role(assignment.persona, _scoped_unit(assignment), assignment.team or "")
    tags = {"unit": assignment.unit, "team": assignment.team}
    return federated_session(
        endpoint, estate, person, account=account, region=region, role=role, tags=tags
    )


def emergency_session(
    endpoint: Endpoint, estate: Estate, person: str, *, incident: str, unit: str | None = None
) -> Session:
    """Return an administrator's session of the role for emergencies in a unit's production.

    Args:
        endpoint: the embedded cloud.
        estate: who the person is.
        person: the person's id.
        incident: the incident's name, which the identity provider puts into the session.
        unit: the business unit; needed where there are several.

    Raises:
        ConfigError: the person administers nothing, or the unit is not clear.
        DeploymentError: the role's trust policy refuses, or the role is not deployed yet.
    """
    personas = {item.persona for item in estate.assignments() if item.person == person}
    if Persona.PLATFORM_ADMIN not in personas:
        raise ConfigError(
            f"{person} is not a platform administrator",
            hint="the role for emergencies is for them alone: mlzone status",
        )
    names = [it.name for it in estate.units]
    if unit is None and len(names) > 1:
        raise ConfigError(
            "the role for emergencies is of one business unit",
            hint=f"add --unit, one of {', '.join(names)}",
        )
    chosen = estate.unit(unit) if unit else estate.units[0]
    region = estate.region(chosen, Stage.PROD)
    return federated_session(
        endpoint,
        estate,
        person,
        account=chosen.environments[Stage.PROD].account,
        region=region,
        role=Naming(prefix=estate.organization.prefix).break_glass_role(chosen.name),
        tags={INCIDENT_TAG: incident},
        recipient=regional_sign_in(region),
    )


def federated_session(
    endpoint: Endpoint,
    estate: Estate,
    person: str,
    *,
    account: str,
    region: str,
    role: str,
    tags: Mapping[str, str | None] | None = None,
    recipient: str = SIGN_IN,
) -> Session:
    """Return the session of a person in a role, as the identity provider would begin it.

    Args:
        endpoint: the embedded cloud.
        estate: names the identity provider.
        person: the person's id.
        account: where the role is.
        region: where the session works.
        role: the role's name.
        tags: what the identity provider says of the person; empty ones are left out.
        recipient: the endpoint through which the person signs in.

    Raises:
        DeploymentError: the role's trust policy refuses, or the role is not deployed yet.
    """
    role_arn = f"arn:aws:iam::{account}:role{ROLE_PATH}{role}"
    provider = f"arn:aws:iam::{account}:saml-provider/{estate.organization.identity.saml_provider}"
    said = {key: value for key, value in (tags or {}).items() if value}
    sts = boto3.client("sts", region_name=region, endpoint_url=endpoint.url,
                       aws_access_key_id="unsigned", aws_secret_access_key="unsigned")  # noqa: S106  # fmt: skip
    try:
        answer = sts.assume_role_with_saml(
            RoleArn=role_arn,
            PrincipalArn=provider,
            SAMLAssertion=_assertion(person, role_arn, provider, said, recipient),
        )
    except ClientError as error:
        raise DeploymentError(
            f"{person} cannot take {role}: {error.response['Error']['Message']}",
            hint="deploy the unit first: mlzone deploy UNIT",
        ) from error
    arn = answer["AssumedRoleUser"]["Arn"]
    return _session(endpoint, account, region, arn, _variables(answer["Credentials"]))


def own_name(endpoint: Endpoint) -> str:
    """Return the person whose session the AWS credentials of the environment belong to.

    Raises:
        ConfigError: there are none, or the cloud does not know them.
    """
    try:
        arn = boto3.client("sts", endpoint_url=endpoint.url).get_caller_identity()["Arn"]
    except (BotoCoreError, ClientError) as error:
        raise ConfigError(
            f"nobody's AWS credentials are set: {error}",
            hint='name the person, or: eval "$(mlzone cloud env --as PERSON)"',
        ) from error
    return str(arn).rpartition("/")[2]


def _scoped_unit(assignment: Assignment) -> str:
    scope = PERSONAS[assignment.persona].scope
    return "" if scope is Scope.ORGANIZATION else assignment.unit or ""


def _account(estate: Estate, assignment: Assignment, place: Place) -> tuple[str, str]:
    accounts = estate.organization.accounts
    home = estate.organization.home_region
    if place is Place.SHARED_SERVICES:
        return accounts.shared_services, home
    if place is Place.MANAGEMENT:
        return accounts.management, home
    if place is Place.LOG_ARCHIVE:
        return accounts.log_archive, home
    unit = estate.unit(assignment.unit) if assignment.unit else estate.units[0]
    stage = Stage(place.value)
    return unit.environments[stage].account, estate.region(unit, stage)


def _assertion(
    person: str, role_arn: str, provider: str, tags: Mapping[str, str], recipient: str
) -> str:
    """Write what the corporate identity provider would send after the person signed in."""
    attributes = {
        f"{_ATTRIBUTES}Role": f"{role_arn},{provider}",
        f"{_ATTRIBUTES}RoleSessionName": person,
        f"{_ATTRIBUTES}SourceIdentity": person,
        **{f"{_ATTRIBUTES}PrincipalTag:{key}": value for key, value in tags.items()},
    }
    lines = "".join(
        f'<saml:Attribute Name="{escape(name)}"><saml:AttributeValue>{escape(value)}'
        "</saml:AttributeValue></saml:Attribute>"
        for name, value in attributes.items()
    )
    document = (
        '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" '
        'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"><saml:Assertion>'
        "<saml:Subject><saml:SubjectConfirmation><saml:SubjectConfirmationData "
        f'Recipient="{escape(recipient)}"/></saml:SubjectConfirmation></saml:Subject>'
        f"<saml:AttributeStatement>{lines}</saml:AttributeStatement>"
        "</saml:Assertion></samlp:Response>"
    )
    return base64.b64encode(document.encode()).decode()


def _variables(credentials: Mapping[str, str]) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def _session(
    endpoint: Endpoint, account: str, region: str, arn: str, variables: Mapping[str, str]
) -> Session:
    return Session(
        account=account,
        region=region,
        arn=arn,
        variables={
            **variables,
            "AWS_ENDPOINT_URL": endpoint.url,
            "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT": f"{endpoint.url}/_mlflow",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
        },
    )
