"""What becomes of a monitor's results: metrics and events."""

from dataclasses import dataclass

from constructs import Construct

from mlzone.serving_policy import results_statements
from mlzone_constructs.foundation import GovernedFunction, GovernedFunctionProps
from mlzone_constructs.foundation.function_rule import FunctionRule, FunctionRuleProps
from mlzone_constructs.monitoring.job import MonitorJob


@dataclass(frozen=True, kw_only=True)
class MonitorResultsProps:
    """Properties of MonitorResults."""

    job: MonitorJob
    """The monitor whose jobs are listened to."""


class MonitorResults(Construct):
    """Publishes the results of each job of a monitor as soon as it ends.

    Guarantees:
        MON-02: every run leaves a metric and an event, also a run that failed.
        MON-03: drift reaches the platform's bus with its explanation.

    Example:
        MonitorResults(self, "Results", MonitorResultsProps(job=job))
    """

    def __init__(self, scope: Construct, construct_id: str, props: MonitorResultsProps) -> None:
        super().__init__(scope, construct_id)
        job, place = props.job, props.job.place
        function = GovernedFunction(
            self,
            "Function",
            GovernedFunctionProps(
                governance=place.governance,
                function_name=place.function("monitor-results"),
                role_name=place.role("monitor-results"),
                description=f"Publishes what the monitor of {place.model.title} found"[:256],
                handler="monitor_results",
                key=job.foundation.key,
                environment={
                    **place.settings(self),
                    "MLZONE_RISK_TIER": str(place.model.risk_tier),
                    "MLZONE_REPORTS": place.reports_uri,
                },
                statements=results_statements(
                    place.surroundings(self, job.key_arn),
                    model=place.model.name,
                    bus_arn=place.bus_arn(self),
                ),
            ),
        )
        FunctionRule(
            self,
            "Rule",
            FunctionRuleProps(
                rule_name=place.rule("monitor-results"),
                description=f"Jobs of the monitor of {place.model.title} that ended"[:512],
                pattern={
                    "source": ["aws.sagemaker"],
                    "detail-type": ["SageMaker Processing Job State Change"],
                    "detail": {
                        # The role is this monitor's alone; the names of jobs depend on the engine.
                        "RoleArn": [job.role.arn],
                        "ProcessingJobStatus": ["Completed", "Failed", "Stopped"],
                    },
                },
                function=function,
            ),
        )
