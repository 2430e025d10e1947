"""What follows from what a monitor finds: alarms, mails, retraining, the release before."""

import json
from typing import Any

from tests.constructs.monitoring.monitored import (
    NONE_MORE,
    RULE,
    alarms_of,
    policy_of,
    settings_of,
    text_of,
)

from mlzone.estate import Stage
from mlzone.serving_policy import METRIC_NAMESPACE
from mlzone_runtime.handlers import monitor_results
from mlzone_stacks.monitoring import MonitoringStack


def test_MON_03_results_are_published_whichever_engine_ran(managed, scheduled, resources):
    for template in (managed, scheduled):
        (pattern,) = (
            item["Properties"]["EventPattern"]
            for item in resources(template, RULE)
            if "aws.sagemaker" in item["Properties"]["EventPattern"]["source"]
        )
        assert pattern["detail-type"] == ["SageMaker Processing Job State Change"]
        ((role,),) = (item.values() for item in pattern["detail"]["RoleArn"])
        assert role[0].startswith("JobRole")
        assert set(pattern["detail"]["ProcessingJobStatus"]) == {"Completed", "Failed", "Stopped"}


def test_MON_03_alarms_listen_to_what_the_function_publishes(managed):
    alarms = alarms_of(managed)

    assert METRIC_NAMESPACE == monitor_results.NAMESPACE
    assert alarms["drift"]["Properties"]["MetricName"] == monitor_results.VIOLATIONS
    assert alarms["data-fault"]["Properties"]["MetricName"] == monitor_results.FAULTS
    assert alarms["data-quality-silent"]["Properties"]["MetricName"] == monitor_results.COMPLETED
    for alarm in alarms.values():
        assert alarm["Properties"]["Namespace"] == monitor_results.NAMESPACE
        assert {item["Name"]: item["Value"] for item in alarm["Properties"]["Dimensions"]} == {
            "Model": "credit-default",
            "Environment": "prod",
            "Monitor": "data-quality",
        }


def test_MON_03_as_many_runs_as_the_estate_says_raise_the_alarm(build):
    template = build(
        MonitoringStack, Stage.PROD, monitoring={"datapoints_to_alarm": 2, "evaluated_runs": 3}
    )

    drift = alarms_of(template)["drift"]["Properties"]
    assert (drift["DatapointsToAlarm"], drift["EvaluationPeriods"]) == (2, 3)
    assert drift["Period"] == 3600
    assert drift["ComparisonOperator"] == "GreaterThanThreshold"
    assert drift["Threshold"] == 0


def test_MON_02_a_silent_monitor_raises_an_alarm(managed):
    silence = alarms_of(managed)["data-quality-silent"]

    assert silence["Properties"]["TreatMissingData"] == "breaching"
    assert silence["Condition"] == "HasRelease"


def test_MON_03_drift_in_production_asks_for_retraining(managed, staging, build, resources):
    def responses(template: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            item["Properties"]["EventPattern"]["detail"]
            for item in resources(template, RULE)
            if "aws.cloudwatch" in item["Properties"]["EventPattern"]["source"]
        ]

    (answered,) = responses(managed)
    assert answered["state"] == {"value": ["ALARM"]}
    assert set(answered["alarmName"]) == {
        f"cmp-retail-credit-default-prod-{what}"
        for what in ("drift", "data-fault", "data-quality-silent")
    }
    assert [item["do"] for item in policy_of(managed)["actions"]] == ["notify", "retrain"]
    assert responses(staging) == []
    by_hand = build(
        MonitoringStack, Stage.PROD, retraining={"on_drift": False}, monitoring=NONE_MORE
    )
    assert [item["do"] for item in policy_of(by_hand)["actions"]] == ["notify"]


def test_functions_tell_the_platform_whose_model_it_is(managed):
    for function in ("monitor_results", "finding_response"):
        settings = settings_of(managed, function)
        assert (
            settings.items()
            >= {
                "MLZONE_UNIT": "retail",
                "MLZONE_TEAM": "credit-risk",
                "MLZONE_MODEL": "credit-default",
                "MLZONE_ENVIRONMENT": "prod",
                "MLZONE_PLATFORM_BUS": (
                    "arn:aws:events:sa-east-1:100000000002:event-bus/cmp-platform"
                ),
                "MLZONE_RISK_TIER": "3",
                "MLZONE_REPORTS": "s3://cmp-retail-capture-111111111113/credit-default/reports",
            }.items()
        )


def test_events_that_could_not_be_delivered_are_kept(managed, resources):
    for rule in resources(managed, RULE):
        (target,) = rule["Properties"]["Targets"]
        assert "DeadLetters" in json.dumps(target["DeadLetterConfig"])


def test_the_dashboard_shows_drift_against_the_service_level(managed, properties):
    body = text_of(properties(managed, "AWS::CloudWatch::Dashboard")["DashboardBody"])

    for metric in ("DriftViolations", "PredictionShift", "ModelLatency", "Invocation5XXErrors"):
        assert metric in body, metric
    assert "alarm:cmp-retail-credit-default-prod-drift" in body


def test_DEP_01_the_answer_can_bring_back_the_release_before_only_if_the_estate_says_so(
    managed, all_managed, statements
):
    assert "FallBack" not in statements(managed, "ResponseFunctionRole")
    allowed = statements(all_managed, "ResponseFunctionRole")
    assert allowed["FallBack"]["Action"] == "codepipeline:RollbackStage"
    assert text_of(allowed["FallBack"]["Resource"]).endswith(
        ":cmp-retail-credit-default-prod-promotion/Deploy"
    )
    assert allowed["SignTickets"]["Resource"].startswith("arn:aws:secretsmanager:")


def test_the_team_and_the_webhook_hear_of_findings(managed, resources):
    heard = {
        (item["Properties"]["Protocol"], item["Properties"]["Endpoint"])
        for item in resources(managed, "AWS::SNS::Subscription")
    }
    assert heard == {
        ("email", "ana.souza@bank.example"),
        ("email", "fabio.melo@bank.example"),
        ("https", "https://chat.bank.example/hooks/models"),
    }
