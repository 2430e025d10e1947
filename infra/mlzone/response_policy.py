"""What the function may do that answers a monitor's alarms, as IAM statements."""

from mlzone.naming import DEPLOY_STAGE
from mlzone.serving_policy import actions_prefix, announce, capture_arn, reports_prefix
from mlzone.surroundings import Statement, Surroundings, allow


def fall_back(promotion_arn: str) -> list[Statement]:
    """Return what brings a release before back: the promotion does it, in its own roles.

    Args:
        promotion_arn: the model's promotion.
    """
    return [
        allow("SeePromotions", ["codepipeline:ListPipelineExecutions"], [promotion_arn]),
        allow("FallBack", ["codepipeline:RollbackStage"], [f"{promotion_arn}/{DEPLOY_STAGE}"]),
    ]


def response_statements(
    s: Surroundings,
    *,
    model: str,
    bus_arn: str,
    topic_arn: str = "",
    secret_arn: str = "",
    pipeline: str = "",
    stop_function: str = "",
) -> list[Statement]:
    """Return what it may do; for what the model's policy does not use, nothing.

    Args:
        s: where the role exists; `keys` encrypt the reports and what is written down.
        model: the model's name.
        bus_arn: the platform's bus.
        topic_arn: hears of findings.
        secret_arn: the secret that signs tickets.
        pipeline: the promotion that can bring back the release before.
        stop_function: the function that takes the model out of service.
    """
    capture = capture_arn(s)
    statements = [
        allow("ReadFindings", ["s3:GetObject"], [f"{capture}/{reports_prefix(model)}/latest/*"]),
        allow(
            "SeeWhetherThereAreAny",
            ["s3:ListBucket"],
            [capture],
            {
                "StringLike": {
                    "s3:prefix": [f"{reports_prefix(model)}/latest/*", f"{actions_prefix(model)}/*"]
                }
            },
        ),
        allow(
            "WriteDownWhatWasDone",
            ["s3:GetObject", "s3:PutObject"],
            [f"{capture}/{actions_prefix(model)}/*"],
        ),
        announce(bus_arn),
    ]
    if topic_arn:
        statements.append(allow("Notify", ["sns:Publish"], [topic_arn]))
    if secret_arn:
        statements.append(allow("SignTickets", ["secretsmanager:GetSecretValue"], [secret_arn]))
    if pipeline:
        statements += fall_back(s.arn("codepipeline", pipeline))
    if stop_function:
        arn = s.arn("lambda", f"function:{stop_function}")
        statements.append(allow("Stop", ["lambda:InvokeFunction"], [arn]))
    return statements
