"""The place of a model: whose it is, in which environment, with which names."""

from dataclasses import dataclass

from aws_cdk import aws_ssm as ssm
from constructs import Construct

from mlzone.batch_policy import input_prefix, output_prefix
from mlzone.estate import BusinessUnit, Model, Stage, Team
from mlzone.naming import Naming
from mlzone.serving_policy import (
    actions_prefix,
    ground_truth_prefix,
    platform_bus_arn,
    reports_prefix,
    requests_prefix,
    windows_prefix,
)
from mlzone.surroundings import Surroundings
from mlzone.tagging import model_tags
from mlzone_constructs.governance import Governance


@dataclass(frozen=True, kw_only=True)
class ModelPlace:
    """A model in one environment."""

    governance: Governance
    """The organization's rules, in the environment."""
    team: Team
    """Whose model it is."""
    model: Model
    """The model."""

    @property
    def unit(self) -> BusinessUnit:
        """The business unit."""
        return self.governance.of_unit()[0]

    @property
    def stage(self) -> Stage:
        """The environment."""
        return self.governance.of_unit()[1]

    @property
    def in_production(self) -> bool:
        """Whether decisions depend on it."""
        return self.stage is Stage.PROD

    @property
    def asks(self) -> bool:
        """Whether one more person lets a release in."""
        return self.in_production and self.model.controls.production_approval

    @property
    def tries(self) -> bool:
        """Whether a new release is tried beside the one that serves."""
        return self.in_production and self.model.serving.trial is not None

    @property
    def naming(self) -> Naming:
        """What makes the names."""
        return self.governance.naming

    @property
    def endpoint(self) -> str:
        """The name of the endpoint; the same over all releases."""
        return self.naming.endpoint(self.unit.name, self.model.name, self.stage)

    @property
    def account(self) -> str:
        """The environment's account."""
        return self.unit.environments[self.stage].account

    @property
    def capture_bucket(self) -> str:
        """The bucket of captured requests and reports."""
        return self.naming.capture_bucket(self.unit.name, self.account)

    @property
    def requests_uri(self) -> str:
        """Where requests are captured."""
        return f"s3://{self.capture_bucket}/{requests_prefix(self.model.name)}"

    @property
    def reports_uri(self) -> str:
        """Where monitors leave their reports."""
        return f"s3://{self.capture_bucket}/{reports_prefix(self.model.name)}"

    @property
    def actions_uri(self) -> str:
        """Where it is written down how findings were answered."""
        return f"s3://{self.capture_bucket}/{actions_prefix(self.model.name)}"

    @property
    def ground_truth_uri(self) -> str:
        """Where it says what became true of the model's cases."""
        return f"{self._data}/{ground_truth_prefix(self.model.name, self.model.data_zone)}"

    @property
    def batch_input_uri(self) -> str:
        """Where it says what the model is asked, by days."""
        return f"{self._data}/{input_prefix(self.model.name, self.model.data_zone)}"

    @property
    def batch_output_uri(self) -> str:
        """Where it says what the model answered, by days."""
        return f"{self._data}/{output_prefix(self.model.name, self.model.data_zone)}"

    @property
    def _data(self) -> str:
        bucket = self.naming.data_bucket(self.unit.name, self.team.name, self.account)
        return f"s3://{bucket}"

    @property
    def windows_uri(self) -> str:
        """Where it says which requests a monitor looks at."""
        return f"s3://{self.capture_bucket}/{windows_prefix(self.model.name)}"

    @property
    def tags(self) -> dict[str, str]:
        """The mandatory tags of the model's resources."""
        return model_tags(self.unit, self.team, self.model, self.stage)

    def role(self, purpose: str) -> str:
        """Return the name of a role of the model in this environment."""
        return self.naming.service_role(self.unit.name, self.model.name, self.stage, purpose)

    def function(self, purpose: str) -> str:
        """Return the name of a function of the model in this environment."""
        return self.naming.function(self.unit.name, self.model.name, self.stage, purpose)

    @property
    def stop_function(self) -> str:
        """The name of the function that takes the model out of service in this environment."""
        return self.naming.stop_function(self.unit.name, self.model.name, self.stage)

    @property
    def batch_function(self) -> str:
        """The name of the function that begins and ends the model's batches."""
        return self.naming.batch_function(self.unit.name, self.model.name, self.stage)

    @property
    def batch_jobs(self) -> str:
        """What names of the model's transform jobs begin with."""
        return self.naming.batch_jobs(self.unit.name, self.model.name, self.stage)

    def rule(self, purpose: str) -> str:
        """Return the name of a rule of the model in this environment."""
        return self.naming.rule(self.unit.name, self.model.name, self.stage, purpose)

    def alarm(self, what: str) -> str:
        """Return the name of an alarm of the model in this environment."""
        return self.naming.alarm(self.unit.name, self.model.name, self.stage, what)

    def team_key_arn(self, scope: Construct) -> str:
        """Return the key of the team's data, as its stack wrote it down."""
        return ssm.StringParameter.value_for_string_parameter(
            scope, self.naming.team_key_parameter(self.team.name)
        )

    def bus_arn(self, scope: Construct) -> str:
        """Return the ARN of the platform's bus."""
        governance = self.governance
        return platform_bus_arn(
            self.naming,
            governance.place(scope).partition,
            governance.home_region,
            governance.shared_services,
        )

    def settings(self, scope: Construct) -> dict[str, str]:
        """Return the settings with which functions tell of the model on the platform's bus."""
        return {
            "MLZONE_UNIT": self.unit.name,
            "MLZONE_TEAM": self.team.name,
            "MLZONE_MODEL": self.model.name,
            "MLZONE_ENVIRONMENT": self.stage.value,
            "MLZONE_PLATFORM_BUS": self.bus_arn(scope),
        }

    def surroundings(self, scope: Construct, key_arn: str) -> Surroundings:
        """Return what the policies of the model's roles name.

        Args:
            scope: where the role is made.
            key_arn: the key of the environment.
        """
        governance = self.governance
        place = governance.place(scope)
        return Surroundings(
            naming=self.naming,
            partition=place.partition,
            account=place.account,
            region=place.region,
            shared_services=governance.shared_services,
            home_region=governance.home_region,
            title=self.model.title,
            unit=self.unit.name,
            team=self.team.name,
            stage=self.stage,
            keys=(key_arn,),
        )
