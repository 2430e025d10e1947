"""Prepares accounts for deployments: our boundary and policies, then the CDK's own bootstrap."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from mlzone.boundary import boundary_document, deployment_document, protection_document
from mlzone.change_policy import bootstrap_role
from mlzone.estate import Estate, Stage
from mlzone.naming import Naming
from mlzone_tools.cloud import cdk
from mlzone_tools.cloud.embedded import Endpoint
from mlzone_tools.cloud.session import Session, account_session

_PARALLEL = 2


@dataclass(frozen=True, kw_only=True)
class Target:
    """An account and Region to bootstrap."""

    name: str
    account: str
    region: str


def targets(estate: Estate, unit_name: str | None = None) -> tuple[Target, ...]:
    """Return the accounts of the organization, or what one business unit needs."""
    organization = estate.organization
    units = (estate.unit(unit_name),) if unit_name else estate.units
    return (
        Target(
            name="management",
            account=organization.accounts.management,
            region=organization.home_region,
        ),
        Target(
            name="ml-shared-services",
            account=organization.accounts.shared_services,
            region=organization.home_region,
        ),
        Target(
            name="log-archive",
            account=organization.accounts.log_archive,
            region=organization.home_region,
        ),
        *(
            Target(
                name=f"{unit.name} {stage}",
                account=unit.environments[stage].account,
                region=estate.region(unit, stage),
            )
            for unit in units
            for stage in Stage
        ),
    )


def bootstrap(
    endpoint: Endpoint, estate: Estate, unit: str | None, *, talk: Callable[[str], None]
) -> tuple[Target, ...]:
    """Bootstrap accounts with the real `cdk bootstrap`, under our boundary and policies.

    Raises:
        DeploymentError: one failed; the others are done, and a second run goes on.
    """
    wanted = targets(estate, unit)
    naming = Naming(prefix=estate.organization.prefix)
    trusted = estate.organization.accounts.shared_services

    def one(target: Target) -> Target:
        session = account_session(endpoint, estate, target.account)
        _policies(session, naming)
        policy = f"arn:aws:iam::{target.account}:policy/{naming.deployment_policy()}"
        cdk.run(
            [
                "bootstrap",
                f"aws://{target.account}/{target.region}",
                f"--trust={trusted}",
                f"--cloudformation-execution-policies={policy}",
                f"--custom-permissions-boundary={naming.boundary()}",
                # The guardrails refuse roles without it, in accounts that come later too.
                "--apply-permissions-boundary-to-all-roles",
                "--app=",
            ],
            session.variables,
            talk=lambda _: None,
        )
        session.client("iam").put_role_policy(
            RoleName=bootstrap_role("deploy", target.account, target.region),
            PolicyName=naming.protection_policy(),
            PolicyDocument=json.dumps(protection_document(naming, target.account, target.region)),
        )
        talk(f"bootstrapped {target.name} ({target.account} {target.region})")
        return target

    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        return tuple(pool.map(one, wanted))


def _policies(session: Session, naming: Naming) -> None:
    """Make or update the boundary and the deployment policy of an account."""
    iam = session.client("iam")
    for name, document in (
        (naming.boundary(), boundary_document(naming)),
        (naming.deployment_policy(), deployment_document()),
    ):
        _put_policy(iam, f"arn:aws:iam::{session.account}:policy/{name}", name, document)


def _put_policy(iam: Any, arn: str, name: str, document: dict[str, Any]) -> None:
    text = json.dumps(document, separators=(",", ":"))
    try:
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        iam.create_policy(PolicyName=name, PolicyDocument=text)
        return
    current = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]
    if current == document:
        return
    for old in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not old["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=old["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=text, SetAsDefault=True)
