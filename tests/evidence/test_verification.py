"""Evidence is whole, or the verification says what was done to it: each kind of tampering."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from mlzone.estate import Estate
from mlzone.loading import load_estate
from mlzone.naming import Naming
from mlzone_runtime import evidence as format_of
from mlzone_runtime.handlers.evidence_recorder import record
from mlzone_runtime.handlers.kpi_collector import collect
from mlzone_tools.services import evidence

ESTATE = load_estate(Path(__file__).parents[2] / "organization")
MODEL = "retail-banking/credit-default"
KINDS = ("Build Started", "Model Registered", "Model Approved", "Release Deployed")


class Shared:
    """A session in the shared-services account."""

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name="us-east-1")


class Vault:
    """A vault that somebody can reach around the recorder."""

    def __init__(self, estate: Estate) -> None:
        self.s3 = Shared().client("s3")
        naming = Naming(prefix=estate.organization.prefix)
        self.bucket = naming.evidence_bucket(estate.organization.accounts.shared_services)
        self.table = naming.kpi_table()
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 1}}
        self.s3.put_object_lock_configuration(
            Bucket=self.bucket,
            ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule},
        )
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("model", "event")]
        Shared().client("dynamodb").create_table(
            TableName=self.table,
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=attributes,
            KeySchema=[
                {"AttributeName": "model", "KeyType": "HASH"},
                {"AttributeName": "event", "KeyType": "RANGE"},
            ],
        )

    def tell(self, name: str, kind: str, *, recorded: bool = True) -> None:
        event = {
            "id": name,
            "time": f"2026-11-24T11:04:{len(name):02}Z",
            "source": "mlzone.delivery",
            "detail-type": kind,
            "detail": {
                "unit": "retail-banking",
                "team": "credit-risk",
                "model": "credit-default",
                "environment": "dev",
                "actor": "ana.souza",
                "facts": {"kind": kind},
            },
        }
        collect(event, self.table, dynamodb=Shared().client("dynamodb"))
        if recorded:
            record(event, self.bucket, s3=self.s3)

    def key(self, number: int) -> str:
        return format_of.key(MODEL, number)

    def read(self, number: int) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=self.key(number))["Body"].read()
        return body

    @property
    def disk(self) -> Any:
        """What lies below the lock: no call of the API comes here."""
        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.bucket]

    def erase(self, number: int) -> None:
        """Remove a record with all its versions, as nobody can while the lock holds."""
        self.disk.keys.pop(self.key(number))

    def forge(self, number: int, content: bytes) -> None:
        """Put other content in a record's place, as if nothing had been there."""
        self.erase(number)
        self.s3.put_object(Bucket=self.bucket, Key=self.key(number), Body=content)

    def problems(self) -> list[str]:
        (chain,) = evidence.verify(Shared(), ESTATE, MODEL)  # type: ignore[arg-type]
        return [f"{item.record} {item.what}" for item in chain.problems]


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        found = Vault(ESTATE)
        for number, kind in enumerate(KINDS, start=1):
            found.tell(f"e-{number}", kind)
        yield found


def test_what_the_recorder_wrote_is_whole(vault: Vault):
    (chain,) = evidence.verify(Shared(), ESTATE)  # type: ignore[arg-type]

    assert (chain.name, chain.records, chain.problems) == (MODEL, 4, ())
    assert chain.head == format_of.digest(vault.read(4))


def test_the_vault_itself_lets_nobody_remove_a_record(vault: Vault):
    versions = vault.s3.list_object_versions(Bucket=vault.bucket, Prefix=vault.key(2))["Versions"]

    with pytest.raises(ClientError, match="AccessDenied"):
        vault.s3.delete_object(
            Bucket=vault.bucket, Key=vault.key(2), VersionId=versions[0]["VersionId"]
        )


def changed(vault: Vault) -> None:
    content = json.loads(vault.read(2))
    content["facts"]["kind"] = "better"
    vault.forge(2, format_of.canonical(content))


def changed_with_its_follower(vault: Vault) -> None:
    """Whoever mends the next hash has to mend all that follow."""
    changed(vault)
    content = json.loads(vault.read(3))
    content["previous"] = format_of.digest(vault.read(2))
    vault.forge(3, format_of.canonical(content))


def rewritten_to_the_end(vault: Vault) -> None:
    """Nothing in the chain shows it; the KPI store does."""
    content = json.loads(vault.read(3))
    content["actor"] = "bruno.lima"
    vault.forge(3, format_of.canonical(content))
    last = json.loads(vault.read(4))
    last["previous"] = format_of.digest(vault.read(3))
    vault.forge(4, format_of.canonical(last))


def swapped(vault: Vault) -> None:
    second, third = vault.read(2), vault.read(3)
    vault.forge(2, third)
    vault.forge(3, second)


def spaced(vault: Vault) -> None:
    vault.forge(4, json.dumps(json.loads(vault.read(4)), indent=1).encode())


TAMPERING: list[tuple[Callable[[Vault], Any], list[str]]] = [
    (changed, ["3 does not name the record before it"]),
    (changed_with_its_follower, ["4 does not name the record before it"]),
    (rewritten_to_the_end, ["3 the KPI store says Model Approved by ana.souza"]),
    (
        swapped,
        [
            "2 says that it is another record",
            "2 does not name the record before it",
            "3 says that it is another record",
            "3 does not name the record before it",
            "4 does not name the record before it",
        ],
    ),
    (spaced, ["4 is not written as the recorder writes"]),
    (
        lambda vault: vault.forge(4, b"no JSON"),
        [
            "4 is not written as the recorder writes",
            "4 does not name the record before it",
            "0 event e-4 (Release Deployed) is not recorded",
        ],
    ),
    (
        lambda vault: vault.erase(2),
        ["2 is missing", "0 event e-2 (Model Registered) is not recorded"],
    ),
    (lambda vault: vault.erase(4), ["0 event e-4 (Release Deployed) is not recorded"]),
    (
        lambda vault: vault.s3.delete_object(Bucket=vault.bucket, Key=vault.key(4)),
        ["4 was deleted; the vault still has it"],
    ),
    (
        lambda vault: vault.s3.put_object(
            Bucket=vault.bucket, Key=vault.key(1), Body=vault.read(2)
        ),
        ["1 was written 2 times; what was written first counts"],
    ),
    (
        lambda vault: vault.s3.put_object(
            Bucket=vault.bucket, Key=f"{MODEL}/note.txt", Body=b"beside"
        ),
        ["0 there is an object that is no record"],
    ),
    (
        lambda vault: setattr(vault.disk, "default_lock_mode", "GOVERNANCE"),
        ["0 the vault does not lock what is written into it"],
    ),
    (
        lambda vault: vault.tell("e-5", "Model Rejected", recorded=False),
        ["0 event e-5 (Model Rejected) is not recorded"],
    ),
]


@pytest.mark.parametrize(("tamper", "expected"), TAMPERING)
def test_every_kind_of_tampering_is_found(
    vault: Vault, tamper: Callable[[Vault], Any], expected: list[str]
):
    tamper(vault)

    assert sorted(vault.problems()) == sorted(expected)


def test_forged_last_record_is_found_by_its_event(vault: Vault):
    """The last record has no follower that names it; the event in the KPI store has its id."""
    content = json.loads(vault.read(4))
    vault.forge(4, format_of.canonical({**content, "event": "e-9"}))

    assert vault.problems() == ["0 event e-4 (Release Deployed) is not recorded"]
