"""Every name of every resource; nothing else in the product makes one.

AWS limits length and characters per service. A name that is too long is cut and ends in a hash
of the whole, so that it is stable and still unique. The limits come from the resources' schemas.
"""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from mlzone.estate.unit import Stage
from mlzone.monitor_kind import MonitorKind
from mlzone.persona import Persona

_HASH_LENGTH = 8

ROLE_PATH = "/mlzone/"
"""The path of every role of ours; guardrails and trust policies match it."""


class Limit(StrEnum):
    """The kinds of resource whose names AWS limits."""

    ALARM = "CloudWatch alarm"
    BUCKET = "S3 bucket"
    CODEBUILD_PROJECT = "CodeBuild project"
    CODECOMMIT_REPOSITORY = "CodeCommit repository"
    CODEPIPELINE = "CodePipeline pipeline"
    DASHBOARD = "CloudWatch dashboard"
    ECR_REPOSITORY = "ECR repository"
    EVENT_BUS = "EventBridge event bus"
    EVENT_RULE = "EventBridge rule"
    FEATURE_GROUP = "SageMaker feature group"
    GENERIC = "resource"
    GLUE_DATABASE = "Glue database"
    KMS_ALIAS = "KMS alias"
    LAMBDA_FUNCTION = "Lambda function"
    ORGANIZATION_POLICY = "Organizations policy"
    ROLE = "IAM role"
    SAGEMAKER = "SageMaker resource"
    SAGEMAKER_SPACE = "SageMaker space"
    SCHEDULE = "EventBridge schedule"
    SNS_TOPIC = "SNS topic"
    STACK = "CloudFormation stack"
    TABLE = "DynamoDB table"


MAXIMUM: dict[Limit, int] = {
    Limit.ALARM: 255,
    Limit.BUCKET: 63,
    Limit.CODEBUILD_PROJECT: 150,
    Limit.CODECOMMIT_REPOSITORY: 100,
    Limit.CODEPIPELINE: 100,
    Limit.DASHBOARD: 255,
    Limit.ECR_REPOSITORY: 256,
    Limit.EVENT_BUS: 256,
    Limit.EVENT_RULE: 64,
    Limit.FEATURE_GROUP: 64,
    Limit.GENERIC: 64,
    Limit.GLUE_DATABASE: 255,
    Limit.KMS_ALIAS: 256,
    Limit.LAMBDA_FUNCTION: 64,
    Limit.ORGANIZATION_POLICY: 128,
    Limit.ROLE: 64,
    Limit.SAGEMAKER: 63,
    Limit.SAGEMAKER_SPACE: 63,
    Limit.SCHEDULE: 64,
    Limit.SNS_TOPIC: 256,
    Limit.STACK: 128,
    Limit.TABLE: 255,
}


GROUND_TRUTH = "ground-truth"
"""The folder of a data zone that says what became true of models' cases."""
DEPLOY_STAGE = "Deploy"
"""The stage of promotions that deploys a release, and that is rolled back."""
BREAK_GLASS_ENDING = "-break-glass"
"""How the names of roles for emergencies end; rules and guardrails know them by it."""
BATCHES = "batches"
"""The folder of a data zone that holds what models are asked and answer by the day."""
BATCH_ENDING = "-batch"
"""What names of the functions end with that begin and end models' batches."""
PROPOSAL = "pull-request"
"""What tests pull requests ends with."""
STOP_ENDING = "-stop"
"""What names of the functions end with that take models out of service."""


def fit(name: str, limit: Limit, *, reserve: int = 0) -> str:
    """Return `name`, cut and hashed where AWS allows no more characters.

    Args:
        name: the whole name.
        limit: what it names.
        reserve: characters to leave free for a suffix that is added at deploy time.
    """
    return _cut(name, MAXIMUM[limit] - reserve)


def _cut(name: str, room: int) -> str:
    if len(name) <= room:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_LENGTH]
    return f"{name[: max(room - _HASH_LENGTH - 1, 0)].rstrip('-._/')}-{digest}".lstrip("-")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """Makes the names of one organization from its prefix."""

    prefix: str

    def name(self, *parts: str, limit: Limit = Limit.GENERIC, reserve: int = 0) -> str:
        """Return the prefix and the parts joined with hyphens, fitted to the limit."""
        return fit("-".join((self.prefix, *parts)), limit, reserve=reserve)

    # --- stacks -----------------------------------------------------------------------------

    def guardrails_stack(self) -> str:
        """Return the name of the stack of organization policies."""
        return self.name("guardrails", limit=Limit.STACK)

    def platform_stack(self) -> str:
        """Return the name of the shared-services stack."""
        return self.name("platform", limit=Limit.STACK)

    def log_archive_stack(self) -> str:
        """Return the name of the stack of the log archive."""
        return self.name("log-archive", limit=Limit.STACK)

    def foundation_stack(self, unit: str, stage: Stage) -> str:
        """Return the name of the stack with network, keys and logs of an environment."""
        return self.name(unit, stage, "foundation", limit=Limit.STACK)

    def team_stack(self, unit: str, stage: Stage, team: str) -> str:
        """Return the name of a team's stack in one environment."""
        return self.name(unit, stage, "team", team, limit=Limit.STACK)

    def delivery_stack(self, unit: str, stage: Stage, model: str) -> str:
        """Return the name of a model's pipeline stack in one environment."""
        return self.name(unit, stage, "delivery", model, limit=Limit.STACK)

    def serving_stack(self, unit: str, stage: Stage, model: str) -> str:
        """Return the name of a model's endpoint stack in one environment."""
        return self.name(unit, stage, "serving", model, limit=Limit.STACK)

    def monitoring_stack(self, unit: str, stage: Stage, model: str) -> str:
        """Return the name of a model's monitoring stack in one environment."""
        return self.name(unit, stage, "monitoring", model, limit=Limit.STACK)

    def registry_stack(self, unit: str) -> str:
        """Return the name of the stack with a unit's part of the shared services."""
        return self.name(unit, "registry", limit=Limit.STACK)

    def environment_pipeline_stack(self, unit: str) -> str:
        """Return the name of the stack with the pipeline that deploys a unit."""
        return self.name(unit, "environment-pipeline", limit=Limit.STACK)

    # --- identity ---------------------------------------------------------------------------

    def boundary(self) -> str:
        """Return the name of the permissions boundary that every role carries."""
        return self.name("boundary")

    def deployment_policy(self) -> str:
        """Return the name of the policy of CloudFormation's execution role."""
        return self.name("deployment")

    def protection_policy(self) -> str:
        """Return the name of the policy with which deployments set stack policies."""
        return self.name("stack-policies")

    def persona_role(self, persona: Persona, unit: str = "", team: str = "") -> str:
        """Return the role of a persona; `unit` and `team` as its scope demands."""
        return self._role(unit, team, persona)

    def service_role(self, unit: str, owner: str, stage: Stage, purpose: str) -> str:
        """Return a machine role; `owner` is the team or the model it works for."""
        return self._role(unit, owner, f"{stage}-{purpose}")

    def _role(self, unit: str, owner: str, ending: str) -> str:
        """Return a role that keeps beginning and ending, by which policies know it.

        Where AWS allows no more characters the owner is cut. There is room for its hash beside a
        prefix of 8, a unit of 20 and an ending of 25 characters.
        """
        head = self.name(unit) if unit else self.prefix
        room = MAXIMUM[Limit.ROLE] - len(head) - len(ending) - 2
        return "-".join(filter(None, (head, owner and _cut(owner, room), ending)))

    def break_glass_role(self, unit: str) -> str:
        """Return the role for emergencies in a unit's production account."""
        return self._role(unit, "", BREAK_GLASS_ENDING.removeprefix("-"))

    def change_role(self, unit: str, purpose: str) -> str:
        """Return a role of the pipeline that deploys a unit, or of those who work with it."""
        return self._role(unit, "", f"change-{purpose}")

    def registry_role(self, unit: str, purpose: str) -> str:
        """Return a machine role of a unit's part of the shared services."""
        return self._role(unit, "", f"registry-{purpose}")

    def platform_role(self, purpose: str) -> str:
        """Return a machine role of the shared-services account."""
        return self.name("platform", purpose, limit=Limit.ROLE)

    # --- data and artefacts -----------------------------------------------------------------

    def bucket(self, account: str, *parts: str) -> str:
        """Return a globally unique bucket name: the account id is part of it."""
        return self.name(*parts, account, limit=Limit.BUCKET)

    def artifact_bucket(self, unit: str, shared_services: str) -> str:
        """Return the bucket of a unit's training artefacts, in the shared-services account."""
        return self.bucket(shared_services, unit, "artifacts")

    def evidence_bucket(self, shared_services: str) -> str:
        """Return the evidence vault."""
        return self.bucket(shared_services, "evidence")

    def log_archive_bucket(self, log_archive: str) -> str:
        """Return the bucket that keeps the logs of all accounts."""
        return self.bucket(log_archive, "log-archive")

    def data_bucket(self, unit: str, team: str, account: str) -> str:
        """Return a team's data bucket in one account."""
        return self.bucket(account, unit, team, "data")

    def release_bucket(self, unit: str, account: str) -> str:
        """Return the bucket that holds the releases pulled into an account."""
        return self.bucket(account, unit, "releases")

    def pipeline_bucket(self, unit: str, account: str) -> str:
        """Return the bucket in which pipelines of an account hand on from stage to stage."""
        return self.bucket(account, unit, "pipelines")

    def change_bucket(self, unit: str, shared_services: str) -> str:
        """Return the bucket in which the pipeline that deploys a unit hands on."""
        return self.bucket(shared_services, unit, "change")

    def platform_log_bucket(self, shared_services: str) -> str:
        """Return the bucket of access logs of the shared-services account."""
        return self.bucket(shared_services, "platform-logs")

    def capture_bucket(self, unit: str, account: str) -> str:
        """Return the bucket of captured requests and monitor reports of an account."""
        return self.bucket(account, unit, "capture")

    def log_bucket(self, unit: str, account: str) -> str:
        """Return the access-log bucket of an account."""
        return self.bucket(account, unit, "logs")

    def key_alias(self, *parts: str) -> str:
        """Return the alias of a KMS key."""
        return "alias/" + self.name(*parts, limit=Limit.KMS_ALIAS, reserve=6)

    def glue_database(self, unit: str, team: str, zone: str) -> str:
        """Return the Glue database of a data zone (underscores: Athena needs them)."""
        return self.name(unit, team, zone, limit=Limit.GLUE_DATABASE).replace("-", "_")

    def feature_group(self, unit: str, team: str, group: str, stage: Stage) -> str:
        """Return a feature group's name."""
        return self.name(unit, team, group, stage, limit=Limit.FEATURE_GROUP)

    def ecr_repository(self, image: str) -> str:
        """Return the repository of a platform image."""
        return fit(f"{self.prefix}/{image}", Limit.ECR_REPOSITORY)

    def own_image_repository(self, unit: str, model: str) -> str:
        """Return the repository of the image that a model brings itself."""
        return fit(f"{self.prefix}/{unit}/{model}", Limit.ECR_REPOSITORY)

    def kpi_table(self) -> str:
        """Return the table of life-cycle events."""
        return self.name("kpi-events", limit=Limit.TABLE)

    def parameter(self, *parts: str) -> str:
        """Return the path of an SSM parameter."""
        return "/" + "/".join((self.prefix, *parts))

    def platform_key_parameter(self) -> str:
        """Return the SSM parameter with the key of the shared services, in their account."""
        return self.parameter("keys", "platform")

    def team_key_parameter(self, team: str) -> str:
        """Return the SSM parameter with a team's key, in each account of its unit."""
        return self.parameter("keys", "teams", team)

    def experiments_parameter(self, team: str) -> str:
        """Return the SSM parameter with a team's MLflow App, in the unit's development account."""
        return self.parameter("experiments", "teams", team)

    def delivery_parameter(self, unit: str, model: str) -> str:
        """Return the SSM parameter with what a model's build needs to know of the platform."""
        return self.parameter("models", unit, model, "delivery")

    # --- events -----------------------------------------------------------------------------

    def platform_bus(self) -> str:
        """Return the event bus of the platform."""
        return self.name("platform", limit=Limit.EVENT_BUS)

    def topic(self, *parts: str) -> str:
        """Return a notification topic."""
        return self.name(*parts, limit=Limit.SNS_TOPIC)

    def rule(self, *parts: str) -> str:
        """Return an EventBridge rule."""
        return self.name(*parts, limit=Limit.EVENT_RULE)

    def function(self, *parts: str) -> str:
        """Return a Lambda function."""
        return self.name(*parts, limit=Limit.LAMBDA_FUNCTION)

    # --- a model's way ----------------------------------------------------------------------

    def stop_function(self, unit: str, model: str, stage: Stage) -> str:
        """Return the function that takes a model out of service; people know it by its ending."""
        base = self.name(unit, model, stage, limit=Limit.LAMBDA_FUNCTION, reserve=len(STOP_ENDING))
        return f"{base}{STOP_ENDING}"

    def batch_function(self, unit: str, model: str, stage: Stage) -> str:
        """Return the function that begins and ends a model's batches; known by its ending."""
        base = self.name(unit, model, stage, limit=Limit.LAMBDA_FUNCTION, reserve=len(BATCH_ENDING))
        return f"{base}{BATCH_ENDING}"

    def batch_jobs(self, unit: str, model: str, stage: Stage) -> str:
        """Return what names of a model's batches begin with; room for `-yyyymmdd-0123456789-2`."""
        return self.name(unit, model, stage, "batch", limit=Limit.SAGEMAKER, reserve=22)

    def repository(self, unit: str, model: str) -> str:
        """Return a model project's repository."""
        return self.name(unit, model, limit=Limit.CODECOMMIT_REPOSITORY)

    def build_pipeline(self, unit: str, model: str) -> str:
        """Return the CodePipeline that tests, trains and registers."""
        return self.name(unit, model, "build", limit=Limit.CODEPIPELINE)

    def proposal_pipeline(self, unit: str, model: str) -> str:
        """Return the CodePipeline that tests pull requests at a source provider."""
        return self.name(unit, model, PROPOSAL, limit=Limit.CODEPIPELINE)

    def promotion_pipeline(self, unit: str, model: str, stage: Stage) -> str:
        """Return the CodePipeline that pulls a version into an environment."""
        return self.name(unit, model, stage, "promotion", limit=Limit.CODEPIPELINE)

    def codebuild_project(self, unit: str, model: str, stage: Stage, purpose: str) -> str:
        """Return a CodeBuild project of a model."""
        return self.name(unit, model, stage, purpose, limit=Limit.CODEBUILD_PROJECT)

    def environment_pipeline(self, unit: str) -> str:
        """Return the CodePipeline that plans and deploys a unit's environments."""
        return self.name(unit, "change", limit=Limit.CODEPIPELINE)

    def drift_pipeline(self, unit: str) -> str:
        """Return the CodePipeline that looks for what was changed by hand in a unit."""
        return self.name(unit, "drift", limit=Limit.CODEPIPELINE)

    def change_project(self, unit: str, purpose: str) -> str:
        """Return a CodeBuild project of the pipeline that deploys a unit."""
        return self.name(unit, "change", purpose, limit=Limit.CODEBUILD_PROJECT)

    def sagemaker_pipeline(self, unit: str, model: str) -> str:
        """Return a model's SageMaker pipeline."""
        return self.name(unit, model, limit=Limit.SAGEMAKER)

    def model_package_group(self, unit: str, model: str) -> str:
        """Return a model's group in the central registry."""
        return self.name(unit, model, limit=Limit.SAGEMAKER)

    def model_package_group_prefix(self, unit: str) -> str:
        """Return what the registry groups of a unit begin with."""
        return f"{self.prefix}-{unit}-"

    def endpoint(self, unit: str, model: str, stage: Stage) -> str:
        """Return a model's endpoint; constant over all releases."""
        return self.name(unit, model, stage, limit=Limit.SAGEMAKER)

    def versioned(self, base: str, digest: str, *, reserve: int = 0) -> str:
        """Return the name of a replacement-only resource: its content's digest is part of it.

        Args:
            base: what it would be called.
            digest: a hash of its content.
            reserve: characters that a release's hash takes at deploy time.
        """
        suffix = f"-{digest[:_HASH_LENGTH]}"
        return fit(base, Limit.SAGEMAKER, reserve=reserve + len(suffix)) + suffix

    def monitoring_schedule(
        self, unit: str, model: str, stage: Stage, kind: MonitorKind = "data-quality"
    ) -> str:
        """Return the schedule of one of a model's monitors."""
        return self.name(unit, model, stage, kind, limit=Limit.SAGEMAKER)

    def job_prefix(self, unit: str, model: str, stage: Stage, kind: MonitorKind) -> str:
        """Return what names of a monitor's jobs begin with; there is room for `-yyyymmddhhmm`."""
        return self.name(unit, model, stage, kind, limit=Limit.SAGEMAKER, reserve=13)

    def alarm(self, unit: str, model: str, stage: Stage, what: str) -> str:
        """Return an alarm of a model in one environment."""
        return self.name(unit, model, stage, what, limit=Limit.ALARM)

    def dashboard(self, unit: str, model: str, stage: Stage) -> str:
        """Return the dashboard of a model in one environment."""
        return self.name(unit, model, stage, limit=Limit.DASHBOARD)

    def schedule(self, *parts: str) -> str:
        """Return an EventBridge schedule."""
        return self.name(*parts, limit=Limit.SCHEDULE)

    # --- Studio -----------------------------------------------------------------------------

    def studio_domain(self, unit: str, team: str) -> str:
        """Return a team's Studio domain."""
        return self.name(unit, team, limit=Limit.SAGEMAKER)

    def user_profile(self, person: str) -> str:
        """Return a person's Studio profile (SageMaker allows no dots)."""
        return fit(person.replace(".", "-"), Limit.SAGEMAKER)
