"""A deployment changes the stacks' parameters and nothing else, and goes back when it fails."""

import json

import pytest

from mlzone_runtime.release.deploy import Deployer, DeploymentError

ACCOUNT = "111111111112"
NAMES = ("serving", "monitoring")


def template() -> str:
    """A stack whose resource shows the release that it has."""
    return json.dumps(
        {
            "Parameters": {
                "Release": {"Type": "String", "Default": ""},
                "Kept": {"Type": "String", "Default": "as it was"},
            },
            "Conditions": {"HasRelease": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Release"}, ""]}]}},
            "Resources": {
                "Topic": {"Type": "AWS::SNS::Topic"},
                "Shown": {
                    "Type": "AWS::SSM::Parameter",
                    "Condition": "HasRelease",
                    "Properties": {
                        "Name": {"Fn::Sub": "/${AWS::StackName}/${Release}"},
                        "Type": "String",
                        "Value": {"Ref": "Release"},
                    },
                },
            },
        }
    )


class Watched:
    """A client of CloudFormation that remembers how stacks were updated."""

    def __init__(self, client) -> None:
        self._client = client
        self.updates: list[dict] = []

    def __getattr__(self, name):
        return getattr(self._client, name)

    def update_stack(self, **request):
        self.updates.append(request)
        return self._client.update_stack(**request)


@pytest.fixture
def cloudformation(cloud):
    client = Watched(cloud.client("cloudformation", account=ACCOUNT))
    for name in NAMES:
        client.create_stack(StackName=name, TemplateBody=template())
        client.get_waiter("stack_create_complete").wait(
            StackName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100}
        )
    return client


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def deployer(cloudformation, said) -> Deployer:
    return Deployer(cloudformation=cloudformation, talk=said.append, pause=0.05, deadline=30)


def parameters(cloudformation, name: str) -> dict[str, str]:
    found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Parameters"]
    return {item["ParameterKey"]: item["ParameterValue"] for item in found}


def releases(*values: str) -> dict[str, dict[str, str]]:
    return {name: {"Release": value} for name, value in zip(NAMES, values, strict=True)}


def test_both_stacks_get_the_release_and_keep_everything_else(deployer, cloudformation):
    results = deployer.deploy(releases("v1", "v1"))

    assert [result.changed for result in results] == [True, True]
    assert results[0].resources == ("Shown",)
    for name in NAMES:
        assert parameters(cloudformation, name) == {"Release": "v1", "Kept": "as it was"}


def test_DEP_01_templates_and_roles_are_never_given(deployer, cloudformation):
    deployer.deploy(releases("v1", "v1"))

    for update in cloudformation.updates:
        assert update["UsePreviousTemplate"] is True
        assert not {"TemplateBody", "TemplateURL", "RoleARN", "Tags"} & set(update)


def test_the_same_release_again_changes_nothing(deployer, cloudformation):
    deployer.deploy(releases("v1", "v1"))
    cloudformation.updates.clear()

    assert [result.changed for result in deployer.deploy(releases("v1", "v1"))] == [False, False]
    assert cloudformation.updates == []


def test_what_happens_is_told_while_it_happens(deployer, said):
    deployer.deploy(releases("v1", "v1"))

    assert any("CREATE_COMPLETE" in line and "Shown" in line for line in said)


def test_a_stack_that_is_not_there_is_named(deployer):
    with pytest.raises(DeploymentError, match=r"absent .*; deploy the landing zone first"):
        deployer.deploy({"absent": {"Release": "v1"}})


def test_a_parameter_that_the_stack_does_not_know_is_named(deployer):
    with pytest.raises(DeploymentError, match="serving has no parameter Image"):
        deployer.deploy({"serving": {"Image": "x"}})


def test_when_the_second_stack_fails_the_first_goes_back(deployer, cloudformation, said, cloud):
    deployer.deploy(releases("v1", "v1"))
    # Something has the name already that the second stack's update needs.
    cloud.client("ssm", account=ACCOUNT).put_parameter(
        Name="/monitoring/v2", Type="String", Value="in the way"
    )

    with pytest.raises(
        DeploymentError, match="monitoring is UPDATE_ROLLBACK_COMPLETE: Shown"
    ) as it:
        deployer.deploy(releases("v2", "v2"))

    assert "AWS::SSM::Parameter" in str(it.value)
    assert "serving goes back to what it had" in said
    for name in NAMES:
        assert parameters(cloudformation, name)["Release"] == "v1"
