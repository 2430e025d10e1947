"""What the function may do that answers a monitor's alarms, as IAM statements."""

from mlzone.naming import DEPLOY_STAGE
from mlzone.serving_policy import actions_prefix, announce, capture_arn, reports_prefix
from mlzone.surroundings import Statement, Surroundings, allow

"""The stage of a promotion that changes what serves."""


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
        arn = s.arn("codepipeline", pipeline)
        statements += [
            allow("SeePromotions", ["codepipeline:ListPipelineExecutions"], [arn]),
            allow("FallBack", ["codepipeline:RollbackStage"], [f"{arn}/{DEPLOY_STAGE}"]),
        ]
    if stop_function:
        arn = s.arn("lambda", f"function:{stop_function}")
        statements.append(allow("Stop", ["lambda:InvokeFunction"], [arn]))
    return statements
