"""State on disk: what comes back, and what is refused."""

import gc
import io
import json
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from moto.sns.models import sns_backends
from tests.cloud.waiting import eventually

from mlzone_cloud.cloud import Cloud
from mlzone_cloud.control import control
from mlzone_cloud.errors import SeedError
from mlzone_cloud.state import Keeper, forget_everything
from mlzone_cloud.state.moto_state import dictionaries

DEV, SHARED, REGION = "111111111111", "100000000002", "sa-east-1"
TAG = {"Key": "purpose", "Value": "test"}


def again(cloud: Cloud) -> Cloud:
    """Return what a new process would find."""
    assert cloud.keeper
    cloud.keeper.stop()
    cloud.stop()
    forget_everything()
    fresh = Cloud(state_dir=cloud.state_dir)
    keeper = Keeper(fresh)
    assert keeper.load()
    fresh.keeper = keeper
    return fresh


@pytest.fixture
def kept(cloud: Cloud) -> Cloud:
    """A cloud whose state is saved."""
    Keeper(cloud).start()
    return cloud


def test_services_accounts_and_sessions_come_back(kept: Cloud) -> None:
    iam = kept.client("iam", account=DEV)
    iam.create_role(RoleName="r", AssumeRolePolicyDocument='{"Statement": []}')
    iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess")
    key = kept.client("kms", account=DEV).create_key()["KeyMetadata"]["KeyId"]
    kept.client("ec2", account=DEV).create_vpc(CidrBlock="10.1.0.0/16")
    kept.client("dynamodb", account=DEV).create_table(
        TableName="t",
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    session = kept.assume(f"arn:aws:iam::{DEV}:role/r", "ana", source_identity="ana")

    fresh = again(kept)

    vpcs = fresh.client("ec2", account=DEV).describe_vpcs()["Vpcs"]
    attached = fresh.client("iam", account=DEV).list_attached_role_policies(RoleName="r")
    organizations = fresh.client("organizations", account="100000000001", region="us-east-1")
    found = fresh.identities.find(session.credentials.access_key_id, fresh.clock.now())
    assert "10.1.0.0/16" in {vpc["CidrBlock"] for vpc in vpcs}
    assert attached["AttachedPolicies"][0]["PolicyName"] == "ReadOnlyAccess"
    assert fresh.client("kms", account=DEV).describe_key(KeyId=key)
    assert fresh.client("dynamodb", account=DEV).list_tables()["TableNames"] == ["t"]
    assert len(organizations.list_accounts()["Accounts"]) == 4
    assert found == session
    fresh.stop()


def test_a_session_that_is_over_is_forgotten(kept: Cloud) -> None:
    role = kept.client("iam", account=DEV).create_role(
        RoleName="r", AssumeRolePolicyDocument='{"Statement": []}'
    )["Role"]["Arn"]
    over = kept.assume(role, "ana", duration=timedelta(hours=1))
    lasting = kept.assume(role, "bia", duration=timedelta(hours=12))
    kept.commit()

    kept.clock.advance(timedelta(hours=2))
    fresh = again(kept)

    keys = {item.credentials.access_key_id for item in fresh.identities.callers.values()}
    assert lasting.credentials.access_key_id in keys
    assert over.credentials.access_key_id not in keys
    fresh.stop()


def test_bodies_of_objects_lie_beside_the_state_and_come_back(kept: Cloud) -> None:
    s3 = kept.client("s3", account=DEV)
    s3.create_bucket(Bucket="big-one", CreateBucketConfiguration={"LocationConstraint": REGION})
    body = b"x" * 300_000
    s3.put_object(Bucket="big-one", Key="a", Body=body)
    s3.put_object(Bucket="big-one", Key="same", Body=body)
    s3.put_object(Bucket="big-one", Key="b", Body=b"first")
    kept.commit()
    s3.put_object(Bucket="big-one", Key="b", Body=b"second")
    kept.commit()
    partitions = sum(
        path.stat().st_size for path in (kept.state_dir / "state" / "partitions").iterdir()
    )

    fresh = again(kept)

    found = fresh.client("s3", account=DEV)
    assert partitions < 100_000
    assert found.get_object(Bucket="big-one", Key="a")["Body"].read() == body
    assert found.get_object(Bucket="big-one", Key="b")["Body"].read() == b"second"
    # The overwritten body is gone, the shared one is there once.
    assert len(list((kept.state_dir / "state" / "objects").iterdir())) == 2
    found.put_object(Bucket="big-one", Key="a", Body=b"new")
    assert found.get_object(Bucket="big-one", Key="a")["Body"].read() == b"new"
    fresh.stop()


def test_what_is_changed_of_an_object_after_it_was_saved_comes_back(kept: Cloud) -> None:
    s3 = kept.client("s3", account=DEV)
    where = {"Bucket": "changing", "Key": "a"}
    s3.create_bucket(
        Bucket="changing",
        CreateBucketConfiguration={"LocationConstraint": REGION},
        ObjectLockEnabledForBucket=True,
    )
    version = s3.put_object(**where, Body=b"first", Metadata={"state": "raw"})["VersionId"]
    kept.commit()
    s3.put_object_legal_hold(**where, VersionId=version, LegalHold={"Status": "ON"})
    s3.put_object_tagging(**where, VersionId=version, Tagging={"TagSet": [TAG]})
    s3.put_object_acl(**where, VersionId=version, ACL="public-read")
    kept.commit()

    # Another object saves the bucket once more, with what was read.
    second = again(kept)
    second.client("s3", account=DEV).put_object(Bucket="changing", Key="b", Body=b"other")
    second.commit()
    fresh = again(second)

    found = fresh.client("s3", account=DEV)
    head = found.head_object(**where)
    assert head["Metadata"] == {"state": "raw"}
    assert head["ObjectLockLegalHoldStatus"] == "ON"
    assert found.get_object_tagging(**where)["TagSet"] == [TAG]
    assert len(found.get_object_acl(**where)["Grants"]) == 2
    assert found.get_object(**where)["Body"].read() == b"first"
    fresh.stop()


def test_a_store_that_background_work_holds_is_saved_too(kept: Cloud) -> None:
    held = kept.store("jobs", DEV, REGION)
    kept.commit()

    held["job"] = {"status": "Completed"}
    kept.changed()

    manifest = kept.state_dir / "state" / "manifest.json"
    store = f"store|jobs|{DEV}|{REGION}"
    eventually(lambda: store in manifest.read_text(encoding="utf-8"), cloud=kept)


def test_what_background_work_did_last_is_saved_although_its_store_rests(kept: Cloud) -> None:
    def rests(jobs: dict[str, Any]) -> bool:
        return all(job["status"] == "Completed" for job in jobs.values())

    kept.resting["jobs"] = rests
    held = kept.store("jobs", DEV, REGION)
    held["job"] = {"status": "InProgress"}
    kept.commit(everything=True)
    held["job"]["status"] = "Completed"
    kept.commit(everything=True)

    forget_everything()
    fresh = Cloud(state_dir=kept.state_dir)
    assert Keeper(fresh).load()
    assert fresh.store("jobs", DEV, REGION) == {"job": {"status": "Completed"}}
    fresh.stop()


def test_a_snapshot_has_at_once_what_background_work_did(kept: Cloud) -> None:
    held = kept.store("jobs", DEV, REGION)
    held["job"] = {"status": "InProgress"}
    kept.commit()
    held["job"]["status"] = "Completed"

    answer = control(kept)(
        {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/_cloud/snapshot",
            "wsgi.input": io.BytesIO(),
        }
    )

    forget_everything()
    fresh = Cloud(state_dir=kept.state_dir)
    assert answer[0] == 200
    assert Keeper(fresh).load()
    assert fresh.store("jobs", DEV, REGION) == {"job": {"status": "Completed"}}
    fresh.stop()


def test_reading_writes_nothing(kept: Cloud) -> None:
    kept.client("sns", account=DEV).create_topic(Name="t")
    kept.commit()
    before = {path.name for path in (kept.state_dir / "state" / "partitions").iterdir()}

    kept.client("sns", account=DEV).list_topics()
    kept.commit()

    after = {path.name for path in (kept.state_dir / "state" / "partitions").iterdir()}
    assert before == after


def _change_header(folder: Path) -> None:
    manifest = folder / "manifest.json"
    content = json.loads(manifest.read_text(encoding="utf-8"))
    content["header"]["moto"] = "4.0.0"
    manifest.write_text(json.dumps(content), encoding="utf-8")


def _cut_manifest(folder: Path) -> None:
    manifest = folder / "manifest.json"
    manifest.write_bytes(manifest.read_bytes()[:100])


def _spoil_partition(folder: Path) -> None:
    path = max((folder / "partitions").iterdir(), key=lambda item: item.stat().st_size)
    path.write_bytes(b"\x80\x04" + path.read_bytes()[2:-7] + b"garbage")


def _lose_partition(folder: Path) -> None:
    next(iter((folder / "partitions").iterdir())).unlink()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_change_header, "was written by"),
        (_cut_manifest, "is damaged"),
        (_spoil_partition, "does not hold what was written"),
        (_lose_partition, "cannot be read"),
    ],
)
def test_files_that_cannot_be_trusted_are_refused_with_the_way_out(
    kept: Cloud, spoil: Callable[[Path], None], words: str
) -> None:
    assert kept.keeper
    kept.keeper.stop()
    spoil(kept.state_dir / "state")

    with pytest.raises(SeedError, match=words) as refusal:
        Keeper(Cloud(state_dir=kept.state_dir)).load()

    assert "mlzone cloud reset" in str(refusal.value)


def test_leftovers_of_an_interrupted_save_do_no_harm(kept: Cloud) -> None:
    kept.client("sns", account=DEV).create_topic(Name="t")
    kept.commit()
    folder = kept.state_dir / "state"
    (folder / "manifest.tmp").write_text('{"half', encoding="utf-8")
    (folder / "partitions" / "0123456789abcdef").write_bytes(b"half")

    fresh = again(kept)

    assert len(fresh.client("sns", account=DEV).list_topics()["Topics"]) == 1
    assert not (folder / "partitions" / "0123456789abcdef").exists()
    fresh.stop()


@pytest.mark.cloud
def test_a_reset_forgets_everything_and_ends_the_process(
    start_server: Callable[[Path], Any], tmp_path: Path
) -> None:
    import urllib.request  # noqa: PLC0415

    server = start_server(tmp_path)
    server.client("sns", account=DEV).create_topic(Name="t")

    request = urllib.request.Request(  # noqa: S310 - our own address
        f"{server.url}/_cloud/reset", data=b"{}", method="POST"
    )
    urllib.request.urlopen(request).close()  # noqa: S310 - our own address
    server.process.wait(timeout=30)
    if server.process.stderr:
        server.process.stderr.close()

    assert not (tmp_path / "state").exists()
    assert server.process.returncode == 0


def test_a_bad_seed_is_refused_in_one_line(tmp_path: Path) -> None:
    seed = tmp_path / "seed.json"
    seed.write_text('{"organization_id": "o-exampleorg1"}', encoding="utf-8")
    command = [sys.executable, "-m", "mlzone_cloud", "serve", "--port", "0"]

    ended = subprocess.run(
        [*command, "--state", str(tmp_path / "s"), "--seed", str(seed)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert ended.returncode == 1
    assert len(ended.stderr.splitlines()) == 1
    assert "cannot be used as a seed" in ended.stderr


def test_a_keeper_of_before_takes_nothing_away_from_its_successor(
    kept: Cloud, tmp_path: Path
) -> None:
    following = Cloud(state_dir=tmp_path / "following")
    Keeper(following).start()
    before, after = kept.keeper, following.keeper
    assert before
    assert after
    kept.client("sns", account=DEV).create_topic(Name="t")
    before.commit(everything=True)
    after.stop()
    before.stop()
    forget_everything()

    fresh = Cloud(state_dir=following.state_dir)
    assert Keeper(fresh).load()

    (topic,) = fresh.client("sns", account=DEV, region=REGION).list_topics()["Topics"]
    assert topic["TopicArn"].endswith(":t")


def test_state_is_found_while_modules_are_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "modules", sys.modules.copy())

    def import_one(phase: str, _: object) -> None:
        # Collections come in the middle of whatever makes objects, as other threads do.
        if phase == "start":
            sys.modules[f"passing{len(sys.modules)}"] = ModuleType("passing")

    before = gc.get_threshold()
    gc.callbacks.append(import_one)
    gc.set_threshold(10)
    try:
        found = dictionaries()
    finally:
        gc.set_threshold(*before)
        gc.callbacks.remove(import_one)

    # Modules that use a dictionary have it as well; the first of those in use gives its name.
    assert any(backends is sns_backends for backends in found.values())


def test_a_stopped_cloud_leaves_undone_what_it_is_asked_for(tmp_path: Path) -> None:
    stopped = Cloud(state_dir=tmp_path)
    stopped.stop()
    done: list[str] = []

    undone = stopped.submit(done.append, "late")

    assert undone.cancelled()
    assert done == []
    assert stopped.background == 0
