"""From an approval to a verified endpoint: who may do what, and who is asked."""

import json

import pytest

from mlzone.estate import Stage
from mlzone.estate.model import Trial
from mlzone.naming import Naming
from mlzone.persona import Persona
from mlzone.persona_policy import persona_statements
from mlzone.release_contract import MONITORING, SERVING
from mlzone.surroundings import Surroundings
from mlzone_access import Policies, Policy, Principal, PrincipalKind, Request, evaluate
from mlzone_runtime.release.document import Release

SHARED = "100000000002"


def test_staging_takes_what_the_registry_approved(staging, rule):
    """MOD-01: of this model's group, told by the registry's own account."""
    assert rule(staging, "release")["EventPattern"] == {
        "source": ["aws.sagemaker"],
        "account": [SHARED],
        "detail-type": ["SageMaker Model Package State Change"],
        "detail": {
            "ModelPackageGroupName": ["cmp-retail-credit-default"],
            "ModelApprovalStatus": ["Approved"],
        },
    }


def test_DEP_01_production_takes_what_staging_validated(production, rule):
    """No other account of the unit can say that staging validated a release."""
    pattern = rule(production, "release")["EventPattern"]

    assert pattern["account"] == [SHARED]
    assert pattern["detail-type"] == ["Release Validated"]
    assert pattern["detail"] == {
        "unit": ["retail"],
        "model": ["credit-default"],
        "environment": ["staging"],
    }


def test_DEP_02_the_platform_hears_of_the_question_in_production_alone(staging, production, rule):
    pattern = rule(production, "asks")["EventPattern"]

    assert pattern["detail-type"] == ["CodePipeline Action Execution State Change"]
    assert pattern["detail"] == {
        "pipeline": ["cmp-retail-credit-default-prod-promotion"],
        "type": {"category": ["Approval"]},
    }
    assert "-asks" not in json.dumps(staging)


def test_MOD_03_the_function_that_checks_reads_this_models_versions_alone(production, statements):
    granted = statements(production, "PullFunctionRole")

    assert granted["ReadVersion"]["Resource"] == (
        f"arn:aws:sagemaker:sa-east-1:{SHARED}:model-package/cmp-retail-credit-default/*"
    )
    assert granted["ReadArtifacts"]["Resource"].endswith("/retail/credit-default/*")
    assert granted["WriteRelease"]["Resource"].endswith("-111111111113/credit-default/*")


def test_the_artefact_bucket_knows_the_functions_role(production, resources):
    """Its policy lets in roles that end in the environment and `release`."""
    names = [item["Properties"]["RoleName"] for item in resources(production, "AWS::IAM::Role")]

    assert "cmp-retail-credit-default-prod-release" in names


def test_the_checks_know_the_models_surroundings(production, environment):
    told = environment(production, "release")

    assert told["MLZONE_MODEL_PACKAGE_GROUP"].endswith(
        f":{SHARED}:model-package-group/cmp-retail-credit-default"
    )
    images = f"{SHARED}.dkr.ecr.sa-east-1.amazonaws.com/cmp"
    assert told["MLZONE_IMAGE_REPOSITORY"] == f"{images}/tabular"
    assert told["MLZONE_ANALYZER_IMAGE"].startswith(f"{images}/analyzer:")
    assert told["MLZONE_ENVIRONMENT"] == "prod"


def test_a_pulled_release_starts_the_promotion_of_exactly_that_release(production, rule, stages):
    on_release = rule(production, "promotion")
    (source,) = stages(production)["Source"]

    detail = on_release["EventPattern"]["detail"]
    assert detail["bucket"]["name"] == [source["Configuration"]["S3Bucket"]]
    assert detail["object"]["key"] == [source["Configuration"]["S3ObjectKey"]]
    template = on_release["Targets"][0]["InputTransformer"]["InputTemplate"]
    (revision,) = json.loads(template.replace("<version>", '"v"'))["sourceRevisions"]
    assert revision["revisionType"] == "S3_OBJECT_VERSION_ID"


@pytest.mark.parametrize(("tier", "asked"), [(1, True), (2, True), (3, False)])
def test_MOD_04_the_risk_tier_decides_whether_production_asks(deliver, stages, tier, asked):
    order = list(stages(deliver(Stage.PROD, risk_tier=tier)))

    assert order == ["Source", *(["Approve"] if asked else []), "Deploy", "Verify"]


def test_DEP_03_an_approver_sees_what_came_of_a_shadow_test(deliver, stages):
    trial = Trial(mode="shadow")

    found = stages(deliver(Stage.PROD, risk_tier=1, serving={"trial": trial}))

    assert list(found) == ["Source", "Trial", "Approve", "Deploy", "Verify"]
    (tried,), (asked,) = found["Trial"], found["Approve"]
    assert tried["Namespace"] == "Trial"
    assert asked["Configuration"]["CustomData"].endswith("In the shadow: #{Trial.OUTCOME}")


def test_DEP_02_an_ab_test_waits_for_the_approver(deliver, stages, environment):
    """It answers customers: nobody but an approver lets a release do that."""
    strict = deliver(Stage.PROD, risk_tier=1, serving={"trial": Trial(mode="ab-test")})
    free = deliver(Stage.PROD, risk_tier=3, serving={"trial": Trial(mode="ab-test")})

    assert list(stages(strict)) == ["Source", "Approve", "Trial", "Deploy", "Verify"]
    assert environment(strict, "trial")["MLZONE_APPROVAL_ACTION"] == "Approve"
    assert list(stages(free)) == ["Source", "Trial", "Deploy", "Verify"]


def test_DEP_01_a_trial_updates_one_stack_and_reads_what_its_endpoint_captured(deliver, statements):
    template = deliver(Stage.PROD, serving={"trial": Trial(mode="shadow")})

    granted = statements(template, "PromotionTrialRole")

    assert "stack/cmp-retail-prod-serving-credit-default/" in granted["UpdateStacks"]["Resource"]
    read = granted["ReadRequests"]["Resource"]
    assert read.endswith("/credit-default/requests/cmp-retail-credit-default-prod/*")
    writes = {"s3:PutObject", "s3:DeleteObject", "iam:PassRole", "sagemaker:InvokeEndpoint"}
    allowed = {
        action
        for name, statement in granted.items()
        if name != "HandOn"
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert not allowed & writes


def test_staging_has_no_trial(deliver, stages):
    found = stages(deliver(Stage.STAGING, serving={"trial": Trial(mode="shadow")}))

    assert list(found) == ["Source", "Deploy", "Verify"]


def test_DEP_02_the_deployment_checks_who_was_asked(deliver, environment):
    """Where the tier asks for one more person, the deployment sees to it that it is another one."""
    strict = environment(deliver(Stage.PROD, risk_tier=1), "deploy")
    free = environment(deliver(Stage.PROD, risk_tier=3), "deploy")

    assert strict["MLZONE_APPROVAL_ACTION"] == "Approve"
    assert strict["MLZONE_PROMOTION_PIPELINE"] == "cmp-retail-credit-default-prod-promotion"
    assert "MLZONE_APPROVAL_ACTION" not in free


def test_staging_asks_nobody(staging, stages):
    assert list(stages(staging)) == ["Source", "Deploy", "Verify"]


def test_DEP_02_model_approvers_of_the_unit_answer_and_nobody_else(production, properties):
    pipeline = properties(production, "AWS::CodePipeline::Pipeline")["Name"]
    arn = f"arn:aws:codepipeline:sa-east-1:111111111113:{pipeline}/Approve/Approve"

    def may_answer(persona: Persona) -> bool:
        surroundings = Surroundings(
            naming=Naming(prefix="cmp"),
            partition="aws",
            account="111111111113",
            region="sa-east-1",
            shared_services=SHARED,
            home_region="sa-east-1",
            title="Retail",
            unit="retail",
            team="credit-risk",
            stage=Stage.PROD,
        )
        document = {
            "Version": "2012-10-17",
            "Statement": persona_statements(persona, surroundings),
        }
        who = Principal(
            kind=PrincipalKind.ROLE, arn="arn:aws:iam::111111111113:role/x", account="111111111113"
        )
        request = Request(principal=who, action="codepipeline:PutApprovalResult", resource=arn)
        policies = Policies(identity=(Policy.parse(document, name=persona),))
        return evaluate(request, policies).allowed

    assert {persona for persona in Persona if may_answer(persona)} == {Persona.MODEL_APPROVER}


def test_DEP_01_a_deployment_updates_two_stacks_and_passes_no_role(production, statements):
    granted = statements(production, "PromotionDeployRole")

    assert granted["UpdateStacks"] == {
        "Sid": "UpdateStacks",
        "Effect": "Allow",
        "Action": "cloudformation:UpdateStack",
        "Resource": [
            f"arn:aws:cloudformation:sa-east-1:111111111113:stack/cmp-retail-prod-{kind}/*"
            for kind in ("monitoring-credit-default", "serving-credit-default")
        ],
        "Condition": {"Null": {"cloudformation:TemplateUrl": "true"}},
    }
    actions = json.dumps([statement["Action"] for statement in granted.values()])
    assert "iam:" not in actions
    assert "sagemaker:" not in actions


def test_a_verification_only_calls_the_endpoint(production, statements):
    granted = statements(production, "PromotionVerifyRole")

    assert granted["CallEndpoint"]["Resource"].endswith(":endpoint/cmp-retail-credit-default-prod")
    actions = json.dumps([statement["Action"] for statement in granted.values()])
    assert "cloudformation:" not in actions


def test_DEP_03_a_verification_may_bring_the_release_before_back_in_production_alone(
    production, staging, statements, environment
):
    granted = statements(production, "PromotionVerifyRole")

    pipeline = environment(production, "verify")["MLZONE_PROMOTION_PIPELINE"]
    assert granted["FallBack"]["Action"] == "codepipeline:RollbackStage"
    assert granted["FallBack"]["Resource"].endswith(f":{pipeline}/Deploy")
    assert "FallBack" not in statements(staging, "PromotionVerifyRole")
    assert "MLZONE_PROMOTION_PIPELINE" not in environment(staging, "verify")


def test_DEP_01_promotions_run_the_platforms_commands_not_the_projects(production, resources):
    for project in resources(production, "AWS::CodeBuild::Project"):
        spec = project["Properties"]["Source"]["BuildSpec"]
        step = project["Properties"]["Name"].rpartition("-")[2]
        assert f"python3 -m mlzone_runtime.release {step} release.json" in spec


def test_the_deployment_knows_the_models_stacks(staging, environment):
    told = environment(staging, "deploy")

    assert told["MLZONE_SERVING_STACK"] == "cmp-retail-staging-serving-credit-default"
    assert told["MLZONE_MONITORING_STACK"] == "cmp-retail-staging-monitoring-credit-default"


@pytest.mark.parametrize(
    ("level", "setting", "value"),
    [
        ({"p95_latency_ms": 123}, "MLZONE_P95_LATENCY_MS", "123"),
        ({"error_rate_percent": 2.5}, "MLZONE_ERROR_RATE_PERCENT", "2.5"),
    ],
)
def test_DEP_03_a_release_is_held_to_the_estates_service_level(
    deliver, environment, level, setting, value
):
    template = deliver(Stage.PROD, service_level=level)

    assert environment(template, "verify")[setting] == value


def test_a_release_gives_the_stacks_the_parameters_that_they_have():
    empty = Release(
        release="", model_package_arn="", author="", approver="", model_data_url="",
        inference_image="", baseline_statistics="", baseline_constraints="", analyzer_image="",
        features=(), rows=(),
    )  # fmt: skip

    assert tuple(empty.serving_parameters()) == SERVING
    assert tuple(empty.monitoring_parameters()) == MONITORING
