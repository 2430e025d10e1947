"""Theorems about what an account may hold and reach: Regions, networks, records, buckets, keys."""

from collections.abc import Iterator

from mlzone.guarded_action import (
    BUCKET_CHANGES,
    INTERNET_DOORS,
    KEY_CHANGES,
    RECORD_CHANGES,
)
from mlzone.guardrail import GLOBAL_SERVICES
from mlzone.guardrail_statement import ACCESS_ROLE, EXECUTION_ROLE
from mlzone.theorem.case import everywhere, unless
from mlzone.theorem.guardrails import Guardrails
from mlzone.theorem.theorem import EstateTheorem
from mlzone_access import Policies
from mlzone_access.prover import ANY_ACCOUNT, Claim, Theorem


def _regions(guardrails: Guardrails) -> Iterator[Theorem]:
    allowed = list(guardrails.estate.organization.allowed_regions)
    elsewhere = {"StringNotEquals": {"aws:RequestedRegion": allowed}}
    yield from everywhere(
        guardrails, Claim.of(NotAction=list(GLOBAL_SERVICES), Condition=elsewhere)
    )


def _records(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails, Claim.of(Action=list(RECORD_CHANGES), Condition=unless(EXECUTION_ROLE))
    )


def _buckets(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails,
        Claim.of(
            Action=list(BUCKET_CHANGES),
            Resource=f"arn:*:s3:::{guardrails.naming.prefix}-*",
            Condition=unless(EXECUTION_ROLE),
        ),
    )


def _keys(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(
        guardrails,
        Claim.of(Action=list(KEY_CHANGES), Condition=unless(ACCESS_ROLE, EXECUTION_ROLE)),
    )


def _grants(guardrails: Guardrails) -> Iterator[Theorem]:
    to_people = {"BoolIfExists": {"kms:GrantIsForAWSResource": "false"}}
    yield from everywhere(guardrails, Claim.of(Action="kms:CreateGrant", Condition=to_people))


def _internet(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(guardrails, Claim.of(Action=list(INTERNET_DOORS)))
    yield from everywhere(
        guardrails,
        Claim.of(Action=["lambda:CreateFunctionUrlConfig", "lambda:UpdateFunctionUrlConfig"]),
    )


def _membership(guardrails: Guardrails) -> Iterator[Theorem]:
    yield from everywhere(guardrails, Claim.of(Action="organizations:LeaveOrganization"))


def _sharing(guardrails: Guardrails) -> Iterator[Theorem]:
    outside = {"Bool": {"ram:RequestedAllowsExternalPrincipals": "true"}}
    yield from everywhere(
        guardrails,
        Claim.of(Action=["ram:CreateResourceShare", "ram:UpdateResourceShare"], Condition=outside),
    )


_HELD = ("ecr", "kms", "logs", "s3", "secretsmanager", "sqs")


def _outsiders(guardrails: Guardrails) -> Iterator[Theorem]:
    """No policy of a resource, however careless, opens it to another organization."""
    account = guardrails.estate.organization.accounts.shared_services
    stranger = {
        "StringNotEqualsIfExists": {
            "aws:PrincipalOrgID": guardrails.estate.organization.organization_id
        }
    }
    for actions in ([f"{service}:*" for service in _HELD], ["sts:AssumeRole"]):
        yield Theorem(
            name="outsiders",
            statement="Nobody of another organization gets in.",
            policies=Policies(rcps=(guardrails.rcps(account),)),
            forbidden=Claim.of(Action=actions, Condition=stranger),
            resource_account=account,
            any_resource=True,
        )


def _transport(guardrails: Guardrails) -> Iterator[Theorem]:
    account = guardrails.estate.organization.accounts.shared_services
    yield Theorem(
        name="transport",
        statement="Nothing is read or written without TLS.",
        policies=Policies(rcps=(guardrails.rcps(account),)),
        forbidden=Claim.of(
            Action=["s3:*", "sqs:*"], Condition={"Bool": {"aws:SecureTransport": "false"}}
        ),
        resource_account=ANY_ACCOUNT,
        any_resource=True,
    )


PERIMETER = (
    EstateTheorem(
        id="regions",
        statement="Nothing happens outside the allowed Regions, but for services that have none.",
        controls=("IAM-09",),
        cases=_regions,
    ),
    EstateTheorem(
        id="no-internet",
        statement="Nobody opens a way to or from the internet.",
        controls=("NET-01", "NET-05"),
        cases=_internet,
    ),
    EstateTheorem(
        id="outsiders",
        statement="Nobody of another organization reaches data, keys, images, logs or roles, "
        "whatever the policies of resources say.",
        controls=("IAM-05", "NET-07"),
        cases=_outsiders,
    ),
    EstateTheorem(
        id="transport",
        statement="Nothing is read from or written to buckets and queues without TLS.",
        controls=("ENC-01",),
        cases=_transport,
    ),
    EstateTheorem(
        id="sharing",
        statement="Nobody shares a resource with accounts outside the organization.",
        controls=("NET-07",),
        cases=_sharing,
    ),
    EstateTheorem(
        id="membership",
        statement="No account leaves the organization, whose policies would end there.",
        controls=("IAM-01",),
        cases=_membership,
    ),
    EstateTheorem(
        id="records",
        statement="Nobody ends, empties or removes a record of what was done.",
        controls=("LOG-01",),
        cases=_records,
    ),
    EstateTheorem(
        id="buckets",
        statement="Nobody opens, weakens, copies or removes a bucket of the platform.",
        controls=("ENC-01", "DAT-05", "IAM-06"),
        cases=_buckets,
    ),
    EstateTheorem(
        id="keys",
        statement="Nobody opens, weakens or removes a key, or has another taken for it.",
        controls=("ENC-03",),
        cases=_keys,
    ),
    EstateTheorem(
        id="grants",
        statement="Keys are granted to AWS's services alone, never from person to person.",
        controls=("ENC-03", "ENC-04"),
        cases=_grants,
    ),
)
