"""A team in one environment."""

from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_budgets as budgets
from aws_cdk import aws_ce as ce
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.data_policy import team_key_roles, team_key_statement
from mlzone.estate import Stage, Team
from mlzone.persona import PERSONAS, Place, Scope
from mlzone.service_policy import experiments, pipeline_statements
from mlzone.surroundings import Surroundings
from mlzone.system_policy import system_roles
from mlzone_constructs.data import (
    DataInspector,
    DataInspectorProps,
    DataZones,
    DataZonesProps,
    TeamFeatures,
    TeamFeaturesProps,
)
from mlzone_constructs.foundation import FoundationReferences, GovernedKey, GovernedKeyProps
from mlzone_constructs.governance import Governance
from mlzone_constructs.identity import (
    GovernedRole,
    GovernedRoleProps,
    PersonaRole,
    PersonaRoleProps,
    TrustedSystem,
    TrustedSystemProps,
)
from mlzone_constructs.monitoring import TeamDashboard, TeamDashboardProps
from mlzone_constructs.studio import (
    ExperimentTracking,
    ExperimentTrackingProps,
    StudioDomain,
    StudioDomainProps,
)

_ANOMALY_PERCENT = 20
"""An anomaly that costs this much more than expected is reported."""


class TeamStack(cdk.Stack):
    """A team's key, data, roles of people and systems, and budget; in development its Studio."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        governance: Governance,
        team: Team,
        **kwargs: Any,
    ) -> None:
        super().__init__(scope, construct_id, termination_protection=True, **kwargs)
        self._governance, self._team = governance, team
        self._unit, self._stage = governance.of_unit()
        naming = governance.naming
        self._key = GovernedKey(
            self,
            "Key",
            GovernedKeyProps(
                governance=governance,
                alias=naming.key_alias(self._unit.name, team.name, self._stage),
                description=f"Data of {team.title}, {self._stage}",
                services=("sagemaker.amazonaws.com",),
            ),
        )
        roles = team_key_roles(naming, self._unit, team, self._stage)
        self._key.key.add_to_resource_policy(
            iam.PolicyStatement.from_json(
                team_key_statement(roles, partition=self.partition, account=self.account)
            )
        )
        ssm.CfnParameter(
            self, "KeyParameter", name=naming.team_key_parameter(team.name), type="String",
            value=self._key.arn,
        )  # fmt: skip
        account = self._unit.environments[self._stage].account
        logs = s3.Bucket.from_bucket_name(
            self, "AccessLogs", naming.log_bucket(self._unit.name, account)
        )
        self._zones = DataZones(
            self,
            "Data",
            DataZonesProps(governance=governance, team=team, key=self._key.key, access_logs=logs),
        )
        DataInspector(
            self,
            "Inspector",
            DataInspectorProps(
                governance=governance,
                team=team,
                zones=self._zones,
                key=self._key.key,
                foundation=FoundationReferences(self, "Foundation", governance),
            ),
        )
        if self._stage is Stage.DEV:
            self._development()
            self._budget()
        elif self._stage is Stage.PROD and team.models:
            TeamDashboard(self, "Dashboard", TeamDashboardProps(governance=governance, team=team))
        self._persona_roles()
        for role in system_roles(naming, self._unit, team, self._stage):
            TrustedSystem(
                self,
                f"System-{role.model.name}-{role.duty}",
                TrustedSystemProps(
                    governance=governance, surroundings=self._surroundings(), role=role
                ),
            )
        governance.tag(self, team=team)

    def _network(self, name: str) -> str:
        return ssm.StringParameter.value_for_string_parameter(
            self, self._governance.naming.parameter("network", name)
        )

    def _development(self) -> None:
        """Where the team explores: Studio, features, experiment tracking."""
        governance, team = self._governance, self._team
        role = self._execution_role("studio", "Notebooks of the team")
        subnets = cdk.Fn.split(",", self._network("subnet-ids"))
        zones = self._unit.environments[self._stage].network
        count = zones.create.availability_zones if zones.create else len(zones.import_.subnet_ids)  # type: ignore[union-attr]
        StudioDomain(
            self,
            "Studio",
            StudioDomainProps(
                governance=governance,
                team=team,
                key=self._key.key,
                execution_role_arn=role.arn,
                vpc_id=self._network("vpc-id"),
                subnet_ids=[cdk.Fn.select(index, subnets) for index in range(count)],
                security_group_ids=[self._network("workload-security-group-id")],
            ),
        )
        TeamFeatures(
            self,
            "Features",
            TeamFeaturesProps(
                governance=governance,
                team=team,
                bucket=self._zones.bucket.bucket,
                key=self._key.key,
                role_arn=role.arn,
            ),
        )
        ExperimentTracking(
            self,
            "Mlflow",
            ExperimentTrackingProps(
                governance=governance,
                team=team,
                bucket=self._zones.bucket.bucket,
                role_arn=role.arn,
            ),
        )
        self._pipeline_role()

    def _pipeline_role(self) -> None:
        """The role in which the team's pipelines train and register."""
        governance = self._governance
        name = governance.naming.service_role(
            self._unit.name, self._team.name, self._stage, "pipeline"
        )
        GovernedRole(
            self,
            "PipelineRole",
            GovernedRoleProps(
                governance=governance,
                role_name=name,
                description="Training pipelines of the team",
                service="sagemaker.amazonaws.com",
                statements=pipeline_statements(
                    self._surroundings(),
                    role_arn=governance.role_arn(self, self.account, name),
                    data_bucket_arn=self._zones.bucket.arn,
                    own_images=[model.name for model in self._team.models if model.own_image],
                ),
            ),
        )

    def _execution_role(self, purpose: str, description: str) -> GovernedRole:
        governance, naming = self._governance, self._governance.naming
        bucket = self._zones.bucket.bucket
        unit_prefix = naming.name(self._unit.name)
        return GovernedRole(
            self,
            purpose.title() + "Role",
            GovernedRoleProps(
                governance=governance,
                role_name=naming.service_role(
                    self._unit.name, self._team.name, self._stage, purpose
                ),
                description=description,
                service="sagemaker.amazonaws.com",
                statements=[
                    iam.PolicyStatement(
                        sid="TeamData",
                        actions=["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                        resources=[bucket.arn_for_objects("*")],
                    ),
                    iam.PolicyStatement(
                        sid="ListTeamData",
                        actions=["s3:GetBucketLocation", "s3:ListBucket"],
                        resources=[bucket.bucket_arn],
                    ),
                    iam.PolicyStatement(
                        sid="TeamKey",
                        actions=["kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey",
                                 "kms:GenerateDataKey"],
                        resources=[self._key.arn],
                    ),
                    iam.PolicyStatement.from_json(experiments(self._surroundings())),
                    iam.PolicyStatement(
                        sid="WatchPipelines",
                        actions=["sagemaker:DescribePipeline",
                                 "sagemaker:DescribePipelineExecution",
                                 "sagemaker:ListPipelineExecutionSteps",
                                 "sagemaker:ListPipelineExecutions"],
                        resources=[governance.arn(self, "sagemaker", f"pipeline/{unit_prefix}-*")],
                    ),
                ],
            ),
        )  # fmt: skip

    def _budget(self) -> None:
        team, governance = self._team, self._governance
        name = governance.naming.name(self._unit.name, team.name)
        people = (*team.members.lead_data_scientists, self._unit.owner)
        subscribers = [
            budgets.CfnBudget.SubscriberProperty(
                subscription_type="EMAIL", address=governance.estate.email(person)
            )
            for person in dict.fromkeys(people)
        ]
        budgets.CfnBudget(
            self,
            "Budget",
            budget=budgets.CfnBudget.BudgetDataProperty(
                budget_name=name,
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=budgets.CfnBudget.SpendProperty(
                    amount=team.budget.monthly_usd, unit="USD"
                ),
                cost_filters={"TagKeyValue": [f"user:mlz:team${team.name}"]},
            ),
            notifications_with_subscribers=[
                budgets.CfnBudget.NotificationWithSubscribersProperty(
                    notification=budgets.CfnBudget.NotificationProperty(
                        notification_type="ACTUAL",
                        comparison_operator="GREATER_THAN",
                        threshold=percentage,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=subscribers,
                )
                for percentage in team.budget.alert_percentages
            ],
        )
        monitor = ce.CfnAnomalyMonitor(
            self,
            "CostAnomalies",
            monitor_name=name,
            monitor_type="CUSTOM",
            monitor_specification=self.to_json_string(
                {
                    "Tags": {
                        "Key": "mlz:team",
                        "Values": [team.name],
                        "MatchOptions": ["EQUALS"],
                    }
                }
            ),
        )
        ce.CfnAnomalySubscription(
            self,
            "CostAnomaliesReport",
            subscription_name=name,
            frequency="DAILY",
            monitor_arn_list=[monitor.attr_monitor_arn],
            subscribers=[
                ce.CfnAnomalySubscription.SubscriberProperty(
                    type="EMAIL", address=governance.estate.email(person)
                )
                for person in dict.fromkeys(people)
            ],
            threshold_expression=self.to_json_string(
                {
                    "Dimensions": {
                        "Key": "ANOMALY_TOTAL_IMPACT_PERCENTAGE",
                        "MatchOptions": ["GREATER_THAN_OR_EQUAL"],
                        "Values": [str(_ANOMALY_PERCENT)],
                    }
                }
            ),
        )

    def _persona_roles(self) -> None:
        place = Place(self._stage.value)
        surroundings = self._surroundings()
        for persona, profile in PERSONAS.items():
            if place in profile.places and profile.scope is Scope.TEAM:
                PersonaRole(
                    self,
                    persona.title().replace("-", ""),
                    PersonaRoleProps(
                        governance=self._governance, persona=persona, surroundings=surroundings
                    ),
                )

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            naming=self._governance.naming,
            partition=self.partition,
            account=self.account,
            region=self.region,
            shared_services=self._governance.shared_services,
            home_region=self._governance.home_region,
            title=self._team.title,
            unit=self._unit.name,
            team=self._team.name,
            stage=self._stage,
            keys=(self._key.arn,),
        )
