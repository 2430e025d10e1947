"""From a pulled release to a verified endpoint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from mlzone.delivery_policy import (
    deploy_statements,
    promotion_pipeline_statements,
    trial_statements,
    verify_batch_statements,
    verify_statements,
)
from mlzone.persona import Persona
from mlzone.response_policy import fall_back
from mlzone.serving_policy import announce
from mlzone.surroundings import Statement
from mlzone_constructs.delivery.action import SOURCE, action
from mlzone_constructs.delivery.pipeline import (
    DeliveryPipeline,
    DeliveryPipelineProps,
    start_template,
)
from mlzone_constructs.delivery.project import DeliveryProject, DeliveryProjectProps
from mlzone_constructs.delivery.setting import DeliverySetting
from mlzone_constructs.serving.alarms import VARIANT

REQUESTS = 50
"""So many requests are timed."""
DEPLOY_MINUTES = 120
"""Traffic may move step by step; CloudFormation waits for it."""
VERIFY_MINUTES = 30
APPROVE = "Approve"
"""Stage and action; model approvers may answer actions of this name."""
TRIAL = "Trial"
"""Stage, action and namespace."""

_BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - python3 -m mlzone_runtime.release {step} release.json
"""
_OUTCOME = "OUTCOME"
"""The variable that says what came of a trial."""
_BUILDSPECS = {
    "trial": f"""\
version: 0.2
env:
  exported-variables: [{_OUTCOME}]
phases:
  build:
    commands:
      - python3 -m mlzone_runtime.release {{step}} release.json
      - export {_OUTCOME}="$(cat outcome.txt)"
"""
}
Actions = dict[str, Sequence[codepipeline.CfnPipeline.ActionDeclarationProperty]]


@dataclass(frozen=True, kw_only=True)
class PromotionPipelineProps:
    """Properties of a PromotionPipeline."""

    setting: DeliverySetting
    """The model's delivery."""
    dead_letters: sqs.Queue
    """Keeps releases whose event could not be delivered."""


class PromotionPipeline(Construct):
    """The pipeline that deploys a release and holds it to its service level.

    Guarantees:
        DEP-01: it alone may update the model's stacks; it runs the platform's commands, none of the
            model's project.
        DEP-02: where the risk tier demands it, production waits for one more person, who neither
            made nor approved the version.
        DEP-03: a release that breaks the service level fails its promotion; in production the one
            before comes back by itself. Where the estate says so, it is tried beside the one that
            serves first: what answers otherwise, fails or is slow goes no further.
        MOD-04: the risk tier decides whether a person is asked.
        MON-04: a stopped model serves again only after a person acted on the promotion since.

    Example:
        PromotionPipeline(self, "Promotion", PromotionPipelineProps(
            setting=setting, dead_letters=queue))
    """

    def __init__(self, scope: Construct, construct_id: str, props: PromotionPipelineProps) -> None:
        super().__init__(scope, construct_id)
        self._setting = setting = props.setting
        self._place = place = setting.place
        deploy, verify = self._deploy(), self._verify()
        trial = self._trial() if place.tries else None
        variables = {"MLZONE_PIPELINE_EXECUTION": "#{codepipeline.PipelineExecutionId}"}
        self.pipeline = DeliveryPipeline(
            self,
            "Pipeline",
            DeliveryPipelineProps(
                setting=setting,
                statements=promotion_pipeline_statements(
                    setting.policy(self),
                    projects=[item.name for item in (trial, deploy, verify) if item],
                ),
                stages={
                    SOURCE: [self._source()],
                    **self._trial_and_approval(trial, variables),
                    "Deploy": [deploy.action("Deploy", SOURCE, variables=variables)],
                    "Verify": [verify.action("Verify", SOURCE, variables=variables)],
                },
            ),
        )
        """The pipeline."""
        self.pipeline.start_on(
            "OnRelease",
            rule_name=place.rule("promotion"),
            description="A release of the model was pulled",
            pattern={
                "source": ["aws.s3"],
                "detail-type": ["Object Created"],
                "detail": {
                    "bucket": {"name": [self._bucket]},
                    "object": {"key": [self._key]},
                },
            },
            paths={"version": "$.detail.object.version-id"},
            template=start_template(revision=("S3_OBJECT_VERSION_ID", "<version>"), variables={}),
            dead_letters=props.dead_letters,
        )

    @property
    def _bucket(self) -> str:
        return self._place.naming.release_bucket(self._place.unit.name, self._place.account)

    @property
    def _key(self) -> str:
        return f"{self._place.model.name}/release.zip"

    def _source(self) -> codepipeline.CfnPipeline.ActionDeclarationProperty:
        return action(
            SOURCE,
            category="Source",
            provider="S3",
            configuration={
                "S3Bucket": self._bucket,
                "S3ObjectKey": self._key,
                # The rule on new releases starts it.
                "PollForSourceChanges": "false",
            },
            output_artifact=SOURCE,
        )

    def _trial_and_approval(
        self, trial: DeliveryProject | None, variables: Mapping[str, str]
    ) -> Actions:
        """Return the stages before the deployment.

        An approver sees what came of a shadow test; an A/B test answers customers and waits for the
        approver.
        """
        if trial is None or self._place.model.serving.trial is None:
            return self._approval()
        stage: Actions = {
            TRIAL: [trial.action(TRIAL, SOURCE, variables=variables, namespace=TRIAL)]
        }
        if self._place.model.serving.trial.mode == "shadow":
            return {**stage, **self._approval(f" In the shadow: #{{{TRIAL}.{_OUTCOME}}}")}
        return {**self._approval(), **stage}

    def _approval(self, seen: str = "") -> Actions:
        place = self._place
        if not self._place.asks:
            return {}
        question = (
            f"Let this release of {place.model.title} (risk tier {place.model.risk_tier}) into "
            f"production? Staging has validated it."
        )
        return {
            APPROVE: [
                action(
                    APPROVE,
                    category="Approval",
                    provider="Manual",
                    configuration={"CustomData": f"{question}{seen}"[:1000]},
                )
            ]
        }

    def _deploy(self) -> DeliveryProject:
        place = self._place
        naming, unit, model = place.naming, place.unit.name, place.model.name
        approval = {"MLZONE_APPROVAL_ACTION": APPROVE} if place.asks else {}
        return self._project(
            "deploy",
            minutes=DEPLOY_MINUTES,
            description=f"Deploys releases of {model}",
            statements=deploy_statements(self._setting.policy(self)),
            environment={
                "MLZONE_SERVING_STACK": naming.serving_stack(unit, place.stage, model),
                "MLZONE_MONITORING_STACK": naming.monitoring_stack(unit, place.stage, model),
                "MLZONE_PROMOTION_PIPELINE": self._setting.pipeline_name,
                "MLZONE_ENGINEERS": naming.persona_role(Persona.ML_ENGINEER, unit, place.team.name),
                **approval,
            },
        )

    def _verify(self) -> DeliveryProject:
        place, policy = self._place, self._setting.policy(self)
        if place.model.serving.batch:
            statements = verify_batch_statements(policy)
            promise = {"MLZONE_BATCH_FUNCTION": place.batch_function}
        else:
            statements = verify_statements(policy)
            promise = {**self._promise(), "MLZONE_REQUESTS": str(REQUESTS)}
        if place.in_production:
            statements = [*statements, *fall_back(policy.pipeline_arn)]
            promise["MLZONE_PROMOTION_PIPELINE"] = self._setting.pipeline_name
        return self._project(
            "verify",
            minutes=VERIFY_MINUTES,
            description=f"Holds releases of {place.model.name} to their service level",
            statements=statements,
            environment=promise,
        )

    def _trial(self) -> DeliveryProject:
        place, trial = self._place, self._place.model.serving.trial
        if trial is None:
            raise ValueError(f"{place.model.name} has no trials")
        # An approver who is asked afterwards cannot have answered yet.
        asked = place.asks and trial.mode == "ab-test"
        return self._project(
            "trial",
            minutes=trial.within_hours * 60 + DEPLOY_MINUTES,
            description=f"Tries releases of {place.model.name} beside the one that serves",
            statements=trial_statements(self._setting.policy(self)),
            environment={
                **self._promise(),
                "MLZONE_SERVING_STACK": place.naming.serving_stack(
                    place.unit.name, place.stage, place.model.name
                ),
                "MLZONE_PROMOTION_PIPELINE": self._setting.pipeline_name,
                "MLZONE_REQUESTS_URI": f"{place.requests_uri}/{place.endpoint}",
                "MLZONE_CHAMPION": VARIANT,
                "MLZONE_TRIAL_MODE": trial.mode,
                "MLZONE_TRIAL_REQUESTS": str(trial.requests),
                "MLZONE_TRIAL_HOURS": str(trial.within_hours),
                "MLZONE_TRIAL_DIFFERENCE_PERCENT": f"{trial.max_difference_percent:g}",
                **({"MLZONE_APPROVAL_ACTION": APPROVE} if asked else {}),
            },
        )

    def _promise(self) -> dict[str, str]:
        """Return the endpoint and what its callers can expect."""
        level = self._place.model.service_level
        return {
            "MLZONE_ENDPOINT": self._place.endpoint,
            "MLZONE_P95_LATENCY_MS": str(level.p95_latency_ms),
            "MLZONE_ERROR_RATE_PERCENT": f"{level.error_rate_percent:g}",
        }

    def _project(
        self,
        step: str,
        *,
        minutes: int,
        description: str,
        statements: Sequence[Statement],
        environment: Mapping[str, str],
    ) -> DeliveryProject:
        return DeliveryProject(
            self,
            step.title(),
            DeliveryProjectProps(
                setting=self._setting,
                purpose=step,
                role_purpose=step,
                description=description,
                buildspec=_BUILDSPECS.get(step, _BUILDSPEC).format(step=step),
                minutes=minutes,
                environment={**self._place.settings(self), **environment},
                statements=[*statements, announce(self._place.bus_arn(self))],
            ),
        )
