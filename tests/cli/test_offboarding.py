"""People, teams and units leave: nothing is lost without an allowance, orphaned or kept locked.

One cloud serves all tests of this module; they run in the order in which they are written.
"""

import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.cli.town import UNIT, Town

pytestmark = pytest.mark.cdk

RISK, SALES = "aur-retail-dev-team-risk", "aur-retail-dev-team-sales"
REGISTRY = "aur-retail-registry"
SOON = (date.today() + timedelta(days=7)).isoformat()  # noqa: DTZ011 - a day of the calendar


@pytest.fixture(scope="module")
def town(
    tmp_path_factory: pytest.TempPathFactory, documented: Callable[..., Any]
) -> Iterator[Town]:
    made = Town(tmp_path_factory.mktemp("town"), documented)
    try:
        made.open()
        yield made
    finally:
        made.close()


def profiles(town: Town) -> set[str]:
    found = town.client("sagemaker").list_user_profiles()["UserProfiles"]
    return {item["UserProfileName"] for item in found}


def domain_of(town: Town, team: str) -> str:
    found = town.client("sagemaker").list_domains()["Domains"]
    return next(it["DomainId"] for it in found if it["DomainName"].endswith(f"-{team}"))


def budget(content: Any, usd: int) -> None:
    content["teams"][0]["budget"]["monthly_usd"] = usd


# --- what is deployed -----------------------------------------------------------------------


def test_what_is_deployed_is_as_the_estate_says(town: Town):
    plan = town.result("plan", "--deployed", f"--unit={UNIT}", "--environment=dev")

    assert plan["base"]["revision"] == "deployed"
    assert not plan["changed"]
    assert plan["access"] == {"gained": [], "lost": []}


def test_a_plan_against_what_is_deployed_shows_what_deploying_would_do(town: Town):
    town.unit(lambda content: budget(content, 2500))

    arguments = ("plan", "--deployed", f"--unit={UNIT}", "--environment=dev")
    plan = town.result(*arguments, code=1)

    assert [(item["stack"], item["verb"]) for item in plan["stacks"]] == [(RISK, "changed")]
    assert [item["type"] for item in plan["resources"]] == ["AWS::Budgets::Budget"]
    assert [item["role"] for item in plan["approvals"]] == ["owner of retail"]
    town.unit(lambda content: budget(content, 1000))


def test_access_that_was_never_deployed_is_gained_until_it_is(town: Town):
    """Somebody deployed a template with which scientists may not delete the team's data."""
    template = town.template(RISK)
    resources = template["Resources"]
    role = next(
        name
        for name, item in resources.items()
        if item["Properties"].get("RoleName") == "aur-retail-risk-data-scientist"
    )
    (statement,) = (
        statement
        for item in resources.values()
        if item["Type"] == "AWS::IAM::Policy" and {"Ref": role} in item["Properties"]["Roles"]
        for statement in item["Properties"]["PolicyDocument"]["Statement"]
        if statement["Sid"] == "TeamData"
    )
    statement["Action"].remove("s3:DeleteObject")
    town.update(RISK, template)
    arguments = ("plan", "--deployed", f"--unit={UNIT}", "--environment=dev")

    plan = town.result(*arguments, code=1)
    text = town.mlzone(*arguments, code=1).stdout
    comment = town.mlzone(*arguments, "--format=markdown", code=1).stdout

    (gained,) = plan["access"]["gained"]
    assert (gained["kind"], gained["subject"]) == ("role", "aur-retail-risk-data-scientist")
    assert gained["what"].startswith("s3:deleteobject on arn:aws:s3:::aur-retail-risk-data-")
    assert plan["access"]["lost"] == []
    assert "security officer" in [item["role"] for item in plan["approvals"]]
    assert "+ role aur-retail-risk-data-scientist gained: s3:deleteobject" in text
    assert "s3:deleteobject" in comment

    town.mlzone("deploy", UNIT, "--environment=dev")
    assert town.result(*arguments)["access"] == {"gained": [], "lost": []}


def test_a_plan_needs_one_base(town: Town):
    both = town.mlzone("plan", "--deployed", "--base", "main", code=2)
    none = town.mlzone("plan", code=2)

    assert "either --base REVISION or --deployed" in both.stderr
    assert "either --base REVISION or --deployed" in none.stderr


# --- what CloudFormation keeps --------------------------------------------------------------


def test_DAT_05_every_stack_is_protected_and_those_with_data_have_a_policy(town: Town):
    stacks = town.stacks()

    assert all(stack["EnableTerminationProtection"] for stack in stacks.values())
    denied = [
        item["Condition"]["StringEquals"]["ResourceType"]
        for item in town.policy(RISK)["Statement"]
        if item["Effect"] == "Deny"
    ]
    replaced, deleted = denied
    assert {"AWS::S3::Bucket", "AWS::KMS::Key", "AWS::SageMaker::Domain"} < set(replaced)
    assert deleted == ["AWS::SageMaker::Space", "AWS::SageMaker::UserProfile"]


def test_DAT_05_what_holds_data_stays_whoever_deploys(town: Town):
    """Somebody updates the stack past our command line."""
    template = town.template(RISK)
    lost = [
        name
        for name, item in template["Resources"].items()
        if item["Type"] == "AWS::SageMaker::Space"
    ]
    template["Resources"] = {k: v for k, v in template["Resources"].items() if k not in lost}
    town.update(RISK, template)

    assert town.stacks()[RISK]["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    events = town.client("cloudformation").describe_stack_events(StackName=RISK)["StackEvents"]
    assert any(
        "stack policy" in event.get("ResourceStatusReason", "")
        and "[Update:Delete]" in event["ResourceStatusReason"]
        for event in events
    )


# --- a person -------------------------------------------------------------------------------


def test_nobody_leaves_without_an_allowance_and_nothing_is_deployed(town: Town):
    def leave(content: Any) -> None:
        content["teams"][0]["members"]["data-scientist"] = ["rita.melo", "ana.souza"]
        budget(content, 1200)

    town.unit(leave)

    done = town.mlzone("deploy", UNIT, "--environment=dev", code=3)

    assert "the deployment would lose data, and nothing was deployed" in done.stderr
    assert f"add an allowance for {RISK}/**" in done.stderr
    assert "bruno-lima" in profiles(town)


def test_an_allowance_that_has_expired_allows_nothing(town: Town):
    yesterday = (date.today() - timedelta(days=1)).isoformat()  # noqa: DTZ011 - a day
    town.allow(f"{RISK}/**", expires=yesterday)

    done = town.mlzone("deploy", UNIT, "--environment=dev", code=3)

    assert f"MLP-7 expired on {yesterday}" in done.stderr


def test_a_person_leaves_with_what_they_have_running(town: Town):
    """Application, private space, shared space of which they were the owner, and profile."""
    sagemaker, domain = town.client("sagemaker"), domain_of(town, "risk")
    sagemaker.create_space(
        DomainId=domain,
        SpaceName="own-of-bruno",
        OwnershipSettings={"OwnerUserProfileName": "bruno-lima"},
        SpaceSharingSettings={"SharingType": "Private"},
    )
    sagemaker.create_app(
        DomainId=domain, SpaceName="own-of-bruno", AppType="JupyterLab", AppName="default"
    )
    with pytest.raises(ClientError, match="are associated with it"):
        sagemaker.delete_user_profile(DomainId=domain, UserProfileName="bruno-lima")
    town.allow(f"{RISK}/**", expires=SOON)

    town.mlzone("deploy", UNIT, "--environment=dev")

    assert {"ana-souza", "rita-melo"} < profiles(town)
    assert "bruno-lima" not in profiles(town)
    spaces = sagemaker.list_spaces(DomainIdEquals=domain)["Spaces"]
    assert [space["SpaceName"].partition("-")[0] for space in spaces] == ["shared"]
    assert sagemaker.list_apps(DomainIdEquals=domain)["Apps"] == []


def test_DAT_05_the_policy_is_whole_again_afterwards(town: Town):
    denied = [item for item in town.policy(RISK)["Statement"] if item["Effect"] == "Deny"]

    assert len(denied) == 2
    assert all("NotResource" not in item for item in denied)


# --- a team ---------------------------------------------------------------------------------


def test_a_team_leaves_by_its_plan(town: Town, tmp_path_factory: pytest.TempPathFactory):
    town.commit("Bruno has left, Rita has come")
    town.unit(lambda content: content["teams"].pop(1))
    file = str(tmp_path_factory.mktemp("plan") / "plan.json")

    blocked = town.result("plan", "--base=main", f"--out={file}", code=3)
    refused = town.mlzone("destroy", "--plan", file, "--yes", code=3)
    town.allow("aur-retail-*-team-sales/**", expires=SOON)
    plan = town.result("plan", "--base=main", f"--out={file}", code=1)
    before = town.result("destroy", "--plan", file, "--dry-run")
    removed = town.result("destroy", "--plan", file, "--yes")

    assert SALES in json.dumps(blocked["blockers"])
    assert "the plan is blocked" in refused.stderr
    assert plan["removals"] == [
        f"aur-retail-{stage}-team-sales" for stage in ("prod", "staging", "dev")
    ]
    assert removed == before
    assert removed["stacks"] == [SALES]
    assert SALES not in town.stacks()
    assert_nothing_is_orphaned(town, "sales", removed["kept"])
    assert_nothing_is_locked(town, removed["kept"])


def test_a_removal_that_was_done_is_done(town: Town, tmp_path_factory: pytest.TempPathFactory):
    file = str(tmp_path_factory.mktemp("plan") / "plan.json")
    town.mlzone("plan", "--base=main", f"--out={file}", code=1)

    assert town.result("destroy", "--plan", file, "--yes") == {"stacks": [], "kept": []}


# --- a unit ---------------------------------------------------------------------------------


def test_a_stack_that_the_estate_does_not_have_any_more_shows(town: Town):
    town.unit(lambda content: content["teams"][0]["models"].pop())

    plan = town.result("plan", "--deployed", f"--unit={UNIT}", "--environment=dev", code=1)

    assert plan["removals"] == ["aur-retail-dev-delivery-default"]
    assert "AWS::CodeCommit::Repository" in {
        item["type"] for item in plan["resources"] if item["effect"] == "kept"
    }


def test_a_unit_leaves_by_its_plan_the_dependent_stacks_first(
    town: Town, tmp_path_factory: pytest.TempPathFactory
):
    town.commit("Sales has left")
    town.remove_unit()
    town.allow("aur-retail-*/**", expires=SOON)
    file = str(tmp_path_factory.mktemp("plan") / "plan.json")
    development = set(town.stacks())

    plan = town.result("plan", "--base=main", f"--out={file}", code=1)
    removed = town.result("destroy", "--plan", file, "--yes")

    assert development - set(removed["stacks"]) == {"aur-retail-dev-delivery-default"}
    there = {*development, REGISTRY}
    assert removed["stacks"] == [item for item in plan["removals"] if item in there]
    assert removed["stacks"][-2:] == ["aur-retail-dev-foundation", REGISTRY]
    shared = [item for item in removed["kept"] if item["stack"] == REGISTRY]
    assert {item["type"] for item in shared} >= {
        "AWS::S3::Bucket",
        "AWS::SageMaker::ModelPackageGroup",
    }
    assert_nothing_is_locked(town, [item for item in removed["kept"] if item not in shared])


def assert_nothing_is_orphaned(town: Town, team: str, kept: Any) -> None:
    """What still carries the team's name is what was listed."""
    names = {item["name"] for item in kept}
    buckets = {it["Name"] for it in town.client("s3").list_buckets()["Buckets"]}
    roles = {it["RoleName"] for it in town.client("iam").list_roles()["Roles"]}
    apps = town.client("sagemaker").list_apps()["Apps"]
    assert {name for name in buckets if f"-{team}-" in name} <= names
    assert {name for name in roles if f"-{team}-" in name} == set()
    assert "carla-dias" not in profiles(town)
    assert apps == []


def assert_nothing_is_locked(town: Town, kept: Any) -> None:
    """The keys with which the data were encrypted are there, and work."""
    keys = {item["name"] for item in kept if item["type"] == "AWS::KMS::Key"}
    kms, s3 = town.client("kms"), town.client("s3")
    assert keys
    assert {kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] for key in keys} == {"Enabled"}
    for item in kept:
        if item["type"] == "AWS::S3::Bucket":
            rules = s3.get_bucket_encryption(Bucket=item["name"])
            (rule,) = rules["ServerSideEncryptionConfiguration"]["Rules"]
            settings = rule["ApplyServerSideEncryptionByDefault"]
            if settings["SSEAlgorithm"] == "aws:kms":
                key = kms.describe_key(KeyId=settings["KMSMasterKeyID"])
                assert key["KeyMetadata"]["Enabled"], item
