"""Train and register: `python -m delivery.build`, the command of `buildspec-train.yml`.

Reads the delivery parameter, uploads code and data under their hashes, writes the pipeline and
runs it to its end. Exit code 0: a version waits for approval; 1: it does not, and why.
"""

import os
import signal
import sys
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from delivery import bundle, compiling, container, execution, parameter, tracking
from delivery.bundle import Bundle
from delivery.parameter import BuildError

_SPARE_SECONDS = 1800
_JOBS_IN_A_ROW = 3


def talk(line: str) -> None:
    """Print a line at once: people watch the build."""
    print(line, flush=True)


def origin(environment: dict[str, str]) -> dict[str, str]:
    """Return the pipeline's parameters: who wants the version, from what, and why.

    Args:
        environment: MLZONE_AUTHOR is a name or the ARN of an assumed-role session.
    """
    return {
        "Author": environment.get("MLZONE_AUTHOR", "").rpartition("/")[2] or "unknown",
        "Commit": environment.get("CODEBUILD_RESOLVED_SOURCE_VERSION") or "unknown",
        "Trigger": environment.get("MLZONE_TRIGGER") or "commit",
    }


def read_parameter(session: Any) -> dict[str, Any]:
    """Return the delivery parameter that MLZONE_DELIVERY_PARAMETER names.

    Raises:
        BuildError: the variable is not set, or the parameter is not what the schema says.
    """
    name = os.environ.get("MLZONE_DELIVERY_PARAMETER")
    if not name:
        raise BuildError("MLZONE_DELIVERY_PARAMETER is not set; the platform's build sets it")
    return parameter.parse(session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"])


def upload(client: Any, delivery: dict[str, Any], files: Bundle) -> None:
    """Put a bundle where the jobs read it; what lies there already has the same content."""
    bucket, prefix = delivery["artifacts"]["bucket"], delivery["artifacts"]["prefix"]
    for name, content in files.files.items():
        client.put_object(
            Bucket=bucket,
            Key=f"{prefix}/{files.key}/{name}",
            Body=content,
            ServerSideEncryption="aws:kms",
            SSEKMSKeyId=delivery["keys"]["output"],
        )


def build() -> None:
    """Train and register one version.

    Raises:
        BuildError: no version was registered.
    """
    session = boto3.Session()
    delivery = read_parameter(session)
    session = boto3.Session(region_name=delivery["region"])
    run = tracking.Run(session, os.environ, talk)
    run.begin(delivery, origin(dict(os.environ)))
    try:
        version = train(session, delivery, run)
    except (BuildError, BotoCoreError, ClientError) as error:
        run.failed(str(error))
        raise
    run.registered(version)
    talk(f"registered {version}; it waits for approval")


def train(session: Any, delivery: dict[str, Any], run: tracking.Run) -> str:
    """Bring the pipeline up to date and run it to its end; return the version's ARN.

    Raises:
        BuildError: no version was registered.
    """
    code = bundle.code(delivery)
    sources = compiling.Sources(
        delivery=delivery,
        images=container.pinned(session, delivery, code),
        code=code,
        data=bundle.data(),
        model=bundle.model(),
    )
    run.describe(sources)
    definition = compiling.definition(sources)
    talk(f"definition complete: {len(definition)} bytes, no gap")
    for files in sources.bundles:
        upload(session.client("s3"), delivery, files)
        talk(f"uploaded {sources.uri(files)}")
    client = session.client("sagemaker")
    done = execution.upsert(client, delivery, definition)
    talk(f"pipeline {delivery['pipeline']['name']} {done}")
    tracked = {"MlflowApp": run.arn, "MlflowRun": run.id}
    arn = execution.start(client, delivery, origin(dict(os.environ)) | tracked)
    talk(f"execution {arn}")
    run.started(arn)
    limit = _JOBS_IN_A_ROW * delivery["compute"]["max_runtime_seconds"] + _SPARE_SECONDS
    try:
        status = execution.follow(client, arn, talk, limit)
    except KeyboardInterrupt:
        execution.stop(client, arn)
        raise BuildError("interrupted; the pipeline is stopped") from None
    run.evaluated(client, arn)
    if status != "Succeeded":
        reasons = execution.reasons(client, session.client("logs"), arn)
        raise BuildError(f"the pipeline {status.lower()}\n" + "\n".join(reasons))
    return execution.registered(client, arn)


def main() -> int:
    """Run the build; return the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        build()
    except (BuildError, BotoCoreError, ClientError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
