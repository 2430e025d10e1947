"""Looks by the day for what somebody changed by hand in a unit's environments."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_events as events
from aws_cdk import aws_s3 as s3
from constructs import Construct

from mlzone.change_policy import (
    Change,
    drift_statements,
    start_statements,
)
from mlzone.estate import Stage
from mlzone.serving_policy import platform_bus_arn
from mlzone_constructs.change.pipeline import change_pipeline
from mlzone_constructs.change.project import ChangeProject, ChangeProjectProps
from mlzone_constructs.change.setting import ChangeSetting
from mlzone_constructs.change.source import estate_source
from mlzone_constructs.delivery.action import SOURCE
from mlzone_constructs.platform.mailed_events import FurtherEvents, MailedEvents, mail_events

DRIFTED = "Estate Drifted"
"""The event that tells of changes by hand; one without any is `Estate Compared`."""
DAILY = "cron(0 5 * * ? *)"
"""When it looks: once a day, in a night of the banks that we know. More often finds nothing that
the owner would answer sooner, and each look asks for every resource of the unit."""
_SILENT_HOURS = 26
"""The alarm rises if no look has ended well for so long: a day, and time to look."""
_MINUTES = 120
_TIME = "time"


@dataclass(frozen=True, kw_only=True)
class DriftCheckProps:
    """Properties of a DriftCheck."""

    setting: ChangeSetting
    """The unit, and where its pipelines run."""
    bucket: s3.IBucket
    """Keeps the reports; what the unit's pipeline hands on lies there too."""


class DriftCheck(Construct):
    """A pipeline that compares a unit's environments with their templates once a day.

    It tells of what it found on the platform's bus, where every look is recorded as evidence; the
    unit's owner and the administrators get mail if something was changed, if a look failed, and if
    none has ended well for longer than a day.

    Guarantees:
        DEP-01: it takes the bootstrap's roles for reading in the unit's accounts, and no other.
        MON-03: a change by hand reaches a person, and so does a check that does not run.
        LOG-01: every look is recorded.
        IAM-01: every role is under the boundary.

    Example:
        DriftCheck(self, "Drift", DriftCheckProps(setting=setting, bucket=pipeline.bucket))
    """

    def __init__(self, scope: Construct, construct_id: str, props: DriftCheckProps) -> None:
        super().__init__(scope, construct_id)
        self._setting, self._bucket = props.setting, props.bucket
        self._policy = props.setting.policy(self)
        project = self._project()
        self.pipeline = self._pipeline(project)
        """The pipeline."""
        self._start_daily()
        alarm = self._on_silence(project.name)
        self._tell(alarm.alarm_name or "")

    def _project(self) -> ChangeProject:
        setting, policy = self._setting, self._policy
        s, unit = policy.surroundings, setting.unit
        name = s.naming.change_project(unit.name, "drift")
        places = [setting.place(stage) for stage in Stage]
        bus_arn = platform_bus_arn(s.naming, s.partition, s.region, s.account)
        return ChangeProject(
            self,
            "Look",
            ChangeProjectProps(
                setting=setting,
                purpose="drift",
                description=f"Looks for what was changed by hand in {unit.name}",
                minutes=_MINUTES,
                commands=[f'mlzone change drift {unit.name} --at "$MLZONE_TIME"'],
                statements=drift_statements(policy, project=name, places=places, bus_arn=bus_arn),
                whole_policy=True,
            ),
        )

    def _pipeline(self, project: ChangeProject) -> codepipeline.CfnPipeline:
        look = project.action("Look", variables={"MLZONE_TIME": f"#{{variables.{_TIME}}}"})
        return change_pipeline(
            self,
            self._setting,
            name=self._policy.drift_pipeline,
            purpose="drift-pipeline",
            projects=[project],
            bucket=self._bucket,
            mode="SUPERSEDED",
            # Without a default, so that it does not begin when it is made: there may be no commit.
            variable=codepipeline.CfnPipeline.VariableDeclarationProperty(
                name=_TIME, description="When the look was due; its report is called so"
            ),
            stages={SOURCE: [estate_source(self._policy)], "Look": [look]},
        )

    def _start_daily(self) -> None:
        setting, policy = self._setting, self._policy
        role = setting.role(
            self,
            "StartRole",
            purpose="drift-start",
            service="events.amazonaws.com",
            description=f"Starts {policy.drift_pipeline}",
            statements=start_statements(policy, policy.drift_pipeline),
        )
        template = json.dumps({"variables": [{"name": _TIME, "value": "<time>"}]})
        events.CfnRule(
            self,
            "Daily",
            name=setting.governance.naming.rule(setting.unit.name, "drift-daily"),
            description=f"Looks once a day for what was changed by hand in {setting.unit.name}",
            schedule_expression=DAILY,
            targets=[
                events.CfnRule.TargetProperty(
                    id="pipeline",
                    # `Ref` of a pipeline is its name; it also orders rule and pipeline.
                    arn=policy.surroundings.arn("codepipeline", self.pipeline.ref),
                    role_arn=role.arn,
                    input_transformer=events.CfnRule.InputTransformerProperty(
                        input_paths_map={"time": "$.time"},
                        # EventBridge puts quotes around the value itself.
                        input_template=template.replace('"<time>"', "<time>"),
                    ),
                )
            ],
        )

    def _on_silence(self, project: str) -> cloudwatch.CfnAlarm:
        unit = self._setting.unit
        return cloudwatch.CfnAlarm(
            self,
            "Silence",
            alarm_name=_alarm_name(self._policy),
            alarm_description=(
                f"For {_SILENT_HOURS} hours, no look for changes by hand in {unit.title} has ended "
                "well; nobody knows whether there are any"
            ),
            namespace="AWS/CodeBuild",
            metric_name="SucceededBuilds",
            dimensions=[cloudwatch.CfnAlarm.DimensionProperty(name="ProjectName", value=project)],
            statistic="Sum",
            period=int(cdk.Duration.hours(1).to_seconds()),
            evaluation_periods=_SILENT_HOURS,
            datapoints_to_alarm=_SILENT_HOURS,
            threshold=1,
            comparison_operator="LessThanThreshold",
            treat_missing_data="breaching",
        )

    def _tell(self, alarm: str) -> None:
        setting, naming = self._setting, self._setting.governance.naming
        unit, organization = setting.unit, setting.governance.estate.organization
        mail_events(
            self,
            MailedEvents(
                topic_name=naming.topic(unit.name, "drift"),
                rule_name=naming.rule(unit.name, "drift"),
                people=dict.fromkeys((unit.owner, *organization.people.platform_admins)),
                pattern={"detail-type": [DRIFTED], "detail": {"unit": [unit.name]}},
                paths={
                    "summary": "$.detail.facts.summary",
                    "report": "$.detail.facts.report",
                },
                text=f'"{unit.title}: <summary>. Report: <report>"',
                further=[
                    FurtherEvents(
                        rule_name=naming.rule(unit.name, "drift-failed"),
                        pattern=self._failed(),
                        paths={"execution": "$.detail.execution-id"},
                        text=(
                            f'"{unit.title}: the look for changes by hand failed; execution '
                            f'<execution> of {self._policy.drift_pipeline} says why"'
                        ),
                    ),
                    FurtherEvents(
                        rule_name=naming.rule(unit.name, "drift-silent"),
                        pattern=_became_silent(alarm),
                        paths={"alarm": "$.detail.alarmName"},
                        text=(
                            f'"{unit.title}: no look for changes by hand has ended well for '
                            f'{_SILENT_HOURS} hours (<alarm>)"'
                        ),
                    ),
                ],
            ),
            governance=setting.governance,
            key=setting.key,
        )

    def _failed(self) -> Mapping[str, object]:
        return {
            "source": ["aws.codepipeline"],
            "detail-type": ["CodePipeline Pipeline Execution State Change"],
            "detail": {"pipeline": [self._policy.drift_pipeline], "state": ["FAILED"]},
        }


def _became_silent(alarm: str) -> Mapping[str, object]:
    """Return the pattern of the alarm's rise; not of its birth, when no look was due yet."""
    return {
        "source": ["aws.cloudwatch"],
        "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {
            "alarmName": [alarm],
            "state": {"value": ["ALARM"]},
            "previousState": {"value": ["OK"]},
        },
    }


def _alarm_name(policy: Change) -> str:
    return f"{policy.drift_pipeline}-silent"
