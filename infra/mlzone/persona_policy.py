"""What each persona may do, as IAM statements.

The statements name resources by their prefix, never `*`, except for the few actions that know no
resource; each such place says so. Guardrails of the organization hold on top of them.
"""

from collections.abc import Callable
from typing import Any

from mlzone.estate.team import LANDING
from mlzone.estate.unit import Stage
from mlzone.naming import (
    BATCH_ENDING,
    BATCHES,
    DEPLOY_STAGE,
    GROUND_TRUTH,
    PROPOSAL,
    STOP_ENDING,
)
from mlzone.organization_persona_policy import auditor, finops, platform_admin
from mlzone.persona import Persona
from mlzone.surroundings import Statement, Surroundings, allow


def persona_statements(persona: Persona, surroundings: Surroundings) -> list[Statement]:
    """Return what a persona may do in its surroundings."""
    return _STATEMENTS[persona](surroundings)


def _read_registry(s: Surroundings) -> Statement:
    return allow(
        "ReadRegistry",
        [
            "sagemaker:BatchDescribeModelPackage",
            "sagemaker:DescribeModelPackage",
            "sagemaker:DescribeModelPackageGroup",
            "sagemaker:ListModelPackages",
        ],
        [s.registry_arn("model-package-group"), s.registry_arn("model-package", "/*")],
    )


def _read_unit(s: Surroundings) -> list[Statement]:
    unit = s.naming.name(s.unit)
    return [
        allow(
            "WatchModels",
            [
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeModel",
                "sagemaker:DescribeMonitoringSchedule",
                "sagemaker:DescribePipeline",
                "sagemaker:DescribePipelineExecution",
                "sagemaker:DescribeProcessingJob",
                "sagemaker:DescribeTrainingJob",
                "sagemaker:DescribeTransformJob",
                "sagemaker:ListMonitoringExecutions",
                "sagemaker:ListPipelineExecutionSteps",
                "sagemaker:ListPipelineExecutions",
            ],
            [
                s.arn("sagemaker", f"{kind}/{unit}-*")
                for kind in (
                    "endpoint",
                    "endpoint-config",
                    "model",
                    "monitoring-schedule",
                    "pipeline",
                    "processing-job",
                    "training-job",
                    "transform-job",
                )
            ],
        ),
        allow(
            "WatchDelivery",
            [
                "codepipeline:GetPipeline",
                "codepipeline:GetPipelineExecution",
                "codepipeline:GetPipelineState",
                "codepipeline:ListActionExecutions",
                "codepipeline:ListPipelineExecutions",
            ],
            [s.arn("codepipeline", f"{unit}-*")],
        ),
        allow(
            "ListWhatHasNoResource",
            [
                "cloudwatch:DescribeAlarms",
                "cloudwatch:GetMetricData",
                "cloudwatch:ListMetrics",
                "codepipeline:ListPipelines",
                "sagemaker:ListEndpoints",
                "sagemaker:ListModelPackageGroups",
                "sagemaker:ListMonitoringSchedules",
                "sagemaker:ListPipelines",
                "sagemaker:ListTrainingJobs",
            ],
            # These actions know no resource: lists and metrics of the unit's own account.
            "*",
        ),
    ]


def _data_zones(s: Surroundings, *, write: bool) -> list[Statement]:
    bucket = f"arn:{s.partition}:s3:::{s.naming.data_bucket(s.unit, s.team, s.account)}"
    actions = ["s3:GetObject", "s3:GetObjectVersion"]
    if write:
        actions += ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"]
    statements = [
        allow("ListTeamData", ["s3:GetBucketLocation", "s3:ListBucket"], [bucket]),
        allow("TeamData", actions, [f"{bucket}/*"]),
    ]
    if s.keys:
        statements.append(
            allow(
                "TeamKeys",
                ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey"],
                list(s.keys),
            )
        )
    return statements


_OWN_TEAM = {"StringEquals": {"aws:ResourceTag/mlz:team": "${aws:PrincipalTag/team}"}}


def _repositories(s: Surroundings) -> list[Statement]:
    """Return what works on the projects of the team's own models, and sees tests of proposals."""
    unit = s.naming.name(s.unit)
    tests = f"{unit}-*-{PROPOSAL}"
    return [
        allow(
            "ModelProjects",
            [
                "codecommit:CreatePullRequest",
                "codecommit:DescribePullRequestEvents",
                "codecommit:GetBranch",
                "codecommit:GetCommentsForPullRequest",
                "codecommit:GetCommit",
                "codecommit:GetDifferences",
                "codecommit:GetPullRequest",
                "codecommit:GetRepository",
                "codecommit:GitPull",
                "codecommit:GitPush",
                "codecommit:ListPullRequests",
                "codecommit:MergePullRequestByFastForward",
                "codecommit:MergePullRequestBySquash",
                "codecommit:MergePullRequestByThreeWay",
                "codecommit:PostCommentForPullRequest",
                "codecommit:UpdatePullRequestStatus",
            ],
            [s.arn("codecommit", f"{unit}-*")],
            _OWN_TEAM,
        ),
        allow(
            "SeeTests",
            ["codebuild:BatchGetBuilds", "codebuild:ListBuildsForProject"],
            [s.arn("codebuild", f"project/{tests}")],
        ),
        allow(
            "ReadTestLogs",
            ["logs:GetLogEvents"],
            [s.arn("logs", f"log-group:/aws/codebuild/{tests}:*")],
            _OWN_TEAM,
        ),
    ]


def _studio(s: Surroundings) -> list[Statement]:
    return [
        allow(
            "OwnStudioProfile",
            ["sagemaker:CreatePresignedDomainUrl", "sagemaker:DescribeUserProfile"],
            [s.arn("sagemaker", "user-profile/*/${aws:SourceIdentity}")],
        ),
        allow(
            "StudioSpaces",
            [
                "sagemaker:CreateApp",
                "sagemaker:CreateSpace",
                "sagemaker:DeleteApp",
                "sagemaker:DescribeApp",
                "sagemaker:DescribeSpace",
                "sagemaker:UpdateSpace",
            ],
            [s.arn("sagemaker", "space/*"), s.arn("sagemaker", "app/*")],
            _OWN_TEAM,
        ),
    ]


def _experiments(s: Surroundings) -> list[Statement]:
    """Return what opens the team's MLflow App; its API has one right, so who reads may write."""
    return [
        allow(
            "OwnExperiments",
            [
                "sagemaker:CallMlflowAppApi",
                "sagemaker:CreatePresignedMlflowAppUrl",
                "sagemaker:DescribeMlflowApp",
            ],
            # An app's id is made by SageMaker; its tag says whose it is.
            [s.arn("sagemaker", "mlflow-app/*")],
            _OWN_TEAM,
        ),
        # The action knows no resource.
        allow("FindExperiments", ["sagemaker:ListMlflowApps"], "*"),
    ]


def _restart(s: Surroundings, kind: str) -> Statement:
    """Return what starts the team's pipelines of a kind again, whole or where they failed."""
    pipelines = s.arn("codepipeline", f"{s.naming.name(s.unit)}-*-{kind}")
    return allow(
        f"Restart{kind.title()}s",
        ["codepipeline:RetryStageExecution", "codepipeline:StartPipelineExecution"],
        [pipelines, f"{pipelines}/*"],
        _OWN_TEAM,
    )


def _roll_back(s: Surroundings, condition: Any = None) -> Statement:
    """Return what brings back a release that a promotion deployed before (MON-04)."""
    pipelines = s.arn("codepipeline", f"{s.naming.name(s.unit)}-*-promotion")
    return allow(
        "RollBackModels", ["codepipeline:RollbackStage"], [f"{pipelines}/{DEPLOY_STAGE}"], condition
    )


def _stop(s: Surroundings, condition: Any = None) -> Statement:
    """Return what takes models out of service (MON-04)."""
    functions = s.arn("lambda", f"function:{s.naming.name(s.unit)}-*{STOP_ENDING}")
    return allow("StopModels", ["lambda:InvokeFunction"], [functions], condition)


def _data_scientist(s: Surroundings) -> list[Statement]:
    return [
        *_read_unit(s),
        _read_registry(s),
        *_data_zones(s, write=True),
        *_repositories(s),
        *_studio(s),
        *_experiments(s),
        allow(
            "RunPipelines",
            ["sagemaker:RetryPipelineExecution", "sagemaker:StopPipelineExecution"],
            [s.arn("sagemaker", f"pipeline/{s.naming.name(s.unit)}-*")],
        ),
    ]


def _lead_data_scientist(s: Surroundings) -> list[Statement]:
    return [
        *_data_scientist(s),
        _restart(s, "build"),
    ]


def _ml_engineer(s: Surroundings) -> list[Statement]:
    statements = [*_read_unit(s), _read_registry(s)]
    if s.stage is Stage.DEV:
        statements += [
            *_data_zones(s, write=True),
            *_repositories(s),
            *_studio(s),
            *_experiments(s),
            _restart(s, "build"),
        ]
    else:
        statements += [
            allow(
                "CallEndpoints",
                ["sagemaker:InvokeEndpoint"],
                [s.arn("sagemaker", f"endpoint/{s.naming.name(s.unit)}-*")],
            ),
            # A promotion that is started again asks its approver again.
            _restart(s, "promotion"),
            _roll_back(s, _OWN_TEAM),
            _stop(s, _OWN_TEAM),
            _run_batches(s),
            *_deliver_data(s),
        ]
    return statements


def _run_batches(s: Surroundings) -> Statement:
    """Return what has the team's models answer for days that were not asked about, or again."""
    functions = s.arn("lambda", f"function:{s.naming.name(s.unit)}-*{BATCH_ENDING}")
    return allow("RunBatches", ["lambda:InvokeFunction"], [functions], _OWN_TEAM)


def _deliver_data(s: Surroundings) -> list[Statement]:
    """Allow to bring what models are asked by the day, and what became true; and nothing else."""
    landing = f"arn:{s.partition}:s3:::{s.naming.data_bucket(s.unit, s.team, s.account)}/{LANDING}"
    statements = [
        allow(
            "DeliverData",
            ["s3:PutObject"],
            [f"{landing}/*/{BATCHES}/*/input/*", f"{landing}/*/{GROUND_TRUTH}/*"],
        ),
    ]
    if s.keys:
        statements.append(allow("EncryptData", ["kms:GenerateDataKey"], list(s.keys)))
    return statements


def _data_engineer(s: Surroundings) -> list[Statement]:
    database = s.naming.name(s.unit, s.team).replace("-", "_")
    return [
        *_read_unit(s),
        *_data_zones(s, write=True),
        *_studio(s),
        allow(
            "Catalogue",
            ["glue:GetDatabase", "glue:GetTable", "glue:GetTables", "glue:UpdateTable"],
            [
                s.arn("glue", "catalog"),
                s.arn("glue", f"database/{database}*"),
                s.arn("glue", f"table/{database}*/*"),
            ],
        ),
        allow(
            "Features",
            ["sagemaker:DescribeFeatureGroup", "sagemaker:GetRecord", "sagemaker:PutRecord"],
            [s.arn("sagemaker", f"feature-group/{s.team_prefix}-*")],
        ),
    ]


def _model_approver(s: Surroundings) -> list[Statement]:
    if s.stage is Stage.PROD:
        return [
            *_read_unit(s),
            allow(
                "AnswerPromotions",
                ["codepipeline:PutApprovalResult"],
                [s.arn("codepipeline", f"{s.naming.name(s.unit)}-*/Approve/*")],
            ),
            _roll_back(s),
            _stop(s),
        ]
    return [
        _read_registry(s),
        allow(
            "ListRegistry",
            ["sagemaker:ListModelPackageGroups"],
            # The action knows no resource.
            "*",
        ),
        allow(
            "Decide",
            ["sagemaker:UpdateModelPackage"],
            [s.registry_arn("model-package", "/*")],
            {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}},
        ),
        allow(
            "Validate",
            ["sagemaker:UpdateModelPackage"],
            [s.registry_arn("model-package", "/*")],
            {
                "StringLike": {
                    "sagemaker:CustomerMetadataProperties/validation": "${aws:SourceIdentity} *"
                }
            },
        ),
    ]


_STATEMENTS: dict[Persona, Callable[[Surroundings], list[Statement]]] = {
    Persona.DATA_SCIENTIST: _data_scientist,
    Persona.LEAD_DATA_SCIENTIST: _lead_data_scientist,
    Persona.ML_ENGINEER: _ml_engineer,
    Persona.DATA_ENGINEER: _data_engineer,
    Persona.MODEL_APPROVER: _model_approver,
    Persona.PLATFORM_ADMIN: platform_admin,
    Persona.AUDITOR: auditor,
    Persona.FINOPS: finops,
}
