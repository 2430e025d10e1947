"""The organization that a cloud starts with."""

import dataclasses

import pytest
from tests.cloud.core.acting import DEV, MANAGEMENT, PROD, SHARED, client_with

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.errors import SeedError
from mlzone_cloud.seed import Seed, SeedAccount, plant

_NEW = "222222222222"
SEED = Seed(
    organization_id="o-exampleorg1",
    home_region="sa-east-1",
    management=MANAGEMENT,
    accounts=(
        SeedAccount(
            id="222222222222", name="new", email="new@example.com", unit="Workloads/retail"
        ),
    ),
)


def test_accounts_have_the_ids_and_units_of_the_seed(cloud: Cloud) -> None:
    client = cloud.client("organizations", account=MANAGEMENT, region="us-east-1")

    ids = {account["Id"] for account in client.list_accounts()["Accounts"]}
    parents = client.list_parents(ChildId=DEV)["Parents"]
    unit = client.describe_organizational_unit(OrganizationalUnitId=parents[0]["Id"])

    assert ids == {MANAGEMENT, SHARED, DEV, PROD}
    assert unit["OrganizationalUnit"]["Name"] == "retail"
    assert client.describe_organization()["Organization"]["Id"] == "o-exampleorg1"


def test_the_management_account_enters_every_member(cloud: Cloud) -> None:
    root = cloud.identities.add_root(MANAGEMENT).credentials
    sts = client_with(
        cloud,
        "sts",
        {"AccessKeyId": root.access_key_id, "SecretAccessKey": root.secret_access_key},
    )
    role = f"arn:aws:iam::{DEV}:role/OrganizationAccountAccessRole"

    keys = sts.assume_role(RoleArn=role, RoleSessionName="admin")["Credentials"]

    assert client_with(cloud, "sts", keys).get_caller_identity()["Account"] == DEV
    assert client_with(cloud, "sns", keys).list_topics()["Topics"] == []


def test_an_account_added_to_the_seed_joins_the_others(cloud: Cloud) -> None:
    plant(cloud, SEED)
    client = cloud.client("organizations", account=MANAGEMENT, region="us-east-1")

    parents = {
        account: client.list_parents(ChildId=account)["Parents"][0]["Id"] for account in (DEV, _NEW)
    }

    assert len(set(parents.values())) == 1
    role = f"arn:aws:iam::{_NEW}:role/OrganizationAccountAccessRole"
    assert cloud.assume(role, "x").account == _NEW


def test_the_seed_of_another_organization_is_refused(cloud: Cloud) -> None:
    other = dataclasses.replace(SEED, organization_id="o-otherorg123")

    with pytest.raises(SeedError, match="start afresh with `mlzone cloud reset`"):
        plant(cloud, other)
