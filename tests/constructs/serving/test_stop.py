"""What takes a model out of service: who may call it, and what it can do."""

import json

import pytest

from mlzone.estate import Stage
from mlzone.estate.model import MonitorAction
from mlzone.naming import Naming
from mlzone.persona import Persona
from mlzone.persona_policy import persona_statements
from mlzone.surroundings import Surroundings
from mlzone_access import Policies, Policy, Principal, PrincipalKind, Request, evaluate
from mlzone_stacks.monitoring import MonitoringStack
from mlzone_stacks.serving import ServingStack

ACCOUNTS = {Stage.STAGING: "111111111112", Stage.PROD: "111111111113"}


@pytest.fixture(scope="module")
def production(build):
    return build(ServingStack, Stage.PROD)


def may_call(persona: Persona, stage: Stage, function: str, *, team: str) -> bool:
    account = ACCOUNTS[stage]
    surroundings = Surroundings(
        naming=Naming(prefix="cmp"),
        partition="aws",
        account=account,
        region="sa-east-1",
        shared_services="100000000002",
        home_region="sa-east-1",
        title="Retail",
        unit="retail",
        team="credit-risk",
        stage=stage,
    )
    document = {
        "Version": "2012-10-17",
        "Statement": persona_statements(persona, surroundings),
    }
    request = Request(
        principal=Principal(
            kind=PrincipalKind.ROLE, arn=f"arn:aws:iam::{account}:role/x", account=account
        ),
        action="lambda:InvokeFunction",
        resource=f"arn:aws:lambda:sa-east-1:{account}:function:{function}",
        context={"aws:PrincipalTag/team": "credit-risk", "aws:ResourceTag/mlz:team": team},
    )
    return evaluate(request, Policies(identity=(Policy.parse(document, name=persona),))).allowed


def test_MON_04_approvers_and_the_teams_engineers_may_call_it_and_nobody_else(production):
    names = {
        item["Properties"]["FunctionName"]: item["Properties"]
        for item in production["Resources"].values()
        if item["Type"] == "AWS::Lambda::Function"
    }
    name = "cmp-retail-credit-default-prod-stop"

    assert {"Key": "mlz:team", "Value": "credit-risk"} in names[name]["Tags"]
    assert {
        persona for persona in Persona if may_call(persona, Stage.PROD, name, team="credit-risk")
    } == {Persona.MODEL_APPROVER, Persona.ML_ENGINEER}
    assert not may_call(Persona.ML_ENGINEER, Stage.PROD, name, team="marketing")
    assert not may_call(
        Persona.ML_ENGINEER,
        Stage.PROD,
        "cmp-retail-credit-default-prod-finding-response",
        team="credit-risk",
    )


def test_MON_04_in_staging_the_teams_engineers_may_call_it():
    name = "cmp-retail-credit-default-staging-stop"

    assert may_call(Persona.ML_ENGINEER, Stage.STAGING, name, team="credit-risk")


@pytest.mark.parametrize("model", ["credit-default", "x" * 60])
def test_MON_04_the_function_is_known_by_the_end_of_its_name(model):
    name = Naming(prefix="cmp").stop_function("retail", model, Stage.PROD)

    assert name.endswith("-stop")
    assert len(name) <= 64
    assert may_call(Persona.MODEL_APPROVER, Stage.PROD, name, team="")


def test_DEP_01_it_sets_parameters_of_two_stacks_and_passes_no_role(production, statements):
    granted = statements(production, "StopFunctionRole")

    assert granted["UpdateStacks"]["Resource"] == [
        f"arn:aws:cloudformation:sa-east-1:111111111113:stack/cmp-retail-prod-{kind}/*"
        for kind in ("monitoring-credit-default", "serving-credit-default")
    ]
    actions = json.dumps([statement["Action"] for statement in granted.values()])
    assert "iam:" not in actions
    assert "sagemaker:" not in actions


@pytest.mark.parametrize("stack", [ServingStack, MonitoringStack])
def test_MON_04_both_stacks_can_be_stopped(build, stack):
    template = build(stack, Stage.PROD)

    assert template["Parameters"]["Stopped"]["Default"] == ""
    assert {"Fn::Equals": [{"Ref": "Stopped"}, ""]} in (
        template["Conditions"]["HasRelease"]["Fn::And"]
    )


def test_MON_04_findings_stop_a_model_only_if_the_estate_says_so(build, statements):
    silent = build(MonitoringStack, Stage.PROD)
    acting = build(
        MonitoringStack,
        Stage.PROD,
        risk_tier=2,
        monitoring={"actions": (MonitorAction(do="stop", severity="critical"),)},
    )

    assert "Stop" not in statements(silent, "ResponseFunctionRole")
    assert statements(acting, "ResponseFunctionRole")["Stop"]["Resource"].endswith(
        ":function:cmp-retail-credit-default-prod-stop"
    )
