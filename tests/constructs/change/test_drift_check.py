"""The daily look for changes by hand: what it runs, what it may do, and whom it tells."""

import json
from typing import Any

import pytest

from mlzone.estate import Estate, Stage

NAME = "cmp-retail-drift"
TOPIC, ALARM = "AWS::SNS::Topic", "AWS::CloudWatch::Alarm"


def test_it_looks_once_a_day_at_what_main_says(template, named):
    daily = named(template, "AWS::Events::Rule", "cmp-retail-drift-daily")
    pipeline = named(template, "AWS::CodePipeline::Pipeline", NAME)
    (source,), (look,) = (stage["Actions"] for stage in pipeline["Stages"])

    assert daily["ScheduleExpression"] == "cron(0 5 * * ? *)"
    assert daily["Targets"][0]["InputTransformer"]["InputTemplate"] == (
        '{"variables": [{"name": "time", "value": <time>}]}'
    )
    assert source["Configuration"]["BranchName"] == "main"
    assert look["Configuration"]["ProjectName"] == "cmp-retail-change-drift"
    project = named(template, "AWS::CodeBuild::Project", "cmp-retail-change-drift")
    phases = json.loads(project["Source"]["BuildSpec"])["phases"]
    assert phases["build"]["commands"] == ['mlzone change drift retail --at "$MLZONE_TIME"']


def test_it_does_not_begin_before_there_is_a_commit(template, named):
    """CodePipeline starts what is made, unless a variable has no value."""
    (variable,) = named(template, "AWS::CodePipeline::Pipeline", NAME)["Variables"]

    assert "DefaultValue" not in variable


def test_DEP_01_what_looks_takes_the_roles_for_reading_and_no_other(
    template, statements, estate: Estate
):
    may = statements(template, "DriftLookRole")

    (unit,) = estate.units
    accounts = [unit.environments[stage].account for stage in Stage]
    roles = [json.dumps(item) for item in may["Look"]["Resource"]]
    assert len(roles) == len(accounts)
    assert all("-lookup-role-" in role for role in roles)
    assert all(sum(account in role for role in roles) == 1 for account in accounts)
    assert {sid: item["Action"] for sid, item in may.items()} == {
        "Announce": "events:PutEvents",
        "CloneSource": "codecommit:GitPull",
        "KeepReport": "s3:PutObject",
        "Keys": ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"],
        "Look": "sts:AssumeRole",
        "TakeSource": ["s3:GetObject", "s3:GetObjectVersion"],
        "WriteLog": ["logs:CreateLogStream", "logs:PutLogEvents"],
    }
    assert may["KeepReport"]["Resource"].endswith("-change-100000000002/drift/*")


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("cmp-retail-drift", "Estate Drifted"),
        ("cmp-retail-drift-failed", "CodePipeline Pipeline Execution State Change"),
        ("cmp-retail-drift-silent", "CloudWatch Alarm State Change"),
    ],
)
def test_MON_03_changes_by_hand_and_a_look_that_fails_reach_a_person(
    template, named, resources, estate: Estate, rule: str, kind: str
):
    (topic,) = (name for name, item in template["Resources"].items() if item["Type"] == TOPIC)
    told = named(template, "AWS::Events::Rule", rule)

    assert told["EventPattern"]["detail-type"] == [kind]
    assert told["Targets"][0]["Arn"] == {"Ref": topic}
    people = {
        item["Properties"]["Endpoint"] for item in resources(template, "AWS::SNS::Subscription")
    }
    (unit,) = estate.units
    expected = {unit.owner, *estate.organization.people.platform_admins}
    assert people == {estate.email(person) for person in expected}


def test_MON_03_a_look_that_does_not_come_is_no_absence_of_changes(template, properties):
    alarm: dict[str, Any] = properties(template, ALARM)

    assert alarm["MetricName"] == "SucceededBuilds"
    assert alarm["TreatMissingData"] == "breaching"
    assert alarm["Period"] * alarm["EvaluationPeriods"] == 26 * 3600
