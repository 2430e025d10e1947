"""What a build of the pipeline knows: its credentials, its pipeline, who began it."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from mlzone.change_policy import bootstrap_role
from mlzone.errors import ConfigError, LandingZoneError

_SESSION = "environment-pipeline"
_VARIABLES = {"execution": "MLZONE_PIPELINE_EXECUTION", "author": "MLZONE_AUTHOR"}


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The execution of the pipeline that a build belongs to."""

    pipeline: str
    execution: str
    author: str
    """Who pushed the commit, as the source provider saw it."""


def credentials() -> Mapping[str, str]:
    """Return the AWS settings of this shell, for the CDK's command line."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}


def execution(pipeline: str) -> Execution:
    """Return the execution that the pipeline has told this build of.

    Raises:
        ConfigError: this is no build of the pipeline.
    """
    told = {name: os.environ.get(variable, "") for name, variable in _VARIABLES.items()}
    missing = [_VARIABLES[name] for name, value in told.items() if not value]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} must say which execution of {pipeline} this is",
            hint="the pipeline sets it; by hand, deploy with `mlzone deploy`",
        )
    author = told["author"].rpartition("/")[2]
    return Execution(pipeline=pipeline, execution=told["execution"], author=author)


def stacks_client(account: str, region: str, *, purpose: str = "deploy") -> Any:
    """Return a client of CloudFormation in an environment.

    Args:
        account: the environment's account.
        region: its Region.
        purpose: which role of the bootstrap is taken: `deploy`, or `lookup` to only read.

    Raises:
        LandingZoneError: this build may not take that role.
    """
    role = bootstrap_role(purpose, account, region)
    try:
        sts = boto3.client("sts")
        taken = sts.assume_role(
            RoleArn=f"arn:{partition()}:iam::{account}:role/{role}", RoleSessionName=_SESSION
        )["Credentials"]
    except (BotoCoreError, ClientError) as error:
        raise LandingZoneError(
            f"{role} cannot be taken: {error}",
            hint="a build of the pipeline may take it in its own environment's account alone",
        ) from error
    return boto3.client(
        "cloudformation",
        region_name=region,
        aws_access_key_id=taken["AccessKeyId"],
        aws_secret_access_key=taken["SecretAccessKey"],
        aws_session_token=taken["SessionToken"],
    )


def partition() -> str:
    """Return the partition that the credentials of this build belong to."""
    return str(boto3.client("sts").get_caller_identity()["Arn"].split(":")[1])


def last_deployed(pipeline: str) -> str | None:
    """Return the commit of the pipeline's last execution that went through; None if none has."""
    pages = _pages("list_pipeline_executions", pipelineName=pipeline)
    found = [
        item
        for page in pages
        for item in page["pipelineExecutionSummaries"]
        if item["status"] == "Succeeded" and item.get("sourceRevisions")
    ]
    latest = max(found, key=lambda item: item["startTime"], default=None)
    return str(latest["sourceRevisions"][0]["revisionId"]) if latest else None


def actions(of: Execution) -> list[dict[str, Any]]:
    """Return the actions of an execution, as CodePipeline lists them."""
    pages = _pages(
        "list_action_executions",
        pipelineName=of.pipeline,
        filter={"pipelineExecutionId": of.execution},
    )
    return [item for page in pages for item in page["actionExecutionDetails"]]


def _pages(operation: str, **arguments: Any) -> list[dict[str, Any]]:
    try:
        client = boto3.client("codepipeline")
        return list(client.get_paginator(operation).paginate(**arguments))
    except (BotoCoreError, ClientError) as error:
        raise LandingZoneError(
            f"the pipeline {arguments['pipelineName']} cannot be read: {error}",
            hint="this needs credentials of the shared-services account in the environment",
        ) from error
