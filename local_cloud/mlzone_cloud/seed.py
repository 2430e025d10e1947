"""The first state of a cloud: an organization with empty accounts."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from mlzone_cloud.errors import SeedError

if TYPE_CHECKING:
    from mlzone_cloud.cloud import Cloud

_ACCOUNT = re.compile(r"\d{12}")
ACCESS_ROLE = "OrganizationAccountAccessRole"
"""The role that Organizations makes in every member account; trusts the management account."""


@dataclass(frozen=True, kw_only=True)
class SeedAccount:
    """A member account."""

    id: str
    name: str
    email: str
    unit: str
    """The path of its organizational unit, such as `Workloads/retail-banking`."""


@dataclass(frozen=True, kw_only=True)
class Seed:
    """What exists before anything is deployed."""

    organization_id: str
    home_region: str
    management: str
    accounts: tuple[SeedAccount, ...]

    @classmethod
    def read(cls, path: Path) -> "Seed":
        """Read a seed file.

        Raises:
            SeedError: the file cannot be read or lacks something.
        """
        try:
            raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            seed = cls(
                organization_id=raw["organization_id"],
                home_region=raw["home_region"],
                management=raw["management"],
                accounts=tuple(
                    SeedAccount(
                        id=item["id"], name=item["name"], email=item["email"], unit=item["ou"]
                    )
                    for item in raw["accounts"]
                ),
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SeedError(f"{path}: cannot be used as a seed: {error!r}") from error
        ids = [seed.management, *(account.id for account in seed.accounts)]
        wrong = [item for item in ids if not _ACCOUNT.fullmatch(str(item))]
        if wrong or len(set(ids)) != len(ids):
            raise SeedError(
                f"{path}: cannot be used as a seed: got accounts {ids}, expected different ids of "
                "12 digits"
            )
        return seed


def plant(cloud: "Cloud", seed: Seed) -> None:
    """Make the organization of a seed; accounts that exist already are left alone."""
    if cloud.organization_id:
        _check_same(cloud, seed)
    else:
        _found(cloud, seed)
    client = cloud.client("organizations", account=seed.management, region="us-east-1")
    existing = {
        account["Id"]
        for page in client.get_paginator("list_accounts").paginate()
        for account in page["Accounts"]
    }
    root = client.list_roots()["Roots"][0]["Id"]
    units: dict[str, str] = {"": root}
    for account in seed.accounts:
        if account.id in existing:
            continue
        parent = _unit(client, units, account.unit)
        with mock.patch("moto.organizations.utils.make_random_account_id", return_value=account.id):
            client.create_account(Email=account.email, AccountName=account.name)
        client.move_account(AccountId=account.id, SourceParentId=root, DestinationParentId=parent)
        cloud.identities.add_root(account.id)
        _access_role(cloud, account.id, seed.management)


def _check_same(cloud: "Cloud", seed: Seed) -> None:
    """Refuse a seed of another organization than the saved one."""
    saved = (cloud.organization_id, cloud.management_account)
    if saved != (seed.organization_id, seed.management):
        raise SeedError(
            f"the saved state is of organization {saved[0]} with management account {saved[1]}, "
            f"the seed of {seed.organization_id} with {seed.management}; start afresh with "
            "`mlzone cloud reset`"
        )


def _found(cloud: "Cloud", seed: Seed) -> None:
    cloud.organization_id = seed.organization_id
    cloud.home_region = seed.home_region
    cloud.management_account = seed.management
    cloud.identities.add_root(seed.management)
    client = cloud.client("organizations", account=seed.management, region="us-east-1")
    with mock.patch(
        "moto.organizations.utils.make_random_org_id", return_value=seed.organization_id
    ):
        client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    for kind in ("SERVICE_CONTROL_POLICY", "TAG_POLICY", "RESOURCE_CONTROL_POLICY"):
        _enable(client, root, kind)


def _enable(client: Any, root: str, kind: str) -> None:
    client.enable_policy_type(RootId=root, PolicyType=kind)


def _unit(client: Any, units: dict[str, str], path: str) -> str:
    """Return the id of an organizational unit, made with those above it if it is missing."""
    if path not in units:
        parent_path, _, name = path.rpartition("/")
        parent = _unit(client, units, parent_path)
        below = client.list_organizational_units_for_parent(ParentId=parent)["OrganizationalUnits"]
        found = next((unit["Id"] for unit in below if unit["Name"] == name), None)
        if found is None:
            answer = client.create_organizational_unit(ParentId=parent, Name=name)
            found = answer["OrganizationalUnit"]["Id"]
        units[path] = found
    return units[path]


def _access_role(cloud: "Cloud", account: str, management: str) -> None:
    iam = cloud.client("iam", account=account, region="us-east-1")
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{management}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    existing = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    # moto makes the role with the account, without its policy.
    if ACCESS_ROLE not in existing:
        iam.create_role(RoleName=ACCESS_ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.attach_role_policy(
        RoleName=ACCESS_ROLE, PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
