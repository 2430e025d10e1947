"""Resources that moto does not know, made from the service models."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from mlzone_cloud.cloud import Cloud

DEV = "111111111111"
ROLE = f"arn:aws:iam::{DEV}:role/execution"


@pytest.fixture
def sagemaker(cloud: Cloud) -> Any:
    return cloud.client("sagemaker", account=DEV)


@pytest.fixture
def domain(sagemaker: Any) -> dict[str, Any]:
    made: dict[str, Any] = sagemaker.create_domain(
        DomainName="studio",
        AuthMode="IAM",
        DefaultUserSettings={"ExecutionRole": ROLE},
        SubnetIds=["subnet-1"],
        VpcId="vpc-1",
        Tags=[{"Key": "team", "Value": "credit"}],
    )
    return made


def code(refusal: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refusal.value.response["Error"]["Code"])


def test_what_was_made_is_described_listed_changed_and_deleted(
    sagemaker: Any, domain: dict[str, Any]
) -> None:
    name = {"DomainId": domain["DomainId"]}
    sagemaker.update_domain(**name, DefaultUserSettings={"SecurityGroups": ["sg-1"]})

    described = sagemaker.describe_domain(**name)

    assert described["Status"] == "InService"
    assert described["DefaultUserSettings"] == {"ExecutionRole": ROLE, "SecurityGroups": ["sg-1"]}
    assert [item["DomainName"] for item in sagemaker.list_domains()["Domains"]] == ["studio"]
    sagemaker.delete_domain(**name)
    with pytest.raises(ClientError) as refusal:
        sagemaker.describe_domain(**name)
    assert code(refusal) == "ResourceNotFound"


def test_values_are_held_to_the_model(sagemaker: Any, domain: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as refusal:
        sagemaker.create_user_profile(DomainId=domain["DomainId"], UserProfileName="not valid!")

    assert code(refusal) == "ValidationException"
    assert "Member must satisfy regular expression pattern" in str(refusal.value)


def test_the_same_name_twice_is_refused(sagemaker: Any, domain: dict[str, Any]) -> None:
    profile = {"DomainId": domain["DomainId"], "UserProfileName": "ana"}
    sagemaker.create_user_profile(**profile)

    with pytest.raises(ClientError) as refusal:
        sagemaker.create_user_profile(**profile)

    assert code(refusal) == "ResourceInUse"


def test_a_child_needs_its_parent_and_keeps_it(sagemaker: Any, domain: dict[str, Any]) -> None:
    with pytest.raises(ClientError) as missing:
        sagemaker.create_user_profile(DomainId="d-missing", UserProfileName="ana")
    sagemaker.create_user_profile(DomainId=domain["DomainId"], UserProfileName="ana")
    with pytest.raises(ClientError) as in_use:
        sagemaker.delete_domain(DomainId=domain["DomainId"])

    assert code(missing) == "ResourceNotFound"
    assert code(in_use) == "ResourceInUse"
    sagemaker.delete_user_profile(DomainId=domain["DomainId"], UserProfileName="ana")
    sagemaker.delete_domain(DomainId=domain["DomainId"])


def test_lists_come_in_pages(sagemaker: Any, domain: dict[str, Any]) -> None:
    for number in range(5):
        sagemaker.create_user_profile(DomainId=domain["DomainId"], UserProfileName=f"p{number}")

    pages = list(
        sagemaker.get_paginator("list_user_profiles").paginate(PaginationConfig={"PageSize": 2})
    )

    names = [item["UserProfileName"] for page in pages for item in page["UserProfiles"]]
    assert [len(page["UserProfiles"]) for page in pages] == [2, 2, 1]
    assert names == ["p0", "p1", "p2", "p3", "p4"]


def test_tags_are_listed_added_and_removed(sagemaker: Any, domain: dict[str, Any]) -> None:
    arn = domain["DomainArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "env", "Value": "dev"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])

    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "env", "Value": "dev"}]
    with pytest.raises(ClientError) as refusal:
        sagemaker.list_tags(ResourceArn=arn + "x")
    assert code(refusal) in ("ResourceNotFound", "ValidationException")


def test_services_that_moto_lacks_altogether_work(cloud: Cloud) -> None:
    analyzers = cloud.client("accessanalyzer", account=DEV)
    arn = analyzers.create_analyzer(analyzerName="outside", type="ACCOUNT")["arn"]

    found = analyzers.get_analyzer(analyzerName="outside")["analyzer"]

    assert found["name"] == "outside"
    assert found["status"] == "ACTIVE"
    assert arn == f"arn:aws:access-analyzer:sa-east-1:{DEV}:analyzer/outside"


def test_what_moto_makes_is_deleted_though_moto_cannot(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="scoring")

    sagemaker.delete_model_package_group(ModelPackageGroupName="scoring")

    assert sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"] == []


def test_a_budget_is_changed_and_keeps_its_notifications(cloud: Cloud) -> None:
    budgets = cloud.client("budgets", account=DEV, region="us-east-1")
    budget = {"BudgetName": "b", "TimeUnit": "MONTHLY", "BudgetType": "COST"}
    alert = {"NotificationType": "ACTUAL", "ComparisonOperator": "GREATER_THAN", "Threshold": 80.0}
    someone = [{"SubscriptionType": "EMAIL", "Address": "ana@example.com"}]
    budgets.create_budget(
        AccountId=DEV,
        Budget={**budget, "BudgetLimit": {"Amount": "1", "Unit": "USD"}},
        NotificationsWithSubscribers=[{"Notification": alert, "Subscribers": someone}],
    )

    budgets.update_budget(
        AccountId=DEV, NewBudget={**budget, "BudgetLimit": {"Amount": "2", "Unit": "USD"}}
    )

    found = budgets.describe_budget(AccountId=DEV, BudgetName="b")["Budget"]
    notifications = budgets.describe_notifications_for_budget(AccountId=DEV, BudgetName="b")
    assert found["BudgetLimit"]["Amount"] == "2"
    assert len(notifications["Notifications"]) == 1
