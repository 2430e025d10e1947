"""`python -m mlzone_runtime.release trial|deploy|verify release.json`: a promotion's steps.

Settings come from the environment of the CodeBuild project; each step puts an event on the
platform's bus, also when it fails. Exit code 0: done; 1: not done, and the last line says why.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from mlzone_runtime.handlers.platform_event import (
    EventError,
    LifeCycleEvent,
    ModelScope,
    announce,
    setting,
)
from mlzone_runtime.release.approval import ApprovalError, production_approval
from mlzone_runtime.release.captured import CapturedRequests
from mlzone_runtime.release.deploy import Deployer, DeploymentError
from mlzone_runtime.release.document import DocumentError, Release, read
from mlzone_runtime.release.hold import PARAMETER, HeldError, hold_of, let_serve_again
from mlzone_runtime.release.restore import go_back, restored
from mlzone_runtime.release.trial import (
    CHANGE,
    Rules,
    Trial,
    TrialError,
    end_trial,
    nothing_to_compare_with,
)
from mlzone_runtime.release.verify import ServiceLevel, VerificationError, Verifier
from mlzone_runtime.release.verify_batch import BatchVerifier
from mlzone_runtime.tabular_schema import parse_feature

ACTOR = "release"
RESTORED = "back_to"
"""Of a release that served before: the execution that deployed it then."""
OUTCOME = Path("outcome.txt")
"""What came of a trial, for the person who is asked next."""
LONGEST_CALL_SECONDS = 900
"""So long a function may take to prepare a batch."""


def deploy(release: Release) -> dict[str, Any]:
    """Bring the model's stacks to a release; return what is worth knowing."""
    people = {"author": release.author, "approver": release.approver}
    codepipeline = boto3.client("codepipeline")
    pipeline = setting("MLZONE_PROMOTION_PIPELINE")
    execution = setting("MLZONE_PIPELINE_EXECUTION")
    approval = None
    if action := os.environ.get("MLZONE_APPROVAL_ACTION"):
        approval = production_approval(
            codepipeline, pipeline=pipeline, execution=execution, action=action, release=release
        )
        people["production_approver"] = approval.person
    deployer = Deployer(cloudformation=boto3.client("cloudformation"))
    serving = setting("MLZONE_SERVING_STACK")
    # What an interrupted trial has left goes first: traffic shifts between like and like.
    end_trial(deployer, serving)
    shifted = {CHANGE: ""} if CHANGE in deployer.parameters(serving) else {}
    freed: dict[str, str] = {}
    if hold := hold_of(deployer.describe(serving)):
        people["serves_again_by"] = let_serve_again(
            hold,
            codepipeline,
            pipeline=pipeline,
            execution=execution,
            approval=approval,
            engineers=setting("MLZONE_ENGINEERS"),
        )
        people["was_stopped_by"] = hold.text
        freed = {PARAMETER: ""}
    results = deployer.deploy(
        {
            serving: {**release.serving_parameters(), **shifted, **freed},
            setting("MLZONE_MONITORING_STACK"): {**release.monitoring_parameters(), **freed},
        }
    )
    before = restored(codepipeline, pipeline=pipeline, execution=execution)
    return {
        **people,
        **({RESTORED: before} if before else {}),
        "changed": [result.stack for result in results if result.changed],
        "resources": sum(len(result.resources) for result in results),
    }


def trial(release: Release) -> dict[str, Any]:
    """Try a release beside the one that serves; return what was seen."""
    deployer = Deployer(cloudformation=boto3.client("cloudformation"))
    stack = setting("MLZONE_SERVING_STACK")
    end_trial(deployer, stack)
    if action := os.environ.get("MLZONE_APPROVAL_ACTION"):
        # In an A/B test it answers customers: only once a person has let it in.
        production_approval(
            boto3.client("codepipeline"),
            pipeline=setting("MLZONE_PROMOTION_PIPELINE"),
            execution=setting("MLZONE_PIPELINE_EXECUTION"),
            action=action,
            release=release,
        )
    if reason := nothing_to_compare_with(deployer.describe(stack), release):
        return _told(reason, {"skipped": reason})
    rules = Rules.of_environment(_level())
    outcome = Trial(
        release=release,
        stack=stack,
        endpoint=setting("MLZONE_ENDPOINT"),
        champion=setting("MLZONE_CHAMPION"),
        deployer=deployer,
        cloudwatch=boto3.client("cloudwatch"),
        captured=lambda since: CapturedRequests(
            s3=boto3.client("s3"),
            uri=setting("MLZONE_REQUESTS_URI"),
            since=since,
            features=tuple(parse_feature(item) for item in release.features),
        ),
    ).run(rules)
    return _told(outcome.text(rules), outcome.facts(rules))


def _told(outcome: str, facts: dict[str, Any]) -> dict[str, Any]:
    """Leave it where the pipeline finds it, for whoever is asked."""
    print(outcome)  # noqa: T201
    OUTCOME.write_text(outcome, encoding="utf-8")
    return facts


def _level() -> ServiceLevel:
    return ServiceLevel(
        p95_latency_ms=float(setting("MLZONE_P95_LATENCY_MS")),
        error_rate_percent=float(setting("MLZONE_ERROR_RATE_PERCENT")),
    )


def verify(release: Release) -> dict[str, Any]:
    """Hold the deployed release to its promises; return what was measured."""
    if function := os.environ.get("MLZONE_BATCH_FUNCTION"):
        return BatchVerifier(
            function=function,
            release=release,
            token=setting("MLZONE_PIPELINE_EXECUTION"),
            functions=boto3.client("lambda", config=Config(read_timeout=LONGEST_CALL_SECONDS)),
            sagemaker=boto3.client("sagemaker"),
        ).verify()
    level = _level()
    verifier = Verifier(
        endpoint=setting("MLZONE_ENDPOINT"),
        release=release,
        sagemaker=boto3.client("sagemaker"),
        runtime=boto3.client("sagemaker-runtime"),
    )
    measured = verifier.verify(level, int(setting("MLZONE_REQUESTS")))
    return {"endpoint": verifier.endpoint, **measured.facts(level)}


FAILURES = (
    ApprovalError,
    BotoCoreError,
    ClientError,
    DeploymentError,
    HeldError,
    TrialError,
    VerificationError,
)
"""What the platform's bus hears of."""

FAILED = {"trial": "Release Refused"}
"""The event of a step's failure, where that is no failed change: what served serves on."""

STEPS = {
    "trial": (trial, "Release Tried"),
    "deploy": (deploy, "Release Deployed"),
    "verify": (verify, "Release Validated"),
}
"""The steps, each with the event of its success."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one step."""
    parser = argparse.ArgumentParser(prog="python -m mlzone_runtime.release", description=__doc__)
    parser.add_argument("step", choices=sorted(STEPS))
    parser.add_argument("document", type=Path, help="the release document, release.json")
    options = parser.parse_args(arguments)
    step, kind = STEPS[options.step]
    try:
        release = read(options.document)
        scope = ModelScope.from_environment()
    except (DocumentError, EventError) as error:
        return _failed(str(error))
    print(f"{options.step} release {release.release} of {scope.model} in {scope.environment}")  # noqa: T201
    try:
        facts = step(release)
        _tell(scope, release, "Release Restored" if RESTORED in facts else kind, facts)
    except FAILURES as error:
        way_back = _way_back(options.step)
        failure = {"step": options.step, "reason": str(error), **way_back}
        _tell(scope, release, FAILED.get(options.step, "Release Failed"), failure)
        return _failed(f"{error}{_said(way_back)}")
    except EventError as error:
        return _failed(str(error))
    return 0


def _way_back(step: str) -> dict[str, str]:
    """Let the release before come back, if one that serves in production failed its verification.

    Only production's verification knows the promotion; what staging refused may be looked at there.
    """
    pipeline = os.environ.get("MLZONE_PROMOTION_PIPELINE")
    if step != "verify" or not pipeline:
        return {}
    return go_back(
        boto3.client("codepipeline"),
        pipeline=pipeline,
        execution=os.environ.get("MLZONE_PIPELINE_EXECUTION", ""),
    )


def _said(way_back: Mapping[str, str]) -> str:
    if stays := way_back.get("stays"):
        return f"; it serves on, for the release before cannot come back: {stays}"
    if execution := way_back.get("restored_by"):
        return f"; execution {execution} brings the release before back"
    return ""


def _tell(scope: ModelScope, release: Release, kind: str, facts: Mapping[str, Any]) -> None:
    announce(
        LifeCycleEvent(
            kind=kind,
            scope=scope,
            actor=ACTOR,
            model_package_arn=release.model_package_arn,
            release=release.release,
            pipeline_execution=os.environ.get("MLZONE_PIPELINE_EXECUTION", ""),
            facts=facts,
        )
    )


def _failed(reason: str) -> int:
    print(f"error: {reason}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())
